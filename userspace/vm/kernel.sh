#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What concerns the kernel to build for and to boot.
#   kernel.sh headers               prints the folder of the stock kernel's headers
#   kernel.sh check KDIR MIN MAX    refuses a tree outside the supported range, with one sentence
#   kernel.sh image                 fetches the matching kernel image into the cache, once, and prints its folder
set -u

. "$(dirname "${BASH_SOURCE[0]}")/cache.sh"

headers() {
	local newest
	newest=$(printf '%s\n' /usr/src/linux-headers-*-cloud-amd64 | sort -V | tail -n 1)
	[ -d "$newest" ] || fail "no kernel headers are installed; run make packages, or name a prepared kernel tree with KDIR=."
	echo "$newest"
}

check() {
	local tree=$1 min=$2 max=$3 release version
	release=$(cat "$tree/include/config/kernel.release" 2>/dev/null) ||
		fail "$tree is not a prepared kernel tree (it has no include/config/kernel.release); run make modules_prepare there, or name another with KDIR=."
	version=$(grep -oE '^[0-9]+\.[0-9]+' <<<"$release") ||
		fail "the release \"$release\" of $tree cannot be read as a version; name another tree with KDIR=."
	if [ "$(printf '%s\n' "$min" "$version" | sort -V | head -n 1)" != "$min" ] ||
		[ "$(printf '%s\n' "$version" "$max" | sort -V | tail -n 1)" != "$max" ]; then
		fail "the kernel in $tree is $release, and cnx supports $min to $max only; name a tree of that range with KDIR=."
	fi
}

image() {
	local release folder
	release=$(basename "$(headers)") || exit 1
	release=${release#linux-headers-}
	folder=$cache/kernel/$release
	if [ ! -r "$folder/boot/vmlinuz-$release" ]; then
		new_in "$cache/kernel" 400 "the kernel image"
		echo "  FETCH   linux-image-$release (into the cache, not installed)" >&2
		unpack_package "linux-image-$release" ||
			fail "linux-image-$release could not be downloaded; check the network, or run apt-get update && apt-get install linux-headers-cloud-amd64 as root if that version has left the archive."
		[ -r "$work/package/boot/vmlinuz-$release" ] || fail "the downloaded package holds no boot/vmlinuz-$release; run this again."
		keep "$work/package" "$folder" "boot/vmlinuz-$release"
	fi
	echo "$folder"
}

case ${1:-} in
headers) headers ;;
check) check "$2" "$3" "$4" ;;
image) image ;;
*) fail "usage: kernel.sh headers | check KDIR MIN MAX | image" ;;
esac
