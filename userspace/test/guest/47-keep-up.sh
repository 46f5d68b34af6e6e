#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 200
# cnx monitor, writing to a file, against the fastest sender that there is: what does not come in time is told exactly.

. /test/lib.sh

chmod 755 /bin/cnx
cd /tmp || exit 1

group=38
check "cnx and the stress driver load" cnx load stress

# number FIELD FILE: a member of the last document in a file.
number() {
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$2" | tail -n 1
}

# burst COUNT: has the driver send so many messages of 64 bytes to the group, 64 in a datagram, as fast as it goes.
# See struct cnx_stress_burst in cnx/stress.h.
burst() {
	cnx send 0x23:1 --hex "0100 0100 00000000 00000000 $(printf %02x $group)000000 01000000 00000000 $(
		printf '%02x%02x%02x00' $(($1 % 256)) $(($1 / 256 % 256)) $(($1 / 65536))
	)00000000 40000000 40000000 00000000 00000000"
}

# How many messages of the driver reached the listener, or did not.
fates() {
	cnx stats 0x23:4 -j >fates
	echo $(($(number sent fates) + $(number lost fates)))
}
all_sent() {
	[ "$(fates)" -ge $((before + 256000)) ]
}

for options in "" "-j" "--batches"; do
	# shellcheck disable=SC2086 # no option, or one
	cnx monitor --group $group $options >messages 2>summary &
	monitor=$!
	wait_for 20 sh -c 'cnx info -j | grep -q "\"subscriptions\": *1"'
	before=$(fates)
	check "with ${options:-no option}: the driver is told to send" burst 256000
	wait_for 60 all_sent
	# What is in the queue is shown, too.
	wait_for 60 sh -c 'size=$(wc -c <messages); sleep 1; [ "$size" = "$(wc -c <messages)" ]'
	kill -INT $monitor
	wait $monitor
	expect "with ${options:-no option}: it ends clean" 0 $?
	if [ "$options" = -j ]; then
		shown=$(number shown messages)
		missed=$(number missed messages)
		lines=$(grep -c '"event":"message"' messages)
	else
		shown=$(sed -n 's/^cnx: \([0-9]*\) shown.*/\1/p' summary)
		missed=$(sed -n 's/.* \([0-9]*\) missed in.*/\1/p' summary)
		lines=$(grep -c "group $group " messages)
	fi
	check "with ${options:-no option}: some are shown" test "${shown:-0}" -gt 0
	expect "with ${options:-no option}: all that is shown is in the file" "$shown" "$lines"
	expect "with ${options:-no option}: what is not shown was told as missed" 256000 $((${shown:-0} + ${missed:-0}))
	echo "# ${options:-no option}: $shown shown, ${missed:-0} missed"
done
check "all unloads" cnx unload stress cnx
done_testing
