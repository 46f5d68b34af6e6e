#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cnx run: where it takes a command, what the command finds there, and what is said when it cannot be.

. /test/lib.sh

chmod 755 /bin/cnx
here=$(readlink /proc/self/ns/net)
protocol=/proc/sys/net/cnx/protocol

ends "without the module run says so" 3 cnx run -- true
match "and names the remedy" "cnx is not loaded: run .cnx load." "$said"
ends "and so as JSON under -j" 3 cnx run -j true
match "in one document" '{"error":".*","errno":93}$' "$said"
check "cnx and a driver load" cnx load echo
ends "no command is wrong usage" 2 cnx run
ends "nor is an option of no meaning one" 2 cnx run --colour true

ends "a command runs" 0 cnx run -- cat $protocol
expect "where cnx answers on protocol 11" 11 "$said"
expect "and here it does so on another" 28 "$(cat $protocol)"
ends "it is in a network namespace of its own" 0 cnx run readlink /proc/self/ns/net
refuse "which is not this one" test "$here" = "$said"
for kind in pid mnt user uts ipc; do
	expect "its $kind namespace is ours" "$(readlink /proc/self/ns/$kind)" "$(cnx run readlink /proc/self/ns/$kind)"
done
ends "its loopback is up" 0 cnx run -- ping -c 1 -w 5 127.0.0.1
ends "and there is no other interface" 0 cnx run -- ls /sys/class/net /proc/sys/net/ipv4/conf
ends "cnx is reached from there" 0 cnx run -- cnx info
match "on its protocol" "^protocol *11$" "$said"
ends "and lists what serves every namespace" 0 cnx run -- cnx list
match "such as the echo" "32:1 .*echo" "$said"
ends "and a callback there answers" 0 cnx run -- cnx send 32:1 hello
expect "with what was sent" hello "$said"
ends "within run a second one stays where it is" 0 cnx run -- sh -c 'readlink /proc/self/ns/net; cnx run readlink /proc/self/ns/net'
expect "in one namespace" 1 "$(echo "$said" | sort -u | wc -l)"

ends "arguments arrive as they are" 0 cnx run -- printf '<%s>' '[a,b]' '' -j --root '{}' 'two words' --
expect "all of them" '<[a,b]><><-j><--root><{}><two words><-->' "$said"
ends "options of a command need no dashes before it" 0 cnx run printf '<%s>' -p --help
expect "to be its own" '<-p><--help>' "$said"
ends "the exit code is the command's" 42 cnx run -- sh -c 'exit 42'
ends "even if it looks like ours" 3 cnx run -- sh -c 'exit 3'
expect "and nothing is said about it" "" "$said"
ends "a command that ends by a signal does so for its caller" 143 sh -c 'cnx run -- sh -c "kill -TERM \$\$"; exit $?'
ends "a command that is not there is 127" 127 cnx run -- no-such-command
match "and is named" "^cnx: cannot run no-such-command: No such file or directory$" "$said"
ends "and so as JSON under -j" 127 cnx run -j -- no-such-command
match "in one document" '{"error":"cannot run no-such-command: .*","errno":2}$' "$said"
ends "what is no program is 126" 126 cnx run -- /etc/passwd
match "and is named" "cannot run /etc/passwd: Permission denied" "$said"
ends "a folder is 126" 126 cnx run -- /tmp

# The command takes the place of the tool, so that whoever started it holds the command itself.
cnx run -- sleep 300 &
runner=$!
wait_for 10 grep -q sleep /proc/$runner/comm
match "the command has the tool's process id" "sleep" "$(cat /proc/$runner/comm)"
kill -TERM $runner
wait $runner
expect "and gets its signals" 143 "$?"
expect "what the caller ignores is ignored" "$(sh -c 'trap "" PIPE; grep SigIgn /proc/self/status')" \
	"$(sh -c 'trap "" PIPE; cnx run grep SigIgn /proc/self/status')"

ends "a user without rights runs a command, too" 0 su -s /bin/sh nobody -c 'cnx run -- cat /proc/sys/net/cnx/protocol'
expect "where cnx answers on protocol 11" 11 "$said"
ends "as itself" 0 su -s /bin/sh nobody -c 'cnx run -- id -u'
expect "by its own number" 65534 "$said"
ends "with CAP_NET_ADMIN over that network" 0 su -s /bin/sh nobody -c 'cnx run -- ip link set lo mtu 1500'
ends "and no other capability" 0 su -s /bin/sh nobody -c 'cnx run -- grep CapEff /proc/self/status'
match "of any kind" "CapEff:\s*0000000000001000" "$said"
ends "or as root, if it asks to" 0 su -s /bin/sh nobody -c 'cnx run --root -- id -u'
expect "by root's number" 0 "$said"
ends "which has no right here" 0 su -s /bin/sh nobody -c 'cnx run --root -- sh -c "! kill -0 1 2>/dev/null && ! cat /proc/1/environ 2>/dev/null"'
ends "root stays root with or without" 0 cnx run --root -- readlink /proc/self/ns/user
expect "and in the user namespace that it was in" "$(readlink /proc/self/ns/user)" "$said"
most=$(cat /proc/sys/user/max_user_namespaces)
echo 0 >/proc/sys/user/max_user_namespaces
ends "a user who may make no namespace is told so" 4 su -s /bin/sh nobody -c 'cnx run -- true'
match "with the remedy" "run it as root, or let users make user namespaces" "$said"
ends "and root is not touched by that" 0 cnx run -- true
echo "$most" >/proc/sys/user/max_user_namespaces
most=$(cat /proc/sys/user/max_net_namespaces)
echo 0 >/proc/sys/user/max_net_namespaces
ends "where there may be no more network namespaces, that is said" 1 cnx run -- true
match "by name" "cannot make a network namespace: No space left on device" "$said"
echo "$most" >/proc/sys/user/max_net_namespaces

ends "a namespace that a command ran in keeps nothing loaded" 0 sh -c 'cnx unload echo && cnx unload cnx'
done_testing
