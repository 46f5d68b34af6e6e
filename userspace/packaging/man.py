#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes the pages of the manual, of what the tool's help says and of the texts beside them:

    man.py make TOOL TEXTS OUT     writes OUT/cnx.8, and OUT/cnx-VERB.8 for each verb that the tool has
    man.py check TOOL TEXTS OUT    compares the options in the pages, as they are read, with those of the help, as TAP

TEXTS holds for a page what the help does not say, in mdoc: TEXTS/cnx-VERB.mdoc begins with the description, and may have
further sections (.Sh) behind it. A page that is all written by hand, such as TEXTS/NAME.5, is taken as it is."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import help_text

ROOT = Path(__file__).resolve().parents[2]
# The order in which a manual has its sections; those that are not named here follow the options.
ORDER = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "DIAGNOSTICS",
         "SEE ALSO", "HISTORY", "CAVEATS", "BUGS"]


# ------------------------------------------------------------------------------------------------ mdoc


def word(text):
    """An argument of a macro: what would be a macro itself is kept from being one."""
    escaped = text.replace("\\", "\\e").replace('"', "\\(dq").replace("-", "\\-")
    return f'"{escaped}"' if " " in escaped else f"\\&{escaped}"


def prose(text):
    """Lines of text, of which none is taken for a macro, and each sentence begins one."""
    sentences = re.sub(r"([.!?]) (?=[A-Z])", r"\1\n", text.replace("\\", "\\e")).splitlines()
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, 78, break_on_hyphens=False)]
    return [re.sub(r"^(['.])", r"\\&\1", line) for line in lines]


def flag(entry, name):
    macro = f"Fl {word(name[1:])}"
    if entry.value:
        macro += f" Ar {word(entry.value)}"
    return macro


def synopsis(entry):
    if entry.names[0].startswith("-"):
        return f".Op {flag(entry, entry.names[-1])}" + (" Ar \\&..." if entry.many and entry.value else "")
    argument = f"Ar {word(entry.names[0])}" + (" Ar \\&..." if entry.many else "")
    return f".{argument}" if entry.required else f".Op {argument}"


def explanation(entry):
    text = entry.text.rstrip(".") + "."
    limits = re.fullmatch(r"\[(\S+) - (\S+)\]", entry.limits)
    if limits:
        text += f" From {limits[1]} to {limits[2]}" + (f"; {entry.default} if it is not given." if entry.default else ".")
    elif entry.default:
        text += f" {entry.default} if it is not given."
    return prose(text[:1].upper() + text[1:])


def listing(entries):
    lines = [".Bl -tag -width Ds"]
    for entry in entries:
        if entry.names[0].startswith("-"):
            lines.append(".It " + " , ".join(flag(entry, name) for name in entry.names))
        else:
            lines.append(f".It Ar {word(entry.names[0])}")
        lines += explanation(entry)
    return [*lines, ".El"]


def examples(pairs):
    lines = []
    for command, what in pairs:
        if what:
            lines += [".Pp", *prose(what[:1].upper() + what[1:] + ":")]
        escaped = command.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
        lines += [f".Dl {escaped}"]
    return lines[1:] if lines[:1] == [".Pp"] else lines


def exit_codes(notes):
    """What the tool's help says of its exit codes: a number and what it means, each."""
    for note in notes:
        if note.startswith("Exit codes:"):
            return re.findall(r"(\d+) (.*?)(?:, (?=\d)|\.$|$)", note)
    return []


# ------------------------------------------------------------------------------------------------ pages


def written_by_hand(path):
    """The sections of a text, by name."""
    sections, name = {}, "DESCRIPTION"
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith(".Sh "):
            name = line.removeprefix(".Sh ")
        elif not line.startswith('.\\"'):
            sections.setdefault(name, []).append(line)
    return sections


def compose(name, summary, sections, hand):
    version = subprocess.run([ROOT / "userspace/packaging/version.sh"], check=True, capture_output=True, text=True).stdout
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    date = time.strftime("%B %d, %Y", time.gmtime(seconds)).replace(" 0", " ")
    lines = ['.\\" SPDX-License-Identifier: GPL-2.0-only', '.\\" Made by userspace/packaging/man.py.',
             f".Dd {date}", f".Dt {name.upper()} 8", f".Os cnx {version.strip()}"]
    sections["NAME"] = [f".Nm {name}", f".Nd {summary[:1].lower() + summary[1:].rstrip('.')}"]
    for section, text in hand.items():
        # What is written by hand comes first, and what the help says of the same thing after it.
        made = sections.get(section, [])
        sections[section] = text + ([".Pp"] if made and text and not made[0].startswith((".Bl", ".Pp")) else []) + made
    middle = ORDER.index("OPTIONS")
    extra = [section for section in sections if section not in ORDER]
    for section in [*ORDER[:middle + 1], *extra, *ORDER[middle + 1:]]:
        if sections.get(section):
            lines += [f".Sh {section}", *sections[section]]
    return "\n".join(lines) + "\n"


def exit_section(codes):
    return [".Bl -tag -width Ds", *(line for code, what in codes for line in (f".It {code}", *prose(what))), ".El"]


def see_also(names):
    lines = [f".Xr {name} 8 ," for name in sorted(names)]
    return [*lines[:-1], lines[-1].removesuffix(" ,")]


def verb_page(verb, parsed, general, hand):
    name = f"cnx-{verb}"
    own = [entry for entry in parsed.options() if "--help" not in entry.names]
    sections = {
        "SYNOPSIS": [f".Nm cnx {word(verb)}", *map(synopsis, own), *map(synopsis, parsed.positionals()), ".Op Ar options"],
        "DESCRIPTION": [line for note in parsed.notes for line in (".Pp", *prose(note))],
        "OPTIONS": [*(listing([*parsed.positionals(), *own]) if own or parsed.positionals() else []),
                    ".Pp", "What every verb takes:", *listing(general.options())],
        "EXIT STATUS": exit_section(exit_codes(general.notes)),
        "EXAMPLES": examples(parsed.examples),
        "SEE ALSO": see_also(["cnx"]),
    }
    if not own and not parsed.positionals():
        sections["OPTIONS"] = sections["OPTIONS"][1:]
    if not hand.get("DESCRIPTION"):
        sections["DESCRIPTION"] = [*prose(parsed.summary.rstrip(".") + "."), *sections["DESCRIPTION"]]
    for heading, entries in parsed.topics().items():
        sections[heading.upper()] = listing(entries)
    return compose(name, parsed.summary, sections, hand)


def tool_page(general, hand):
    verbs = [entry for entry in general.verbs() if entry.names[0] != "help"]
    listed = [".Bl -tag -width Ds"]
    for entry in verbs:
        listed += [f".It Xr cnx-{entry.names[0]} 8", *explanation(entry)]
    sections = {
        "SYNOPSIS": [".Nm", *map(synopsis, general.options()), ".Ar verb", ".Op Ar arguments", ".Nm", ".Cm help", ".Op Ar verb"],
        "DESCRIPTION": ["The verbs are:", *listed, ".El"],
        "OPTIONS": listing(general.options()),
        "EXIT STATUS": exit_section(exit_codes(general.notes)),
        "EXAMPLES": examples(general.examples),
        "SEE ALSO": see_also([f"cnx-{entry.names[0]}" for entry in verbs]),
    }
    return compose("cnx", general.summary, sections, hand)


def make(tool, texts, out):
    general = help_text.of_tool(tool)
    if not exit_codes(general.notes) or not general.verbs():
        sys.exit("cnx: the tool's help has no verbs or no exit codes that man.py can read; adapt userspace/packaging/help_text.py to it.")
    out.mkdir(parents=True)
    (out / "cnx.8").write_text(tool_page(general, written_by_hand(texts / "cnx.mdoc")))
    for verb in help_text.verb_names(tool):
        page = verb_page(verb, help_text.of_tool(tool, verb), general, written_by_hand(texts / f"cnx-{verb}.mdoc"))
        (out / f"cnx-{verb}.8").write_text(page)
    for page in sorted(texts.glob("*.[1-9]")):
        shutil.copy(page, out / page.name)


# ------------------------------------------------------------------------------------------------ checks


def options_read(page):
    """The options that a reader finds in a page."""
    command = ["man", "--local-file", "--encoding=ascii", "--pager=cat", str(page)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C"})
    plain = re.sub(r".\x08", "", done.stdout)
    # The examples call other programs, too.
    plain = re.sub(r"^EXAMPLES\n.*?(?=^\S)", "", plain, flags=re.S | re.M)
    return set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", plain))


def compare(tool, texts, out):
    general = help_text.of_tool(tool)
    names = {name for entry in general.options() for name in entry.names}
    pages = {"cnx": names}
    for verb in help_text.verb_names(tool):
        own = {name for entry in help_text.of_tool(tool, verb).options() for name in entry.names}
        pages[f"cnx-{verb}"] = names | own
    failed = 0
    for number, (page, wanted) in enumerate(pages.items(), 1):
        path = out / f"{page}.8"
        found = options_read(path) if path.exists() else set()
        good = path.exists() and found == wanted
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {page}(8) has the options of the tool's help, and no others")
        if not good:
            print(f"#   missing: {' '.join(sorted(wanted - found)) or 'none'}; unknown: {' '.join(sorted(found - wanted)) or 'none'}")
    described = {path.stem.removeprefix("cnx-") for path in texts.glob("cnx-*.mdoc")}
    strays = described - set(help_text.verb_names(tool))
    failed += bool(strays)
    print(f"{'not ok' if strays else 'ok'} {len(pages) + 1} - no text in {texts} is of a verb that the tool does not have")
    if strays:
        print(f"#   {' '.join(sorted(strays))}")
    print(f"1..{len(pages) + 1}")
    return 1 if failed else 0


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("make", "check"):
        sys.exit(__doc__)
    tool, texts, out = Path(sys.argv[2]).resolve(), Path(sys.argv[3]), Path(sys.argv[4])
    if sys.argv[1] == "check":
        sys.exit(compare(tool, texts, out))
    make(tool, texts, out)


main()
