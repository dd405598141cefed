"""JSON from strangers: parsed within limits of size and depth, each key once, finite numbers only."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

STRING = re.compile(rb'"(?:[^"\\]|\\.?)*"?', re.DOTALL)  # matches what is not closed, too: no second look at a byte
BRACKET = re.compile(rb"[\[\]{}]")


def parse_json(content: bytes, longest: int, deepest: int = 16) -> Any:
    """Parse one JSON document.

    Args:
        content: UTF-8.
        longest: Most bytes.
        deepest: Most objects and arrays inside each other.

    Raises:
        ValueError: Too long, too deep, not JSON, a key given twice, or a number that is not finite.

    Example:
        >>> parse_json(b'{"width": 8}', longest=100)
        {'width': 8}
    """
    if len(content) > longest:
        raise ValueError(f"{len(content)} bytes are more than {longest}")
    brackets = BRACKET.findall(STRING.sub(b"", content))
    depth = max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)
    if depth > deepest:
        raise ValueError(f"{depth} levels are more than {deepest}")
    return json.loads(content.decode(), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key is given twice")
    return content


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"{text[:20]} is not finite")
    return number
