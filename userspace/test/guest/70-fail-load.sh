#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# Modules load and unload while everything fails that can, one after the other.

. /test/lib.sh
. /test/faults.sh

faults_in_modules
in_turn load cnx
in_turn load cnx pool_depth=0
in_turn unload cnx
insmod /ko/cnx.ko
for module in cnx_echo cnx_ticker cnx_sleeper cnx_stress cnx_procevents cnx_test_traffic cnx_test_namespaces; do
	in_turn load $module
	in_turn unload $module
done
rmmod cnx
# Whoever makes threads for cnx does so with all that belongs to it.
faults_anywhere
in_turn load-thread cnx "$(task kthreadd)"
done_testing
