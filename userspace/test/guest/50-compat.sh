#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A driver written for the kernel's own connector, built through include/compat, speaks through cnx.

. /test/lib.sh

insmod /ko/cnx.ko
check "the driver loads" insmod /ko/cnx_compat_example.ko
check "it is listed under its id" grep -q '^compat_example  14:1110$' /proc/net/cnx
refuse "its second registration of the id was refused" sh -c "dmesg | grep 'was not refused'"

check "a program is answered by its callback, which sleeps" cnx send 14:1110 hello
expect "with what it sent" "hello" "$(cnx send 14:1110 hello -j | grep -o 'hello')"
expect "its timer's messages reach the group of its id" "3" \
	"$(cnx monitor --group 14 --count 3 --timeout 10 | grep -c 'counter = ')"

check "it unloads while its timer sends" rmmod cnx_compat_example
refuse "and is listed no more" grep -q compat_example /proc/net/cnx
rmmod cnx
done_testing
