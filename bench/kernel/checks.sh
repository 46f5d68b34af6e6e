#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks the in-kernel benchmark: that it measures what it should, and the same twice. Prints TAP.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$root/userspace/vm/tap.sh" bench_kernel

expected() {
	local bus n
	for bus in cnx connector; do
		for n in 1 16 1000; do
			echo "receive/$bus/callbacks:$n/batch:1"
			[ $bus = connector ] || echo "receive/$bus/callbacks:$n/batch:32"
		done
		for n in 0 1 2 16; do
			echo "send/$bus/listeners:$n/batch:1"
			[ $bus = connector ] || echo "send/$bus/listeners:$n/batch:32"
		done
		echo "register/$bus"
	done
	echo local/cnx
}

names() {
	python3 -c 'import json, sys; print(*(one["name"] for one in json.load(open(sys.argv[1]))), sep="\n")' "$1"
}

measures_all() {
	diff <(expected | sort) <(names "$work/1.json" | sort)
}

# Medians: a single step may have met a timer's interrupt.
agrees() {
	python3 - "$work/1.json" "$work/2.json" <<'END'
import json, sys
first, second = ({one["name"]: one for one in json.load(open(path))} for path in sys.argv[1:])
apart = {name: (one["p50"], second[name]["p50"]) for name, one in first.items()
         if abs(one["p50"] - second[name]["p50"]) > 0.001 * one["p50"]}
print(apart)
sys.exit(bool(apart) or not first)
END
}

holds "it runs to its end" "$root/userspace/vm/vm" bench "$work/1.json"
holds "it runs again" "$root/userspace/vm/vm" bench "$work/2.json"
holds "all that it should measure is in its JSON" measures_all
holds "two runs agree to a thousandth" agrees
done_testing
