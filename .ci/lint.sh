#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The static checks behind make lint. All of them run, and the status says whether any complained.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${CNX_BUILD:-build}
module=${CNX_MODULE:-build}
worst=0

step() {
	local name=$1
	shift
	echo "  LINT    $name"
	"$@" || {
		echo "  LINT    $name: failed"
		worst=1
	}
}

files() {
	find "$@" \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' \) -type f | sort
}

# beginning_with PATTERN: the files whose first line matches.
beginning_with() {
	find .ci userspace kernel bench -type f -not -path '*/corpus/*' -exec awk -v "pattern=$1" \
		'FNR == 1 { if ($0 ~ pattern) print FILENAME; nextfile }' {} +
}

mapfile -t sources < <(files include kernel userspace bench)
mapfile -t user_sources < <(find userspace/client userspace/cli userspace/stress userspace/measure -name '*.cpp' | sort)
# The core's templates are judged where they are instantiated.
mapfile -t tidied < <(printf '%s\n' "${user_sources[@]}" userspace/test/safety/*.cpp)
mapfile -t shells < <(beginning_with '^(#!/bin/(ba)?sh|# shellcheck shell=)')
mapfile -t pythons < <(beginning_with '^#!.*python3$')
# What is written here, and neither drawn by a program nor given by others.
mapfile -t texts < <(find .ci bench doc include kernel userspace ./*.md Makefile -type f -not -name '*.svg' -not -path '*/corpus/*' | sort)

step "SAFETY comments" python3 .ci/safety.py
# busybox's sh has local (SC3043); lib.sh lies elsewhere in the guest (SC1091, SC2154).
step "shellcheck" shellcheck -x -S warning -e SC1091,SC3043,SC2154 "${shells[@]}"
step "spelling" codespell --ignore-words-list parm,parms,nd,dedented "${texts[@]}"
step "python syntax" python3 -c 'import ast, sys; [ast.parse(open(name).read(), name) for name in sys.argv[1:]]' "${pythons[@]}"
if [ ${#sources[@]} -gt 0 ]; then
	step "clang-format" clang-format-14 --dry-run -Werror "${sources[@]}"
fi
step "sparse" .ci/sparse.sh "$module"
step "checkpatch" .ci/checkpatch.sh
if [ ${#user_sources[@]} -gt 0 ]; then
	step "cppcheck" cppcheck --quiet --error-exitcode=1 --std=c++20 --language=c++ --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=internalAstError --suppress=syntaxError \
		-I include -I userspace "${user_sources[@]}"
	# Two at a time, because each takes seconds.
	step "clang-tidy" bash -c 'printf "%s\n" "${@:2}" | xargs -P "$(nproc)" -n 1 clang-tidy-19 --quiet --extra-arg=-Wno-error -p "$1" 2>&1 |
		grep -v "warnings generated\|warning generated" ; exit "${PIPESTATUS[1]}"' _ "$build" "${tidied[@]}"
fi
exit $worst
