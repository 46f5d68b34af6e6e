#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs the tool, the client library, the headers, the pages of the manual and the completion, out of the build folder:
#	install.sh install|uninstall PREFIX [DESTDIR] [LIBDIR]
# LIBDIR is PREFIX/lib unless it is given.
set -eu
action=${1:-} prefix=${2:-} destdir=${3:-} libdir=${4:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
build=${CNX_BUILD:-$tree/build}
libdir=${libdir:-$prefix/lib}
. "$here/manifest.sh"

# Where a header goes, below include/. The one that stands in for the kernel's own must not be found by chance.
installed_header() {
	case $1 in
	compat/*) echo "cnx/$1" ;;
	*) echo "$1" ;;
	esac
}

headers() {
	(cd "$tree/include" && find . -type f -name '*.h*' -printf '%P\n' | sort) | while read -r header; do
		echo "$header $(installed_header "$header")"
	done
}

libraries() {
	local library soname
	put 644 "$build/libcnx.a" "$libdir/libcnx.a"
	for library in "$build"/libcnx.so*; do
		if [ -L "$library" ]; then
			put_link "$(readlink "$library")" "$libdir/${library##*/}"
		elif [ -f "$library" ]; then
			put 644 "$library" "$libdir/${library##*/}"
			soname=${library##*/}
		fi
	done
	# What the linker looks for.
	[ -n "${soname:-}" ] || return 0
	[ -e "$build/libcnx.so" ] || put_link "$soname" "$libdir/libcnx.so"
	# So that programs find it at once.
	[ -n "$destdir" ] || [ ! -w /etc/ld.so.cache ] || ldconfig
}

# pkgconfig NAME LANGUAGE LIBRARY
pkgconfig() {
	sed -e "s|@PREFIX@|$prefix|; s|@LIBDIR@|$libdir|; s|@VERSION@|$("$here/version.sh")|" \
		-e "s|@NAME@|$1|; s|@LANGUAGE@|$2|; s|@LIBRARY@|$3|" "$here/libcnx.pc.in" >"$made"
	put 644 "$made" "$libdir/pkgconfig/$1.pc"
}

case $action in
install)
	[ -x "$build/cnx" ] && [ -e "$build/libcnx.a" ] && [ -d "$build/man" ] ||
		complain "the tool, the library and the manual are not in $build; run make userspace man first."
	begin cnx "$prefix" "$destdir"
	put 755 "$build/cnx" "$prefix/bin/cnx"
	libraries
	while read -r header to; do
		put 644 "$tree/include/$header" "$prefix/include/$to"
	done < <(headers)
	made=$(mktemp)
	trap 'rm -f "$made"' EXIT
	# The shared library is for C, and a C++ program must not get it for being found first.
	pkgconfig libcnx C++ -l:libcnx.a
	! compgen -G "$build/libcnx.so.*" >/dev/null || pkgconfig libcnx-c C -lcnx
	for page in "$build"/man/*.[1-9]; do
		put 644 "$page" "$prefix/share/man/man${page##*.}/${page##*/}"
	done
	for completion in "$tree"/userspace/cli/completion/*.bash; do
		[ ! -e "$completion" ] || put 644 "$completion" "$prefix/share/bash-completion/completions/$(basename "$completion" .bash)"
	done
	;;
uninstall)
	remove cnx "$prefix" "$destdir"
	;;
*)
	echo "cnx: install.sh install|uninstall PREFIX [DESTDIR] [LIBDIR]" >&2
	exit 2
	;;
esac
