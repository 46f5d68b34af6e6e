#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
# What a driver gets, tried from inside the kernel: the report of kernel/test/ is this script's.
insmod /ko/cnx.ko && insmod /ko/cnx_test.ko && exec cat /proc/cnx_test
