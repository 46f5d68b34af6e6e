#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The guest itself: what every other guest test leans on.
. /test/lib.sh

expect "the kernel is the one that was to be booted" "$(cat /etc/cnx-release)" "$(uname -r)"
expect "both processors run" 2 "$(nproc)"
check "the loopback interface is up" sh -c 'ip link show lo | grep -q "[<,]UP"'
check "/proc is mounted" test -d /proc/net
check "debugfs is mounted" test -d /sys/kernel/debug/tracing
check "tracefs is mounted" test -e /sys/kernel/tracing/trace
check "the kernel takes modules" test -e /proc/modules
expect "no module of ours is loaded yet" "" "$(grep '^cnx' /proc/modules)"
done_testing
