#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that would turn modules away is recognised before anything is tried.
# boot: own
# append: module.sig_enforce=1

. /test/lib.sh

chmod 755 /bin/cnx
mount -t securityfs security /sys/kernel/security 2>/dev/null

expect "this kernel enforces signatures" Y "$(cat /sys/module/module/parameters/sig_enforce)"
said=$(cnx load 2>&1)
expect "an unsigned module is refused as not permitted" 4 "$?"
match "with the demand and the remedy" "this kernel enforces module signatures, and /.*/cnx.ko has no signature: sign it" "$said"
match "and so as JSON" '^[{]"error":"this kernel enforces module signatures.*"errno":1' "$(cnx load -j 2>&1 >/dev/null)"
expect "the kernel was not asked" "" "$(dmesg | grep -i 'cnx: .*sign')"

echo 1 >/proc/sys/kernel/modules_disabled
for verb in "load echo" "load -j"; do
	# shellcheck disable=SC2086
	said=$(cnx $verb 2>&1)
	expect "modules disabled: $verb is refused as not permitted" 4 "$?"
	match "modules disabled: $verb says what it would take" "only a reboot changes that" "$said"
done
expect "a user without rights is told so first" 4 "$(su -s /bin/sh nobody -c 'cnx load' >/dev/null 2>&1; echo $?)"
done_testing
