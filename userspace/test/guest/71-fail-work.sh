#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# What programs and drivers ask of cnx while everything fails that can, one after the other; with ready skbs and without.

. /test/lib.sh
. /test/faults.sh

for parameters in "" pool_depth=0; do
	# shellcheck disable=SC2086 # none or one
	insmod /ko/cnx.ko $parameters
	insmod /ko/cnx_echo.ko
	faults_anywhere
	in_turn program
	insmod /ko/cnx_test_traffic.ko
	faults_in_modules
	in_turn driver
	rmmod cnx_test_traffic
	insmod /ko/cnx_procevents.ko
	in_turn procevents
	rmmod cnx_procevents
	in_turn namespace
	faults_anywhere
	rmmod cnx_echo
	rmmod cnx
done

insmod /ko/cnx.ko pool_depth=8
insmod /ko/cnx_echo.ko
in_turn refill "$(task cnx_pool)"
rmmod cnx_echo
rmmod cnx
done_testing
