#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A real crash of the guest's kernel.
echo c >/proc/sysrq-trigger
