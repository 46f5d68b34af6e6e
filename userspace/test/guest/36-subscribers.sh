#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What reaches subscribers, into whose queues cnx puts datagrams by itself where it can.
insmod /ko/cnx.ko && insmod /ko/cnx_test_traffic.ko && exec test_subscribers
