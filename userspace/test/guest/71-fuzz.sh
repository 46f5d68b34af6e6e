#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
# Datagrams that nobody would send, for a minute, with a driver of each kind there to get them. The seed is always the
# same, so that a machine in a hurry does what others do, only less of it; make fuzz-kernel has others, and more time.
insmod /ko/cnx.ko && insmod /ko/cnx_echo.ko && insmod /ko/cnx_ticker.ko period_ms=100 && insmod /ko/cnx_sleeper.ko &&
	insmod /ko/cnx_procevents.ko && exec fuzz_kernel 60 7
