#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Listeners that are too slow for a driver that sends 64 messages at every tick of the clock.
insmod /ko/cnx.ko && insmod /ko/cnx_ticker.ko period_ms=1 batch=64 && exec test_overrun
