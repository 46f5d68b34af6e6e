#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# cnx and the kernel's own connector, side by side: bench_kernel prints a line of JSON for each measurement.
insmod /ko/cnx.ko && insmod /ko/cnx_bench.ko && exec bench_kernel
