# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# For scripts that build a kernel of their own from one of Debian's source packages, and keep it in the cache under a name
# that says what it was made of: PACKAGE_VERSION-KEY.
. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

# What brings apt's lists up to date, where a package is not in those that are there; a script may name a function of its own.
refresh=:

# key_of FILE...: stands for the contents of these files, and for the compiler.
key_of() {
	cat "$@" <(gcc -dumpfullversion) | sha256sum | cut -c 1-12
}

# cached_tree FOLDER PACKAGE KEY FILE REMEDY APT_OPTION...: prints the name of the tree of the package's present version in
# FOLDER. It need not be there; one that is has FILE. With options, apt is asked in private.
cached_tree() {
	local folder=$1 package=$2 key=$3 file=$4 remedy=$5 version='' found
	shift 5
	[ $# -gt 0 ] || version=$(candidate "$package")
	if [ -z "$version" ]; then
		# What apt cannot tell without the network, or not any more, is no reason to give up a tree that is there.
		found=$(printf '%s\n' "$folder/${package}"_*"-$key" | sort -V | tail -n 1)
		if [ -r "$found/$file" ]; then
			echo "$found"
			return
		fi
		"$refresh"
		version=$(candidate "$package" "$@")
		[ -n "$version" ] ||
			fail "apt knows no $package; check the network, run apt-get update as root on Debian 12, $remedy."
	fi
	echo "$folder/${package}_$version-$key"
}

# unpack_source PACKAGE REMEDY APT_OPTION...: downloads the package and unpacks the source into $work/PACKAGE.
unpack_source() {
	local package=$1 remedy=$2
	shift 2
	echo "  FETCH   $package (into the cache, not installed)" >&2
	unpack_package "$package" "$@" ||
		fail "$package could not be downloaded; check the network, run apt-get update as root, $remedy."
	tar -xJf "$work/package/usr/src/$package.tar.xz" -C "$work" && rm -rf "$work/package" ||
		fail "$package could not be unpacked in $work; check that the disk has space and run this again."
}
