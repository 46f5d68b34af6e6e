#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cnx monitor: what it selects, what it follows, and what it says of loss.

. /test/lib.sh

chmod 755 /bin/cnx
cd /tmp || exit 1

check "cnx loads" cnx load
said=$(cnx monitor --timeout 1 2>&1)
expect "without any callback there is nothing to listen to" 1 $?
match "and --follow is named" "wait with --follow" "$said"
cnx monitor --follow --count 3 --timeout 60 >followed 2>&1 &
monitor=$!
sleep 1
check "a driver comes later" cnx load ticker period_ms=20
wait $monitor
expect "its messages are followed" 0 $?
match "its coming is shown" "control registered 33:1 ticker" "$(cat followed)"
expect "and does not count" 3 "$(grep -c 'group 33 33:1' followed)"

cnx monitor --follow -j >followed &
monitor=$!
wait_for 20 grep -q '"event":"message"' followed
check "a driver goes" cnx unload ticker
wait_for 20 grep -q '"event":"unregistered","seq":[0-9]*,"idx":33,"val":1' followed
expect "its going is shown" 0 $?
check "and comes back" cnx load ticker period_ms=20
wait_for 20 sh -c 'sed "1,/unregistered/d" followed | grep -q "\"event\":\"message\""'
expect "and is followed again" 0 $?
kill -INT $monitor
wait $monitor
expect "Ctrl-C ends it clean" 0 $?

expect "an idx selects" 2 "$(cnx monitor --idx 33 --count 2 --timeout 20 | grep -c '33:1')"
cnx monitor --idx 33 --val 2 --count 1 --timeout 1 >/dev/null 2>&1
expect "and with it a val" 5 $?
expect "a val alone selects among all groups" 2 "$(cnx monitor --val 1 --count 2 --timeout 20 | grep -c '33:1')"
match "payloads are shown in hexadecimal where they are asked for so" "len [0-9]*: [0-9a-f]+$" "$(cnx monitor --hex --count 1 --timeout 20)"

# A file, a fast driver, and a tool that is halted: what is missed is told where and in the end.
check "a fast driver" cnx reload ticker period_ms=1 batch=64
cnx monitor --group 33 --buffer 1 >messages 2>summary &
monitor=$!
wait_for 20 test -s messages
kill -STOP $monitor
wait_for 30 sh -c 'cnx stats -j | grep -q "\"losses\": *\[{"'
kill -CONT $monitor
wait_for 20 grep -q OVERRUN messages
kill -INT $monitor
wait $monitor
expect "it ends clean" 0 $?
match "the loss is told where it was" "OVERRUN 1: missed [1-9][0-9]* messages" "$(grep OVERRUN messages | head -n 1)"
match "and summed up by callback" "^cnx: [0-9]* shown, [1-9][0-9]* missed in [0-9]* overruns?: [1-9][0-9]* of 33:1" "$(cat summary)"
shown=$(grep -c 'group 33 33:1' messages)
expect "all that is shown is in the file" "$(sed -n 's/^cnx: \([0-9]*\) shown.*/\1/p' summary)" "$shown"

missed=$(sed -n 's/.*OVERRUN [0-9]*: missed \([0-9]*\) .*/\1/p' messages | awk '{ sum += $1 } END { print sum }')
expect "the parts are the sum" "$(sed -n 's/.* \([0-9]*\) missed in.*/\1/p' summary)" "$missed"
cnx unload ticker cnx
done_testing
