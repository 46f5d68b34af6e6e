#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 200
# cnx bench: a short run of everything, and what it says when it cannot.

. /test/lib.sh

chmod 755 /bin/cnx

says() {
	result "$(echo "$said" | grep -q -- "$2"; echo $?)" "$1"
}

ends "without the module bench says so" 3 cnx bench
ends "cnx loads" 0 cnx load cnx
ends "without the driver bench says so" 3 cnx bench
says "and names the remedy" "cnx load stress"
ends "an error is JSON under -j" 3 cnx bench -j
says "with its errno" '"errno":19'
ends "the driver loads" 0 cnx load stress

for option in "--time 0" "--time -1" "--time soon" "--only warp" "--svg" "--frobnicate"; do
	# shellcheck disable=SC2086 # an option and its value
	ends "wrong usage: $option" 2 cnx bench $option
done
ends "an unknown measurement is named" 2 cnx bench --only warp
says "with the way to those that there are" "'warp': .cnx bench --list."
ends "the measurements are listed" 0 cnx bench --list
says "by family and name" "^batch  *to-user/batch:16 "
ends "help has an example" 0 cnx help bench
says "with a picture" "cnx bench --svg"

ends "everything is measured" 0 cnx bench --time 0.1 --svg /tmp/bench.svg
expect "all fifteen" 16 "$(echo "$said" | wc -l)"
for name in round-trip to-kernel to-user to-user/paced to-kernel/batch:64 to-user/batch:64 listeners:1 listeners:16; do
	says "$name has a rate, a loss and four latencies" \
		"^$name  *[1-9][0-9]*  *[0-9.]*%  *[0-9.]*[1-9][0-9.]*  *[0-9.]*  *[0-9.]*  *[0-9.]*[1-9][0-9.]*$"
done
match "the picture begins" "^<svg xmlns=" "$(head -n 1 /tmp/bench.svg)"
expect "and ends" "</svg>" "$(tail -n 1 /tmp/bench.svg)"
match "and shows each measurement" ">listeners:16</text>" "$(cat /tmp/bench.svg)"
ends "no colours in a pipe" 0 cnx bench --only round-trip --time 0.1
expect "none at all" 0 "$(echo "$said" | tr -d '\t\n -~' | wc -c)"
ends "one family as JSON" 0 cnx bench --only listeners --time 0.1 -j
says "with what was measured on" "\"kernel\":\"$(uname -r)\",\"cpus\":[0-9]"
says "and numbers" '"name":"listeners:8","seconds":0\.[0-9]*,"sent":[0-9]*,"received":[1-9][0-9]*,"lost":[0-9]*,'
says "and percentiles" '"latency_ns":{"p50":[1-9][0-9]*,"p99":[0-9]*,"p99.9":[0-9]*,"max":[1-9][0-9]*}'
# What was lost is what did not arrive.
expect "whose losses add up" "" "$(echo "$said" | tr '{' '\n' | sed -n 's/.*"sent":\([0-9]*\),"received":\([0-9]*\),"lost":\([0-9]*\).*/\1 \2 \3/p' |
	while read -r sent received lost; do [ "$sent" = $((received + lost)) ] || echo "$sent $received $lost"; done)"

ends "a picture that cannot be written is refused at once" 1 cnx bench --time 60 --svg /nowhere/bench.svg
says "by its name" "/nowhere/bench.svg"
ends "a disk that is full is reported" 1 cnx bench --only round-trip --time 0.1 --svg /dev/full
says "with the file" "cannot write all of /dev/full"
cnx bench --time 20 >/tmp/bench 2>&1 &
run=$!
sleep 2
kill -INT $run
wait $run
expect "Ctrl-C ends it" 0 $?
match "with what was measured so far" "^round-trip  *[1-9]" "$(cat /tmp/bench)"
ends "a user without rights may not" 4 su -s /bin/sh nobody -c "cnx bench"
says "and is told why" "CAP_NET_ADMIN"
ends "all goes" 0 cnx unload stress cnx
done_testing
