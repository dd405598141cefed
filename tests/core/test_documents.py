"""JSON from strangers is read within limits, or refused."""

from __future__ import annotations

import json
import time

import pytest

from claire.core.documents import parse_json


def nest(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize("value", [{}, [], "x", 1, 0.5, None, {"a": [1, {"b": "[[[["}], "c": '\\"]'}])
def test_plain_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    assert parse_json(json.dumps(value).encode(), 1000) == value


def test_brackets_inside_texts_are_no_depth() -> None:
    assert parse_json(json.dumps({"a": "[" * 50 + '"\\'}).encode(), 1000, deepest=1) == {"a": "[" * 50 + '"\\'}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"a": 1, "a": 2}',
        b'{"b": {"a": 1, "a": 2}}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"9" * 900,
        nest(9),
        nest(100_000),
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b'"unclosed [[[[[[[[[[',
    ],
)
def test_what_no_manifest_needs_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(content, longest=500 if content.startswith(b"9") else 1_000_000, deepest=8)


def test_size_is_looked_at_first() -> None:
    started = time.perf_counter()
    with pytest.raises(ValueError, match="more than 10"):
        parse_json(nest(10_000_000), longest=10)
    assert time.perf_counter() - started < 0.5
    assert parse_json(nest(8), longest=16, deepest=8)
