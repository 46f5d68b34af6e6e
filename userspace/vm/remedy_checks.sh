#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that what can go wrong before anything is built ends in one sentence that names the remedy. Prints TAP.
# The circumstances are made with stand-ins for apt-get, dpkg-query and df that come first in PATH.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/tap.sh" remedies

# stand_in NAME COMMANDS: a program of that name that runs the commands.
stand_in() {
	mkdir -p "$work/bin"
	printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

# expect NAME SENTENCE COMMAND...: the command fails, and its last line is this sentence (an extended expression).
expect() {
	local name=$1 sentence=$2 said status
	shift 2
	selected "$name" || {
		rm -rf "${work:?}/bin"
		return 0
	}
	said=$(PATH="$work/bin:$PATH" "$@" 2>&1 </dev/null)
	status=$?
	[ $status != 0 ] && tail -n 1 <<<"$said" | grep -qE "^cnx: $sentence\$"
	result $? "$name" "status $status, said: $said"
	rm -rf "${work:?}/bin"
}

# What stands in for a disk without space and a mirror that cannot be reached.
full_disk() {
	stand_in df 'echo header; echo "disk 100 100 3 97% /"'
}
no_network() {
	stand_in apt-get 'echo "E: Could not resolve host" >&2; exit 100'
}

expect "a cache that cannot be made" "the cache folder .* cannot be made; make it writable, .*" \
	env XDG_CACHE_HOME=/proc/cnx "$here/kernel.sh" image

full_disk
expect "no space for the kernel image" "the kernel image needs 400 MB in .* and there are 3; free some space, .*" \
	env XDG_CACHE_HOME="$work" "$here/kernel.sh" image

no_network
expect "no network for the kernel image" "linux-image-.* could not be downloaded; check the network, .*" \
	env XDG_CACHE_HOME="$work" "$here/kernel.sh" image

full_disk
expect "no space for a program of Debian" "forkstat needs 50 MB in .* and there are 3; free some space, .*" \
	env XDG_CACHE_HOME="$work" "$here/programs.sh" forkstat

no_network
expect "no network for a program of Debian" "forkstat could not be downloaded; check the network, .*" \
	env XDG_CACHE_HOME="$work" "$here/programs.sh" forkstat

stand_in apt-cache 'exit 100'
expect "a program that apt does not know" "apt knows no forkstat; check the network, .*" \
	env XDG_CACHE_HOME="$work" "$here/programs.sh" forkstat

full_disk
expect "no space for user-mode Linux" "user-mode Linux needs 3000 MB in .* and there are 3; free some space, .*" \
	env XDG_CACHE_HOME="$work" "$here/uml/tree.sh" stock

no_network
expect "no network for user-mode Linux" "linux-source-.* could not be downloaded; check the network, .*" \
	env XDG_CACHE_HOME="$work" "$here/uml/tree.sh" stock

no_network
expect "no network for a newer user-mode Linux" "apt knows no linux-source-.*; check the network, .*" \
	env XDG_CACHE_HOME="$work" "$here/uml/tree.sh" smp

stand_in make 'echo "flex: not found" >&2; exit 2'
stand_in apt-get 'touch package.deb'
stand_in dpkg-deb 'exit 0'
stand_in tar 'mkdir -p "${@: -1}/linux-source-6.1/arch/x86/um"
	touch "${@: -1}/linux-source-6.1/arch/x86/um/user-offsets.c"'
expect "user-mode Linux that does not build" "user-mode Linux could not be built; see .*, and install .*" \
	env XDG_CACHE_HOME="$work" "$here/uml/tree.sh" stock

full_disk
expect "no space for a debug kernel" "a debug kernel needs 4000 MB in .* and there are 3; free some space, .*" \
	env XDG_CACHE_HOME="$work" "$here/debug/tree.sh" kasan

no_network
expect "no network for a debug kernel" "linux-source-.* could not be downloaded; check the network, .*" \
	env XDG_CACHE_HOME="$work" "$here/debug/tree.sh" kcsan

stand_in apt-get 'touch package.deb'
stand_in dpkg-deb 'exit 0'
stand_in tar 'mkdir -p "${@: -1}/linux-source-6.1/lib"
	echo "config FAULT_INJECTION_STACKTRACE_FILTER" >"${@: -1}/linux-source-6.1/lib/Kconfig.debug"
	echo "int main;" >"${@: -1}/linux-source-6.1/lib/fault-inject.c"'
expect "a source that is not as it was" "lib/fault-inject.c of linux-source-.* is not what it was; .*" \
	env XDG_CACHE_HOME="$work" "$here/debug/tree.sh" kasan

expect "no such kind of debug kernel" "there is no debug kernel \"sane\"; .*" "$here/debug/tree.sh" sane

stand_in dpkg-query 'exit 1'
stand_in apt-get 'echo "E: Failed to fetch: Could not resolve host" >&2; exit 100'
stand_in sudo 'exec "$@"'
expect "no network for packages" "the packages could not be downloaded; check the network .*" "$here/packages.sh" vm

stand_in dpkg-query 'exit 1'
stand_in apt-get "echo \"E: You don't have enough free space\" >&2; exit 100"
stand_in sudo 'exec "$@"'
expect "no space for packages" "the disk is full; free about 1 GB and run this again\." "$here/packages.sh" vm

stand_in dpkg-query 'exit 1'
stand_in id 'echo 1000'
stand_in sudo 'echo "user is not in the sudoers file." >&2; exit 1'
expect "a user who may not install packages" "this user may not install packages; run as root: apt-get install .*" \
	"$here/packages.sh" vm

stand_in dpkg 'echo arm64'
expect "a machine of another architecture" "the virtual machine's kernel is for amd64 .*; use an amd64 machine\." \
	"$here/packages.sh" vm

expect "a kernel tree that is not there" ".* is not a prepared kernel tree .*" \
	"$here/kernel.sh" check "$work/nothing" 6.1 7.2

done_testing
