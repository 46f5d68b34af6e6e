#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# packages: forkstat extrace cgroup-tools libcgroup2
# Programs of Debian, which nobody here wrote and which know the kernel's process connector alone, in network namespaces
# with cnx: what they show is compared with what a workload has done.

. /test/lib.sh

cd /tmp || exit 1
chmod 777 .
chmod 755 /bin/cnx

# watch OUTPUT COMMAND...: starts a program, and waits until it shows what happens.
running=
watch() {
	output=$1
	shift
	"$@" >"$output" 2>&1 &
	running="$running $!"
	result "$(wait_for 20 grep -qE ' exec |[0-9]\+ ' "$output"; echo $?)" "$* shows events"
}

# works RECORD COMMAND...: starts a workload, and waits until it is done. Its processes stay in /proc until they are ended.
works() {
	record=$1
	shift
	"$@" &
	running="$running $!"
	result "$(wait_for 30 test -e "$record"; echo $?)" "$* does its work"
}

# judged PROGRAM RECORD OUTPUT: a program has seen every fork, exec and exit that it shows, in order, and none twice.
judged() {
	wait_for 20 test_judge "$2" "$1" "$3"
	check "$3: every event that $1 shows, in order, and none twice" test_judge "$2" "$1" "$3"
}

# finds PROGRAM OUTPUT WHAT NAME: the comparison sees what is wrong with an output.
finds() {
	ends "$4 would be found" 1 test_judge record "$1" "$2"
	match "by what it is" "$3" "$said"
}

end_all() {
	# shellcheck disable=SC2086 # They are several.
	kill $running
	# shellcheck disable=SC2086
	wait $running 2>/dev/null
	running=
}

check "cnx and its process events load" cnx load procevents
for program in forkstat extrace cgrulesengd; do
	check "$program is there" test -x /bin/$program
done

watch forkstat unshare -n forkstat -l -e fork,exec,exit
watch extrace unshare -n extrace -f -t
watch run cnx run -- forkstat -l -e fork,exec,exit
works record test_workload record
judged forkstat record forkstat
judged extrace record extrace
judged forkstat record run
sleep 1
check "and nothing came later" test_judge record forkstat forkstat
end_all

pid=$(sed -n 's/^exec //p' record | sed -n 3p)
sed "/ exec *$pid /d" forkstat >doctored
finds forkstat doctored "too few by 1: exec $pid" "an exec that forkstat missed"
sed "/ fork *$pid child/d" forkstat >doctored
finds forkstat doctored "too few by 1: fork $pid" "a fork that it missed"
sed "/ exit *$pid /d" forkstat >doctored
finds forkstat doctored "too few by 1: exit $pid" "an exit that it missed"
sed "/ exit *$pid /p" forkstat >doctored
finds forkstat doctored "too many by 1: exit $pid" "an exit that it saw twice"
sed "/ exec *$pid /{h;d}; / exit *$pid /{p;x}" forkstat >doctored
finds forkstat doctored "out of order: exit $pid [0-9]* came where it was exec $pid" "an exit before its exec"
sed "s/\( exit *$pid *\)[0-9]*/\17/" forkstat >doctored
finds forkstat doctored "too many by 1: exit $pid 7" "another status"
sed "/ fork .*parent/s/\( fork *\)\([0-9]\)/\19\2/" forkstat >doctored
finds forkstat doctored "another parent" "a fork by somebody else"
sed "/^$pid+/d" extrace >doctored
finds extrace doctored "too few by 1: exec $pid" "an exec that extrace missed"
sed "/^$pid-/p" extrace >doctored
finds extrace doctored "too many by 1: exit $pid" "an exit that it saw twice"
sed "/^$pid+/{h;d}; /^$pid-/{p;x}" extrace >doctored
finds extrace doctored "out of order: exit $pid [0-9]* came where it was exec $pid" "an exit before its exec"
echo "00:00:00 recv ----- nobufs" >>forkstat
ends "a loss that forkstat tells of would be found" 2 test_judge record forkstat forkstat

# A user sees his own processes, and nobody else's.
rm record
watch user su -s /bin/sh nobody -c 'cnx run --root -- sh -c "(while kill -0 \$\$; do sleep 1; done) & exec forkstat -l -e fork,exec,exit"'
works record test_workload record
works users-record su -s /bin/sh nobody -c 'exec test_workload users-record'
judged forkstat users-record user
expect "and nothing of root's" "" "$(awk 'NR == FNR { root[$3] = $1 == "fork"; next } $3 in root && root[$3]' record user)"
end_all

# cgrulesengd moves what becomes a user's into the cgroup that its rules say, and leaves alone what does not.
mkdir -p cgroup /etc/cgconfig.d /etc/cgrules.d /var
ln -sfn /run /var/run
: >/etc/cgconfig.conf
echo "nobody pids /nobodys" >/etc/cgrules.conf
mount -t cgroup -o pids pids cgroup
mkdir cgroup/nobodys
# group_of USER: the cgroup of a process that has become the user's, once that is another than it began in; or that.
group_of() {
	su -s /bin/sh "$1" -c 'for i in 1 2 3 4 5 6 7 8 9 10; do
		group=$(sed -n "s/.*:pids://p" /proc/self/cgroup)
		[ "$group" = / ] || break
		usleep 200000
	done; echo "$group"'
}
expect "without cgrulesengd a user's process stays where it began" / "$(group_of nobody)"
cnx run -- cgrulesengd -n -vvv -f cgrulesengd.log &
running=$!
check "cgrulesengd begins to listen" wait_for 10 grep -q "Message sent" cgrulesengd.log
expect "with it it is moved" /nobodys "$(group_of nobody)"
expect "and root's is not" / "$(group_of root)"
for event in EXEC UID GID; do
	match "cgrulesengd was told by $event events" "^$event Event: PID = [0-9]+, tGID = [0-9]+" "$(cat cgrulesengd.log)"
done
end_all
check "the cgroup goes" sh -c 'rmdir cgroup/nobodys && umount cgroup'
done_testing
