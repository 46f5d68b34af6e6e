#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The fuzzers: each input of the corpus, and a minute of new ones for each. Prints TAP.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../vm/tap.sh" fuzz
build=${CNX_BUILD:-$here/../../build}

# What was found later lies beside the seeds.
seeds_are_their_scripts() {
	"$here/seeds.py" "$work/seeds" && diff -r "$work/seeds" "$here/corpus" | grep -v "^Only in $here/corpus" >"$work/differ"
	! grep . "$work/differ"
}

replays() {
	"$build/fuzz/$1" -runs=0 -timeout=10 "$here/corpus/$1"
}

refuses() {
	! "$here/run.sh" "$@" >"$work/said" 2>&1 && grep -q '^cnx: ' "$work/said"
}

holds "the seeds are what their script makes" seeds_are_their_scripts
holds "a time that is none is refused" refuses "$build" 1h
holds "no time at all is refused" refuses "$build" 0
holds "a folder without fuzzers is refused" refuses "$work" 1
holds "a fuzzer that is none is refused" refuses "$build" 1 no_such_fuzzer
for source in "$here"/core_*.cpp "$here"/client_*.cpp; do
	name=$(basename "$source" .cpp)
	holds "$name takes every input of its corpus" replays "$name"
	# Always the same ones: what others would find is for make fuzz to find, and not for who changes something else.
	holds "$name finds nothing in a minute" env CNX_SEED=7 "$here/run.sh" "$build" 60 "$name"
done
done_testing
