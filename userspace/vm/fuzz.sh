#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90000
# What `make fuzz-kernel` runs: fuzz_kernel for as long as the kernel's command line says, with cnx_fuzz=TIME:SEED.
words=$(sed -n 's/.*\bcnx_fuzz=\([0-9]*:[0-9]*\).*/\1/p' /proc/cmdline)
seed=${words#*:}
insmod /ko/cnx.ko && insmod /ko/cnx_echo.ko && insmod /ko/cnx_ticker.ko period_ms=100 && insmod /ko/cnx_sleeper.ko &&
	insmod /ko/cnx_procevents.ko || exit
# shellcheck disable=SC2086 # no word where no seed is given
exec fuzz_kernel "${words%:*}" $seed
