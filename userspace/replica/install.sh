#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the headers of the core and the replica, and a pkg-config file for each flavour of liburcu:
#	install.sh install|uninstall PREFIX [DESTDIR]
# Programs find them as cnx-replica (memb), cnx-replica-mb and cnx-replica-qsbr. What was installed is what uninstall
# removes, and folders that are empty then.
set -eu
action=$1 prefix=$2 destdir=${3:-}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

case $prefix in
/*) ;;
*)
	echo "cnx: PREFIX must be an absolute path, not \"$prefix\"; for example: make install-replica PREFIX=/usr/local" >&2
	exit 2
	;;
esac
version=$(sed -n 's/^#define CNX_VERSION "\(.*\)"/\1/p' "$root/kernel/main.c")
include=$destdir$prefix/include
pkgconfig=$destdir$prefix/lib/pkgconfig

headers() {
	(cd "$root/include" && ls cnx/uapi.h cnx/callback.h cnx/core/*.hpp)
	(cd "$root/userspace/replica/include" && ls cnx/replica/*.hpp)
}

name_of() {
	[ "$1" = memb ] && echo cnx-replica || echo "cnx-replica-$1"
}

case $action in
install)
	for header in $(headers); do
		from=$root/include/$header
		[ -e "$from" ] || from=$root/userspace/replica/include/$header
		install -D -m 644 "$from" "$include/$header" || {
			echo "cnx: $include cannot be written; choose another PREFIX or DESTDIR, or install as root." >&2
			exit 1
		}
	done
	mkdir -p "$pkgconfig"
	for flavour in memb mb qsbr; do
		name=$(name_of $flavour)
		sed -e "s|@PREFIX@|$prefix|; s|@NAME@|$name|; s|@FLAVOUR@|$flavour|g; s|@VERSION@|$version|" \
			"$root/userspace/replica/cnx-replica.pc.in" >"$pkgconfig/$name.pc"
	done
	;;
uninstall)
	for header in $(headers); do
		rm -f "$include/$header"
	done
	for flavour in memb mb qsbr; do
		rm -f "$pkgconfig/$(name_of $flavour).pc"
	done
	for folder in "$include/cnx/core" "$include/cnx/replica" "$include/cnx" "$pkgconfig"; do
		[ ! -d "$folder" ] || rmdir --ignore-fail-on-non-empty "$folder"
	done
	;;
*)
	echo "cnx: install.sh install|uninstall PREFIX [DESTDIR]" >&2
	exit 2
	;;
esac
