#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Each mistake that the debug kernel is there to find, made on purpose. That about locks comes first, because lockdep looks
# no more after any of them.
. /test/lib.sh

for mistake in order leak freed bounds race sleeping; do
	check "a module that does wrong: $mistake" insmod /ko/cnx_test_wrong.ko $mistake=1
	rmmod cnx_test_wrong
done
done_testing
