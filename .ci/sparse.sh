#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Has sparse read the module's C files, its drivers' and its tests': address spaces, endianness, locks that are left held.
# The module must have been built: sparse.sh BUILD
set -u
# The make that runs this has its own flags and jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=$(cd "${1:-$root/build}/kernel" 2>/dev/null && pwd) && [ -f "$target/.config-of-build" ] || {
	echo "cnx: there is no module in ${1:-$root/build} that sparse could read; run make module first." >&2
	exit 1
}
read -r kdir _ <"$target/.config-of-build"
log=$target/sparse.log
make --no-print-directory -C "$kdir" "M=$target" "CNX_SRC=$root" C=2 CHECK=sparse modules >"$log" 2>&1 || {
	tail -n 20 "$log" >&2
	echo "cnx: the module could not be built for sparse; see above and $log." >&2
	exit 1
}
# A run in which sparse was not called finds nothing, too.
[ "$(grep -c '^ *CHECK ' "$log")" -gt 20 ] || {
	echo "cnx: Kbuild did not call sparse; see $log." >&2
	exit 1
}
! grep -E '(warning|error):' "$log" | sed "s,$target/,kernel/," | grep .
