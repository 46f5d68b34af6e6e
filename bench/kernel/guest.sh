#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# cnx and the kernel's own connector, side by side: bench_kernel prints a line of JSON for each measurement.
# The kernel's command line says how it is timed, as cnx_bench=MODE or cnx_bench=MODE,brief.
mode=$(sed -n 's/.*\bcnx_bench=\([a-z,]*\).*/\1/p' /proc/cmdline)
[ "${mode%,*}" = icount ] && nanoseconds=0 || nanoseconds=1
[ "${mode#*,}" = "$mode" ] && brief= || brief=${mode#*,}
insmod /ko/cnx.ko && insmod /ko/cnx_bench.ko nanoseconds=$nanoseconds && exec bench_kernel "${mode%,*}" $brief
