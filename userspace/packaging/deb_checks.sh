#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that the Debian packages build, install, work and go without a trace. Prints TAP. Runs after make userspace man.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../vm/tap.sh" deb
version=$("$here/version.sh")
headers=$("$here/../vm/kernel.sh" headers) || exit 1
release=$(sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$headers/include/generated/utsrelease.h")
packages=$work/packages
results=$work/results

has_packages() {
	local name
	for name in cnx-dkms cnx-tools libcnx-dev; do
		compgen -G "$packages/${name}_$version-*.deb" >/dev/null || {
			echo "there is no $name among: $(ls "$packages")"
			return 1
		}
	done
}
quiet_log() {
	! grep -i 'warning:' "$packages/log"
}
lintian_finds_nothing() {
	local said
	# Nothing of it is meant for Debian's archive, where a first upload closes a report.
	said=$(lintian --allow-root --fail-on none --suppress-tags initial-upload-closes-no-bugs "$packages"/*.changes 2>&1 |
		grep '^[EW]:')
	echo "$said"
	[ -z "$said" ]
}
holds "the packages build" "$here/deb.sh" "$packages"
holds "cnx-dkms, cnx-tools and libcnx-dev are there" has_packages
holds "their build has no warning" quiet_log
if command -v lintian >/dev/null; then
	holds "lintian has nothing to say" lintian_finds_nothing
else
	skip "lintian has nothing to say" "lintian is not installed"
fi

# succeeded STEP [EXPRESSION]: the step ended well, and said that.
succeeded() {
	cat "$results/$1"
	[ "$(cat "$results/$1.status")" = 0 ] && grep -qE -- "${2:-}" "$results/$1"
}
all_listed() {
	succeeded listed && ! grep -v ' installed$' "$results/listed"
}
# What the packages own is there, and modules that DKMS built.
files_there() {
	local package path
	chosen
	for package in "${debs[@]}"; do
		while read -r path; do
			grep -qxF -e "f $path" -e "l $path" "$results/after-install" || [ -e "$path" ] || {
				echo "$path of ${package##*/} is not there"
				return 1
			}
		done < <(dpkg-deb --fsys-tarfile "$package" | tar t | sed -n 's,^\.\(/.*[^/]\)$,\1,p' | grep -v '/share/doc/\|/share/man/')
	done
	grep -qE "lib/modules/$release/updates/dkms/cnx.ko$" "$results/after-install"
}
nothing_left() {
	cat "$results/after-purge"
	[ ! -s "$results/after-purge" ]
}
# Debug symbols are no part of what is installed.
chosen() {
	mapfile -t debs < <(find "$packages" -name '*.deb' ! -name '*-dbgsym_*')
}
machine() {
	chosen
	unshare --mount --propagation private "$here/deb_machine.sh" "$results" "${debs[@]}"
}

# A machine of its own takes root's rights, which a container may have curtailed.
if ! unshare --mount --propagation private "$here/deb_machine.sh" --possible 2>/dev/null; then
	skip "the packages install, work, and go again" "this user may not mount an overlay: run as root, outside of a container"
	done_testing
fi
holds "a machine to install them on is made, and they are put through their life" machine
holds "they install" succeeded install
holds "dpkg lists them as installed" all_listed
holds "the modules were built and installed for $release" succeeded modules "^cnx/$version, $release, .*: installed"
holds "their files are there" files_there
holds "the tool runs" succeeded version "^cnx $version$"
holds "the manual is found" succeeded manual cnx-load
holds "pkg-config finds the library" succeeded pkg-config "^$version$"
holds "they are removed" succeeded remove
holds "and purged" succeeded purge
holds "nothing of them is left" nothing_left
done_testing
