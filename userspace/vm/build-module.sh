#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds kernel/ and the benchmark's module against a kernel tree, outside the source tree: build-module.sh BUILD KDIR [VARIABLE=VALUE...]
# Kbuild writes beside its sources, so it is given a folder of links to them.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1 kdir=$2
shift 2
mkdir -p "$build/kernel"
target=$(cd "$build/kernel" && pwd)

# Files that were built for another tree, from another, or with other settings, must not be taken for up to date.
config="$kdir $(cat "$kdir/include/config/kernel.release") $* of $root"
if [ "$(cat "$target/.config-of-build" 2>/dev/null)" != "$config" ]; then
	rm -rf "$target"
	mkdir -p "$target"
	echo "$config" >"$target/.config-of-build"
fi

find "$target" -xtype l -delete
# link FROM TO: the files below FROM, as links below TO.
link() {
	mkdir -p "$2"
	(cd "$1" && find . -type d) | (cd "$2" && xargs mkdir -p)
	(cd "$1" && find . -type f) | while read -r file; do
		[ -L "$2/$file" ] || ln -s "$1/${file#./}" "$2/$file"
	done
}
link "$root/kernel" "$target"
link "$root/bench/kernel/module" "$target/bench"

# The one line of Kbuild that is no concern of ours: the header packages have no vmlinux to take type information from.
log=$target/build.log
make --no-print-directory -C "$kdir" "M=$target" "CNX_SRC=$root" "$@" modules 2>&1 |
	tee "$log" | grep --line-buffered -v 'Skipping BTF generation\|^make\[[0-9]*\]: \(Entering\|Leaving\)' |
	sed -u "s,$target/,,"
status=${PIPESTATUS[0]}
# That other programs built the kernel is said of a tree whatever is built in it.
if [ "$status" = 0 ] && grep -vE 'the compiler differs|pahole version differs' "$log" | grep -qE 'warning:|WARNING:'; then
	echo "cnx: the module built with warnings, and it may have none; see above." >&2
	status=1
fi
exit "$status"
