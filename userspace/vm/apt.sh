# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# For scripts that ask apt about suites that this machine does not follow: in private, with lists of their own in the
# cache, so that the machine's are as they were.

# private_apt FOLDER SUITE...: sets `apt` to the options that make apt use these suites alone, with lists in FOLDER.
private_apt() {
	private_lists=$1
	shift
	private_suites=$*
	# shellcheck disable=SC2034 # It is the scripts that read this file which use it.
	apt=(-oDir::Etc::SourceList="$private_lists/sources.list" -oDir::Etc::SourceParts=/dev/null
		-oDir::State::Lists="$private_lists/lists" -oDir::Cache="$private_lists/cache")
}

# update: fetches the lists of the suites that private_apt was told.
update() {
	local suite archive sandbox=()
	mkdir -p "$private_lists/lists/partial" "$private_lists/cache/archives/partial" || return 1
	for suite in $private_suites; do
		archive=debian
		case $suite in *-security) archive=debian-security ;; esac
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/$archive $suite main"
	done >"$private_lists/sources.list"
	[ "$(id -u)" = 0 ] && sandbox=(-oAPT::Sandbox::User=root)
	apt-get "${apt[@]}" "${sandbox[@]}" update -q >/dev/null 2>&1
}

# candidate PACKAGE APT_OPTION...: the version that apt would download, or nothing.
candidate() {
	local package=$1
	shift
	apt-cache "$@" policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -vx '(none)'
}

# depends PACKAGE APT_OPTION...: the packages that it needs, but for alternatives.
depends() {
	local package=$1
	shift
	apt-cache "$@" depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
		"$package" 2>/dev/null | sed -n 's/^  Depends: \([^<]*\)$/\1/p'
}
