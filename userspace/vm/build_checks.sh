#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks of the build itself, as TAP: what it must refuse, and what the built modules must and must not hold.
# Runs after make module.
set -u
# The make that runs this has its own flags and jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${CNX_BUILD:-$root/build}
kernel=$build/kernel
. "$here/tap.sh" build_checks

# The lines of $1 that match $2 must be none.
none() {
	local found
	found=$(grep -E -- "$2" <<<"$1")
	[ -z "$found" ]
	result $? "$3" "$found"
}

# ------------------------------------------------------------------------------------- a tree that is out of range

# A tree is judged by the release that it says it is of.
check_release() {
	local release=$1 wording=$2 name=$3 output status
	mkdir -p "$work/tree/include/config"
	echo "$release" >"$work/tree/include/config/kernel.release"
	output=$(make --no-print-directory -C "$root" module PACKAGES=no BUILD="$unused" KDIR="$work/tree" 2>&1)
	status=$?
	[ $status != 0 ] && [ "$(grep -c '^cnx: ' <<<"$output")" = 1 ] && grep -q -- "$wording" <<<"$output"
	result $? "$name" "status $status
$output"
}

# Make is never let near build/ here: BUILD is relative to the root.
unused=$(realpath -m --relative-to="$root" "$work/build")
if selected "kernel versions"; then
	check_release 5.10.0-test "is 5.10.0-test, and cnx supports" "a kernel that is too old is refused with one sentence"
	check_release 7.3.0-test "is 7.3.0-test, and cnx supports" "a kernel that is too new is refused with one sentence"
	check_release nonsense "cannot be read as a version" "a release that is no version is refused with one sentence"
	rm "$work/tree/include/config/kernel.release"
	output=$(make --no-print-directory -C "$root" module PACKAGES=no BUILD="$unused" KDIR="$work/tree" 2>&1)
	[ $? != 0 ] && grep -q 'is not a prepared kernel tree' <<<"$output"
	result $? "a folder that is no prepared kernel tree is refused" "$output"
fi

# --------------------------------------------------------------------------------------------- static constructors

if selected "static constructor"; then
	# The core alone, with the same Kbuild rules: the rest of the module has no part in this.
	mkdir -p "$work/module"
	cp "$root/kernel/cxx.mk" "$work/module/"
	cat >"$work/module/Kbuild" <<-'KBUILD'
		obj-m := probe.o
		probe-y := core.o
		cnx-cxx-objects := core.o
		include $(src)/cxx.mk
	KBUILD
	read -r tree settings <"$build/module.settings"
	for kind in constructor destructor; do
		if [ $kind = constructor ]; then
			addition='int probe_source(); extern int probe_value; int probe_value = probe_source();'
		else
			addition='struct Probe { ~Probe(); }; Probe probe;'
		fi
		printf '%s\n' "$addition" >"$work/module/core.cpp"
		# shellcheck disable=SC2086 # The settings are several words.
		output=$(make --no-print-directory -C "$tree" M="$work/module" CNX_SRC="$root" $settings \
			core.o 2>&1)
		status=$?
		[ $status != 0 ] && [ ! -e "$work/module/core.o" ] && grep -q 'a static constructor or destructor, which' <<<"$output"
		result $? "a static $kind fails the module's build with its sentence" "status $status
$output"
	done
fi

# ------------------------------------------------------------------------------------------- what the modules hold

if selected "modules"; then
	mapfile -t modules < <(sed "s,^,," "$kernel/modules.order" | while read -r object; do
		[[ "$object" == /* ]] || object=$kernel/$object
		echo "${object%.o}.ko"
	done)
	[ ${#modules[@]} -ge 4 ]
	result $? "cnx and its example drivers are built" "${modules[*]}"
	headers=$(objdump -hw "${modules[@]}" 2>&1)
	none "$headers" '\.(init_array|fini_array|ctors|dtors|eh_frame|gcc_except_table)' \
		"no module has constructors, destructors or exception tables"
	symbols=$(nm -A -u "${modules[@]}" 2>&1)
	none "$symbols" ' (_Z[a-zA-Z0-9_]+|__cxa_[a-z_]+|__gxx_[a-z_0-9]+|_Unwind_[A-Za-z]+|__dso_handle|__emutls.*|atexit)$' \
		"no module needs a symbol of a C++ runtime"
	none "$(cat "$kernel/build.log")" 'ERROR: modpost|WARNING: modpost|undefined!' "modpost has nothing to say"

	core=$(nm -u "$kernel/core.o")
	for symbol in __x86_indirect_thunk_ __x86_return_thunk __fentry__; do
		grep -q " $symbol" <<<"$core"
		result $? "the C++ core uses the kernel's $symbol" "$core"
	done
	# A bare indirect branch or return is one that the kernel's mitigations do not reach.
	code=$(objdump -d --no-show-raw-insn "$kernel/core.o")
	none "$code" '\b(call|jmp) +\*|\bretq? *$' "the C++ core has no bare indirect branch and no bare return"
fi

# ------------------------------------------------------------------------------------------------------- no work

if selected "second build"; then
	newest() {
		find "$build/kernel" "$build/plain" "$build/cnx" "$build/libcnx.a" -type f -printf '%T@ %p\n' 2>/dev/null | sort
	}
	# As one of the settings that the build before it had, so that it is this build that is asked for again.
	read -r tree settings <"$build/module.settings"
	before=$(newest)
	# shellcheck disable=SC2086 # The settings are several words.
	output=$(make --no-print-directory -C "$root" module userspace PACKAGES=no KDIR="$tree" $settings 2>&1 | grep -v 'Nothing to be done')
	changed=$(diff <(echo "$before") <(newest) | head)
	[ -z "$output$changed" ]
	result $? "a second make module userspace does nothing" "$output
$changed"
fi

done_testing
