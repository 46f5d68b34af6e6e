#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The session that doc/tool.md shows, inside the VM: userspace/vm/tool_doc.py makes the document of what this prints.
# A verb that has no part here is shown with its help.
# timeout: 200
# packages: forkstat

shown_verbs=

all_verbs=$(cnx --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

# has NAME: whether the tool has that verb.
has() {
	echo "$all_verbs" | grep -qx "$1"
}

# verb NAME: begins the part of a verb.
verb() {
	shown_verbs="$shown_verbs $1 "
	printf '\n## cnx %s\n' "$1"
}

# text: a paragraph, from the standard input.
text() {
	echo
	cat
}

# session: begins a block of commands, and end_session ends it.
session() {
	printf '\n```console\n'
}
end_session() {
	echo '```'
}

# Shows a command as it is typed, and what it prints. Its exit code is shown where it is not 0.
run() {
	echo "# $1"
	sh -c "$1" 2>&1
	run_status=$?
	[ $run_status = 0 ] || echo "(exit code $run_status)"
	[ $run_status -lt 124 ] || exit 1
}

# show COMMAND...: a block of them.
show() {
	session
	for shown in "$@"; do
		run "$shown"
	done
	end_session
}

echo '<!-- begin -->'

verb load
text <<'T'
Loads cnx and drivers, cnx first. `echo` is short for `cnx_echo`, and a module's parameters follow it. What cannot be is
refused before the kernel is asked, with the remedy.
T
show 'cnx list' 'cnx load colour=red' 'cnx load echo ticker sleeper' 'cnx load echo'

verb info
text <<'T'
What runs, and its limits.
T
show 'cnx info' 'cnx info -j -p'

verb list
text <<'T'
The callbacks that drivers have registered: who may send to them, and what they have received.
T
show 'cnx list' "cnx list -j"

verb send
text <<'T'
Sends a message to a callback and prints the reply. The payload is words, hexadecimal digits, a file or the standard input.
T
show 'cnx send 0x20:1 hello world' "cnx send 32:1 --hex '00 01 fe ff'" 'echo from a pipe | cnx send 32:1 --file -' 'cnx send 32:1 hello -j'
text <<'T'
Many messages go in batches, several in a datagram.
T
show 'cnx send 32:1 again --count 1000 --batch 100 | tail -n 2'
text <<'T'
A refusal says why, and is JSON where JSON was asked for.
T
show 'cnx send 9:9 anyone' 'cnx send 9:9 anyone -j' 'su -s /bin/sh nobody -c "cnx send 34:1 1000"' 'cnx send 32'

verb monitor
text <<'T'
Shows what drivers multicast. The ticker sends to group 33 from a timer.
T
show 'cnx monitor --group 33 --count 3' 'cnx monitor --group 33 --count 2 -j' 'cnx monitor --group 77 --timeout 1 --count 1'
text <<'T'
And callbacks that come and go: here, while `cnx unload echo` and `cnx load echo` run in another shell.
T
session
echo '# cnx monitor --control --count 2'
cnx monitor --control --count 2 --timeout 30 >/tmp/events 2>&1 &
monitor=$!
sleep 2
cnx unload echo >/dev/null
cnx load echo >/dev/null
wait $monitor
cat /tmp/events
end_session

verb stats
text <<'T'
What was received, sent and dropped since cnx was loaded, by reason; and who missed what.
T
show 'cnx stats' 'cnx stats 33:1' 'cnx stats 32:1 -j -p' 'cnx stats --prometheus | head -n 12'

verb top
text <<'T'
Shows on a terminal what changes, sorted by the key that is pressed. `--once` prints a frame as text.
T
show 'cnx top --once --delay 2' 'cnx top </dev/null | cat'

verb record
text <<'T'
Writes what drivers send to a file, with the time at which it came. [doc/recording.md](recording.md) describes the file.
T
show 'cnx record /tmp/ticks.cnx --idx 33 --count 3' 'cnx record /tmp/ticks.cnx --idx 33 --count 3'

verb replay
text <<'T'
Lists what was recorded, or sends it again. Of a file that was cut, what stands before the cut is used.
T
show 'cnx replay /tmp/ticks.cnx --list' 'head -c 150 /tmp/ticks.cnx | cnx replay - --list'

if has run; then
	verb run
	text <<-'T'
	Runs a command where it finds cnx as the kernel's connector: on a stock kernel, in a network namespace of its own. Here it is
	Debian's forkstat, which shows what processes do. [doc/containers.md](containers.md) has more.
	T
	cnx load procevents >/dev/null
	show 'cat /proc/sys/net/cnx/protocol' 'cnx run cat /proc/sys/net/cnx/protocol'
	session
	echo "# cnx run -- forkstat -D 2 & sleep 1; sh -c 'exit 3'; wait"
	cnx run -- forkstat -D 2 2>&1 &
	sleep 1
	sh -c 'exit 3'
	wait
	end_session
	text <<-'T'
	The exit code is the command's own.
	T
	show "cnx run -- sh -c 'exit 42'" 'cnx run no-such-command; echo $?' 'su -s /bin/sh nobody -c "cnx run -- id"'
	cnx unload procevents >/dev/null
fi

verb reload
text <<'T'
Unloads a module and loads it again, with other parameters if there are any. Everything is checked first.
T
show 'cnx reload ticker period_ms=50' 'cnx reload ticker period_ms=soon'

if has stress; then
	verb stress
	text <<-'T'
	Strains the loaded module and checks that nothing goes astray. It needs the stress driver. The seed repeats a run.
	T
	show 'cnx load stress' 'cnx stress --list' 'cnx stress senders churn --time 2 --seed 42'
fi

if has bench; then
	verb bench
	text <<-'T'
	Measures latency, throughput and loss. The figures here are those of an emulated machine.
	T
	show 'cnx bench --list' 'cnx bench --only round-trip --time 0.5' 'cnx unload stress'
fi

verb unload
text <<'T'
Unloads drivers, or cnx itself. What is in use stays, and is named.
T
show 'cnx unload' 'cnx unload echo ticker sleeper cnx' 'cnx info'

for other in $all_verbs; do
	case "$shown_verbs help " in
	*" $other "*) continue ;;
	esac
	verb "$other"
	show "cnx help $other"
done

verb help
text <<'T'
Tells all about a verb. `cnx --help` lists the verbs, and `cnx -V` says the version.
T
show 'cnx help load' 'cnx frobnicate'

echo '<!-- end -->'
