#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that suite.py counts what its steps print, and that no step can hide a failure or hang. Prints TAP.
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
	[ $got = "$status" ] && grep -qF "$text" <<<"$said"
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
done_testing
