#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The module's parameter, its users, and what it shows in /proc, in sysctl and to the tracer.
. /test/lib.sh

tracing=/sys/kernel/tracing

# mark, then logged: what cnx and its drivers have written to the kernel's log since.
mark() {
	log_mark="cnx-vm: mark $(cat /proc/sys/kernel/random/uuid)"
	echo "$log_mark" >/dev/kmsg
}
logged() {
	dmesg | sed "1,/$log_mark/d" | grep '^\[[^]]*\] cnx'
}

# refused_parameter VALUE SENTENCE
refused_parameter() {
	mark
	refuse "protocol=$1 is refused" insmod /ko/cnx.ko "protocol=$1"
	match "protocol=$1: the sentence says why and what to do" "$2" "$(logged)"
	expect "protocol=$1: nothing is left in /proc" "" "$(ls -d /proc/net/cnx /proc/sys/net/cnx 2>/dev/null)"
}

refused_parameter 32 'protocol=32 is not a netlink protocol number: use 1 to 31, or 0 to choose'
refused_parameter 4294967295 'is not a netlink protocol number'
# 0, NETLINK_ROUTE's number, stands for "choose"; 11 is the kernel's own connector and 16 generic netlink.
refused_parameter 11 'netlink protocol 11 is taken: use another number, or 0 to choose'
refused_parameter 16 'netlink protocol 16 is taken'
refuse "protocol=-1 is refused" insmod /ko/cnx.ko protocol=-1

mark
check "protocol=31 is taken" insmod /ko/cnx.ko protocol=31
match "protocol=31: the log says so" 'netlink protocol 31, 1024 groups' "$(logged)"
expect "protocol=31: the protocol file says so" 31 "$(cat /proc/sys/net/cnx/protocol)"
expect "protocol=31: the parameter says so" 31 "$(cat /sys/module/cnx/parameters/protocol)"
check "protocol=31: echo loads" insmod /ko/cnx_echo.ko
check "protocol=31: programs find it" test_hold echo
rmmod cnx_echo
check "protocol=31: cnx unloads" rmmod cnx
expect "unloaded, nothing is left in /proc" "" "$(ls -d /proc/net/cnx /proc/sys/net/cnx 2>/dev/null)"

check "cnx loads" insmod /ko/cnx.ko
expect "the protocol file tells the number" 28 "$(cat /proc/sys/net/cnx/protocol)"
expect "the number cannot be written" 444 "$(stat -c %a /proc/sys/net/cnx/protocol)"
expect "nobody uses it yet" 0 "$(cat /sys/module/cnx/refcnt)"
insmod /ko/cnx_echo.ko
insmod /ko/cnx_ticker.ko period_ms=60000
expect "its users are named" "cnx_ticker,cnx_echo," "$(awk '$1 == "cnx" { print $4 }' /proc/modules)"
refuse "it is not unloaded while drivers use it" rmmod cnx
check "a refused unload leaves it working" test_hold echo

expect "/proc/net/cnx has the format of /proc/net/connector" "Name            ID
cnx_control     4294967295:4294967295
echo            32:1
ticker          33:1" "$(cat /proc/net/cnx)"
expect "/proc/net/cnx has the kernel's own heading" "$(head -n 1 /proc/net/connector)" "$(head -n 1 /proc/net/cnx)"
expect "/proc/net/cnx read in small pieces is the same" "$(cat /proc/net/cnx)" "$(dd if=/proc/net/cnx bs=7 2>/dev/null)"
expect "anyone may read it" 444 "$(stat -c %a /proc/net/cnx)"

rmmod cnx_ticker
rmmod cnx_echo
test_hold socket 60 &
holder=$!
wait_for 10 grep -qx 1 /sys/module/cnx/refcnt
expect "an open socket is a user" 1 "$(cat /sys/module/cnx/refcnt)"
refuse "it is not unloaded while a socket is open" rmmod cnx
match "the program that holds it can be found" "^[0-9a-f]+ +28 " "$(cat /proc/net/netlink)"
kill $holder
wait $holder 2>/dev/null
check "it unloads when the socket has closed" wait_for 10 rmmod cnx

insmod /ko/cnx.ko
for parameters in period_ms=0 period_ms=60001 batch=0 batch=65 wait_us=1000001; do
	mark
	refuse "ticker: $parameters is refused" insmod /ko/cnx_ticker.ko $parameters
	match "ticker: $parameters: the sentence says what is right" 'period_ms must be 1 to 60000, batch 1 to 64 and wait_us 0 to 1000000' "$(logged)"
done
rmmod cnx

insmod /ko/cnx.ko
for event in register unregister receive send drop; do
	check "tracepoint cnx_$event" test -e $tracing/events/cnx/cnx_$event/enable
done
echo >$tracing/trace
echo 1 >$tracing/events/cnx/enable
insmod /ko/cnx_echo.ko
test_hold echo
test_hold unknown
test_hold truncated
rmmod cnx_echo
echo 0 >$tracing/events/cnx/enable
trace=$(cat $tracing/trace)
match "a registration is traced" 'cnx_register: id=32:1 name=echo' "$trace"
match "a message received is traced" 'cnx_receive: id=32:1 portid=[1-9][0-9]* length=5 status=0' "$trace"
match "a message sent is traced" 'cnx_send: id=32:1 portid=[1-9][0-9]* group=0 messages=1 status=0' "$trace"
match "a drop is traced with its reason" 'cnx_drop: reason=unknown_id' "$trace"
match "a datagram cut short is traced as a drop, too" 'cnx_drop: reason=truncated' "$trace"
match "the end of a registration is traced" 'cnx_unregister: id=32:1 name=echo' "$trace"
echo >$tracing/trace
insmod /ko/cnx_echo.ko
rmmod cnx_echo
expect "switched off, nothing is traced" "" "$(grep cnx_ $tracing/trace)"
check "cnx unloads after tracing" rmmod cnx
done_testing
