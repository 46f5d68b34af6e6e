#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Loading and unloading, as seen with nothing but insmod and rmmod.
. /test/lib.sh

check "cnx loads" insmod /ko/cnx.ko
for driver in cnx_echo cnx_ticker cnx_sleeper; do
	check "$driver loads" insmod /ko/$driver.ko
done
refuse "cnx is not unloaded while drivers use it" rmmod cnx
for driver in cnx_sleeper cnx_ticker cnx_echo; do
	check "$driver unloads" rmmod $driver
done
check "cnx unloads" rmmod cnx
refuse "cnx refuses a parameter of the wrong kind" insmod /ko/cnx.ko protocol=many
refuse "a driver does not load without cnx" insmod /ko/cnx_echo.ko
done_testing
