#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the headers of the core and the replica, and a pkg-config file for each flavour of liburcu:
#	install.sh install|uninstall PREFIX [DESTDIR]
# Programs find them as cnx-replica (memb), cnx-replica-mb and cnx-replica-qsbr. Headers that make
# install put there, too, stay until the last of the two is removed.
set -eu
action=$1 prefix=$2 destdir=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
. "$tree/userspace/packaging/manifest.sh"

headers() {
	(cd "$tree/include" && ls cnx/uapi.h cnx/callback.h cnx/core/*.hpp)
	(cd "$here/include" && ls cnx/replica/*.hpp)
}

name_of() {
	[ "$1" = memb ] && echo cnx-replica || echo "cnx-replica-$1"
}

case $action in
install)
	begin replica "$prefix" "$destdir"
	for header in $(headers); do
		from=$tree/include/$header
		[ -e "$from" ] || from=$here/include/$header
		put 644 "$from" "$prefix/include/$header"
	done
	made=$(mktemp)
	trap 'rm -f "$made"' EXIT
	for flavour in memb mb qsbr; do
		name=$(name_of $flavour)
		sed -e "s|@PREFIX@|$prefix|; s|@NAME@|$name|; s|@FLAVOUR@|$flavour|g" \
			-e "s|@VERSION@|$("$tree/userspace/packaging/version.sh")|" "$here/cnx-replica.pc.in" >"$made"
		put 644 "$made" "$prefix/lib/pkgconfig/$name.pc"
	done
	;;
uninstall)
	remove replica "$prefix" "$destdir"
	;;
*)
	echo "cnx: install.sh install|uninstall PREFIX [DESTDIR]" >&2
	exit 2
	;;
esac
