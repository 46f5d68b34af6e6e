#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The pool of ready skbs: its parameters, takers in every context, CPUs that come and go, and a kernel short of memory.

. /test/lib.sh

# pool COUNTER: its sum over all CPUs.
pool() {
	cnx stats | awk -v name="pool_$1" '$1 == name { print $2 }'
}

# taken: skbs that senders took from either place. The look itself takes four, for its answers, three of them afterwards.
taken() {
	cnx stats | awk '$1 == "pool_hits" || $1 == "pool_fallbacks" { sum += $2 } END { print sum }'
}

# hammer: lets the takers run, and checks that each send took one skb from one place, but for those that
# were not let wait.
hammer() {
	before=$(taken)
	sends=$(cat /proc/cnx_test_pool)
	after=$(taken)
	count() { echo "$sends" | awk -v who="$1" '$1 == who { print $2 }'; }
	for who in thread softirq hardirq; do
		check "$1: sends from a $who" test "$(count $who)" -gt 0
	done
	expect "$1: none from elsewhere" 0 "$(count elsewhere)"
	expect "$1: all of them end as they should" 0 "$(count wrong)"
	expect "$1: each takes one skb" $(($(count thread) + $(count softirq) + $(count hardirq) - $(count crowded_out) + 4)) $((after - before))
}

for parameters in pool_depth=1025 pool_depth=4294967295 pool_bytes=3777 pool_bytes=4294967295; do
	refuse "$parameters is refused" insmod /ko/cnx.ko $parameters
	match "$parameters: the sentence says what is right" 'cnx: pool_depth=.* is not a pool: use 0 to 1024 skbs of 0 to 3776 bytes' \
		"$(dmesg | tail -n 3)"
done
refuse "pool_depth=many is refused" insmod /ko/cnx.ko pool_depth=many
for parameters in pool_depth=1024 pool_depth=1 pool_bytes=1 pool_bytes=3776; do
	check "$parameters is taken" insmod /ko/cnx.ko $parameters
	rmmod cnx
done

check "without a pool, cnx loads" insmod /ko/cnx.ko pool_depth=0
insmod /ko/cnx_test_pool.ko
hammer "without a pool"
expect "without a pool, nothing is ready" "0 0" "$(pool hits) $(pool refills)"
rmmod cnx_test_pool
rmmod cnx

insmod /ko/cnx.ko
insmod /ko/cnx_test_pool.ko
check "the pool is filled at load" test "$(pool refills)" -ge 128
hammer "with a pool"
check "ready skbs were taken" test "$(pool hits)" -gt 64
check "and made anew" test "$(pool refills)" -gt 192

cpu=/sys/devices/system/cpu/cpu1/online
if [ -w $cpu ]; then
	(
		for _ in 1 2 3 4 5 6; do
			echo 0 >$cpu
			sleep 0.1
			echo 1 >$cpu
			sleep 0.1
		done
	) &
	hammer "while a CPU goes and comes"
	wait $!
	check "the CPU is back" grep -qx 1 $cpu
	hits=$(pool hits)
	hammer "after it"
	check "and ready skbs are taken again" test "$(pool hits)" -gt $((hits + 64))
else
	skip "while a CPU goes and comes" "there is one CPU"
fi

refills=$(pool refills)
sync
echo 2 >/proc/sys/vm/drop_caches
hammer "after a shortage of memory"
check "the pool was emptied for it, and filled again" test "$(pool refills)" -gt "$refills"

cat /proc/cnx_test_pool >/dev/null
rmmod cnx_test_pool
check "cnx unloads with a full pool" rmmod cnx
done_testing
