"""Text from strangers becomes one line of what can be seen."""

from __future__ import annotations

import pytest

from claire.core.text import as_line


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
