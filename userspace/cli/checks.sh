#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks what the cnx tool does without a kernel module: help, completion, its start, and output that cannot be written.
# Prints TAP.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../vm/tap.sh" tool
build=${CNX_BUILD:-$here/../../build}
cnx=$build/cnx
verbs=$("$cnx" help --list | sed -n 's/^\([a-z]*\)\t.*/\1/p')

# says STATUS REGEX COMMAND...: the command ends with this status and says this, on either stream.
says() {
	local status=$1 regex=$2 said ended
	shift 2
	said=$("$@" 2>&1)
	ended=$?
	[ $ended = "$status" ] && grep -qE -- "$regex" <<<"$said" && return 0
	echo "status $ended, said: $said"
	return 1
}

has_help() {
	says 0 '^Usage: cnx '"$1" "$cnx" help "$1" && says 0 '^  cnx '"$1" "$cnx" help "$1" && says 0 '^Usage: cnx '"$1" "$cnx" "$1" --help
}

# Everything that is said at the end of a verb is either written or missed.
full_disk() {
	says 1 'cannot write all output: No space left on device' bash -c '"$@" >/dev/full' _ "$@"
}

# Where standard error is full, too, the exit code is all that is left.
no_room_to_complain() {
	says "$1" '' bash -c '"$@" >/dev/full 2>/dev/full' _ "${@:2}"
}

# It ends by the signal, or has written all before the reader went; and complains in neither case.
reader_gone() {
	local complaint
	complaint=$(bash -c 'trap "" PIPE; "$@" | true; [[ ${PIPESTATUS[0]} =~ ^(0|141)$ ]] || echo "status ${PIPESTATUS[0]}"' _ "$@" 2>&1)
	echo "$complaint"
	[ -z "$complaint" ]
}

starts_quickly() {
	python3 - "$cnx" <<'PYTHON'
import statistics, subprocess, sys, time
times = []
for _ in range(51):
    start = time.perf_counter()
    subprocess.run([sys.argv[1], "-V"], check=True, stdout=subprocess.DEVNULL)
    times.append((time.perf_counter() - start) * 1000)
median = statistics.median(times)
print(f"the median of 51 starts is {median:.2f} ms")
sys.exit(median >= 10)
PYTHON
}

# completes WORDS EXPECTED: what bash offers for the last of the words has each of the expected.
completes() {
	bash -c '
		PATH=$1:$PATH
		. "$2"
		read -ra COMP_WORDS <<<"$3"
		[[ $3 == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_cnx
		echo "offered: ${COMPREPLY[*]}"
		for word in $4; do
			[[ " ${COMPREPLY[*]} " == *" $word "* ]] || exit 1
		done
		[[ -n $4 || ${#COMPREPLY[@]} = 0 ]]' _ "$build" "$here/completion/cnx.bash" "$1" "$2"
}

# What the help of a verb shows as its options is what completion offers.
completes_all_options() {
	local options
	options=$("$cnx" help "$1" | grep -oE '^ +(-[a-z],)?--[a-z-]+(,--[a-z-]+)*' | tr ', ' '\n\n' | grep -- '^-' | tr '\n' ' ')
	completes "cnx $1 --" "$(tr ' ' '\n' <<<"$options" | grep -- '^--' | tr '\n' ' ')"
}

holds "it starts in less than 10 ms" starts_quickly
holds "its version" says 0 '^cnx [0-9]+\.[0-9]+' "$cnx" -V
holds "help knows every verb" test "$(wc -w <<<"$verbs")" -ge 12
holds "help is JSON under -j" bash -c '"$1" help -j | python3 -c "
import json, sys
verbs = {verb[\"name\"] for verb in json.load(sys.stdin)[\"verbs\"]}
sys.exit(not {\"load\", \"record\", \"top\"} <= verbs)"' _ "$cnx"
holds "an unknown verb is wrong usage" says 2 'see `cnx help`' "$cnx" frobnicate
holds "help of an unknown verb is wrong usage" says 2 "there is no verb 'frobnicate'" "$cnx" help frobnicate
holds "wrong usage is JSON under -j" says 2 '^{"error":".*","errno":22}$' "$cnx" -j frobnicate
holds "no verb is wrong usage" says 2 'Usage: cnx' "$cnx"
holds "a protocol that is none is wrong usage" says 2 'protocol' "$cnx" --protocol 32 list
for verb in $verbs; do
	holds "$verb has help with examples" has_help "$verb"
	holds "$verb refuses an option that is none" says 2 'see `cnx help`' "$cnx" "$verb" --no-such-option
	holds "$verb completes its options" completes_all_options "$verb"
done

holds "help to a full disk says so" full_disk "$cnx" help
holds "help of a verb to a full disk says so" full_disk "$cnx" help send
holds "--help to a full disk says so" full_disk "$cnx" --help
holds "the version to a full disk says so" full_disk "$cnx" -V
holds "help -j to a full disk says so" full_disk "$cnx" help -j
holds "no room even for the error" no_room_to_complain 1 "$cnx" help
holds "no room for the error of wrong usage" no_room_to_complain 2 "$cnx" frobnicate
holds "a reader that goes away is no error of help" reader_gone "$cnx" help

holds "verbs are completed" completes "cnx re" "reload record replay"
holds "all verbs are offered" completes "cnx " "$(tr '\n' ' ' <<<"$verbs")"
holds "verbs are completed behind options" completes "cnx -j --protocol 28 li" "list"
holds "help completes verbs" completes "cnx help mon" "monitor"
holds "options of a verb are completed" completes "cnx monitor --f" "--follow"
holds "options of the tool are completed behind a verb" completes "cnx list --js" "--json"
holds "commands are completed behind run" completes "cnx run bas" "bash"
holds "and behind its dashes" completes "cnx run --root -- bas" "bash"
holds "options of run are completed" completes "cnx run --ro" "--root"
holds "arguments of a command are not run's" completes "cnx run ls --ro" ""
holds "run without a command is wrong usage" says 2 'there is no command to run: see `cnx help run`' "$cnx" run
holds "and so with an option" says 2 'there is no command' "$cnx" run --root --
holds "an option that run has not is wrong usage" says 2 '^cnx: .*--bogus' "$cnx" run --bogus ls
holds "the command's own options are not judged" says 3 'cnx load' "$cnx" run ls --bogus
holds "and -j is the tool's before the command only" says 3 '^cnx: ' "$cnx" run ls -j
holds "files are left to bash" completes "cnx replay some" ""
holds "shellcheck accepts the completion" bash -c 'command -v shellcheck >/dev/null || exit 0; shellcheck "$1"' _ "$here/completion/cnx.bash"
done_testing
