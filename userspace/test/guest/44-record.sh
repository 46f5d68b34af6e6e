#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tool's record and replay, and what they make of files that they should not be given.

. /test/lib.sh

chmod 755 /bin/cnx
cd /tmp || exit 1

ends "record without the module says so" 3 cnx record none.cnx
expect "and makes no file" "" "$(ls none.cnx 2>/dev/null)"
check "cnx and drivers load" cnx load echo ticker period_ms=20
ends "record takes a count" 0 cnx record ticks.cnx --group 33 --count 5 --time 30
match "and says what it wrote" "ticks.cnx: 5 messages, 0 missed in 0 overruns" "$said"
ends "a file that is there is not overwritten" 1 cnx record ticks.cnx --group 33 --count 1
match "without --force" "with --force" "$said"
ends "with it, it is" 0 cnx record ticks.cnx --idx 33 --count 4 --time 30 --force -j
match "and the sums are JSON" '{"file":"ticks.cnx","messages":4,"overruns":0,"missed":0}' "$said"
ends "record takes a time" 0 cnx record time.cnx --group 33 --time 0.5
ends "a group that is not open is not recorded" 4 su -s /bin/sh nobody -c "cnx record /tmp/closed.cnx --group 34 --time 1"
expect "and no file is left" "" "$(ls closed.cnx 2>/dev/null)"

ends "replay lists" 0 cnx replay ticks.cnx --list
expect "each message" 4 "$(echo "$said" | grep -c 'group 33 33:1')"
match "with its time from the first" '^\+0.000000 ' "$said"
ends "and so as JSON" 0 cnx replay ticks.cnx --list -j
expect "one document a line" 4 "$(echo "$said" | grep -c '^{"time_ns":[0-9]*,"event":"message","idx":33,"val":1,.*}$')"
ends "the list needs no module, nor a file of its own" 0 sh -c 'cnx replay - --list <ticks.cnx'

# The ticker takes messages under the id under which it sends.
received() {
	cnx list -j | tr '{' '\n' | sed -n 's/.*"idx":33,"val":1,.*"received":\([0-9]*\).*/\1/p'
}
before=$(received)
ends "replay sends to the ids" 0 cnx replay ticks.cnx --speed max
match "and says how many" "^4 sent" "$said"
expect "and their callback had them" $((before + 4)) "$(received)"
start=$(date +%s)
ends "recorded spacing is kept, and slowed" 0 cnx replay ticks.cnx --speed 0.03
check "60 ms take 2 s at that speed" test $(($(date +%s) - start)) -ge 1
cnx replay ticks.cnx --speed 0.0001 >/tmp/slow 2>&1 &
slow=$!
sleep 1
kill -INT $slow
wait $slow
expect "Ctrl-C ends a replay clean" 0 "$?"
match "with its sums" "sent" "$(cat /tmp/slow)"

size=$(stat -c %s ticks.cnx)
head -c $((size - 40)) ticks.cnx >cut.cnx
ends "of a file that is cut, the good part is listed" 1 cnx replay cut.cnx --list
expect "three messages of four" 3 "$(echo "$said" | grep -c 'group 33 33:1')"
match "and the damage is located" "cut.cnx is cut: the record at byte [0-9]* is not whole; the 3 records before that were listed" "$said"
before=$(received)
ends "or sent" 1 cnx replay cut.cnx --speed 0
expect "as far as it goes" $((before + 3)) "$(received)"
ends "and the error is JSON under -j" 1 cnx replay cut.cnx --speed 0 -j
match "with the offset in its sentence" '{"error":"cut.cnx is cut: the record at byte [0-9]*' "$said"
head -c 100 ticks.cnx >damaged.cnx
printf 'XXXX' >>damaged.cnx
tail -c +105 ticks.cnx >>damaged.cnx
ends "a damaged file is noticed" 1 cnx replay damaged.cnx --list
match "by its checksum" "damaged.cnx is damaged: " "$said"
echo "not a recording" >text
ends "another file is refused" 1 cnx replay text
match "with what makes one" '`cnx record` makes one' "$said"
: >empty
ends "and an empty one" 1 cnx replay empty
ends "and a folder" 1 cnx replay /tmp
ends "and one that is not there" 1 cnx replay missing.cnx
for wrong in "replay" "replay ticks.cnx --speed fast" "replay ticks.cnx --speed -1" "replay ticks.cnx --speed nan" \
	"record" "record x.cnx --count many" "record x.cnx --idx a" "record x.cnx --val -1" "record x.cnx --time -1"; do
	# shellcheck disable=SC2086
	ends "wrong usage: $wrong" 2 cnx $wrong
done

ends "record to a full disk says so" 1 sh -c "cnx record - --group 33 --count 2 --time 20 >/dev/full"
match "with the reason" "cannot write -: No space left on device" "$said"
mkdir small
mount -t tmpfs -o size=8k small small
ends "and so for a file" 1 cnx record small/x.cnx --group 33 --time 60
match "by its name and the reason" "cannot write small/x.cnx: No space left on device" "$said"
ends "what it holds can be listed" 1 cnx replay small/x.cnx --list
check "up to where it is cut" test "$(echo "$said" | grep -c 'group 33 33:1')" -gt 50
umount small
ends "a reader that goes away ends record quietly" 0 sh -c 'cnx record - --group 33 --time 30 | head -c 10 >/dev/null'
ends "unload" 0 cnx unload echo ticker cnx
ends "replay without the module says so" 3 cnx replay ticks.cnx
done_testing
