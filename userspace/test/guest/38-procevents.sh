#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Process events: what they say, and what is answered to those who ask for them.
insmod /ko/cnx.ko || exit 1
insmod /ko/cnx_procevents.ko || exit 1
exec test_procevents
