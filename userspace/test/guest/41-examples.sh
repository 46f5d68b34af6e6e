#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The examples of the client library, each with what it is an example of, and with an error.

. /test/lib.sh

for example in request request_c request_asio monitor batch; do
	ends "$example fails without the module" 1 /examples/$example
	match "and names the remedy" "^$example: cnx is not loaded: run .cnx load. as root$" "$said"
done

insmod /ko/cnx.ko
insmod /ko/cnx_echo.ko

ends "request is answered by the echo driver" 0 /examples/request
expect "with what it asked" hello "$said"
ends "request takes an id and a text" 0 /examples/request 32 1 "what else"
expect "and sends that" "what else" "$said"
ends "request to an id that nobody has fails" 1 /examples/request 9 9
match "with cnx's own sentence" "no callback is registered under this id" "$said"

ends "request_c is answered, too" 0 /examples/request_c 32 1 "what else"
expect "with what it asked" "what else" "$said"
ends "request_c to an id that nobody has fails" 1 /examples/request_c 9 9
match "with cnx's own sentence" "^request_c: no callback is registered under this id" "$said"

ends "batch sends several" 0 /examples/batch 200
match "all but one are accepted" "^201 sent, 1 refused$" "$said"
match "the one is told, and why" "^message 201: no callback is registered under this id$" "$said"
match "and the driver answers each" "^200 replies$" "$said"

ends "a batch beyond the send buffer is refused" 1 /examples/batch 200000
match "with the remedy" "open with a larger send_buffer" "$said"

ends "monitor may not listen where nobody opened the group" 1 su -s /bin/sh nobody -c "/examples/monitor 34 1"
match "and says what that needs" "needs CAP_NET_ADMIN" "$said"
insmod /ko/cnx_ticker.ko period_ms=1 batch=64
ends "monitor hears the ticker" 0 /examples/monitor 33 100
expect "as often as it was told" 100 "$(echo "$said" | grep -c "^33:1 seq [0-9]*, 16 bytes$")"

ends "request_asio asks while it listens" 0 /examples/request_asio 50 200
expect "and has every answer" 50 "$(echo "$said" | grep -c "^an answer$")"
expect "and every tick" 200 "$(echo "$said" | grep -c "tick")"

# One that has stopped misses messages, and says so when it goes on.
/examples/monitor 33 1000000 >/tmp/monitored &
monitor=$!
wait_for 10 grep -q 33:1 /tmp/monitored
kill -STOP $monitor
wait_for 60 sh -c 'cnx stats -j | grep -q "\"losses\": *\[{"'
kill -CONT $monitor
wait_for 30 grep -q '^missed ' /tmp/monitored
match "monitor tells how many it missed" "^missed [1-9][0-9]*$" "$(grep missed /tmp/monitored | head -n 1)"
kill $monitor
wait $monitor 2>/dev/null

done_testing
