"""A report as one HTML file: no script, nothing fetched, every text escaped.

Templates are our own; whatever they are given is text, tidied and escaped on its way into the page. The page forbids
itself everything but its own pictures and styles (Content-Security-Policy), should a text get through all the same.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from claire.core.text import as_line
from claire.report.content import Block, Picture, Report

TEMPLATES = Path(__file__).with_name("templates")
LONGEST_TEXT = 5000
"""Characters of one piece of text."""


@dataclass(frozen=True)
class Entry:
    """One report in a list of reports.

    Args:
        file: Its name, beside the list.
        title: Of the pair.
        headline: The answer, one sentence.
        areas: The largest classes.
        thumbnail: The main map.
    """

    file: str
    title: str
    headline: str
    areas: str
    thumbnail: Picture | None


def render_html(report: Report) -> bytes:
    """A report as an HTML file, UTF-8; the same report gives the same bytes."""
    return _build_environment().get_template("report.html").render(report=report).encode()


def render_index(entries: Sequence[Entry], failed: Sequence[tuple[str, str]]) -> bytes:
    """A list of reports as an HTML file, UTF-8.

    Args:
        entries: Reports that were written.
        failed: Names of the analyses that could not be reported, with the reasons.
    """
    return _build_environment().get_template("index.html").render(entries=entries, failed=failed).encode()


def _build_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_tidy,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": _as_data_uri, "kind": _name_kind, "link": quote}
    return environment


def _tidy(value: Any) -> Any:
    """Text without anything invisible; what the templates themselves made stays."""
    return as_line(value, LONGEST_TEXT) if isinstance(value, str) and not isinstance(value, Markup) else value


def _as_data_uri(picture: Picture) -> Markup:
    encoded = base64.b64encode(picture.png).decode("ascii")  # of letters, digits, +, / and =: no markup
    return Markup("data:image/png;base64,") + encoded


def _name_kind(block: Block) -> str:
    return type(block).__name__
