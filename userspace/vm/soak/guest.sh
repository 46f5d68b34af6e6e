#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 1000000
# What `make soak` runs: rounds of cnx stress, as the kernel's command line says it, with cnx_soak=SECONDS:ROUND:MIX:SEED.
# After each, once all has come to rest, a line of JSON says what the round came to, and one what the kernel holds.
words=$(sed -n 's/.*\bcnx_soak=\([0-9]*:[0-9]*:[a-z,]*:[0-9]*\).*/\1/p' /proc/cmdline)
IFS=: read -r seconds round mix seed <<-WORDS
	$words
WORDS

meminfo() {
	sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo
}

# objects SLAB...: how many objects of these slabs are in use. One that shares its slab with others is not there.
objects() {
	sum=0
	for slab in "$@"; do
		sum=$((sum + $(awk -v slab="$slab" '$1 == slab { active = $2 } END { print active + 0 }' /proc/slabinfo)))
	done
	echo $sum
}

# What is freed after a grace period is freed, and what is only cached is given back.
settle() {
	sleep 3
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 2
	echo 3 >/proc/sys/vm/drop_caches
}

sample() {
	echo "soak sample {\"available_kib\":$(meminfo MemAvailable),\"slab_kib\":$(meminfo Slab)," \
		"\"unreclaimable_kib\":$(meminfo SUnreclaim),\"percpu_kib\":$(meminfo Percpu)," \
		"\"vmalloc_kib\":$(meminfo VmallocUsed),\"skbs\":$(objects skbuff_head_cache skbuff_fclone_cache skbuff_small_head)," \
		"\"callbacks\":$(cnx list -j | tr '{' '\n' | grep -c '"name"')," \
		"\"namespaces\":$(objects net_namespace)}"
}

cnx load echo stress || exit
settle
sample
ends=$(($(cut -d. -f1 /proc/uptime) + seconds))
number=0
worst=0
while [ "$(cut -d. -f1 /proc/uptime)" -lt $ends ]; do
	echo "soak round $(cnx stress --mix "$mix" --time "$round" --seed $((seed + number)) --watchdog 120 -j)"
	number=$((number + 1))
	settle
	sample
	echo "soak counters $(cnx stats -j)"
done
cnx unload echo stress cnx || worst=1
exit $worst
