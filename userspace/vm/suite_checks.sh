#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that suite.py counts what its steps print, that no step can hide a failure or hang, and that a data race is passed
# over only where it is none of cnx's. Prints TAP.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/tap.sh" suite

# expect NAME STATUS TEXT ARGUMENT...: suite.py with these arguments ends with the status, and the text is in what it says.
expect() {
	local name=$1 status=$2 text=$3 said got
	shift 3
	selected "$name" || return 0
	said=$("$here/suite.py" "$@" 2>&1 </dev/null)
	got=$?
	[ $got = "$status" ] && [[ $said == *"$text"* ]]
	result $? "$name" "status $got, said:
$said"
}

expect "counts TAP and GoogleTest" 1 "3 passed, 2 failed" \
	'a=printf "ok 1 - x\nok 2 - y\nnot ok 3 - z\n"' \
	'b=printf "[       OK ] A.B (1 ms)\n[  FAILED  ] A.C (1 ms)\n[  FAILED  ] A.C\n"'
expect "does not count what was skipped" 0 "1 passed, 0 failed" 'a=printf "ok 1 - x\nok 2 - y # SKIP no z\n"'
expect "counts a step that breaks off" 1 "failed: a: the step ended with status 3, in A.B" \
	'a=echo "[ RUN      ] A.B"; exit 3'
expect "kills a step that hangs" 1 "failed: a: killed after 1 s of silence, in A.B" --patience 1 \
	'a=echo "[ RUN      ] A.B"; sleep 60 & wait'
expect "goes on after a step that hangs" 1 "1 passed, 1 failed" --patience 1 'a=sleep 60' 'b=echo "ok 1 - x"'
expect "fails where no test matches" 1 "0 passed, 1 failed" --only nothing 'a=true'

# The first waits for the second, which is shown after it, and is counted.
expect "runs a step beside the others" 1 "== a: 1 passed, 0 failed (0 s)

== b
ok 1 - y" --beside b \
	"a=until [ -e $work/beside ]; do sleep 0.01; done; echo ok 1 - x" "b=touch $work/beside; echo ok 1 - y; exit 3"
expect "counts what ran beside the others" 1 "1 passed, 1 failed" --beside b 'a=echo "ok 1 - x"' 'b=exit 3'
expect "runs it at the lowest priority" 0 "1 passed, 0 failed" --beside b 'b=[ "$(nice)" = 19 ] && echo "ok 1 - x"'
expect "refuses a step beside the others that is none" 2 "there is no step c to run beside the others" --beside c 'a=true'

# Whoever ends it ends what it runs, and what that has in the background.
ends_its_steps() {
	local step='(sleep 60 & echo $! >"$0"; wait)' pid file
	"$here/suite.py" --beside b "a=sh -c '$step' $work/a" "b=sh -c '$step' $work/b" &
	until [ -s "$work/a" ] && [ -s "$work/b" ]; do
		[ $SECONDS -lt 120 ] || break
		sleep 0.1
	done
	kill -TERM $!
	wait $!
	[ $? = 130 ] || return 1
	for file in "$work/a" "$work/b"; do
		pid=$(cat "$file") || return 1
		[ ! -e "/proc/$pid" ] || grep -q '^State:.*zombie' "/proc/$pid/status" || return 1
	done
}
holds "takes its steps along when it is ended" ends_its_steps

# race LINE...: a report, as the kernel logs it, of a function of its own and what these lines say of the other one.
race() {
	local line
	echo "[    1.000000] =================================================================="
	echo "[    1.000000] BUG: KCSAN: data-race in one / $1"
	for line in " one+0x10/0x20" "$@"; do
		echo "[    1.000000]  $line"
	done
}
race_end="[    1.000000] =================================================================="

# shown NAME EXPECTED LINES: how many reports are left of these.
shown() {
	local name=$1 expected=$2
	selected "$name" || return 0
	echo "$3" >"$work/log"
	[ "$("$here/races.py" "$work/log" | grep -c KCSAN)" = "$expected" ]
	result $? "$name" "$("$here/races.py" "$work/log")"
}
shown "passes over a race of the kernel's" 0 "$(race two+0x1/0x2)
$race_end"
shown "shows one that cnx has a part in" 1 "$(race "two+0x1/0x2 [cnx]")
$race_end"
shown "and one in what cnx has called" 1 "$(race two+0x1/0x2 "three+0x1/0x2" "cnx_send+0x1/0x2 [cnx]")
$race_end"
shown "but not one that is known to be the kernel's" 0 "$(race schedule_hrtimeout_range_clock "cnx_dispatch+0x1/0x2 [cnx]" |
	sed s/one/hrtimer_wakeup/)
$race_end"
shown "nor one of an interrupt that cnx was in the way of" 0 "$(race two+0x1/0x2 asm_sysvec_apic_timer_interrupt+0x1/0x2 \
	"cnx_send+0x1/0x2 [cnx]")
$race_end"
shown "but one of cnx's in an interrupt, and in another stack" 2 "$(race "two+0x1/0x2 [cnx]" asm_common_interrupt+0x1/0x2)
$race_end
$(race two+0x1/0x2 asm_common_interrupt+0x1/0x2 "write to 0x1 of 8 bytes by task 1 on cpu 0:" "three+0x1/0x2 [cnx]")
$race_end"
# changed FUNCTION: a report of a value that has changed by itself while a function read it.
changed() {
	echo "[    1.000000] BUG: KCSAN: data-race in $1
[    1.000000] race at unknown origin, with read to 0x1 of 8 bytes by task 1 on cpu 0:
[    1.000000]  $1
$race_end"
}
shown "passes over a value that changed under the kernel" 0 "$(changed one+0x1/0x2)"
shown "but not one that changed under cnx" 1 "$(changed "two+0x1/0x2 [cnx]")"
shown "and one that breaks off" 1 "$(race two+0x1/0x2)"
shown "tells them apart" 1 "$(race two+0x1/0x2)
$race_end
$(race "two+0x1/0x2 [cnx_stress]")
$race_end
$(race three+0x1/0x2)
$race_end"
done_testing
