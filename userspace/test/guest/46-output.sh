#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Whatever a verb has to say, a full disk is told of, a reader that goes away is not, and rights that are missing are named.
# timeout: 240

. /test/lib.sh

chmod 755 /bin/cnx

# full NAME COMMAND: its output goes to a full disk; it fails, and says why.
full() {
	said=$(sh -c "timeout 30 $2 >/dev/full" 2>&1)
	expect "$1 to a full disk fails" 1 "$?"
	match "and says why" "(cannot write all output: No space left on device|No space left)" "$said"
}

# gone COMMAND: its reader goes away at once; it ends soon, and says nothing.
gone() {
	sh -c "timeout 30 $1 2>/tmp/gone; echo \$? >/tmp/status" | true
	wait_for 30 test -s /tmp/status
	case $(cat /tmp/status) in
	0 | 141) result 0 "a reader that goes away ends $1" ;;
	*) expect "a reader that goes away ends $1" "0 or 141" "$(cat /tmp/status)" ;;
	esac
	expect "without a word" "" "$(cat /tmp/gone)"
	rm -f /tmp/status
}

for command in list stats info "send 32:1 hello" "monitor --group 33 --count 1" "unload echo" reload top\ --once \
	"stats --watch" "stats --prometheus" "record /tmp/none.cnx"; do
	# shellcheck disable=SC2086
	said=$(cnx $command 2>&1)
	status=$?
	# A driver that is not there is no lack of cnx.
	[ "$command" = "unload echo" ] && wanted=1 || wanted=3
	expect "without the module: $command" $wanted $status
	match "says so: $command" "not loaded" "$said"
	# shellcheck disable=SC2086
	match "and so as JSON: $command" '^[{]"error":".*","errno":[0-9]*[}]$' "$(cnx $command -j 2>&1 >/dev/null)"
done

full load "cnx load echo ticker period_ms=5"
check "though it has loaded" test -d /sys/module/cnx_ticker
full list "cnx list"
full "list -j" "cnx list -j"
full info "cnx info"
full stats "cnx stats"
full "stats -j" "cnx stats -j"
full "stats of one" "cnx stats 32:1"
full "stats --watch" "cnx stats --watch 0.1"
full "stats --watch -j" "cnx stats --watch 0.1 -j"
full "stats --prometheus" "cnx stats --prometheus"
full "top --once" "cnx top --once --delay 0.1"
full send "cnx send 32:1 hello"
full "many sends" "cnx send 32:1 hello --count 2000 --batch 50"
full monitor "cnx monitor --group 33 --count 5"
full "monitor -j" "cnx monitor --group 33 --count 5 -j"
full record "cnx record - --group 33 --count 5"
cnx record /tmp/ticks.cnx --group 33 --count 3 --time 20
full replay "cnx replay /tmp/ticks.cnx --speed max"
full "replay --list" "cnx replay /tmp/ticks.cnx --list"
full "load again" "cnx load echo"
full reload "cnx reload ticker period_ms=5"
full help "cnx help"
for command in "cnx list" "cnx stats" "cnx stats --watch 0.1" "cnx stats --prometheus" "cnx monitor --group 33" \
	"cnx monitor --group 33 -j" "cnx record - --group 33" "cnx replay /tmp/ticks.cnx --list" \
	"cnx send 32:1 hello --count 2000" "cnx top --once --delay 0.1" "cnx help" "cnx info"; do
	gone "$command"
done

mkdir /tmp/small
mount -t tmpfs -o size=4k small /tmp/small
head -c 3000 /dev/zero >/tmp/small/filler
echo "as it was" >/tmp/metrics.prom
check "metrics are written to a file" cnx stats --prometheus --output /tmp/metrics.prom
match "whole" '^cnx_callback_sent_total{idx="33",val="1",name="ticker"} [1-9]' "$(cat /tmp/metrics.prom)"
expect "and nothing is left beside it" "" "$(find /tmp -maxdepth 1 -name '.metrics*')"
said=$(cnx stats --prometheus --output /tmp/small/metrics.prom 2>&1)
expect "a full disk is told of" 1 $?
match "and the file is as it was" "cannot write /tmp/small/metrics.prom: No space left on device; the file is as it was" "$said"
expect "with nothing beside it" filler "$(ls -A /tmp/small)"
umount /tmp/small
refuse "metrics for a folder that is not there" cnx stats --prometheus --output /nonesuch/metrics.prom
expect "and for one without rights" 4 "$(su -s /bin/sh nobody -c 'cnx stats --prometheus --output /root/metrics.prom' >/dev/null 2>&1; echo $?)"

for wrong in "stats --prometheus --watch" "stats --prometheus -j" "stats --output /tmp/x" "stats --watch 0" "stats --watch soon" \
	"stats --watch --per-cpu" "stats 1" "stats 1 --watch" "monitor --idx x" "monitor --group 0" "monitor --val -1"; do
	# shellcheck disable=SC2086
	cnx $wrong >/dev/null 2>&1
	expect "wrong usage: $wrong" 2 $?
done
for verb in "unload echo" "reload" "load sleeper" "monitor --follow" "record /tmp/x.cnx --group 34" "unload --wait"; do
	expect "without rights: $verb" 4 "$(su -s /bin/sh nobody -c "cnx $verb" >/dev/null 2>&1; echo $?)"
done

cnx stats --watch 0.2 -j >/tmp/watched &
watching=$!
wait_for 20 sh -c 'test $(wc -l </tmp/watched) -ge 3'
kill -INT $watching
wait $watching
expect "Ctrl-C ends stats --watch clean" 0 $?
expect "each line is a document" "$(wc -l </tmp/watched)" "$(grep -c '^{"time":".*","seconds":[0-9.]*,"rates":{.*}$' /tmp/watched)"
match "with rates" '"name":"ticker".*"sent":' "$(cat /tmp/watched)"
full "unload" "cnx unload echo"
cnx unload ticker cnx
done_testing
