#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs cnx.ko and the drivers, out of the build folder, for the kernel that they were built for:
#	modules.sh install PREFIX [ROOT]
#	modules.sh uninstall PREFIX [ROOT]     from each kernel that they were installed for
# They go to ROOT/lib/modules/RELEASE/updates/cnx, and the line that loads cnx at boot to PREFIX/lib/modules-load.d.
# Without a ROOT, depmod is told. With MODULE_SIG_KEY and MODULE_SIG_CERT in the environment they are signed.
set -eu
action=${1:-} prefix=${2:-} root=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${CNX_BUILD:-$here/../../build}
. "$here/manifest.sh"

# What the modules in the build folder were built for.
read_build() {
	[ -r "$build/kernel/.config-of-build" ] || complain "no modules are in $build; run make module first."
	read -r kdir _ <"$build/kernel/.config-of-build"
	release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$kdir/include/generated/utsrelease.h")
	folder=/lib/modules/$release/updates/cnx
}

# Kbuild lists what it built, in some versions with .o, and the tests' and the benchmark's modules among them.
built() {
	local kernel module
	kernel=$(cd "$build/kernel" && pwd)
	while read -r module; do
		module=${module#"$kernel/"}
		case $module in
		test/* | bench/*) ;;
		*) echo "$kernel/${module%.*}.ko" ;;
		esac
	done <"$kernel/modules.order"
}

# sign FILE, with the hash that the kernel was configured with.
sign() {
	local hash
	hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' "$kdir/.config")
	"$kdir/scripts/sign-file" "${hash:-sha256}" "$MODULE_SIG_KEY" "$MODULE_SIG_CERT" "$1" ||
		complain "${1##*/} cannot be signed; check MODULE_SIG_KEY=$MODULE_SIG_KEY (PEM) and MODULE_SIG_CERT=$MODULE_SIG_CERT (DER)."
}

# tell_depmod RELEASE
tell_depmod() {
	[ -z "$root" ] || return 0
	command -v depmod >/dev/null || complain "depmod is missing, so modprobe will not find the modules; install kmod, and run: depmod $1"
	depmod "$1"
}

case $action in
install)
	if [ -n "${MODULE_SIG_KEY:-}${MODULE_SIG_CERT:-}" ] && ! { [ -r "${MODULE_SIG_KEY:-}" ] && [ -r "${MODULE_SIG_CERT:-}" ]; }; then
		complain "to sign, name two files that can be read: MODULE_SIG_KEY= (PEM) and MODULE_SIG_CERT= (DER); doc/install.md says how they are made."
	fi
	read_build
	begin "modules-$release" "$prefix" "$root"
	made=$(mktemp)
	trap 'rm -f "$made"' EXIT
	for module in $(built); do
		cp "$module" "$made"
		# What debuggers want stays in the build folder.
		objcopy --strip-debug "$made"
		[ -z "${MODULE_SIG_KEY:-}" ] || sign "$made"
		put 644 "$made" "$folder/${module##*/}"
	done
	put 644 "$here/modules-load.conf" "$prefix/lib/modules-load.d/cnx.conf"
	tell_depmod "$release"
	;;
uninstall)
	for installed in "$root$prefix"/share/cnx/modules-*.installed; do
		release=${installed##*/modules-}
		release=${release%.installed}
		remove "modules-$release" "$prefix" "$root"
		[ "$release" = "*" ] || tell_depmod "$release"
	done
	;;
*)
	complain "usage: modules.sh install|uninstall PREFIX [ROOT]"
	;;
esac
