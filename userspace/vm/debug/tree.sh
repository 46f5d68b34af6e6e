#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The debug kernels, from Debian 12's source of its kernel: built once, and kept in the cache.
#   tree.sh kasan     prints the folder of the one that looks for wrong use of memory, locks and RCU, and for leaks
#   tree.sh kcsan     prints that of the one that looks for data races
# A folder holds boot/vmlinuz-RELEASE, and what a module is built with: make module KDIR=FOLDER.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../kernel_source.sh"

package=linux-source-6.1
remedy="so that Debian 12's main section is known"

# What a module's build takes from a tree; the rest of it would be a gigabyte more.
strip_tree() {
	(cd "$1" && mv tools/objtool/objtool "$work/objtool" &&
		find . -mindepth 1 -maxdepth 1 -type d ! -name arch ! -name include ! -name scripts ! -name boot -exec rm -rf {} + &&
		mkdir -p tools/objtool && mv "$work/objtool" tools/objtool/objtool &&
		find arch -mindepth 1 -maxdepth 1 -type d ! -name x86 -exec rm -rf {} + &&
		rm -rf arch/x86/boot && find arch -name '*.[oa]' -delete && rm -f built-in.a vmlinux* .vmlinux* .tmp_*)
}

# Lets one fault be put where the stack leads through given addresses, as kernels from 6.3 on do: those of a module.
filter_faults() {
	sed -i '/^config FAULT_INJECTION_STACKTRACE_FILTER/,/^config/{/depends on !X86_64/d}' "$1/lib/Kconfig.debug" &&
		sed -i 's/^\t\tif (fail_nth) {$/&\n\t\t\tif (!fail_stacktrace(attr))\n\t\t\t\treturn false;/' "$1/lib/fault-inject.c" &&
		[ "$(grep -c 'fail_stacktrace(attr)' "$1/lib/fault-inject.c")" = 2 ]
}

# lacking CONFIG FILE: the options of the fragments that Kconfig did not take over.
lacking() {
	local option
	grep -hE '^CONFIG_' "$here/config-common" "$here/config-$2" | while read -r option; do
		case $option in
		*=n) ! grep -q "^${option%n}" "$1" || echo "$option" ;;
		*) grep -qxF -- "$option" "$1" || echo "$option" ;;
		esac
	done
}

# made LOG SOURCE TARGET...: what a make above us was told is about the module, and would be taken to be about the kernel.
made() {
	local log=$1 source=$2
	shift 2
	env -i PATH="$PATH" LC_ALL=C make -C "$source" ARCH=x86_64 "$@" >>"$log" 2>&1 </dev/null || {
		tail -n 5 "$log" >&2
		fail "the debug kernel could not be built; see $log, and install what userspace/vm/packages lists under [debug-kernel] if a program is missing."
	}
}

build() {
	local kind=$1 folder=$2 log=$cache/debug/$1.log source missing
	new_in "$cache/debug" 4000 "a debug kernel"
	unpack_source "$package" "$remedy"
	source=$work/$package
	filter_faults "$source" || fail "lib/fault-inject.c of $package is not what it was; adapt filter_faults in $here/tree.sh."
	echo "  KERNEL  ${folder##*/} (once, ten minutes on two cores)" >&2
	cat "$here/config-common" "$here/config-$kind" >"$work/config"
	: >"$log"
	made "$log" "$source" KCONFIG_ALLCONFIG="$work/config" allnoconfig
	missing=$(lacking "$source/.config" "$kind")
	[ -z "$missing" ] || fail "Kconfig did not take over ${missing//$'\n'/, }; correct $here/config-$kind or config-common."
	made "$log" "$source" -j"$(nproc)" bzImage modules
	mkdir "$source/boot" &&
		cp "$source/arch/x86/boot/bzImage" "$source/boot/vmlinuz-$(cat "$source/include/config/kernel.release")" &&
		strip_tree "$source" || fail "the debug kernel could not be put away in $work; check that the disk has space and run this again."
	keep "$source" "$folder" .config
}

case ${1:-} in
kasan | kcsan)
	folder=$(cached_tree "$cache/debug" "$package" "$1-$(key_of "$here/config-common" "$here/config-$1" "$here/tree.sh")" \
		.config "$remedy") || exit 1
	[ -r "$folder/.config" ] || (build "$1" "$folder") || exit 1
	echo "$folder"
	;;
*) fail "there is no debug kernel \"${1:-}\"; name kasan or kcsan." ;;
esac
