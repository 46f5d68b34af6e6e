#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Has the kernel's own checkpatch read the C files. It comes with Debian's linux-source, which user-mode Linux is built from.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

ignored=(
	# Where things stand is for clang-format to say.
	CODE_INDENT LEADING_SPACE LONG_LINE LONG_LINE_COMMENT LONG_LINE_STRING
	BLOCK_COMMENT_STYLE LINE_SPACING SPACING SPLIT_STRING
	# One source for many kernels asks for the version, where other macros take it apart.
	LINUX_VERSION_CODE CONSTANT_COMPARISON NEW_TYPEDEFS
	# The core defines in C++ what C exports.
	EXPORT_SYMBOL
	# What programs include cannot use the kernel's macros for attributes.
	PREFER_DEFINED_ATTRIBUTE_MACRO
	# It takes the name of a test for that of the function.
	EMBEDDED_FUNCTION_NAME
)
tree=$(userspace/vm/uml/tree.sh stock) || exit 1
mapfile -t sources < <(find kernel include bench/kernel/module -name '*.[ch]' -type f | sort)
# With --terse it sums up each file, whatever came of it.
! perl "$tree/scripts/checkpatch.pl" --no-tree --terse --show-types --quiet --file \
	--ignore "$(IFS=, && echo "${ignored[*]}")" "${sources[@]}" | grep -v '^total: '
