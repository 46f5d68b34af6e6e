#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cnx without memory: clear errors, nothing lost, nothing left behind; and sends that need none while skbs are ready.

. /test/lib.sh

# module_tests PARAMETER: the module's results, one by one, under this script's own numbers.
module_tests() {
	check "the test module loads" insmod /ko/cnx_test_no_memory.ko "$1"
	module_before=$tests_run
	results=$(cat /proc/cnx_test_no_memory)
	echo "$results" | sed -n 's/^#/#/p'
	while read -r verdict rest; do
		case $verdict in
		ok) result 0 "${rest#* - }" ;;
		not) result 1 "${rest#* - }" ;;
		esac
	done <<END
$results
END
	expect "the module ran its tests to the end" "1..$((tests_run - module_before))" "$(echo "$results" | tail -n 1)"
	rmmod cnx_test_no_memory
}

insmod /ko/cnx.ko pool_depth=0
module_tests pool=0
check "what had no memory is counted" sh -c "cnx stats | grep -q 'lost_no_memory  *[1-9]'"
rmmod cnx

insmod /ko/cnx.ko pool_depth=8
module_tests pool=8
check "what had no memory is counted, with a pool" sh -c "cnx stats | grep -q 'lost_no_memory  *[1-9]'"
rmmod cnx
done_testing
