# SPDX-License-Identifier: GPL-2.0-only
"""Reads what the tool prints as help, so that documents can be made of it and compared with it."""

import re
import subprocess
from dataclasses import dataclass, field

# How the tool's help names the kinds of values, and what a reader calls them.
KINDS = {"TEXT": "text", "INT": "number", "UINT": "number", "FLOAT": "number", "NUMBER": "number", "ENUM": "word"}


@dataclass
class Entry:
    """An option, a positional argument or a verb."""

    names: list
    value: str = ""  # what stands for it, empty for a flag
    many: bool = False
    required: bool = False
    limits: str = ""
    default: str = ""
    text: str = ""


@dataclass
class Help:
    summary: str
    usage: str = ""
    groups: dict = field(default_factory=dict)  # heading: entries
    notes: list = field(default_factory=list)  # paragraphs
    examples: list = field(default_factory=list)  # (command, what it does)

    def entries(self, *headings):
        return [entry for heading in headings for entry in self.groups.get(heading, [])]

    def positionals(self):
        return self.entries("Positionals")

    def verbs(self):
        return self.entries("Subcommands")

    def options(self):
        return [entry for entry in self.entries(*self.groups) if entry.names[0].startswith("-")]

    def topics(self):
        """Lists of what else there is to know: heading and entries."""
        return {heading: entries for heading, entries in self.groups.items()
                if heading not in ("Positionals", "Subcommands") and not entries[0].names[0].startswith("-")}


def read_entry(line):
    """An entry's first line: names and kind, then two blanks or more, then the explanation."""
    left, _, text = re.match(r"(\S.*?)(?:(\s{2,})(.*))?$", line.strip()).groups(default="")
    words = left.split(" ", 1)
    entry = Entry(words[0].split(","), text=text)
    kind = words[1] if len(words) > 1 else ""
    entry.required = bool(re.search(r"\bREQUIRED\b", kind))
    entry.many = kind.endswith("...")
    kind = re.sub(r"\bREQUIRED\b|\.\.\.$", "", kind).strip()
    kind, _, rest = kind.partition(" in ")
    if rest:
        entry.limits, _, entry.default = rest.partition("=")
    else:
        kind, _, entry.default = kind.partition("=")
    kind = kind.partition(":")[0] if kind.partition(":")[0] in KINDS else kind
    entry.value = KINDS.get(kind, kind)
    return entry


def parse(text):
    lines = text.rstrip().splitlines()
    parsed = Help(lines[0])
    group, footer = None, []
    for line in lines[1:]:
        heading = re.fullmatch(r"([A-Z][A-Za-z \[\]]*):", line)
        if line.startswith("Usage:"):
            parsed.usage = line.removeprefix("Usage:").strip()
        elif not parsed.usage:
            parsed.summary = f"{parsed.summary} {line.strip()}".strip()
        elif footer or (heading and heading[1] == "Examples"):
            footer.append(line)
        elif heading:
            group = parsed.groups.setdefault(heading[1], [])
        elif not line.strip():
            group = None
        elif group is not None and re.match(r"  \S", line):
            group.append(read_entry(line))
        elif group:
            group[-1].text = f"{group[-1].text} {line.strip()}".strip()
        else:
            footer.append(line)
    read_footer(parsed, footer)
    return parsed


def read_footer(parsed, lines):
    paragraph = []

    def end_paragraph():
        if paragraph:
            parsed.notes.append(" ".join(paragraph))
            paragraph.clear()

    for line in lines:
        if line.startswith("  "):
            command, _, what = re.match(r"(\S.*?)(?:(\s{2,})(.*))?$", line.strip()).groups(default="")
            parsed.examples.append((command, what))
            continue
        if line.strip() in ("", "Examples:"):
            end_paragraph()
        else:
            paragraph.append(line.strip())
    end_paragraph()


def of_tool(tool, *verb):
    """The help of a verb; of the tool itself without one."""
    command = [tool, "help", *verb] if verb else [tool, "--help"]
    return parse(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def verb_names(tool):
    return [entry.names[0] for entry in of_tool(tool).verbs() if entry.names[0] != "help"]
