#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The source tree that DKMS builds the modules from:
#	dkms.sh install [DESTDIR]    puts it to /usr/src/cnx-VERSION, and has DKMS build and install the modules for the
#	                             running kernel; with DESTDIR the tree is all that is done
#	dkms.sh uninstall [DESTDIR]  removes both again
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$here/../.." && pwd)
version=$("$here/version.sh")

complain() {
	echo "cnx: $*" >&2
	exit 1
}

# modules_in FOLDER: the modules of a folder below kernel/ and of those below it: FOLDER NAME. Kbuild's own words decide.
modules_in() {
	local word
	# shellcheck disable=SC2016
	for word in $(make --no-print-directory -s -f "$tree/kernel/$1/Kbuild" "src=$tree/kernel/$1" \
		--eval 'cnx-modules: ; @echo $(obj-m)' cnx-modules); do
		case $word in
		*/) modules_in "$1/${word%/}" ;;
		*.o) echo "$1 ${word%.o}" ;;
		esac
	done
}

configuration() {
	local min max index=0 folder name
	min=$(sed -n 's/^KERNEL_MIN := //p' "$tree/Makefile")
	max=$(sed -n 's/^KERNEL_MAX := //p' "$tree/Makefile")
	sed -e "s/@VERSION@/$version/g; s/@KERNELS@/$("$here/kernels.py" "$min" "$max" | sed 's/[\\|&/]/\\&/g')/" "$here/dkms.conf.in"
	while read -r folder name; do
		echo "BUILT_MODULE_NAME[$index]=\"$name\""
		echo "BUILT_MODULE_LOCATION[$index]=\"kernel/$folder\""
		echo "DEST_MODULE_LOCATION[$index]=\"/updates/dkms\""
		index=$((index + 1))
	done < <(echo ". cnx" && modules_in drivers)
}

make_tree() {
	local folder=$1 file
	[ ! -e "$folder" ] || complain "$folder is there already; run make uninstall-dkms first."
	(cd "$tree" && find kernel include -path kernel/test -prune -o -type f -print; echo LICENSE) | while read -r file; do
		install -D -m 644 "$tree/$file" "$folder/$file" || complain "$folder cannot be written; run this as root."
	done
	configuration >"$folder/dkms.conf"
}

case ${1:-} in
install)
	[ -n "${2:-}" ] || command -v dkms >/dev/null ||
		complain "DKMS is not installed; install it as root: apt-get install dkms"
	make_tree "${2:-}/usr/src/cnx-$version"
	[ -n "${2:-}" ] || dkms install "cnx/$version" ||
		complain "the modules are not installed for $(uname -r), and the source stays in /usr/src; see above, and when that is mended run: dkms install cnx/$version (or make uninstall-dkms to give up)."
	;;
uninstall)
	[ -n "${2:-}" ] || [ -z "$(dkms status "cnx/$version" 2>/dev/null)" ] || dkms remove "cnx/$version" --all
	rm -rf "${2:-}/usr/src/cnx-$version" || complain "${2:-}/usr/src/cnx-$version cannot be removed; run this as root."
	;;
*)
	complain "usage: dkms.sh install [DESTDIR] | uninstall [DESTDIR]"
	;;
esac
