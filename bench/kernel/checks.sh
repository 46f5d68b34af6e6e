#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks the in-kernel benchmark, as TAP: checks.sh icount that it measures what it should, and the same twice, and what
# it must refuse; checks.sh uml that it measures what it should in user-mode Linux.
set -u
# The make that runs this has its own flags and jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${CNX_BUILD:-$root/build}
mode=${1:-icount}
step=bench_kernel
[ "$mode" = icount ] || step=bench_$mode
. "$root/userspace/vm/tap.sh" "$step"

# expected [SENDERS]: in user-mode Linux with several CPUs, what so many senders meet with and nothing else.
expected() {
	local bus n senders
	for bus in cnx connector; do
		for senders in $1; do
			echo "receive/$bus/callbacks:1/batch:1/senders:$senders"
			echo "receive/$bus/callbacks:1000/batch:1/senders:$senders"
		done
		[ -z "$1" ] || continue
		for n in 1 16 1000; do
			echo "receive/$bus/callbacks:$n/batch:1"
			[ $bus = connector ] || echo "receive/$bus/callbacks:$n/batch:32"
		done
		for n in 0 1 2 16; do
			echo "send/$bus/listeners:$n/batch:1"
			[ $bus = connector ] || echo "send/$bus/listeners:$n/batch:32"
			[ $bus = connector ] || [ "$n" = 0 ] || echo "send/$bus/subscribers:$n/batch:1"
			[ $bus = connector ] || [ "$n" = 0 ] || echo "send/$bus/subscribers:$n/batch:32"
		done
		for n in 1 2 16; do
			echo "deliver/$bus/listeners:$n/batch:1"
			[ $bus = connector ] || echo "deliver/$bus/listeners:$n/batch:32"
		done
		echo "register/$bus"
	done
	[ -n "$1" ] || echo local/cnx
	[ "$mode" != icount ] || process_events
}

process_events() {
	local n
	echo procevents/nobody
	echo procevents/cnx/listeners:0/batch:1
	echo procevents/cnx/excluding:1/batch:1
	for n in 1 2 16; do
		echo "procevents/connector/listeners:$n/batch:1"
		echo "procevents/cnx/listeners:$n/batch:1"
		echo "procevents/cnx/listeners:$n/batch:32"
	done
}

names() {
	python3 -c 'import json, sys; print(*(one["name"] for one in json.load(open(sys.argv[1]))), sep="\n")' "$1"
}

# measures_all SENDERS: all that there should be, with the senders that there are CPUs for.
measures_all() {
	diff <(expected "$1" | sort) <(names "$work/1.json" | sort)
}

# says MODE UNIT: they are in each measurement, and its numbers are above 0.
says() {
	python3 - "$work/1.json" "$@" <<'END'
import json, sys
wrong = [one for one in json.load(open(sys.argv[1])) if [one["mode"], one["unit"]] != sys.argv[2:]
         or not all(one[number] > 0 for number in ("value", "p50", "p99", "p999", "max"))]
print(wrong)
sys.exit(bool(wrong))
END
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

# refuses SENTENCE COMMAND...: the command fails, and its one line that begins with cnx: is the sentence.
refuses() {
	local sentence=$1 said
	shift
	said=$("$@" 2>&1) && return 1
	echo "$said"
	[ "$(grep '^cnx: ' <<<"$said")" = "cnx: $sentence" ]
}

bench_kernel() {
	make --no-print-directory -C "$root" bench-kernel PACKAGES=no "$@"
}

# Instructions are the same whatever else runs.
twice_at_once() {
	local second status
	"$root/userspace/vm/vm" bench "$work/2.json" &
	second=$!
	"$root/userspace/vm/vm" bench "$work/1.json"
	status=$?
	wait $second && return $status
}

case $mode in
icount)
	holds "a mode that is none is refused" \
		refuses "there is no MODE=fast of bench-kernel; use MODE=icount, MODE=uml or MODE=kvm." bench_kernel MODE=fast
	holds "nanoseconds are not measured where KVM runs no guest" \
		refuses "KVM does not run a guest here, so MODE=kvm cannot measure; use a machine where it does, or MODE=uml." \
		env CNX_ACCEL=tcg "$root/userspace/vm/vm" bench "$work/kvm.json" --mode kvm
	holds "a tree of user-mode Linux that is none is refused" \
		refuses "$work is no tree of user-mode Linux; build one with make ARCH=um, or use UML_TREE=stock or UML_TREE=smp." \
		"$root/userspace/vm/uml/tree.sh" "$work"
	holds "it runs to its end, twice at once" twice_at_once
	holds "all that it should measure is in its JSON" measures_all ""
	holds "it says that it counted instructions" says icount instructions
	holds "two runs agree to a thousandth" agrees
	;;
uml)
	read -r tree _ <"$build/uml/module.settings"
	senders=
	grep -qx CONFIG_SMP=y "$tree/.config" && senders="1 2"
	holds "it runs to its end" "$root/userspace/vm/vm" bench "$work/1.json" --mode uml --tree "$tree" --brief
	holds "all that it should measure is in its JSON" measures_all "$senders"
	holds "it says that it measured nanoseconds" says uml nanoseconds
	;;
esac
done_testing
