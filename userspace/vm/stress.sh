#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 90000
# What `make stress` runs: cnx stress, as the kernel's command line says it, with cnx_stress=TIME:MIX:SEED.
words=$(sed -n 's/.*\bcnx_stress=\([0-9.]*:[a-z,]*:[0-9]*\).*/\1/p' /proc/cmdline)
time=${words%%:*}
seed=${words##*:}
mix=${words#*:}
mix=${mix%:*}
# Progress is a line now and then: what this writes is no terminal that anybody looks at.
cnx load stress || exit
cnx stress --mix "$mix" --time "$time" ${seed:+--seed "$seed"} -v 2>/tmp/progress
status=$?
cat /tmp/progress
exit $status
