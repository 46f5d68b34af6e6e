#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What concerns the kernel to build for and to boot.
#   kernel.sh headers               prints the folder of the stock kernel's headers
#   kernel.sh check KDIR MIN MAX    refuses a tree outside the supported range, with one sentence
#   kernel.sh image                 fetches the matching kernel image into the cache, once, and prints its folder
set -u

fail() {
	echo "cnx: $*" >&2
	exit 1
}

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
	local release cache folder free sandbox=() deb
	release=$(basename "$(headers)") || exit 1
	release=${release#linux-headers-}
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnx/kernel
	folder=$cache/$release
	if [ -r "$folder/boot/vmlinuz-$release" ]; then
		echo "$folder"
		return
	fi
	mkdir -p "$cache" 2>/dev/null ||
		fail "the cache folder $cache cannot be made; make it writable, or name another with XDG_CACHE_HOME=."
	free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
	[ "${free:-0}" -ge 400 ] ||
		fail "the kernel image needs 400 MB in $cache and there are ${free:-0}; free some space, or name another folder with XDG_CACHE_HOME=."
	echo "  FETCH   linux-image-$release (into the cache, not installed)" >&2
	# A folder beside the final one, renamed when complete: a run that was cut off leaves nothing half done, and of two
	# runs at once the second to end finds the first's result.
	work=$(mktemp -d "$cache/.new.XXXXXX") || fail "no folder can be made in $cache; make it writable."
	trap 'rm -rf "$work"' EXIT
	[ "$(id -u)" = 0 ] && sandbox=(-o APT::Sandbox::User=root)
	(cd "$work" && apt-get "${sandbox[@]}" download -q "linux-image-$release") >"$work/log" 2>&1 || {
		tail -n 3 "$work/log" >&2
		fail "linux-image-$release could not be downloaded; check the network, or run apt-get update && apt-get install linux-headers-cloud-amd64 as root if that version has left the archive."
	}
	deb=("$work"/*.deb)
	mkdir "$work/tree" && dpkg-deb -x "${deb[0]}" "$work/tree" ||
		fail "the kernel image could not be unpacked in $cache; check that the disk has space and run this again."
	chmod 755 "$work/tree"
	chmod -R a+rX "$work/tree"
	[ -r "$work/tree/boot/vmlinuz-$release" ] || fail "the downloaded package holds no boot/vmlinuz-$release; run this again."
	mv -T "$work/tree" "$folder" 2>/dev/null || [ -r "$folder/boot/vmlinuz-$release" ] ||
		fail "$folder cannot be written; remove it and run this again."
	echo "$folder"
}

case ${1:-} in
headers) headers ;;
check) check "$2" "$3" "$4" ;;
image) image ;;
*) fail "usage: kernel.sh headers | check KDIR MIN MAX | image" ;;
esac
