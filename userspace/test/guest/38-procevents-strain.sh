#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# Process events under strain: floods, overruns, many listeners, batches, and whatever ends in the middle of it.
insmod /ko/cnx.ko || exit 1
insmod /ko/cnx_procevents.ko || exit 1
exec test_procevents_strain
