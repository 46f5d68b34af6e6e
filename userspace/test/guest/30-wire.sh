#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The wire, and bad input on it.
insmod /ko/cnx.ko && insmod /ko/cnx_echo.ko && insmod /ko/cnx_sleeper.ko && exec test_wire
