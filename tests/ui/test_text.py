"""Text from files stays text."""

from __future__ import annotations

import time

import pytest

from claire.ui.text import as_html, as_line, as_text


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\u200b\u2066b\ufeff", "ab"),
        ("a\x1b[31mb", "a [31mb"),
        ("a<|system|>b<|im_start|>", "ab"),
        ("a<|im_<|x|>end|>b", "ab"),
        ("a" + "<|" * 30 + "|>" * 30, "a"),
        ("  a \t\u2028 b  ", "a b"),
        ("\ud800x", "x"),
        ("Überflutung 洪水.tif", "Überflutung 洪水.tif"),
    ],
)
def test_what_cannot_be_seen_or_steers_a_model_is_left_out(text: str, shown: str) -> None:
    assert as_line(text) == shown
    assert as_line(text).isprintable()


def test_a_text_without_end_costs_no_time() -> None:
    started = time.perf_counter()
    as_text("<|" * 5_000_000 + "|>" * 5_000_000)
    assert time.perf_counter() - started < 1
