#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs what make coverage has built, run.sh FOLDER, and prints what of include/cnx/core it reached.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
	echo "cnx: $*" >&2
	exit 1
}

[ $# = 1 ] && [ -x "$1/unit" ] || fail "there is nothing to run in \"${1:-}\": use make coverage."
folder=$1

# measure NAME ARGUMENT...: what one program reaches. Each by itself, because the same function may differ between two.
measure() {
	local name=$1
	shift
	LLVM_PROFILE_FILE=$folder/$name.profraw "$folder/$name" "$@" >"$folder/$name.log" 2>&1 || return 1
	llvm-profdata-19 merge -o "$folder/$name.profdata" "$folder/$name.profraw" &&
		export_as lcov "$name" >"$folder/$name.lcov" && export_as text "$name" >"$folder/$name.json" ||
		fail "what $name reached cannot be read: run make clean and make coverage."
}

export_as() {
	llvm-cov-19 export -format="$1" "$folder/$2" -instr-profile="$folder/$2.profdata" "$here/../../include/cnx/core"
}

measure unit --gtest_brief=1 || fail "a unit test fails, see $folder/unit.log: mend that first (make unit)."
measured=("$folder/unit")
for source in "$here"/../fuzz/core_*.cpp; do
	name=$(basename "$source" .cpp)
	measure "$name" -runs=0 "$here/../fuzz/corpus/$name" ||
		fail "an input of the corpus fails, see $folder/$name.log: mend that first (make test ONLY=fuzz)."
	measured+=("$folder/$name")
done
exec python3 "$here/report.py" "${measured[@]}"
