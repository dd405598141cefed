"""Text from files shown as text: Streamlit reads labels and captions as Markdown, and a file name may hold some."""

from __future__ import annotations

import html
import re

from claire.core.text import as_line

MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~$:^&\"-])")
OPTION = re.compile(r" with --[\w-]+")


def as_text(text: str, longest: int = 300) -> str:
    r"""Escape what Markdown would read as markup, tidy, cut what is too long.

    Args:
        text: From a file, a file name or a message about one.
        longest: Characters kept.

    Example:
        >>> as_text("S1_after![x](http://y)")
        'S1\\_after\\!\\[x\\]\\(http\\://y\\)'
    """
    return MARKUP.sub(r"\\\1", as_line(text, longest))


def as_html(text: str, longest: int = 300) -> str:
    """Escape for HTML, tidy, cut what is too long."""
    return html.escape(as_line(text, longest))


def without_options(sentence: str) -> str:
    """The sentence for a page, which has boxes where the command line has options.

    Example:
        >>> without_options("The numbers look like dB; say --sar-units if they are not.")
        'The numbers look like dB.'
        >>> without_options("Name the bands in order with --bands.")
        'Name the bands in order on the Explore page.'
    """
    kept = [clause for clause in OPTION.sub(" on the Explore page", sentence).split("; ") if " --" not in clause]
    return "; ".join(kept).rstrip(".") + "." if kept else sentence
