#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Finds out which structures of the benchmark can be built here: peers.sh COMPILER FOLDER
# writes FOLDER/peers.inc (PRESENT(name) or ABSENT(name) for each), FOLDER/peers.sources and FOLDER/peers.libs, and says
# which peers are absent. Fails where something is missing without which there is no benchmark.
set -u
compiler=$1
folder=$2

# Structure, the header that tells whether its library is there, and what to link.
structures='
cnx              -                                   -
kernel_connector -                                   -
rwlock_map       -                                   -
rculfhash        urcu/rculfhash.h                    -lurcu-cds
ck_ht            ck_ht.h                             -lck
tbb              tbb/concurrent_hash_map.h           -ltbb
cuckoo           libcuckoo/cuckoohash_map.hh         -
libcds           cds/init.h                          -lcds
absl_map         absl/container/flat_hash_map.h      absl_flat_hash_map
'

has() {
	echo "#include <$1>" | "$compiler" -std=c++23 -E -x c++ - >/dev/null 2>&1
}

need() {
	has "$1" || {
		echo "bench: $2 is missing; install it (Debian: apt-get install $3) and run make again." >&2
		exit 1
	}
}

need benchmark/benchmark.h "Google Benchmark" libbenchmark-dev
need urcu/urcu-memb.h "liburcu" liburcu-dev
need CLI/CLI.hpp "CLI11" libcli11-dev

mkdir -p "$folder" || exit 1
inc='' sources='' libs='' absent=''
while read -r name header link; do
	[ -n "$name" ] || continue
	if [ "$header" != - ] && ! has "$header"; then
		inc+="ABSENT($name)"$'\n'
		absent+=" $name"
		continue
	fi
	inc+="PRESENT($name)"$'\n'
	sources+=" bench/structures/$name.cpp"
	case $link in
	-) ;;
	-l*) libs+=" $link" ;;
	*) libs+=" $(pkg-config --libs ${link//,/ } | sed 's/^/ /')" ;;
	esac
done <<<"$structures"

# Only what has changed is written, so that nothing is built again for nothing.
keep() {
	printf '%s' "$2" | cmp -s - "$folder/$1" || printf '%s' "$2" >"$folder/$1"
}
keep peers.inc "$inc"
keep peers.sources "$sources"
keep peers.libs "$libs"
[ -z "$absent" ] || echo "  BENCH   without$absent: no library for it here; the tables will say so"
