#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fuzzes the client library: run.sh BUILD SECONDS. Each program gets its share of the time, starts from its corpus and from
# what earlier runs have found, and leaves in BUILD/fuzz/found what is new. Prints libFuzzer's output.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
	echo "cnx: $*" >&2
	exit 1
}

[ $# = 2 ] || fail "name the build folder and the seconds: run.sh build 60."
build=$1
[[ $2 =~ ^[1-9][0-9]{0,6}$ ]] || fail "\"$2\" is no number of seconds: use for example TIME=60."
programs=("$build"/fuzz/client_*)
[ -x "${programs[0]}" ] || fail "there is nothing to run in $build/fuzz: run make fuzz-programs first."

for program in "${programs[@]}"; do
	name=${program##*/}
	found=$build/fuzz/found/$name
	mkdir -p "$found" || fail "$found cannot be made; free some space and run this again."
	seconds=$((($2 + ${#programs[@]} - 1) / ${#programs[@]}))
	echo "  FUZZ    $name, for $seconds s"
	"$program" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/fuzz/" "$found" "$here/corpus/$name" ||
		fail "$name fails with the input named above: mend it, and keep the input as userspace/fuzz/corpus/$name/WHAT_IT_SHOWS."
done
