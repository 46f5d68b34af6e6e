#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cnx top: one frame as text and as JSON, and then on a terminal.
# timeout: 240

. /test/lib.sh

chmod 755 /bin/cnx

ends "without the module it says so" 3 cnx top --once
check "cnx and drivers load" cnx load echo ticker period_ms=10
cnx monitor --group 33 >/dev/null &
listener=$!
wait_for 10 sh -c 'cnx list | grep -q ticker'
sleep 1
ends "one frame is text" 0 cnx top --once --delay 1
match "with what is sent" "^out  *[1-9][0-9.]* messages" "$said"
match "with the magazines" "^magazines  *[0-9.]* hits" "$said"
match "with the latency" "^latency  *[0-9.]* us last" "$said"
match "and a line for each callback" "^33:1  *ticker  *0  *0  *0  *[1-9]" "$said"
expect "and no escape sequence" "" "$(echo "$said" | tr -d '\n' | tr -cd '\033')"
ends "one frame is JSON under -j" 0 cnx top --once -j --delay 0.5
match "in one document" '^[{]"seconds":0\.[0-9]*.*"latency_us":.*"callbacks":\[[{].*[}]$' "$said"
ends "callbacks are sorted as asked" 0 cnx top --once --delay 0.2 --sort name
match "by name" "LOST  by name" "$said"
for wrong in "top -j" "top --delay 0" "top --delay soon" "top --sort colour" "top extra"; do
	# shellcheck disable=SC2086
	ends "wrong usage: $wrong" 2 cnx $wrong
done
ends "without a terminal it refuses" 1 sh -c "cnx top </dev/null"
match "with the remedy" "cnx top --once" "$said"
ends "a user without rights may look" 0 su -s /bin/sh nobody -c "cnx top --once --delay 0.2"
kill $listener
wait $listener
check "on a terminal" true
test_terminal >/tmp/terminal
while IFS= read -r line; do
	case $line in
	"ok "*) result 0 "terminal: ${line#ok * - }" ;;
	"not ok "*) result 1 "terminal: ${line#not ok * - }" ;;
	\#*) echo "$line" ;;
	esac
done </tmp/terminal
match "all of it" '^1\.\.' "$(cat /tmp/terminal)"
cnx unload echo ticker cnx
done_testing
