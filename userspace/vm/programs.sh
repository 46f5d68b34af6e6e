#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Programs of Debian that guest scripts ask for, as they are packed, in the cache; nothing is installed.
#   programs.sh PACKAGE...    prints the folder that each is unpacked in, by its version
set -u

. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

programs=$cache/programs

fetch() {
	local package=$1 folder=$2
	new_in "$programs" 50 "$package"
	echo "  FETCH   $package (into the cache, not installed)" >&2
	unpack_package "$package" ||
		fail "$package could not be downloaded; check the network, or run apt-get update as root if its version has left the archive."
	[ -d "$work/package/usr" ] || fail "the downloaded $package holds no usr/; run this again."
	keep "$work/package" "$folder" usr
}

[ $# -gt 0 ] || fail "usage: programs.sh PACKAGE..."
declare -A versions
while read -r package version; do
	versions[$package]=$version
done < <(apt-cache show --no-all-versions "$@" 2>/dev/null | sed -n '/^Package: /{s///;h}; /^Version: /{s///;H;g;s/\n/ /p}')
for package in "$@"; do
	version=${versions[$package]:-}
	if [ -n "$version" ]; then
		# An epoch's colon would part a search path.
		folder=$programs/${package}_${version//:/%3a}
	else
		# What apt does not know any more is no reason to give up what is there.
		folder=$(printf '%s\n' "$programs/${package}"_* | sort -V | tail -n 1)
		[ -d "$folder" ] ||
			fail "apt knows no $package; check the network, and run apt-get update as root on Debian 12."
	fi
	[ -d "$folder" ] || (fetch "$package" "$folder") || exit 1
	echo "$folder"
done
