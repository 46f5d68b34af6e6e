#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
# cnx stress and the driver that it commands: each scenario for a moment, and what must be refused.

. /test/lib.sh

chmod 755 /bin/cnx

says() {
	result "$(echo "$said" | grep -q -- "$2"; echo $?)" "$1"
}

scenarios="senders listeners slow churn malformed netns reload hotplug memory"

ends "without the module stress says so" 3 cnx stress senders
says "and names the remedy" "cnx load"
ends "cnx loads" 0 cnx load cnx
ends "without the driver stress says so" 3 cnx stress senders
says "and names the remedy, too" "cnx load stress"
ends "the driver loads" 0 cnx load stress

ends "no scenario is wrong usage" 2 cnx stress
says "with the way to name one" "--mix all"
ends "an unknown scenario is wrong usage" 2 cnx stress tsunami
says "and is named" "'tsunami'"
ends "an empty name is wrong usage" 2 cnx stress --mix senders,,churn
for option in "--time 0" "--time -1" "--time soon" "--time 1e9" "--count 0" "--count -5" "--count many" "--seed -1" \
	"--seed x" "--seed 18446744073709551616" "--watchdog 0" "--frobnicate"; do
	# shellcheck disable=SC2086 # an option and its value
	ends "wrong usage: $option" 2 cnx stress senders $option
done
ends "wrong usage is JSON under -j" 2 cnx stress tsunami -j
says "with its errno" '"errno":22'

ends "the scenarios are listed" 0 cnx stress --list
expect "all of them" "$scenarios" "$(echo "$said" | cut -d' ' -f1 | tr '\n' ' ' | sed 's/ $//')"
ends "the list is JSON under -j" 0 cnx stress --list -j
says "with what each is about" '"name":"churn","about":"'
ends "a disk that is full is reported" 1 sh -c "cnx stress --list >/dev/full"
ends "a pipe that closes early ends it quietly" 0 sh -c "cnx stress --list | head -n 1"
expect "without a word" "senders    many senders to a callback that echoes; every reply is checked" "$said"
ends "help has an example" 0 cnx help stress
says "with all scenarios" "cnx stress --mix all"

for scenario in $scenarios; do
	ends "$scenario, alone" 0 cnx stress "$scenario" --time 1.5 --seed 7
	says "$scenario: its invariants held" "^$scenario  *held  *[1-9]"
	says "$scenario: memory came back" "^memory: "
done
ends "a count ends a run" 0 cnx stress senders listeners --count 3000 --seed 7 -j
says "with the result" '"seed":7,.*"result":"held","interrupted":false'
says "and the command that repeats it" '"reproduce":"cnx stress --mix senders,listeners --count 3000 --seed 7"'
ends "all together" 0 cnx stress --mix all --time 6
says "hold" "^result: all invariants held"
expect "and each of them ran" 9 "$(echo "$said" | grep -c ' held ')"
expect "all CPUs are back" "$(cat /sys/devices/system/cpu/present)" "$(cat /sys/devices/system/cpu/online)"
expect "no callback is left behind" "" "$(cnx list | grep '^36:')"
expect "and no driver that was not there" "" "$(grep '^cnx_echo ' /proc/modules)"

ends "progress is told where there is no terminal" 0 cnx stress senders --time 6 --verbose
says "with the rate and the time left" "cnx: [0-9]* s, [0-9]* messages, [0-9]*/s, [0-9]* s left"

# A machine that cannot do something.
mount -t tmpfs none /sys/devices/system/cpu
ends "a scenario that the machine cannot run is an error, alone" 1 cnx stress hotplug --time 1
says "with the reason" "no CPU can be switched off"
ends "and is skipped among others" 0 cnx stress --mix senders,hotplug --time 1
says "by name" "^hotplug  *skipped  *no CPU can be switched off"
ends "which JSON tells, too" 0 cnx stress --mix senders,hotplug --time 1 -j
says "as skipped, not as held" '"name":"hotplug","result":"skipped","reason":"no CPU'
umount /sys/devices/system/cpu

# Broken promises.
ends "broken promises are found" 0 cnx stress --self-test
says "a loss that nobody counted" "^ok  *a number is not sent: found broken: sent = received + counted lost"
says "an order that changed" "^ok  *two numbers change places: found broken: order per sender"
says "a reply that went astray" "^ok  *a reply goes to another socket: found broken: no reply to the wrong portid"
says "and nothing where nothing is wrong" "^ok  *nothing is wrong: found broken: nothing"

# Ends that come from outside.
cnx stress senders listeners --time 50 >/tmp/report 2>&1 &
run=$!
sleep 2
kill -INT $run
wait $run
expect "Ctrl-C ends a run" 0 $?
match "with the report so far" "^senders  *held  *[1-9][0-9]* asked" "$(cat /tmp/report)"
match "that says so" "interrupted; all invariants held so far" "$(cat /tmp/report)"
cnx stress senders listeners --time 50 -j >/tmp/report 2>&1 &
run=$!
sleep 2
cnx unload stress
wait $run
expect "a driver that goes away ends a run" 1 $?
match "and is told" '"result":"broken"' "$(cat /tmp/report)"
ends "it comes back" 0 cnx load stress
cnx stress listeners churn --time 50 >/tmp/report 2>&1 &
run=$!
sleep 2
kill -KILL $run
wait $run
ends "what a killed run left behind is stopped when the driver goes" 0 cnx unload stress
expect "with all that it registered" "" "$(cnx list | grep '^3[56]:')"
ends "it comes back, once more" 0 cnx load stress

# The driver's own checks: commands in hexadecimal, little-endian.
le16() { printf '%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)); }
le32() { printf '%s%s' "$(le16 $(($1 & 65535)))" "$(le16 $(($1 >> 16 & 65535)))"; }
# head OP JOB
head_of() { printf '%s%s%s' "$(le16 1)" "$(le16 "$1")" "$(le32 "$2")"; }
# burst PORTID GROUP THREADS FLAGS SIZE BATCH RATE TIME
burst() {
	head_of 1 0
	le32 "$1" && le32 "$2" && le32 "$3" && le32 "$4" && le32 10 && le32 0
	le32 "$5" && le32 "$6" && le32 "$7" && le32 "$8"
}
# churn FIRST IDS THREADS TIME RESERVED
churn() {
	head_of 2 0
	le32 "$1" && le32 "$2" && le32 "$3" && le32 "$4" && le32 1 && le32 "$5"
}
# refuses NAME ERRNO HEX
refuses() {
	ends "the driver refuses $1" 1 cnx send 35:1 --hex "$3" -j
	says "$1: errno $2" "\"errno\":$2[,}]"
}
refuses "a command that is too short" 74 00
refuses "another version" 74 0200030000000000
refuses "an op that is not there" 95 "$(head_of 99 0)"
refuses "a report that is too long" 74 "$(head_of 3 0)00"
refuses "a burst that is too short" 74 "$(head_of 1 0)"
refuses "a job that is not there" 2 "$(head_of 3 4711)"
refuses "to stop a job that is not there" 2 "$(head_of 4 0)"
refuses "a burst to nobody" 22 "$(burst 0 0 1 0 24 1 0 100)"
refuses "a burst to both" 22 "$(burst 1 35 1 0 24 1 0 100)"
refuses "a burst to cnx's own group" 22 "$(burst 0 0xffffffff 1 0 24 1 0 100)"
refuses "a burst of no thread" 22 "$(burst 0 35 0 0 24 1 0 100)"
refuses "a burst of too many threads" 22 "$(burst 0 35 17 0 24 1 0 100)"
refuses "an unknown flag" 22 "$(burst 0 35 1 2 24 1 0 100)"
refuses "a group without loss" 22 "$(burst 0 35 1 1 24 1 0 100)"
refuses "a payload that is too small" 22 "$(burst 0 35 1 0 23 1 0 100)"
refuses "a payload that is too large" 22 "$(burst 0 35 1 0 16365 1 0 100)"
refuses "a batch of nothing" 22 "$(burst 0 35 1 0 24 0 0 100)"
refuses "a batch of too many" 22 "$(burst 0 35 1 0 24 257 0 100)"
refuses "a batch of too many bytes" 22 "$(burst 0 35 1 0 16364 4 0 100)"
refuses "a rate that is absurd" 22 "$(burst 0 35 1 0 24 1 10000001 100)"
refuses "a time that is absurd" 22 "$(burst 0 35 1 0 24 1 0 86400001)"
refuses "churn from val 0 on" 22 "$(churn 0 4 1 100 0)"
refuses "churn of nothing" 22 "$(churn 1 0 1 100 0)"
refuses "churn of too many" 22 "$(churn 1 4097 1 100 0)"
refuses "churn beyond the range" 22 "$(churn 4096 2 1 100 0)"
refuses "churn beyond what 32 bits hold" 22 "$(churn 0xffffffff 2 1 100 0)"
refuses "churn of more threads than ids" 22 "$(churn 1 2 3 100 0)"
refuses "churn with a word that is reserved" 22 "$(churn 1 2 1 100 1)"
refuses "a fault that is not there" 22 "$(head_of 5 0)$(le32 9)$(le32 0)"
refuses "a reply that is sent astray to nobody" 22 "$(head_of 5 0)$(le32 3)$(le32 0)"
refuses "a fault of a job that is not there" 2 "$(head_of 5 4711)$(le32 1)$(le32 0)"
ends "a message for the bursts' own id is refused" 1 cnx send 35:4 hello
started=0
while [ $started -lt 17 ] && cnx send 35:1 --hex "$(burst 0 35 1 0 24 1 10 60000)" >/dev/null 2>&1; do
	started=$((started + 1))
done
expect "there is room for sixteen jobs" 16 $started
ends "which a full driver says" 1 cnx stress listeners --time 1
says "with the reason" "errno 28"
ends "unloading ends them" 0 cnx unload stress
ends "it loads again" 0 cnx load stress

ends "a user without rights may not" 4 su -s /bin/sh nobody -c "cnx stress senders"
says "and is told why" "CAP_NET_ADMIN"
ends "nor command the driver" 4 su -s /bin/sh nobody -c "cnx send 35:1 --hex $(head_of 3 0)"
ends "but may look at the list" 0 su -s /bin/sh nobody -c "cnx stress --list"
ends "all goes" 0 cnx unload stress cnx
done_testing
