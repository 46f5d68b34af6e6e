#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints an extended regular expression that matches the releases of the kernels from MIN to MAX, both included:

    kernels.py 6.1 7.2      ^(6\\.([1-9]|[1-9][0-9]+)|7\\.([0-2]))([^0-9]|$)

DKMS knows the range of kernels in this form only."""

import re
import sys


def at_least(low):
    """Matches the numbers from `low` on, which has one digit or two."""
    if low < 10:
        return f"[{low}-9]|[1-9][0-9]+"
    tens, ones = divmod(low, 10)
    higher = f"|[{tens + 1}-9][0-9]" if tens < 9 else ""
    return f"{tens}[{ones}-9]{higher}|[1-9][0-9][0-9]+"


def between(low, high):
    return "|".join(str(number) for number in range(low, high + 1))


def expression(oldest, newest):
    if oldest[0] == newest[0]:
        series = [f"{oldest[0]}\\.({between(oldest[1], newest[1])})"]
    else:
        series = [f"{oldest[0]}\\.({at_least(oldest[1])})"]
        series += [f"{major}\\.[0-9]+" for major in range(oldest[0] + 1, newest[0])]
        series += [f"{newest[0]}\\.({between(0, newest[1])})"]
    return f"^({'|'.join(series)})([^0-9]|$)"


def main():
    versions = [re.fullmatch(r"(\d+)\.(\d\d?)", word) for word in sys.argv[1:]]
    if len(versions) != 2 or not all(versions):
        sys.exit("cnx: kernels.py takes two versions of the kernel, as in: kernels.py 6.1 7.2")
    oldest, newest = (tuple(int(number) for number in version.groups()) for version in versions)
    if oldest > newest:
        sys.exit(f"cnx: {sys.argv[1]} is newer than {sys.argv[2]}; give the oldest kernel first.")
    print(expression(oldest, newest))


main()
