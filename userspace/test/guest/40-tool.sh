#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The cnx tool: what each verb does, and what it says when it cannot.

. /test/lib.sh

chmod 755 /bin/cnx

says() {
	result "$(echo "$said" | grep -q -- "$2"; echo $?)" "$1"
}

ends "without the module a verb says so" 3 cnx list
says "and names the remedy" "cnx load"
ends "a wrong module parameter is refused" 1 cnx load protocol=many
says "and its type is named" "wants a number"
ends "an unknown parameter is refused" 1 cnx load colour=red
ends "load finds cnx and drivers by their short names" 0 cnx load echo ticker sleeper
ends "info answers" 0 cnx info
says "with the module's version" "0\.1\.0"
ends "info is JSON under -j" 0 cnx info -j
says "and knows the protocol" '"protocol": *28'
says "and the groups" '"groups": *1024'

ends "list answers" 0 cnx list
says "and shows a driver" "32:1 .*echo"
ends "list is JSON under -j" 0 cnx list -j
says "which shows it too" '"name": *"echo"'

ends "send prints the reply" 0 cnx send 32:1 hello world
says "which is what was sent" "^hello world$"
ends "send takes hex" 0 cnx send 32:1 --hex 414243
says "and sends its bytes" "^ABC$"
ends "send reads standard input" 0 sh -c "printf 'from a pipe' | cnx send 32:1 --file -"
says "and sends what it read" "^from a pipe$"
ends "send takes one payload, not two" 2 cnx send 32:1 hello --hex 41
ends "send refuses odd hex" 2 cnx send 32:1 --hex 41424
ends "send refuses a bad id" 2 cnx send 32 hello
ends "send refuses an id that is too large" 2 cnx send 4294967296:1 hello
ends "send reports an unknown id" 1 cnx send 9:9 hello
says "with cnx's own sentence" "no callback is registered under this id"
ends "the error is JSON under -j" 1 cnx send 9:9 hello -j
says "with its errno" '"errno": *19'
head -c 16364 /dev/zero >/tmp/largest
head -c 16365 /dev/zero >/tmp/too-large
ends "the largest message goes through" 0 cnx send 32:1 --file /tmp/largest --no-wait
ends "one byte more does not" 1 cnx send 32:1 --file /tmp/too-large
ends "a missing file is named" 1 cnx send 32:1 --file /tmp/missing
says "by its name" "/tmp/missing"
ends "a batch is answered in full" 0 cnx send 32:1 again --count 1000 --batch 100
says "and summed up" "1000 sent, 1000 replies, 0 refused"

ends "monitor hears the ticker" 0 cnx monitor --group 33 --count 3 --timeout 10
expect "three times" 3 "$(echo "$said" | grep -c '33:1')"
ends "a message for nobody ends monitor in its time" 5 cnx monitor --group 77 --count 1 --timeout 1
ends "stats answers" 0 cnx stats
says "with a counter for each reason" "drop_unknown_id  *[1-9]"
ends "stats is JSON under -j" 0 cnx stats -j
says "with the same counters" '"drop_unknown_id"'
says "and that nobody missed anything" '"losses": *\[\]'
says "and the sockets that netlink knows" '"sockets": *\['

# A client that has stopped is a listener whose queue fills.
ends "a fast ticker takes the place of the slow one" 0 cnx unload ticker
ends "with many messages at once" 0 cnx load ticker period_ms=1 batch=64
cnx monitor --group 33 --buffer 1 --count 100000000 -j >/tmp/monitored &
monitor=$!
wait_for 10 test -s /tmp/monitored
kill -STOP $monitor
wait_for 30 sh -c 'cnx stats -j | grep -q "\"losses\": *\[{"'
ends "stats shows who missed what" 0 cnx stats
says "by listener, id and name" "^[0-9]*  *33:1  *ticker  *[1-9][0-9]*$"
says "and what netlink dropped" "^[0-9]*  *00000000  *[1-9][0-9]*  datagrams"
ends "and so as JSON" 0 cnx stats -j
says "with the listener's losses" '"losses":\[{"portid":[0-9]*,"id":"33:1","lost":[1-9]'
says "and its socket's" '"groups":"00000000","drops":[1-9]'
ends "a user without rights may look" 0 su -s /bin/sh nobody -c "cnx stats -j"
says "but not at what others missed" '"losses":null'
kill -CONT $monitor
wait_for 10 grep -q '"event":"overrun"' /tmp/monitored
kill -INT $monitor
wait $monitor
match "monitor tells how many it missed" '"event":"overrun","overrun":1,"missed":[1-9][0-9]*}' "$(grep overrun /tmp/monitored | head -n 3)"
ends "monitor takes batches" 0 cnx monitor --group 33 --batches --count 64 --timeout 10
ends "the slow ticker is back" 0 sh -c 'cnx unload ticker && cnx load ticker'

ends "a user without rights may list" 0 su -s /bin/sh nobody -c "cnx list"
ends "and send where the driver allows it" 0 su -s /bin/sh nobody -c "cnx send 32:1 ok"
ends "but not where it does not" 4 su -s /bin/sh nobody -c "cnx send 34:1 1"
ends "may listen to an open group" 0 su -s /bin/sh nobody -c "cnx monitor --group 33 --count 1 --timeout 10"
ends "but not to another" 4 su -s /bin/sh nobody -c "cnx monitor --group 34 --timeout 1"
ends "nor hear of callbacks coming and going" 4 su -s /bin/sh nobody -c "cnx monitor --control --timeout 1"
ends "nor unload" 4 su -s /bin/sh nobody -c "cnx unload echo"

cnx monitor --control --count 2 --timeout 20 >/tmp/events 2>&1 &
monitor=$!
sleep 1
ends "a driver unloads" 0 cnx unload echo
ends "and loads again" 0 cnx load echo
wait $monitor
expect "monitor saw it go and come" 2 "$(grep -c 'echo' /tmp/events)"

ends "unload of cnx in use is refused" 1 cnx unload cnx
says "and says by whom" "cnx_echo"
ends "a pipe that closes early ends monitor quietly" 0 sh -c 'cnx monitor --group 33 | head -n 1'
ends "an unknown verb is wrong usage" 2 cnx frobnicate
ends "a count below nothing is wrong usage" 2 cnx monitor --group 33 --count -1
ends "each verb has help" 0 cnx help send
says "with an example" "cnx send"
ends "unload takes several" 0 cnx unload echo ticker sleeper cnx
ends "and nothing is left" 3 cnx info
mkdir /tmp/packed
touch /tmp/packed/cnx.ko.xz
ends "a compressed module is left to modprobe" 1 cnx load --dir /tmp/packed
says "by name" "cnx.ko.xz is compressed: load it with"
done_testing
