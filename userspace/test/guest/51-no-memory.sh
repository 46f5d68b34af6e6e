#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cnx without memory: clear errors, nothing lost, nothing left behind.

. /test/lib.sh

insmod /ko/cnx.ko
check "the test module loads" insmod /ko/cnx_test_no_memory.ko
results=$(cat /proc/cnx_test_no_memory)
echo "$results" | sed -n 's/^#/#/p'
# The module's results, one by one, under this script's own numbers.
while read -r verdict rest; do
	case $verdict in
	ok) result 0 "${rest#* - }" ;;
	not) result 1 "${rest#* - }" ;;
	esac
done <<END
$results
END
expect "the module ran its tests to the end" "1..$((tests_run - 1))" "$(echo "$results" | tail -n 1)"
check "what had no memory is counted" sh -c "cnx stats | grep -q 'lost_no_memory  *[1-9]'"
rmmod cnx_test_no_memory
rmmod cnx
done_testing
