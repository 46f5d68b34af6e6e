# SPDX-License-Identifier: GPL-2.0-only
"""Replaces a generated section of a hand-written document."""

from .measurements import Problem


def replace_section(text, section, body, name):
    """The text with the body between the section's marker lines; the name of the document is for the errors."""
    markers = [f"<!-- {end} {section} -->" for end in ("begin", "end")]
    lines = text.splitlines()
    found = [[number for number, line in enumerate(lines) if line.strip() == marker] for marker in markers]
    for marker, numbers in zip(markers, found):
        if len(numbers) != 1:
            count = "no line" if not numbers else f"{len(numbers)} lines"
            raise Problem(f"{name} has {count} `{marker}`: it needs exactly one, and the results stand between "
                          f"`{markers[0]}` and `{markers[1]}`")
    begin, end = found[0][0], found[1][0]
    if begin > end:
        raise Problem(f"{name} has `{markers[1]}` before `{markers[0]}`: exchange the two lines")
    return "\n".join([*lines[:begin + 1], "", *body.splitlines(), "", *lines[end:]]) + "\n"


def read(path, section):
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Problem(f"{path} is not there: restore it with `git checkout {path}`, or write one with the lines "
                      f"`<!-- begin {section} -->` and `<!-- end {section} -->`") from error
    except ValueError as error:
        raise Problem(f"{path} is not UTF-8: restore it with `git checkout {path}`") from error
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}): give the path of the document") from error
