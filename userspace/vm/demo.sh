#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What make demo shows: drivers and programs exchanging messages through cnx.ko, inside the VM.
# It is told as a story to someone who has never seen a connector, and every step is checked.
# timeout: 100

step_number=0

# A heading in plain words.
step() {
	step_number=$((step_number + 1))
	printf '\n%d. %s\n' "$step_number" "$*"
}

# Shows a command as it would be typed, and runs it. The demo ends where one fails.
run() {
	echo "   \$ $*"
	"$@" >/tmp/shown 2>&1
	run_status=$?
	sed 's/^/     /' /tmp/shown
	[ $run_status = 0 ] || give_up "that command ended with status $run_status"
}

# The same of a command that has to be refused.
run_refused() {
	echo "   \$ $*"
	"$@" >/tmp/shown 2>&1
	run_status=$?
	sed 's/^/     /' /tmp/shown
	[ $run_status != 0 ] || give_up "that command should have been refused"
}

give_up() {
	echo "   $*"
	exit 1
}

# The last output has to hold this.
shows() {
	grep -q -- "$1" /tmp/shown || give_up "\"$1\" was expected there"
}

echo "Linux $(uname -r): an unmodified Debian kernel."
echo "cnx carries messages between kernel drivers and programs. A driver registers a callback under an id;"
echo "a program sends to that id, and drivers send to one program or to all that listen to a group."

step "Load cnx, and three example drivers on top of it."
for module in cnx cnx_echo cnx_ticker cnx_sleeper; do
	run insmod /ko/$module.ko
done

step "Each driver has registered a callback under an id."
run cnx list
shows echo

step "A program sends to the echo driver, and the driver answers that program alone."
run cnx send 0x20:1 hello
shows hello

step "A batch: five messages in one datagram, each handled, in order."
run cnx send 0x20:1 again --count 5 --batch 5

step "A callback that sleeps: this driver answers after the milliseconds that it is sent."
run cnx send 0x22:1 250 --timeout 5000

step "The ticker driver multicasts to group 33 from a timer. Two programs listen, and both get every tick."
echo "   \$ cnx monitor --group 33 --count 3     (twice, side by side)"
cnx monitor --group 33 --count 3 --timeout 10 >/tmp/first 2>&1 &
first=$!
cnx monitor --group 33 --count 3 --timeout 10 >/tmp/second 2>&1 &
second=$!
wait $first
first_status=$?
wait $second
second_status=$?
sed 's/^/     first:  /' /tmp/first
sed 's/^/     second: /' /tmp/second
[ $first_status = 0 ] && [ $second_status = 0 ] || give_up "a listener ended with status $first_status, $second_status"
[ -s /tmp/first ] && [ -s /tmp/second ] || give_up "a listener heard nothing"

step "An error comes back with its reason: nobody has registered id 9:9."
run_refused cnx send 9:9 anyone --ack

step "A driver is unloaded while messages fly. It waits for running callbacks, and later senders are told."
echo "   \$ while cnx send 0x20:1 x --count 500 --ack; do :; done &"
(while cnx send 0x20:1 x --count 500 --ack; do :; done) >/tmp/flood 2>&1 &
flood=$!
sleep 1
kill -0 $flood 2>/dev/null || give_up "the sender ended early: $(tail -n 1 /tmp/flood)"
run rmmod cnx_echo
# The sender goes on until it is refused. A sender that is not told would go on for ever, so this waits for 20 s at most.
waited=0
while kill -0 $flood 2>/dev/null && [ $waited -lt 100 ]; do
	sleep 0.2
	waited=$((waited + 1))
done
kill $flood 2>/dev/null && give_up "the sender was never told that the driver has gone"
wait $flood
tail -n 1 /tmp/flood | sed 's/^/     the sender: /'
run_refused cnx send 0x20:1 anyone --ack
shows "No such"
run cnx list
grep -q cnx_echo /proc/modules && give_up "the driver is still there"

step "What was counted: received, sent, and dropped by reason."
run cnx stats

step "Everything is unloaded again."
run rmmod cnx_ticker cnx_sleeper cnx
printf '\n'
