#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks the pages of the manual: that formatters have nothing to say against them, and that they have the tool's verbs and
# options and no others; and that doc/tool.md shows each verb. Prints TAP. Runs after make userspace man.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
build=${CNX_BUILD:-$tree/build}
. "$here/../vm/tap.sh" manual

silent() {
	local said
	said=$("$@" 2>&1 >/dev/null) || said="status $?: $said"
	echo "$said"
	[ -z "$said" ]
}
each_page() {
	local page
	for page in "$build"/man/*.[1-9]; do
		silent "$@" "$page" || return 1
	done
}
lint() {
	local said
	# That one page does not find another, which is not installed, is no fault of it.
	said=$(mandoc -T lint -W warning "$build"/man/*.[1-9] 2>&1)
	echo "$said"
	[ -z "$said" ]
}
# What a reader of the manual may follow.
references() {
	local page missing=0
	for page in $(sed -n 's/^\.\(It \)\?Xr \(cnx[a-z-]*\) \([0-9]\).*/\2.\3/p' "$build"/man/*.[1-9] | sort -u); do
		[ -e "$build/man/$page" ] || {
			echo "there is no $page"
			missing=1
		}
	done
	return $missing
}
options() {
	local said status
	said=$("$here/man.py" check "$build/cnx" "$tree/doc/man" "$build/man")
	status=$?
	[ $status = 0 ] || grep -A1 '^not ok' <<<"$said"
	return $status
}
# An option that the tool does not have, and one that is missing, must be seen.
notices() {
	rm -rf "$work/man" && cp -r "$build/man" "$work/man" && sed -i "$1" "$work/man/cnx-send.8" || return 1
	! "$here/man.py" check "$build/cnx" "$tree/doc/man" "$work/man" >"$work/said" && grep -q "$2" "$work/said"
}
verbs_shown() {
	"$tree/userspace/vm/tool_doc.py" --check "$tree/doc/tool.md"
}
holds "mandoc finds no fault with them" lint
holds "groff has no warning" each_page groff -ww -mdoc -Tascii
holds "man has no warning" each_page env LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings --local-file
holds "no reference leads nowhere" references
holds "they have the options that the tool's help has, and no others" options
holds "an option too many would be noticed" notices 's/^\.Sh OPTIONS/&\n--colour/' 'unknown: --colour'
holds "an option too few would be noticed" notices '/Fl.*-batch/d' 'missing: --batch'
holds "doc/tool.md shows each verb of the tool, and no others" verbs_shown
done_testing
