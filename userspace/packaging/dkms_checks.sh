#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that DKMS builds and installs the modules from the source tree that make install-dkms installs, against the stock
# kernel's headers, all of it in folders of its own. Prints TAP. Runs after make module.
set -u
# The make that runs this has its own flags and jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
build=${CNX_BUILD:-$tree/build}
. "$here/../vm/tap.sh" dkms
version=$("$here/version.sh")
headers=$("$here/../vm/kernel.sh" headers) || exit 1
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$headers/include/generated/utsrelease.h")
# Otherwise DKMS would make a key for the machine.
export sign_file=$work/none
# DKMS works for root only, even in folders of one's own.
as_root=()
[ "$(id -u)" = 0 ] || as_root=(unshare --map-root-user)
mkdir -p "$work/dkms" "$work/modules/$release"

run_dkms() {
	local action=$1
	shift
	"${as_root[@]}" dkms "$action" -m cnx -v "$version" --sourcetree "$work/root/usr/src" --dkmstree "$work/dkms" "$@"
}

# shellcheck disable=SC2120 # Most need nothing more.
for_stock() {
	local action=$1
	shift
	run_dkms "$action" -k "$release" --kernelsourcedir "$headers" --installtree "$work/modules" "$@" || {
		tail -n 20 "$work/dkms/cnx/$version/build/make.log" 2>/dev/null
		return 1
	}
}

# ------------------------------------------------------------------------------------------------ which kernels

# range MIN MAX IN... -- OUT...
range() {
	local expression kernel matches=0
	expression=$("$here/kernels.py" "$1" "$2") || return 1
	shift 2
	for kernel in "$@"; do
		if [ "$kernel" = -- ]; then
			matches=1
			continue
		fi
		grep -qE -- "$expression" <<<"$kernel"
		[ $? = $matches ] || {
			echo "$kernel against $expression"
			return 1
		}
	done
}
range_of_makefile() {
	local min max
	min=$(sed -n 's/^KERNEL_MIN := //p' "$tree/Makefile")
	max=$(sed -n 's/^KERNEL_MAX := //p' "$tree/Makefile")
	grep -qF "BUILD_EXCLUSIVE_KERNEL='$("$here/kernels.py" "$min" "$max")'" "$work/root/usr/src/cnx-$version/dkms.conf" &&
		[ "$(grep -c "#error \"cnx supports Linux $min to $max:" "$tree/kernel/version.h")" = 2 ]
}
refuses() {
	local said
	said=$("$here/kernels.py" "$@" 2>&1) && return 1
	grep -q '^cnx: ' <<<"$said"
}
refuses_kernel() {
	local said status
	said=$(run_dkms build -k "$1" --kernelsourcedir "$headers" 2>&1)
	status=$?
	echo "status $status: $said"
	[ $status != 0 ] && grep -q 'BUILD_EXCLUSIVE' <<<"$said"
}
holds "a range over two series has the kernels in it, and no others" range 6.1 7.2 \
	6.1.0-56-cloud-amd64 6.1.192 6.2.0 6.9.1 6.10.3 6.19.0 7.0.0 7.2.14-1 -- 6.0.19 5.15.0 5.61.0 7.3.0 7.20.1 7.10.0 8.0.0 16.1.0
holds "a range with a whole series in it" range 5.15 7.0 5.15.1 5.19.0 5.20.0 5.100.0 6.0.1 6.99.0 7.0.1 -- 5.14.9 5.1.0 7.1.0
holds "a range within a series" range 6.9 6.12 6.9.1 6.10.0 6.12.30 -- 6.8.1 6.13.0 6.1.1 6.120.0
holds "what is no range is refused" refuses 6.1
holds "and what ends before it begins" refuses 7.2 6.1

# ------------------------------------------------------------------------------------------------ build and install

has_source() {
	[ -f "$work/root/usr/src/cnx-$version/kernel/Kbuild" ] && [ ! -e "$work/root/usr/src/cnx-$version/kernel/test" ]
}
# Each module that make module built but the tests' and the benchmark's.
installed() {
	diff <(sed "s,^$build/kernel/,," "$build/kernel/modules.order" | grep -v '^test/\|^bench/' | sed 's,.*/,,; s/\.k\?o$/.ko/' | sort) \
		<(ls "$work/modules/$release/updates/dkms") &&
		[ "$(modinfo -F vermagic "$work/modules/$release/updates/dkms/cnx.ko" | cut -d' ' -f1)" = "$release" ] &&
		[ "$(modinfo -F version "$work/modules/$release/updates/dkms/cnx.ko")" = "$version" ]
}
no_warnings() {
	! grep -v 'the compiler differs' "$work/dkms/cnx/$version/$release/$(uname -m)/log/make.log" | grep -iE 'warning:|error:'
}
nothing_left() {
	[ -z "$(find "$work/modules" "$work/dkms" -name '*cnx*')" ] && [ ! -e "$work/root/usr/src/cnx-$version" ]
}
holds "make install-dkms installs a source tree" "$here/dkms.sh" install "$work/root"
holds "which has the modules and not their tests" has_source
holds "a second one is refused" bash -c "'$here/dkms.sh' install '$work/root' 2>&1 | grep -q 'is there already'"
holds "its range of kernels is the Makefile's, and that of kernel/version.h" range_of_makefile
holds "dkms add takes it" run_dkms add
holds "dkms build refuses a kernel that is too old" refuses_kernel 5.10.0-1-amd64
holds "dkms build refuses a kernel that is too new" refuses_kernel 7.3.0-1-amd64
holds "dkms build builds it for $release" for_stock build
holds "without a warning" no_warnings
holds "dkms install installs the modules" for_stock install --no-depmod
holds "all of them, for that kernel, in this version" installed
holds "dkms remove removes them" run_dkms remove --all --installtree "$work/modules" --no-depmod
holds "make uninstall-dkms removes the source tree" "$here/dkms.sh" uninstall "$work/root"
holds "nothing of it is left" nothing_left
done_testing
