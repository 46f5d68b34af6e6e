# SPDX-License-Identifier: GPL-2.0-only
"""Writes the sections of the document, and their plots."""

import os
from pathlib import Path
from urllib.parse import quote

from . import document, figures
from .measurements import Problem


def draw(section, results):
    """[(file name, caption, SVG or None, what is missing for it)] of all figures."""
    drawn = ((name, caption, make(results), needed) for name, caption, make, needed in section.figures(results))
    return [(name, caption, figures.svg(figure) if figure else None, needed) for name, caption, figure, needed in drawn]


def image_lines(section, drawn, folder):
    """The Markdown of the figures. The folder is relative to the document."""
    links = [f"![{caption}]({quote(f'{folder}/{name}')})" if image else
             f"{caption}: not drawn, because there are no {needed}." for name, caption, image, needed in drawn]
    return [section.about_figures, *(line for link in links for line in ("", link))]


def write(path, content):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise Problem(f"{path} cannot be written ({error.strerror}): make its folder writable, or give another "
                      "path") from error


def encoded(text, path):
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Problem(f"{path} cannot be written, because a measurement has a text that is no Unicode: run its "
                      "benchmark again") from error


def make_report(loaded, path, plots, with_plots):
    """Writes only when nothing can go wrong any more but the writing."""
    text = document.read(path, loaded[0][0].name)
    folder = Path(os.path.relpath(plots, path.parent)).as_posix()
    pictures = {}
    for section, results in loaded:
        drawn = draw(section, results) if with_plots else []
        images = image_lines(section, drawn, folder) if with_plots else []
        text = document.replace_section(text, section.name, section.report(results, images), path)
        pictures.update({name: image.encode("utf-8") for name, _, image, _ in drawn if image})
    whole = encoded(text, path)
    for name, image in pictures.items():
        write(plots / name, image)
    write(path, whole)
