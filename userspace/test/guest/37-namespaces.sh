#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# cnx in network namespaces, those that were there before it and those that come later.
unshare -n sleep 600 &
older=$!
sleep 0.5
# Ready skbs come and go on their own, and would be taken for what a namespace leaves behind.
insmod /ko/cnx.ko pool_depth=8 && insmod /ko/cnx_echo.ko && insmod /ko/cnx_test_namespaces.ko && test_namespaces $older
status=$?
kill $older
exit $status
