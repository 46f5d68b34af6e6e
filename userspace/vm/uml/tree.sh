#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The user-mode Linux that the benchmark boots, from one of Debian's source packages: built once, and kept in the cache.
#   tree.sh stock     prints the folder of Debian 12's own kernel, which has one CPU
#   tree.sh smp       prints that of a newer one, which has as many as it is given
#   tree.sh FOLDER    prints FOLDER, if it is a tree that was built with ARCH=um
# A folder holds the program `linux`, and what a module is built with: make module KDIR=FOLDER ARCH=um.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../kernel_source.sh"

# The newest that cnx supports. Debian 12 does not have it, so apt is asked in private, with lists of its own.
newest=linux-source-7.2
private_apt "$cache/uml/apt" trixie-backports forky sid
remedy="or name a tree that was built with ARCH=um with UML_TREE="

# What a module's build takes from a tree; the rest of it would be ten times as much.
strip_tree() {
	(cd "$1" && find . -mindepth 1 -maxdepth 1 -type d ! -name arch ! -name include ! -name scripts -exec rm -rf {} + &&
		find arch -mindepth 1 -maxdepth 1 -type d ! -name um ! -name x86 -exec rm -rf {} + &&
		find arch -name '*.[oa]' -delete && rm -f built-in.a vmlinux* .tmp_*)
}

build() {
	local package=$1 folder=$2 log=$cache/uml/$1.log source
	shift 2
	new_in "$cache/uml" 3000 "user-mode Linux"
	unpack_source "$package" "$remedy" "$@"
	source=$work/$package
	# Processors with AMX have more registers than 6.1 sets aside, and the host does not restore a part of them.
	# Newer kernels ask how many there are, and have no such line. The stack holds a copy (see ./config).
	sed -i 's/DEFINE_LONGS(HOST_FP_SIZE, 2696)/DEFINE_LONGS(HOST_FP_SIZE, 16384)/' "$source/arch/x86/um/user-offsets.c" ||
		fail "$source has no arch/x86/um/user-offsets.c; the package is not what it was."
	echo "  UML     ${folder##*/} (once, some minutes)" >&2
	# What a make above us was told is about the module, and would be taken to be about the kernel.
	(cd "$source" &&
		env -i PATH="$PATH" make ARCH=um KCONFIG_ALLCONFIG="$here/config" allnoconfig &&
		env -i PATH="$PATH" make ARCH=um -j"$(nproc)") >"$log" 2>&1 </dev/null || {
		tail -n 5 "$log" >&2
		fail "user-mode Linux could not be built; see $log, and install what userspace/vm/packages lists under [uml] if a program is missing."
	}
	strip_tree "$source"
	keep "$source" "$folder" linux
}

named() {
	[ -x "$1/linux" ] && grep -qsx CONFIG_UML=y "$1/.config" ||
		fail "$1 is no tree of user-mode Linux; build one with make ARCH=um, or use UML_TREE=stock or UML_TREE=smp."
	(cd "$1" && pwd)
}

# cached PACKAGE APT_OPTION...: with options, apt is asked in private.
cached() {
	local package=$1 folder
	shift
	# shellcheck disable=SC2034 # kernel_source.sh calls it.
	[ $# -eq 0 ] || refresh=update
	folder=$(cached_tree "$cache/uml" "$package" "$(key_of "$here/config" "$here/tree.sh")" linux "$remedy" "$@") || exit 1
	[ -x "$folder/linux" ] || (build "$package" "$folder" "$@") || exit 1
	echo "$folder"
}

case ${1:-} in
stock) cached linux-source-6.1 ;;
smp) cached "$newest" "${apt[@]}" ;;
?*) named "$1" ;;
*) fail "usage: tree.sh stock | smp | FOLDER" ;;
esac
