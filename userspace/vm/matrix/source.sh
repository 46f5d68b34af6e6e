#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that is newer than Debian 12's, to build for: source.sh SOURCE HEADERS prints the tree. SOURCE is Debian's package
# of that kernel's source, and HEADERS the metapackage of a flavour's headers in the same suites.
# The programs in newer headers need a newer C library than Debian 12's, and the compiler that they name is not there. So
# they are built from the source, with the flavour's configuration as far as this compiler knows what it asks for, and
# what the module uses of the kernel is looked up in the flavour's table of symbols.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../kernel_source.sh"

# Those that user-mode Linux is from, so that there is one source for both.
private_apt "$cache/uml/apt" trixie-backports forky sid
source=$1 log=$cache/matrix/$1.log

# configure: the flavour's configuration, less what makes a kernel rather than a module and asks for more programs.
configure() {
	cp "$headers/.config" .config &&
		scripts/config -d DEBUG_INFO_BTF -d MODULE_SIG -d RUST &&
		make olddefconfig && make -j"$(nproc)" modules_prepare && cp "$headers/Module.symvers" .
}

# What a module's build takes from a tree.
strip_tree() {
	find . -mindepth 1 -maxdepth 1 -type d ! -name arch ! -name include ! -name scripts ! -name tools -exec rm -rf {} + &&
		find arch -mindepth 1 -maxdepth 1 -type d ! -name x86 -exec rm -rf {} + &&
		find tools -mindepth 1 -maxdepth 1 ! -name objtool -exec rm -rf {} +
}

# shellcheck disable=SC2034 # kernel_source.sh calls it.
refresh=update
remedy="or name another source in userspace/vm/matrix/kernels"
folder=$(cached_tree "$cache/matrix" "$source" "$(key_of "$here/source.sh")" Makefile "$remedy" "${apt[@]}") || exit 1
if [ ! -r "$folder/Makefile" ]; then
	# The flavour that there is the source of.
	version=$(candidate "$source" "${apt[@]}")
	flavour=$(depends "$2" "${apt[@]}" | grep '^linux-headers-' | head -n 1)
	[ "$(candidate "$flavour" "${apt[@]}")" = "$version" ] ||
		fail "$2 is ${flavour:-not known} and no headers of $source $version; wait until the archive has both, $remedy."
	new_in "$cache/matrix" 3000 "the source of $source"
	unpack_package "$flavour" "${apt[@]}" ||
		fail "$flavour could not be downloaded; check the network and run this again."
	headers=$work/headers
	mv "$work/package/usr/src/$flavour" "$headers" && rm -rf "$work/package" ||
		fail "$flavour could not be unpacked in $work; check that the disk has space and run this again."
	unpack_source "$source" "$remedy" "${apt[@]}"
	echo "  PREPARE ${folder##*/} (once, a minute or two)" >&2
	# What a make above us was told is about the module, and would be taken to be about the kernel.
	(cd "$work/$source" && unset MAKEFLAGS MFLAGS MAKELEVEL && configure && strip_tree) >"$log" 2>&1 </dev/null || {
		tail -n 5 "$log" >&2
		fail "$source could not be prepared; see $log, and install what userspace/vm/packages lists under [matrix] if a program is missing."
	}
	keep "$work/$source" "$folder" Makefile
fi
echo "$folder"
