#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
# A CPU goes and comes while each of the kernel's steps fails once, cnx's own among them, and each allocation in that.

. /test/lib.sh
. /test/faults.sh

cpu=/sys/devices/system/cpu/cpu1
fail=$cpu/hotplug/fail
if [ ! -w $fail ]; then
	skip "each step of CPU hotplug fails" "there is one CPU"
	done_testing
fi

pool() {
	cnx stats | awk -v name="pool_$1" '$1 == name { print $2 }'
}

# works NAME: both CPUs are there, an echo answers on each of them, and ready skbs are used on each.
works() {
	works_status=0
	grep -qx 1 $cpu/online || works_status=1
	for works_cpu in 1 2; do
		taskset $works_cpu cnx send 32:1 hello >/dev/null 2>&1 || works_status=1
	done
	result $works_status "$1"
}

# back: the CPU is online again, whatever failed on the way.
back() {
	echo -1 >$fail
	echo 1 >$cpu/online 2>/dev/null
}

# Few skbs are kept ready, so that there are few allocations to fail.
insmod /ko/cnx.ko pool_depth=2
insmod /ko/cnx_echo.ko
works "cnx works to begin with"

ours=$(sed -n 's/^ *\([0-9]*\): *cnx:online$/\1/p' /sys/devices/system/cpu/hotplug/states)
check "cnx has a step of its own" test -n "$ours"
tried=0
failed=0
passed_ours=0
broken=
while IFS=': ' read -r state name; do
	for way in 0 1; do
		back
		[ $way = 0 ] || echo 0 >$cpu/online
		# Steps that cannot fail, or that nobody has anything to do in, are refused.
		echo "$state" 2>/dev/null >$fail || continue
		tried=$((tried + 1))
		if ! echo $way 2>/dev/null >$cpu/online; then
			failed=$((failed + 1))
			[ "$state" != "$ours" ] || passed_ours=$((passed_ours + 1))
		fi
		back
		grep -qx 1 $cpu/online && taskset 2 cnx send 32:1 hello >/dev/null 2>&1 || broken="$broken $way:$state:$name"
	done
done <<END
$(sed 's/^ *//' /sys/devices/system/cpu/hotplug/states)
END
echo "# $tried steps were told to fail, and $failed times the CPU therefore did not go or come"
check "steps fail" test $failed -gt 5
expect "cnx's own fails both ways" 2 $passed_ours
expect "after each the CPU is back and cnx works on it" "" "$broken"

# The allocations of cnx's step, one after the other. It is the CPU's own thread that does it.
faults_in_modules
thread=/proc/$(task cpuhp/1)
broken=
n=0
while [ $n -lt 1000 ]; do
	n=$((n + 1))
	echo 0 >$cpu/online
	echo $n >"$thread/fail-nth"
	echo 1 >$cpu/online || broken="$broken $n"
	left=$(cat "$thread/fail-nth")
	echo 0 >"$thread/fail-nth"
	taskset 2 cnx send 32:1 hello >/dev/null 2>&1 || broken="$broken $n"
	[ "$left" = 0 ] || break
done
echo "# $((n - 1)) allocations in cnx's step failed"
check "allocations in cnx's step fail" test $n -gt 2
check "there is an end of them" test $n -lt 1000
expect "the CPU comes without them, and cnx works on it" "" "$broken"

before=$(pool refills)
echo 0 >$cpu/online
echo 1 >$cpu/online
check "its magazines are filled again" test "$(pool refills)" -gt "$before"
works "cnx works in the end"
rmmod cnx_echo
check "cnx unloads" rmmod cnx
done_testing
