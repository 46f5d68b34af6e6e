#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs what is missing of the named sections of userspace/vm/packages: packages.sh build vm
# It says what it installs, asks nothing, and is silent when there is nothing to do.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
	echo "cnx: $*" >&2
	exit 1
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
	fail "this is not a Debian system, so packages cannot be installed here; use Debian 12, or install by hand what userspace/vm/packages lists and run make with PACKAGES=no."
[ "$(dpkg --print-architecture)" = amd64 ] ||
	fail "the virtual machine's kernel is for amd64 and this machine is $(dpkg --print-architecture); use an amd64 machine."

# Targets that make runs side by side must not meet at apt's own lock, which turns the second away.
exec {turn}<"$here/packages" && flock "$turn"

wanted=()
for section in "$@"; do
	while read -r package; do
		wanted+=("$package")
	done < <(sed -n "/^\[$section\]/,/^\[/{/^[a-z0-9]/p}" "$here/packages")
done

declare -A have
while read -r package status; do
	[ "$status" = installed ] && have[$package]=1
done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null)
missing=()
for package in "${wanted[@]}"; do
	[ -n "${have[$package]:-}" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "  APT     installing: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		fail "packages are missing and this user may not install them; run as root: apt-get install --no-install-recommends ${missing[*]}"
	as_root=(sudo)
fi
log=$(mktemp) || fail "no temporary file can be written; free some space in ${TMPDIR:-/tmp} and run this again."
trap 'rm -f "$log"' EXIT

install() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		apt-get install -y -q --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null
}
# The first try goes without an update, because a machine in use has fresh lists most of the time.
if ! install; then
	echo "  APT     updating the package lists"
	"${as_root[@]}" env LC_ALL=C apt-get update -q >"$log.update" 2>&1 </dev/null
	if ! install; then
		cat "$log.update" >>"$log"
		rm -f "$log.update"
		tail -n 5 "$log" >&2
		if grep -qiE 'enough free space|No space left' "$log"; then
			fail "the disk is full; free about 1 GB and run this again."
		elif grep -qiE 'could not resolve|temporary failure|unable to connect|failed to fetch|could not connect|network is unreachable' "$log"; then
			fail "the packages could not be downloaded; check the network and the machine's apt sources, then run this again."
		elif grep -qiE 'could not get lock|unable to acquire|unable to lock' "$log"; then
			fail "another program holds apt's lock; wait until it has ended and run this again."
		elif grep -qiE 'permission denied|are you root|sudo:|not in the sudoers' "$log"; then
			fail "this user may not install packages; run as root: apt-get install --no-install-recommends ${missing[*]}"
		elif grep -qiE 'unable to locate package|no installation candidate' "$log"; then
			fail "apt does not know one of the packages; this needs Debian 12 (bookworm) with its main section, so check /etc/apt/sources.list."
		fi
		fail "apt could not install the packages; run this to see why: apt-get install --no-install-recommends ${missing[*]}"
	fi
	rm -f "$log.update"
fi
