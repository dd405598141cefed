"""Text from files shown as text: Streamlit reads labels and captions as Markdown, and a file name may hold some."""

from __future__ import annotations

import html
import re

MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~$:^&\"-])")
CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def as_text(text: str, longest: int = 300) -> str:
    r"""Escape what Markdown would read as markup, drop control characters, cut what is too long.

    Args:
        text: From a file, a file name or a message about one.
        longest: Characters kept.

    Example:
        >>> as_text("S1_after![x](http://y)")
        'S1\\_after\\!\\[x\\]\\(http\\://y\\)'
    """
    return MARKUP.sub(r"\\\1", _tidy(text, longest))


def as_html(text: str, longest: int = 300) -> str:
    """Escape for HTML."""
    return html.escape(_tidy(text, longest))


def _tidy(text: str, longest: int) -> str:
    line = CONTROLS.sub(" ", text).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"
