#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Programs that send in their network namespace while cnx comes to be there.
exec test_early_senders
