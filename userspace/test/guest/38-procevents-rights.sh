#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Process events: who may see what, and how much of it one may ask for.
insmod /ko/cnx.ko || exit 1
insmod /ko/cnx_procevents.ko || exit 1
exec test_procevents_rights
