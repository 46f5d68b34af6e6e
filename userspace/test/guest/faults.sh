# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# For scripts in which everything fails that can, one after the other. Read after lib.sh; on a kernel without fault injection
# the script ends here, skipped.

if [ ! -e /proc/self/fail-nth ]; then
	skip "everything that can fail does, in turn" "this kernel has no fault injection (make test-debug has one)"
	done_testing
fi

# faults_under FROM TO: what fails is what is called, however indirectly, from code at these addresses.
faults_under() {
	for faults_kind in failslab fail_page_alloc fail_usercopy; do
		echo "$1" >/sys/kernel/debug/$faults_kind/require-start
		echo "$2" >/sys/kernel/debug/$faults_kind/require-end
	done
}
# Where the kernel keeps modules, which are ours alone here.
faults_in_modules() {
	faults_under 0xffffffffa0000000 0xffffffffff000000
}
faults_anywhere() {
	faults_under 0 0xffffffffffffffff
}

for faults_kind in failslab fail_page_alloc fail_usercopy; do
	echo 0 >/sys/kernel/debug/$faults_kind/verbose
done
# By default what may wait for memory is spared, and so are single pages.
for faults_kind in failslab fail_page_alloc; do
	echo N >/sys/kernel/debug/$faults_kind/ignore-gfp-wait
done
echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

# Linux takes a kprobe back with a warning and a wrong count of its own where it has no memory for that, whoever asks.
# shellcheck disable=SC2046 # They are two: where that function begins, and where the next one does.
set -- $(sort /proc/kallsyms | sed -n '/ __unregister_kprobe_top$/{s/ .*//p;n;s/ .*//p}')
for faults_kind in failslab fail_page_alloc fail_usercopy; do
	echo "0x$1" >/sys/kernel/debug/$faults_kind/reject-start
	echo "0x$2" >/sys/kernel/debug/$faults_kind/reject-end
done

# task NAME: the id of the kernel's thread of that name.
task() {
	grep -slx "$1" /proc/[0-9]*/comm | sed 's,/proc/\([0-9]*\)/.*,\1,'
}

# in_turn ARGUMENT...: the results of test_fail_nth, under this script's own numbers, as they come.
in_turn() {
	[ -p /tmp/in_turn ] || mkfifo /tmp/in_turn
	test_fail_nth "$@" >/tmp/in_turn 2>&1 &
	in_turn_ended=1
	while IFS= read -r line; do
		case $line in
		"ok "*) result 0 "${line#* - }" ;;
		"not ok "*) result 1 "${line#* - }" ;;
		1..*) in_turn_ended=0 ;;
		KTAP*) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done </tmp/in_turn
	wait $!
	result $in_turn_ended "test_fail_nth $1 comes to its end"
}
