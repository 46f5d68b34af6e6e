#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Messages from a driver in every context, to listeners of every kind.
insmod /ko/cnx.ko && insmod /ko/cnx_test.ko && exec test_listen
