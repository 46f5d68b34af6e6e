#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A guest that never ends.
# timeout: 1000
while :; do sleep 10; done
