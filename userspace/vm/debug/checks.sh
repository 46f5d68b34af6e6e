#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What `make test-debug` runs on a debug kernel; prints TAP.
#   checks.sh KIND suite             the guest's suite; CNX_ONLY selects
#   checks.sh KIND stress SECONDS    cnx stress, all scenarios at once
#   checks.sh KIND wrong             that the kernel finds mistakes which are made on purpose
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kind=$1 what=$2
build=${CNX_BUILD:-$here/../../../build}
CNX_KERNEL=$(cut -d' ' -f1 "$build/debug-$kind/module.settings") || exit 1
export CNX_KERNEL CNX_MODULES=$build/debug-$kind/kernel
export CNX_PATIENCE=${CNX_PATIENCE:-4} CNX_MEMORY=${CNX_MEMORY:-1G}

if [ "$what" = suite ]; then
	exec "$here/../vm" test --only "${CNX_ONLY:-}"
fi

. "$here/../tap.sh" "${kind}_$what"

# found NAME PATTERN: the kernel has logged it.
found() {
	holds "finds $1" grep -qE "$2" "$build/debug-$kind/vm/wrong/console.log"
}

if [ "$what" = stress ]; then
	holds "cnx stress --mix all for $3 s" \
		"$here/../vm" run stress "$here/../stress.sh" --timeout $(($3 + 180)) --append "cnx_stress=$3:all:"
elif selected wrong; then
	holds "a guest whose kernel complains fails" sh -c "! \"$here/../vm\" run wrong \"$here/wrong.sh\" --timeout 200"
	case $kind in
	kasan)
		found "what is read after it was freed" "KASAN: (slab-)?use-after-free in wrong_init"
		found "an index beyond an array" "UBSAN: array-index-out-of-bounds"
		found "memory that is lost" "unreferenced object"
		found "who sleeps where one must not" "scheduling while atomic|sleeping function called from invalid context"
		found "locks that are taken in both orders" "possible circular locking dependency"
		found "that it looks for that no more" "cnx-vm: WARNING: lockdep has switched itself off"
		;;
	kcsan)
		found "a data race" "KCSAN: data-race in count_without_a_lock"
		;;
	esac
fi
done_testing
