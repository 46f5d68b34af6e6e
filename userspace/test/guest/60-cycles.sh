#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# boot: own
# timeout: 420
# Loading, hammering and unloading 200 times leaks nothing. A boot of its own, so that nothing else moves memory.
exec test_cycles
