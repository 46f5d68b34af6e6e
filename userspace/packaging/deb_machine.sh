#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs Debian packages, removes them and purges them, on a machine that is this one with whatever is written to it kept
# apart, and thrown away at the end: deb_machine.sh RESULTS PACKAGE..., or deb_machine.sh --possible to see whether that can be.
# It runs as root in a mount namespace of its own (unshare --mount). In RESULTS it leaves what each step said, and what
# was there that this machine has not: after-install and after-purge.
set -eu

# Room for what is written. It goes with the namespace.
apart=$(mktemp -d)
trap 'umount --recursive "$apart"; rmdir "$apart"' EXIT
mount -t tmpfs -o mode=755 cnx-packages "$apart"
mkdir "$apart/written" "$apart/work" "$apart/machine"
machine=$apart/machine
mount -t overlay -o "lowerdir=/,upperdir=$apart/written,workdir=$apart/work" cnx-packages "$machine"
[ "$1" != --possible ] || exit 0
results=$1
shift
mkdir -p "$results"
mount --rbind /proc "$machine/proc"
mount --rbind /dev "$machine/dev"

# step NAME COMMAND...: runs it on that machine.
step() {
	local name=$1 status=0
	shift
	chroot "$machine" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		"$@" >"$results/$name" 2>&1 </dev/null || status=$?
	echo "$status" >"$results/$name.status"
}

# What has been written, less what dpkg, man-db, ldconfig and depmod write for themselves. A device is a file that has gone.
written() {
	(cd "$apart/written" && find . -mindepth 1 -printf '%y %P\n') | while read -r kind path; do
		if [ "$kind" = c ] || { [ ! -e "/$path" ] && [ ! -L "/$path" ]; }; then
			echo "$kind /$path"
		fi
	done | grep -vE '^. /(packages|etc/(dkms|dpkg)|var/(lib/dpkg|log|cache)|(usr/)?lib/modules/[^/]*/modules\.|etc/ld\.so\.cache|run|tmp)' | sort || true
}

mkdir "$machine/packages"
cp "$@" "$machine/packages/"
names=$(for package in "$@"; do dpkg-deb -f "$package" Package; done)
# DKMS is to build for the kernels that have headers here, whichever runs, and is not to make a key.
printf '%s\n' 'autoinstall_all_kernels="yes"' 'sign_file="/none"' >"$machine/etc/dkms/framework.conf"

# Some images of containers leave manuals out.
rm -f "$machine"/etc/dpkg/dpkg.cfg.d/*

step install bash -c 'dpkg --install /packages/*.deb'
# shellcheck disable=SC2086 # The names are words.
step listed dpkg-query -W -f '${Package} ${db:Status-Status}\n' $names
step version cnx -V
step modules dkms status cnx
step manual man -w cnx cnx-load
step pkg-config pkg-config --modversion libcnx
written >"$results/after-install"
# shellcheck disable=SC2086
step remove dpkg --remove $names
# shellcheck disable=SC2086
step purge dpkg --purge $names
written >"$results/after-purge"
