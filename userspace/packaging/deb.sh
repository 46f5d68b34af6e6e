#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the Debian packages of what make userspace man has built: deb.sh FOLDER. They and their log are in FOLDER then.
# libcnx0 is among them where there is a shared library.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CNX_TREE=$(cd "$here/../.." && pwd)
export CNX_TREE CNX_BUILD=${CNX_BUILD:-$CNX_TREE/build}
version=$("$here/version.sh")
# The make that runs this has its own flags, and debhelper's are others.
unset MAKEFLAGS MFLAGS MAKELEVEL

complain() {
	echo "cnx: $*" >&2
	exit 1
}

command -v dh_dkms >/dev/null && command -v dpkg-buildpackage >/dev/null ||
	complain "debhelper, dh-dkms and dpkg-dev are needed to build packages; run make without PACKAGES=no, or install them."
rm -rf "$1"
mkdir -p "$1"
out=$(cd "$1" && pwd)
cp -r "$here/debian" "$out"
mkdir "$out/cnx" && mv "$out/debian" "$out/cnx/"
cd "$out/cnx"

shared=0
for library in "$CNX_BUILD"/libcnx.so.*; do
	[ ! -e "$library" ] || shared=1
done
if [ $shared = 1 ]; then
	cat debian/control.libcnx0 >>debian/control
	echo 'usr/lib/*/libcnx.so' >>debian/libcnx-dev.install
else
	rm debian/libcnx0.install
fi
rm debian/control.libcnx0
[ ! -d "$CNX_TREE/userspace/cli/completion" ] || echo usr/share/bash-completion >>debian/cnx-tools.install
seconds=${SOURCE_DATE_EPOCH:-$(git -C "$CNX_TREE" log -1 --format=%ct 2>/dev/null || date +%s)}
cat >debian/changelog <<TEXT
cnx ($version-1) unstable; urgency=medium

  * Packed as it is: changelog.gz says what has changed.

 -- The cnx authors <cnx@cnx.invalid>  $(LC_ALL=C date -u -R -d "@$seconds")
TEXT

dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >"$out/log" 2>&1 </dev/null || {
	tail -n 20 "$out/log" >&2
	complain "the packages cannot be built; see above, and $out/log for all of it."
}
for package in "$out"/*.deb; do
	printf '  %-7s %s\n' DEB "${package#"$PWD"/}"
done
