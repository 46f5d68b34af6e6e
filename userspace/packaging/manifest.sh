# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# For scripts that install files, and remove them again:
#
#     . manifest.sh
#     begin NAME PREFIX ROOT
#     put 644 FROM /usr/local/include/x.h
#     remove NAME PREFIX ROOT
#
# What was installed, and each folder that had to be made for it, is written down in PREFIX/share/cnx/NAME.installed, so
# that it can be removed whatever the source tree holds by then. A file that another such list names, too, stays.
# ROOT is the folder that stands for / (DESTDIR), or empty. It is no part of the paths that are written down.

complain() {
	echo "cnx: $*" >&2
	exit 1
}

# manifest_of NAME PREFIX ROOT: checks the names, sets what the functions below use, and waits for others that do the same.
manifest_of() {
	case $2 in
	/*) ;;
	*)
		echo "cnx: PREFIX must be an absolute path, not \"$2\"; for example: PREFIX=/usr/local" >&2
		exit 2
		;;
	esac
	case $3 in
	"" | /*) ;;
	*)
		echo "cnx: DESTDIR must be an absolute path, not \"$3\"; for example: DESTDIR=$PWD/$3" >&2
		exit 2
		;;
	esac
	root=$3
	# The lists of several at once must not be read half written.
	if [ -z "${lock:-}" ]; then
		mkdir -p "$root/" || complain "$root cannot be made; name another folder with DESTDIR=."
		exec {lock}<"$root/" && flock "$lock"
	fi
	lists=$2/share/cnx
	list=$lists/$1.installed
}

# others_list KIND PATH: whether another list than this one has that entry.
others_list() {
	local other
	for other in "$root$lists"/*.installed; do
		[ "$other" = "$root$list" ] || [ ! -e "$other" ] || ! grep -qxF "$1 $2" "$other" || return 0
	done
	return 1
}

begin() {
	manifest_of "$@"
	# An earlier version may have had files that this one has not.
	[ ! -e "$root$list" ] || remove "$@"
	entries=()
	make_folder "$lists"
}

# record ENTRY: at once, so that an installation that fails half-way can be removed.
record() {
	entries+=("$1")
	[ ! -d "$root$lists" ] || printf '%s\n' "${entries[@]}" >"$root$list" ||
		complain "$root$list cannot be written; free some space, or install as root, and install again."
}

# make_folder PATH: with those above it.
make_folder() {
	local path=$1
	[ -n "$path" ] || return 0
	make_folder "${path%/*}"
	if [ ! -d "$root$path" ]; then
		install -d -m 755 "$root$path" ||
			complain "$root$path cannot be made; choose another PREFIX or DESTDIR, or install as root."
		record "folder $path"
	elif others_list folder "$path"; then
		record "folder $path"
	fi
}

# put MODE FROM TO: installs a file.
put() {
	make_folder "${3%/*}"
	install -m "$1" "$2" "$root$3" ||
		complain "$root$3 cannot be written; choose another PREFIX or DESTDIR, or install as root."
	record "file $3"
}

# put_link TARGET TO: installs a symbolic link.
put_link() {
	make_folder "${2%/*}"
	ln -sf "$1" "$root$2" || complain "$root$2 cannot be made; choose another PREFIX or DESTDIR, or install as root."
	record "file $2"
}

# remove NAME PREFIX ROOT
remove() {
	local kind path
	manifest_of "$@"
	if [ ! -e "$root$list" ]; then
		echo "cnx: there is no $root$list, so nothing was removed; give the PREFIX and DESTDIR it was installed with." >&2
		return 0
	fi
	while read -r kind path; do
		[[ "$kind $path" =~ ^(file|folder)\ /. ]] && [[ "$path/" != */../* ]] ||
			complain "$root$list is damaged at \"$kind $path\", so nothing was removed; install once more, and then uninstall."
	done <"$root$list"
	while read -r path; do
		others_list file "$path" || rm -f "$root$path" ||
			complain "$root$path cannot be removed; uninstall as the user who installed it."
	done < <(sed -n 's/^file //p' "$root$list")
	# What is in a folder goes before it, and the list was in one of them.
	local folders
	folders=$(sed -n 's/^folder //p' "$root$list" | sort -ru)
	rm -f "$root$list"
	while read -r path; do
		[ ! -d "$root$path" ] || [ -z "$path" ] || others_list folder "$path" ||
			rmdir --ignore-fail-on-non-empty "$root$path"
	done <<<"$folders"
}
