#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tool's unload and reload: who uses a module is named, waited for, and never harmed.

. /test/lib.sh

chmod 755 /bin/cnx

ends "reload without the module says so" 3 cnx reload
match "and names the remedy" '`cnx load cnx`' "$said"
check "cnx and two drivers load" cnx load echo ticker period_ms=500
ends "a driver that is loaded keeps its parameters" 1 cnx load ticker period_ms=5
match "and reload is named" '`cnx reload cnx_ticker period_ms=5`' "$said"
ends "reload sets parameters" 0 cnx reload ticker period_ms=100
expect "to the new value" 100 "$(cat /sys/module/cnx_ticker/parameters/period_ms)"
ends "a wrong parameter is refused" 1 cnx reload ticker period_ms=often
expect "and nothing was unloaded for it" 100 "$(cat /sys/module/cnx_ticker/parameters/period_ms)"
ends "a driver that is not there is named" 1 cnx reload nonesuch
match "by its name" "cnx_nonesuch is not loaded" "$said"
before=$(cnx list -j | tr '{' '\n' | grep -c '"name"')
ends "reload without a name takes all of it" 0 cnx reload -j
match "cnx first" '"module":"cnx","state":"reloaded"' "$said"
expect "and everything is back" "$before" "$(cnx list -j | tr '{' '\n' | grep -c '"name"')"

test_hold socket 300 &
holder=$!
wait_for 10 grep -qx 3 /sys/module/cnx/refcnt
ends "reload in use is refused" 1 cnx reload
match "and says by whom" "test_hold \\($holder\\)" "$said"
ends "what had gone for it is back" 0 cnx send 32:1 back
ends "unload waits no longer than it was told" 5 cnx unload cnx --wait --timeout 0.2
match "and still names who" "cnx_echo" "$said"
ends "the drivers go" 0 cnx unload echo ticker
cnx unload --wait --timeout 40 >/tmp/waiting 2>&1 &
waiting=$!
wait_for 10 grep -q waiting /tmp/waiting
kill $holder
wait $holder 2>/dev/null
wait $waiting
expect "unload waits until the socket is closed" 0 "$?"
match "and says what it waits for" "test_hold .*; waiting for up to 40 s" "$(cat /tmp/waiting)"

check "cnx loads" cnx load
test_hold socket 60 &
holder=$!
wait_for 10 grep -qx 1 /sys/module/cnx/refcnt
cnx unload --wait >/tmp/waiting 2>&1 &
waiting=$!
wait_for 10 grep -q waiting /tmp/waiting
kill -INT $waiting
wait $waiting
expect "Ctrl-C ends the wait" 1 "$?"
kill $holder
wait $holder 2>/dev/null
check "and cnx can still go" wait_for 10 cnx unload
for wrong in "unload --timeout -1" "unload --timeout soon" "reload --dir" "unload --wait=sometimes"; do
	# shellcheck disable=SC2086
	ends "wrong usage: $wrong" 2 cnx $wrong
done
ends "a user without rights may not reload" 4 su -s /bin/sh nobody -c "cnx load echo"
done_testing
