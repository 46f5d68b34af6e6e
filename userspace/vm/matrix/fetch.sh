#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# One of Debian 12's kernels, fetched into the cache and not installed, by the metapackage of its headers.
#   fetch.sh headers METAPACKAGE    prints the tree to build for: make module KDIR=...
#   fetch.sh image METAPACKAGE      prints the folder to boot: CNX_KERNEL=...
#   fetch.sh update                 fetches apt's lists, if those that are there are a day old
# A machine may follow other suites, so apt is asked in private. Where it cannot be asked, what was fetched last serves.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../cache.sh"
. "$here/../apt.sh"

private_apt "$cache/matrix/apt" bookworm bookworm-security bookworm-backports

# resolve METAPACKAGE: sets `package` to the headers that it stands for, `release` and `version`.
resolve() {
	package=$(depends "$1" "${apt[@]}" | grep '^linux-headers-' | head -n 1)
	if [ -n "$package" ]; then
		release=${package#linux-headers-}
		version=$(candidate "$package" "${apt[@]}")
		return
	fi
	# What was resolved last, where there are no lists.
	read -r release version 2>/dev/null <"$cache/matrix/last-$1" ||
		fail "apt knows no $1; check the network, and run userspace/vm/matrix/fetch.sh update."
	package=linux-headers-$release
}

# unpack PACKAGE...: all of them into $work/package.
unpack() {
	local package
	for package in "$@"; do
		echo "  FETCH   $package (into the cache, not installed)" >&2
		unpack_package "$package" "${apt[@]}" ||
			fail "$package could not be downloaded; check the network, and run userspace/vm/matrix/fetch.sh update if that version has left the archive."
	done
}

# The headers of a flavour include those of all flavours, and the programs that build with them, by where they would lie
# if they were installed.
headers() {
	local tree=$folder/headers/usr/src/$package
	if [ ! -r "$tree/Makefile" ]; then
		new_in "$folder" 300 "the headers of $release"
		mapfile -t parts < <(depends "$package" "${apt[@]}" | grep -E '^linux-(headers-.*-common|kbuild-)')
		unpack "$package" "${parts[@]}"
		sed -i 's,^include /usr/src/,include ../,' "$work/package/usr/src/$package/Makefile"
		grep -q '^include \.\./linux-headers-' "$work/package/usr/src/$package/Makefile" ||
			fail "$package has no Makefile that includes another; the package is not what it was."
		keep "$work/package" "$folder/headers" "usr/src/$package/Makefile"
	fi
	echo "$tree"
}

image() {
	if [ ! -r "$folder/image/boot/vmlinuz-$release" ]; then
		new_in "$folder" 1000 "the kernel image $release"
		unpack "linux-image-$release"
		keep "$work/package" "$folder/image" "boot/vmlinuz-$release"
	fi
	echo "$folder/image"
}

case ${1:-}:${2:-} in
headers:?* | image:?*)
	resolve "$2"
	folder=$cache/matrix/${release}_$version
	mkdir -p "$folder" || fail "the cache folder $folder cannot be made; make it writable, or name another with XDG_CACHE_HOME=."
	echo "$release $version" >"$cache/matrix/last-$2"
	"$1"
	;;
update:)
	[ -z "$(find "$cache/matrix/apt/sources.list" -mmin -1440 2>/dev/null)" ] || exit 0
	update || echo "cnx: apt's lists could not be fetched, so the kernels that are in the cache are used." >&2
	;;
*) fail "usage: fetch.sh headers METAPACKAGE | image METAPACKAGE | update" ;;
esac
