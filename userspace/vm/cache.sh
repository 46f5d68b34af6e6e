# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# For scripts that keep a kernel or programs in the cache. What is kept is made in a folder beside its final one, which is
# renamed when it is complete: a run that was cut off leaves nothing half done, and of two runs at once the second to end
# finds the first's result.

fail() {
	echo "cnx: $*" >&2
	exit 1
}

# shellcheck disable=SC2034 # It is the scripts that read this file which use it.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cnx

# new_in FOLDER MEGABYTES WHAT: sets `work` to a new folder in FOLDER that goes with the script, if there is room for WHAT.
new_in() {
	local folder=$1 needed=$2 what=$3 free
	mkdir -p "$folder" 2>/dev/null ||
		fail "the cache folder $folder cannot be made; make it writable, or name another with XDG_CACHE_HOME=."
	free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
	[ "${free:-0}" -ge "$needed" ] ||
		fail "$what needs $needed MB in $folder and there are ${free:-0}; free some space, or name another folder with XDG_CACHE_HOME=."
	work=$(mktemp -d "$folder/.new.XXXXXX") || fail "no folder can be made in $folder; make it writable."
	trap 'rm -rf "$work"' EXIT
	chmod 755 "$work"
}

# unpack_package PACKAGE APT_OPTION...: downloads a package, without installing it, and unpacks it into $work/package,
# where those lie that were unpacked before.
# Fails without a sentence where it cannot be downloaded: the caller knows the remedy.
unpack_package() {
	local package=$1 deb
	shift
	[ "$(id -u)" = 0 ] && set -- "$@" -oAPT::Sandbox::User=root
	(cd "$work" && apt-get "$@" download -q "$package") >"$work/log" 2>&1 || {
		tail -n 3 "$work/log" >&2
		return 1
	}
	deb=("$work"/*.deb)
	mkdir -p "$work/package" && dpkg-deb -x "${deb[0]}" "$work/package" ||
		fail "$package could not be unpacked in $work; check that the disk has space and run this again."
	rm -f "${deb[@]}"
	chmod 755 "$work/package"
	chmod -R a+rX "$work/package"
}

# keep FROM FOLDER FILE: gives what is complete its final name, unless another run has done so. FILE is in it.
keep() {
	mv -T "$1" "$2" 2>/dev/null || [ -r "$2/$3" ] || fail "$2 cannot be written; remove it and run this again."
}
