#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks the benchmark itself: what it refuses, what it says of peers that are missing, and that a run leaves figures of
# every structure. Prints TAP. The program has been built.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dispatch=${CNX_BUILD:-build}/bench/dispatch
. "$here/../userspace/vm/tap.sh" bench

# refuses NAME SENTENCE COMMAND...: the command fails and says this (an extended expression).
refuses() {
	local name=$1 sentence=$2 said status
	shift 2
	selected "$name" || return 0
	said=$("$@" 2>&1 </dev/null)
	status=$?
	[ $status != 0 ] && grep -qE "$sentence" <<<"$said"
	result $? "$name" "status $status, said: $said"
}

# compiler_without HEADER: a compiler that does not find the header.
compiler_without() {
	cat >"$work/c++" <<-END
		#!/bin/bash
		source=\$(cat)
		case \$source in *"$1"*) exit 1 ;; esac
		exec g++ "\$@" <<<"\$source"
	END
	chmod +x "$work/c++"
}

tables() {
	printf '<!-- begin dispatch -->\n<!-- end dispatch -->\n' >"$work/benchmarks.md"
	python3 "$here/plots.py" --tables "$1" "$work/benchmarks.md" "$work/plots"
}


cpus=$(getconf _NPROCESSORS_CONF)
refuses "a flavour that there is not" "memb,mb,qsbr" "$dispatch" --flavour fast
refuses "no threads" "a number from 1 to $cpus" "$dispatch" --threads 0
refuses "threads that are no number" "a number from 1 to $cpus" "$dispatch" --threads many
refuses "more threads than CPUs" "has $cpus CPUs.*use --threads $cpus at most" "$dispatch" --threads $((cpus + 1))
refuses "no repetitions" "repetitions" "$dispatch" --repetitions 0
refuses "a filter that nothing matches" "no benchmark matches the filter; --list" "$dispatch" --out "$work/none.json" --filter nothing
refuses "a file that cannot be written" "cannot be written; name another file" "$dispatch" --out /proc/none/dispatch.json
refuses "an option that there is not" "fast" "$dispatch" --fast

compiler_without benchmark/benchmark.h
refuses "no Google Benchmark" "Google Benchmark is missing; install it" "$here/peers.sh" "$work/c++" "$work/build"

compiler_without tbb/concurrent_hash_map.h
holds "a peer whose library is missing is said to be absent" bash -c \
	"'$here/peers.sh' '$work/c++' '$work/build' | grep -q 'without tbb:' && grep -q 'ABSENT(tbb)' '$work/build/peers.inc' &&
		! grep -q tbb '$work/build/peers.sources' '$work/build/peers.libs'"

run_briefly() {
	"$dispatch" --out "$work/run.json" --repetitions 1 --seconds 0.001 --threads 1 \
		--filter '/callbacks:(1|16)/threads|^receive|^pool|^cycle'
}
holds "a short run ends without an error" run_briefly

structures='cnx cnx_dispatcher cnx_sleepable kernel_connector rwlock_map rculfhash ck_ht tbb cuckoo libcds absl_map floor'
every_structure() {
	for structure in $structures; do
		grep -q "\"name\": \"dispatch/$structure/callbacks:16/threads:1\"" "$work/run.json" ||
			grep -q "\"absent\": \".*\b$structure\b" "$work/run.json" || {
			echo "$structure has no figure and is not absent"
			return 1
		}
	done
}
holds "every structure has its figures, or is absent" every_structure

absent_in_tables() {
	sed 's/"absent": "[^"]*"/"absent": "tbb"/; /dispatch\/tbb/s/dispatch/other/' "$work/run.json" >"$work/absent.json"
	tables "$work/absent.json" && grep -q 'tbb.*absent' "$work/benchmarks.md"
}
holds "the tables say which peer is absent" absent_in_tables

every_rate() {
	python3 - "$work/run.json" <<-END
		import json, sys
		runs = json.load(open(sys.argv[1]))["benchmarks"]
		bad = [run["name"] for run in runs if not run.get("items_per_second", 0) > 0]
		sys.exit(f"without a rate: {bad}" if bad or not runs else 0)
	END
}
holds "every benchmark has a rate" every_rate

done_testing
