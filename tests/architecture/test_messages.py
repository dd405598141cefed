"""Every error that the program can raise is a sentence with a hint: also those that no other test provokes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sentences import CLASSES

ROOT = Path(__file__).resolve().parents[2]
ROOM = 12
"""Characters that each name or number takes in the sentence at the least."""


def find_errors() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "claire").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                yield f"{path.stem}:{node.func.id}:{node.lineno}", node


def text_of(node: ast.expr) -> str | None:
    """The text with `{}` for what is put in; None when it is not written where it is raised."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return None


ERRORS = dict(find_errors())


def test_errors_are_found() -> None:
    assert len(ERRORS) > 60


@pytest.mark.parametrize("where", ERRORS)
def test_an_error_has_one_sentence_and_a_hint(where: str) -> None:
    call = ERRORS[where]
    assert len(call.args) == 2, "a message and a hint"
    message, hint = (text_of(argument) for argument in call.args)
    for text in (message, hint):
        if text is None:
            continue
        assert text.endswith((".", "`", "{}", "?") if text is hint else (".", "`", "{}")), text
        assert len(text.replace("{}", "x" * ROOM)) <= 200, text
        assert not any(name in text for name in CLASSES)
    if message is not None:
        assert not re.search(r"[.!?] [A-Z]", message), message
