#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# Drivers that unload while messages fly.
insmod /ko/cnx.ko && exec test_unload
