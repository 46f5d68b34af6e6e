#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that what make install and make modules_install put somewhere works there, and goes without a trace. Prints TAP.
# Runs after make module userspace man.
set -u
# The make that runs this has its own flags and jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
build=${CNX_BUILD:-$tree/build}
. "$here/../vm/tap.sh" install
version=$("$here/version.sh")
stage=$work/stage

# What there is in a folder: kinds, modes and names.
listing() {
	(cd "$1" && find . -printf '%y %m %p %l\n' | sort)
}

# A machine that has things of its own where cnx goes.
furnish() {
	mkdir -p "$1/usr/local/lib/pkgconfig" "$1/usr/local/include/cnx" "$1/usr/local/share/man/man8"
	echo other >"$1/usr/local/lib/pkgconfig/other.pc"
	echo other >"$1/usr/local/include/cnx/other.h"
	listing "$1" >"$work/before"
}

unchanged() {
	diff "$work/before" <(listing "$1")
}

from_make() {
	make --no-print-directory -C "$tree" "$@" DESTDIR="$stage" PACKAGES=no
}

# has FILE...: below /usr/local of the stage.
has() {
	local file
	for file in "$@"; do
		[ -f "$stage/usr/local/$file" ] || {
			echo "there is no /usr/local/$file among: $(listing "$stage")"
			return 1
		}
	done
}

# refused STATUS WORDING COMMAND...: it ends with that status and one sentence.
refused() {
	local status=$1 wording=$2 said ended=0
	shift 2
	said=$("$@" 2>&1) || ended=$?
	echo "status $ended: $said"
	[ $ended = "$status" ] && [ "$(grep -c '^cnx: ' <<<"$said")" = 1 ] && grep -q -- "$wording" <<<"$said"
}

# ------------------------------------------------------------------------------------------- the tool and the library

furnish "$stage"
holds "make install installs" from_make install
holds "the tool, the library, the headers and the manual are there" has bin/cnx lib/libcnx.a lib/pkgconfig/libcnx.pc \
	include/cnx/client.hpp include/cnx/uapi.h include/cnx/version.h include/cnx/driver.h include/cnx/driver.hpp \
	include/cnx/core/message.hpp include/cnx/compat/linux/connector.h share/man/man8/cnx.8 share/man/man8/cnx-load.8
says_version() {
	[ "$("$stage/usr/local/bin/cnx" -V)" = "cnx $version" ] &&
		[ "$(PKG_CONFIG_PATH=$stage/usr/local/lib/pkgconfig pkg-config --modversion libcnx)" = "$version" ]
}
holds "the tool and pkg-config say the version of version.h" says_version
installs_the_same() {
	listing "$stage" >"$work/first" && from_make install && diff "$work/first" <(listing "$stage")
}
holds "a second make install changes nothing" installs_the_same
holds "make uninstall removes" from_make uninstall
holds "and leaves what was there before, to the folder" unchanged "$stage"

refused_and_kept() {
	local count
	"$here/install.sh" install /usr "$work/damaged" &&
		count=$(listing "$work/damaged" | wc -l) &&
		echo "file usr/../../../etc/passwd" >>"$work/damaged/usr/share/cnx/cnx.installed" &&
		refused 1 "is damaged" "$here/install.sh" uninstall /usr "$work/damaged" &&
		[ "$(listing "$work/damaged" | wc -l)" = "$count" ]
}
uninstalls_partly() {
	mkdir -p "$work/partly/usr/share" && echo file >"$work/partly/usr/share/man" && listing "$work/partly" >"$work/before" &&
		refused 1 "cannot be made" "$here/install.sh" install /usr "$work/partly" &&
		"$here/install.sh" uninstall /usr "$work/partly" && unchanged "$work/partly"
}
# The list of an earlier version names what this one does not have.
forgets_nothing() {
	furnish "$work/older" && "$here/install.sh" install /usr/local "$work/older" &&
		echo old >"$work/older/usr/local/include/cnx/old.h" &&
		echo "file /usr/local/include/cnx/old.h" >>"$work/older/usr/local/share/cnx/cnx.installed" &&
		"$here/install.sh" install /usr/local "$work/older" && [ ! -e "$work/older/usr/local/include/cnx/old.h" ] &&
		"$here/install.sh" uninstall /usr/local "$work/older" && unchanged "$work/older"
}
holds "a PREFIX that is no absolute path is refused" refused 2 "PREFIX must be" "$here/install.sh" install here "$work/x"
holds "a DESTDIR that is no absolute path is refused" refused 2 "DESTDIR must be" "$here/install.sh" install /usr here
holds "a place that cannot be written to is named" refused 1 "cannot be made" "$here/install.sh" install /usr /dev/null/x
holds "a build folder with nothing in it is refused" refused 1 "make userspace man" env CNX_BUILD="$work" "$here/install.sh" install /usr "$work/x"
holds "a list of files that is damaged removes nothing" refused_and_kept
holds "what a failed installation left can be removed" uninstalls_partly
holds "what an earlier version had goes when a later one comes" forgets_nothing
holds "an uninstall of what is not there says so" bash -c "'$here/install.sh' uninstall /usr '$work/empty' 2>&1 | grep -q 'nothing was removed'"

# In a place of its own, as a program would find it.
example() {
	cat >"$work/example.cpp" <<-'CPP'
		#include <cnx/client.hpp>
		#include <cnx/version.h>
		#include <cstdio>
		int main()
		{
			const auto client = cnx::client::Client::open();
			std::puts(client || !client.error().what.empty() ? CNX_VERSION : "?");
		}
	CPP
	# pkg-config prints words for the command line.
	# shellcheck disable=SC2046
	g++ -std=c++23 -Wall -Wextra -Werror "$work/example.cpp" -o "$work/example" \
		$(PKG_CONFIG_PATH=$work/usr/lib/pkgconfig pkg-config --cflags --libs libcnx) &&
		[ "$("$work/example")" = "$version" ]
}
example_in_c() {
	cat >"$work/example.c" <<-'C'
		#include <cnx/client.h>
		#include <cnx/version.h>
		#include <stdio.h>
		int main(void)
		{
			return cnx_client_error() ? puts(CNX_VERSION) < 0 : 1;
		}
	C
	# shellcheck disable=SC2046
	gcc -std=c11 -Wall -Wextra -Werror "$work/example.c" -o "$work/example" \
		$(PKG_CONFIG_PATH=$work/usr/lib/pkgconfig pkg-config --cflags --libs libcnx-c) &&
		[ "$(LD_LIBRARY_PATH=$work/usr/lib "$work/example")" = "$version" ]
}
shares_headers() {
	"$here/../replica/install.sh" install "$work/usr" && "$here/install.sh" uninstall "$work/usr" &&
		[ -e "$work/usr/include/cnx/uapi.h" ] && [ ! -e "$work/usr/include/cnx/client.hpp" ] &&
		"$here/../replica/install.sh" uninstall "$work/usr" && [ ! -e "$work/usr" ]
}
holds "it installs without a DESTDIR" "$here/install.sh" install "$work/usr"
holds "a program builds with pkg-config's flags for it, and runs" example
if [ -e "$build/libcnx.so.0" ]; then
	holds "so does one in C, with the shared library" example_in_c
fi
holds "headers that the replica needs, too, stay until it goes" shares_headers

# A shared library is not always built; this stands for one.
shared_library() {
	mkdir -p "$work/build" && cp -r "$build/cnx" "$build/libcnx.a" "$build/man" "$work/build/" &&
		echo library >"$work/build/libcnx.so.0" &&
		CNX_BUILD=$work/build "$here/install.sh" install /usr "$work/shared" /usr/lib/somewhere &&
		[ "$(readlink "$work/shared/usr/lib/somewhere/libcnx.so")" = libcnx.so.0 ] &&
		[ -f "$work/shared/usr/lib/somewhere/libcnx.so.0" ] && [ -f "$work/shared/usr/lib/somewhere/pkgconfig/libcnx-c.pc" ] &&
		"$here/install.sh" uninstall /usr "$work/shared" && [ -z "$(ls "$work/shared")" ]
}
holds "a shared library is installed with the name that the linker looks for" shared_library

# ----------------------------------------------------------------------------------------------------- the modules

# What modprobe would load for a driver, of the tree that was installed.
loads() {
	local release said
	release=$(basename "$stage/lib/modules/"*)
	depmod -b "$stage" "$release" 2>"$work/depmod" && said=$(modprobe -d "$stage" -S "$release" --show-depends cnx_echo) &&
		grep -q 'updates/cnx/cnx.ko' <<<"$said" && grep -q 'updates/cnx/cnx_echo.ko' <<<"$said" || {
		echo "$said"
		cat "$work/depmod"
		return 1
	}
	rm -f "$stage/lib/modules/$release"/modules.*
}
key() {
	openssl req -new -x509 -nodes -days 2 -subj "/CN=cnx test/" -newkey rsa:2048 -keyout "$work/key.pem" -outform DER -out "$work/cert.der"
}
signs() {
	MODULE_SIG_KEY=$work/key.pem MODULE_SIG_CERT=$work/cert.der "$here/modules.sh" install /usr/local "$stage" &&
		[ "$(modinfo -F signer "$stage"/lib/modules/*/updates/cnx/cnx.ko)" = "cnx test" ]
}
furnish "$stage"
holds "the modules install" "$here/modules.sh" install /usr/local "$stage"
holds "depmod and modprobe find them, the driver after cnx" loads
holds "cnx is loaded at boot" grep -qx cnx "$stage/usr/local/lib/modules-load.d/cnx.conf"
holds "no test module is among them" bash -c "! ls '$stage'/lib/modules/*/updates/cnx | grep -v '^cnx\(_[a-z]*\)\?.ko$'"
holds "a key for signing is made" key
holds "the modules are signed with it" signs
holds "a key that is not there is refused" refused 1 "MODULE_SIG_KEY=" env MODULE_SIG_KEY="$work/none" "$here/modules.sh" install /usr/local "$stage"
holds "a key that is none is refused" refused 1 "cannot be signed" env MODULE_SIG_KEY="$work/before" MODULE_SIG_CERT="$work/cert.der" \
	bash -c "'$here/modules.sh' install /usr/local '$stage' 2>&1 | grep -v '^sign-file\|^At main\|SSL error\|^- '; exit \${PIPESTATUS[0]}"
holds "the modules go again" "$here/modules.sh" uninstall /usr/local "$stage"
holds "and leave what was there before" unchanged "$stage"
done_testing
