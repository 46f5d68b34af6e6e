# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# For guest tests. A script reads this file first and ends with done_testing:
#
#     . /test/lib.sh
#     check "the module loads" insmod /ko/cnx.ko
#     expect "its state" "live" "$(cat /sys/module/cnx/initstate)"
#     done_testing

# How many times longer than usual things may take; see CNX_PATIENCE.
patience=$(cat /etc/cnx-patience)
tests_run=0
tests_failed=0
echo "KTAP version 1"

# result STATUS NAME: reports one test; status 0 is success.
result() {
	tests_run=$((tests_run + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests_run - $2"
	else
		tests_failed=$((tests_failed + 1))
		echo "not ok $tests_run - $2"
	fi
}

# check NAME COMMAND...: the command succeeds. Its output is shown where it does not.
check() {
	check_name=$1
	shift
	check_status=0
	check_output=$("$@" 2>&1) || check_status=$?
	result $check_status "$check_name"
	[ $check_status = 0 ] || {
		echo "# status $check_status of: $*"
		[ -z "$check_output" ] || echo "$check_output" | sed 's/^/# /'
	}
	return $check_status
}

# refuse NAME COMMAND...: the command fails with a status of its own, not by a signal or a time-out.
refuse() {
	check_name=$1
	shift
	check_status=0
	check_output=$("$@" 2>&1) || check_status=$?
	if [ $check_status -ge 1 ] && [ $check_status -lt 124 ]; then
		result 0 "$check_name"
		return 0
	fi
	result 1 "$check_name"
	echo "# status $check_status, a refusal was expected of: $*"
	[ -z "$check_output" ] || echo "$check_output" | sed 's/^/# /'
	return 1
}

# expect NAME EXPECTED ACTUAL: the two are the same.
expect() {
	if [ "$2" = "$3" ]; then
		result 0 "$1"
		return 0
	fi
	result 1 "$1"
	echo "# expected: $2" | sed '2,$s/^/# /'
	echo "# actual:   $3" | sed '2,$s/^/# /'
	return 1
}

# match NAME REGEX ACTUAL: some line of the text matches the extended regular expression.
match() {
	if echo "$3" | grep -qE -- "$2"; then
		result 0 "$1"
		return 0
	fi
	result 1 "$1"
	echo "# expected a match of: $2"
	echo "# actual:   $3" | sed '2,$s/^/# /'
	return 1
}

# ends NAME STATUS COMMAND...: the command ends with this status, and its output is in $said.
ends() {
	ends_name=$1
	ends_status=$2
	shift 2
	said=$(timeout $((60 * patience)) "$@" 2>&1)
	expect "$ends_name" "$ends_status" "$?" || echo "it said: $said" | sed 's/^/# /'
}

# skip NAME REASON: reports a test that cannot be made here.
skip() {
	tests_run=$((tests_run + 1))
	echo "ok $tests_run - $1 # SKIP $2"
}

# module_tests MODULE [PARAMETER...]: loads a test module and passes on the KTAP lines that it logs, each as one test.
module_tests() {
	module_name=$1
	shift
	module_mark="cnx-vm: $module_name $tests_run $$"
	echo "$module_mark" >/dev/kmsg
	module_status=0
	insmod "/ko/$module_name.ko" "$@" || module_status=$?
	dmesg | sed "1,/$module_mark/d" | sed "s/^\[[^]]*\] //; s/^$module_name: //" >"/tmp/$module_name.log"
	[ $module_status = 0 ] && rmmod "$module_name"
	module_seen=0
	# A log line that is no result explains the result before it.
	while IFS= read -r module_line; do
		case ${module_line#"${module_line%%[! ]*}"} in
		"not ok "*) module_result=1 ;;
		"ok "*) module_result=0 ;;
		*)
			echo "# $module_line"
			continue
			;;
		esac
		module_seen=$((module_seen + 1))
		module_title=$(echo "$module_line" | sed -E 's/^ *(not )?ok [0-9]+ *(- )?//')
		result $module_result "$module_name: $module_title"
	done <"/tmp/$module_name.log"
	result $module_status "$module_name loads and ends its tests"
	[ $module_seen -gt 0 ] || result 1 "$module_name reports results"
}

# wait_for SECONDS COMMAND...: repeats the command until it succeeds; fails when the time, times the patience, is over.
wait_for() {
	wait_end=$(($(date +%s) + $1 * patience))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $wait_end ] || return 1
		usleep 100000
	done
}

# done_testing: writes the plan and ends the script.
done_testing() {
	echo "1..$tests_run"
	[ $tests_failed = 0 ] || exit 1
	exit 0
}
