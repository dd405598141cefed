"""Text from files stays text."""

from __future__ import annotations

import time

import pytest

from claire.ui.text import as_html, as_text


@pytest.mark.parametrize(
    "text", ["![x](http://y)", "[a](b)", "<b>", "`code`", "$x$", "# head", ":red[x]", "a|b", "**b**"]
)
def test_every_sign_of_markup_is_escaped(text: str) -> None:
    escaped = as_text(text)
    for position, sign in enumerate(escaped):
        if sign in "`*_{}[]()#!|<>~$:":
            assert escaped[position - 1] == "\\"
    assert escaped.replace("\\", "") == text


def test_html_is_escaped() -> None:
    assert as_html('<img src="x" onerror=y>') == "&lt;img src=&quot;x&quot; onerror=y&gt;"


def test_lines_are_joined_and_long_text_is_cut() -> None:
    assert as_text("a\nb\x00c") == "a b c"
    assert len(as_text("x" * 1000, 60)) == 60


def test_a_text_without_end_costs_no_time() -> None:
    started = time.perf_counter()
    as_text("<|" * 5_000_000 + "|>" * 5_000_000)
    assert time.perf_counter() - started < 1
