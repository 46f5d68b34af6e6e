#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Prints the version of cnx.
exec sed -n 's/^#define CNX_VERSION "\(.*\)"$/\1/p' "$(dirname "$0")/../../include/cnx/version.h"
