"""Small tables and colour keys as HTML: they follow the theme, wrap on a phone and are read well aloud."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib as mpl
import streamlit as st
from matplotlib.colors import to_hex

from claire.ui.text import as_html


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", *, words: bool = False) -> None:
    """A table of HTML cells.

    Args:
        head: Titles of the columns, plain text.
        rows: Cells as HTML: what comes from a file must have gone through `as_html`.
        caption: Plain text below.
        words: True for a table of words, all columns set left.
    """
    titles = "".join(f'<th scope="col">{as_html(title)}</th>' for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    note = f"<caption>{as_html(caption)}</caption>" if caption else ""
    kind = "claire-table claire-words" if words else "claire-table"
    header = f"<thead><tr>{titles}</tr></thead>" if head else ""
    st.html(f'<div class="claire-scroll"><table class="{kind}">{note}{header}<tbody>{body}</tbody></table></div>')


def build_swatch(color: str) -> str:
    """A small square of a colour `#rrggbb`, as HTML."""
    return f'<span class="claire-swatch" style="background:{as_html(color)}"></span>'


def show_key(entries: Iterable[tuple[str, str]]) -> None:
    """Colours and what they mean, in one line: pairs of `#rrggbb` and plain text."""
    items = "".join(f"<span>{build_swatch(color)}{as_html(meaning)}</span>" for color, meaning in entries)
    st.html(f'<div class="claire-key">{items}</div>')


def show_ramp(colormap: str, low: str, high: str) -> None:
    """A colour map of matplotlib as a bar between the words for its two ends."""
    stops = ", ".join(to_hex(mpl.colormaps[colormap](step / 8)) for step in range(9))
    st.html(
        f'<div class="claire-key"><span>{as_html(low)}</span>'
        f'<span class="claire-ramp" style="background:linear-gradient(to right, {stops})"></span>'
        f"<span>{as_html(high)}</span></div>"
    )
