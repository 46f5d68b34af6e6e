#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Fuzzes the core and the client library: run.sh BUILD SECONDS [ONLY]. CNX_SEED= has it try the same inputs each time, as
# long as the corpus stays as it is. Each program whose name has ONLY in it runs for so many seconds, as many at a time as
# there are processors. It starts from its corpus and from what earlier runs have found, and leaves in BUILD/fuzz/found what
# is new, and libFuzzer's words in BUILD/fuzz/log.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
	echo "cnx: $*" >&2
	exit 1
}

# What makes sense at most of a program's input. Datagrams are long; of operations, some hundred bytes make all there are.
longest() {
	case $1 in
	core_message | client_*) echo 17000 ;;
	*) echo 1024 ;;
	esac
}

# fuzz BUILD SECONDS NAME: one program.
fuzz() {
	local build=$1 seconds=$2 name=$3
	local found=$build/fuzz/found/$name log=$build/fuzz/log/$name
	mkdir -p "$found" "${log%/*}" || fail "$found cannot be made; free some space and run this again."
	if "$build/fuzz/$name" -max_total_time="$seconds" -seed="${CNX_SEED:-0}" -max_len="$(longest "$name")" -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/fuzz/$name-" "$found" "$here/corpus/$name" >"$log" 2>&1; then
		echo "  FUZZ    $name: $(executions "$log") executions in $seconds s"
		return 0
	fi
	tail -n 60 "$log"
	fail "$name fails with the input named above: mend it, and keep the input as userspace/fuzz/corpus/$name/WHAT_IT_SHOWS."
}

executions() {
	sed -n 's/^stat::number_of_executed_units: *//p' "$1"
}

if [ "${1:-}" = --one ]; then
	shift
	fuzz "$@"
	exit
fi

[ $# = 2 ] || [ $# = 3 ] || fail "name the build folder and the seconds: run.sh build 60."
build=$1
only=${3:-}
[[ $2 =~ ^[1-9][0-9]{0,6}$ ]] || fail "\"$2\" is no number of seconds: use for example TIME=60."
names=()
for source in "$here"/core_*.cpp "$here"/client_*.cpp; do
	name=$(basename "$source" .cpp)
	[[ $name == *"$only"* ]] || continue
	[ -x "$build/fuzz/$name" ] || fail "there is no $build/fuzz/$name: run make fuzz-programs first."
	names+=("$name")
done
[ ${#names[@]} != 0 ] || fail "no fuzzer has \"$only\" in its name: use for example ONLY=core_message, or leave it out."

printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I '{}' "$0" --one "$build" "$2" '{}' || exit 1
total=0
for name in "${names[@]}"; do
	total=$((total + $(executions "$build/fuzz/log/$name")))
done
echo "  FUZZ    $total executions in all, and nothing found"
