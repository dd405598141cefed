"""A model without weights behind the protocol of the worker: follows its grammar by chance, as a small model would.

`path` says how it behaves: "good", "slow" (0.02 s per word), "dies" (ends its process in the middle of the third
sentence, once per file of that name), "broken" (cannot be opened), "stuck" (does not look whether to stop).
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from claire.reasoning.worker import Completion, Load

LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


class FakeModel:
    def __init__(self, load: Load) -> None:
        self.how, _, mark = load.path.partition(":")
        self.mark = Path(mark) if mark else None
        if self.how == "broken":
            raise ValueError("no model")
        self.asked = 0

    @property
    def description(self) -> dict[str, Any]:
        return {"vocabulary": 0}

    def complete(self, request: Completion, should_stop: Callable[[], bool]) -> Iterator[str]:
        self.asked += 1
        rng = random.Random(request.seed if request.temperature else 0)
        for word in re.findall(r"\s*\S+|\s", write(request.grammar, rng)):
            if self.how == "stuck":
                time.sleep(3)
            elif should_stop():
                return
            time.sleep(0.02 if self.how == "slow" else 0)
            yield word
            if self.how == "dies" and self.asked == 3 and self.mark and not self.mark.exists():
                self.mark.touch()
                os._exit(3)


def write(grammar: str, rng: random.Random) -> str:
    """A line that an exact grammar allows."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.splitlines())
    start = rng.choice(rules["root"].split(" | "))
    if start.startswith('"'):
        return unquote(start)
    (mark,) = LITERAL.findall(rules[start])
    *wordings, _ = LITERAL.findall(rules["w" + start[1:]])
    return unquote(f'"{mark}{rng.choice(wordings)}"') + "\n"


def unquote(literal: str) -> str:
    return literal[1:-1].encode("ascii").decode("unicode_escape")


def open_model(load: Load) -> FakeModel:
    return FakeModel(load)
