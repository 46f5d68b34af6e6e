#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that the replica can be installed and used by a program elsewhere, with each flavour, and that it goes without a
# trace. Prints TAP.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../vm/tap.sh" replica
export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig

# example PACKAGE: a program that knows nothing but the package's name says what it should.
example() {
	# pkg-config prints words for the command line.
	# shellcheck disable=SC2046
	(cd "$work" && g++ -std=c++23 -O1 -Wall -Wextra -Werror "$here/example.cpp" -o example \
		$(pkg-config --cflags --libs "$1")) && [ "$("$work/example")" = "hello, 5 bytes" ]
}

refuses_flavour() {
	local said
	# shellcheck disable=SC2046
	said=$(g++ -std=c++23 -fsyntax-only $(pkg-config --cflags cnx-replica) -UCNX_REPLICA_FLAVOUR \
		-DCNX_REPLICA_FLAVOUR=fast "$here/example.cpp" 2>&1) && return 1
	grep -q 'must be memb, mb, qsbr or plain' <<<"$said" || {
		echo "$said"
		return 1
	}
}

refuses_prefix() {
	! "$here/install.sh" install here "$work" 2>"$work/said" && grep -q 'must be an absolute path' "$work/said"
}

nothing_left() {
	[ -z "$(find "$work/usr" -type f 2>/dev/null)" ] && [ ! -e "$work/usr/include/cnx" ]
}

holds "a prefix that is no absolute path is refused" refuses_prefix
holds "it installs" "$here/install.sh" install "$work/usr"
for package in cnx-replica cnx-replica-mb cnx-replica-qsbr; do
	holds "the example builds and runs with $package" example $package
done
holds "a flavour that there is not is refused in a sentence" refuses_flavour
holds "it goes again" "$here/install.sh" uninstall "$work/usr"
holds "nothing of it is left" nothing_left
done_testing
