# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# For scripts that print TAP. A script reads this file, with the name of the step that it is, and ends with done_testing:
#
#     . "$root/userspace/vm/tap.sh" replica
#     holds "it installs" ./install.sh
#     done_testing
#
# CNX_ONLY selects by "STEP.NAME". `work` is an empty folder, which goes with the script.
tap_step=$1
tap_count=0
tap_failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
echo "TAP version 13"

selected() {
	[[ "$tap_step.$1" == *"${CNX_ONLY:-}"* ]]
}

# result STATUS NAME [DETAILS]: reports one test; status 0 is success. The details are shown where it is not, indented, so
# that what they say of tests is not counted.
result() {
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=1
		echo "not ok $tap_count - $2"
		sed 's/^/#   /' <<<"${3:-}"
	fi
}

# holds NAME COMMAND...: the command succeeds.
holds() {
	local name=$1 said
	shift
	selected "$name" || return 0
	said=$("$@" 2>&1 </dev/null)
	result $? "$name" "$said"
}

# skip NAME REASON: reports a test that cannot be made here.
skip() {
	selected "$1" || return 0
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

done_testing() {
	echo "1..$tap_count"
	exit $tap_failed
}
