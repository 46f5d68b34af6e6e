#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
# Every message is accounted for: lossless, lossy, waiting for others, one by one.
insmod /ko/cnx.ko && insmod /ko/cnx_test_traffic.ko && exec test_traffic
