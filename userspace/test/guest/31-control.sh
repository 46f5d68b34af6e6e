#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Control, subscriptions and events. The ticker is here for its open group; it ticks once a minute.
insmod /ko/cnx.ko && insmod /ko/cnx_echo.ko && insmod /ko/cnx_ticker.ko period_ms=60000 &&
	insmod /ko/cnx_sleeper.ko && exec test_control
