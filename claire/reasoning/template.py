"""The template narrator: complete, varied, the same for the same facts and seed; needs no language model.

It is always there, and it is what other narrators are measured against.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from claire.core.facts import Fact, Token
from claire.reasoning import phrases
from claire.reasoning.book import FactBook, Statement
from claire.reasoning.facts import rank_facts
from claire.reasoning.questions import answer

DETAILED = 3
"""Classes that get sentences of their own; the others share one."""


@dataclass(frozen=True)
class TemplateNarrator:
    """Words facts by fixed phrases.

    Args:
        seed: Decides the wording, together with the facts.

    Example:
        >>> list(TemplateNarrator().narrate((), "how much water?"))[-1].end
        True
    """

    seed: int = 0

    @property
    def name(self) -> str:
        """Name of the engine."""
        return "template"

    def narrate(self, facts: Sequence[Fact], question: str | None = None) -> Iterator[Token]:
        """Stream a narrative, or the answer to a question, word by word."""
        content = "\n".join(sorted(f"{fact.id} {fact.text}" for fact in facts))
        book = FactBook(facts, np.random.default_rng([self.seed, zlib.crc32(content.encode())]))
        statements = compose(book) if question is None else answer(book, question, compose)
        return stream(statements)


def compose(book: FactBook) -> Iterator[Statement]:
    """What, where, how sure, why, what could be wrong; with the most important facts in any case, nothing twice."""
    if not book.facts:
        return
    said: set[str] = set()
    cited: set[str] = set()
    named = book.present[:DETAILED]
    parts = (
        _say_what(book, named),
        _say_where(book, named),
        _say_how_sure(book, named),
        _say_why(book, named),
        _say_doubts(book),
    )
    for statement in (each for part in parts for each in part):
        if statement is not None and statement.text not in said:
            said.add(statement.text)
            cited.update(fact.id for fact in statement.facts)
            yield statement
    for fact in rank_facts(book.facts):
        if fact.id not in cited and fact.text not in said:
            yield Statement(fact.text, (fact,))


def stream(statements: Iterable[Statement]) -> Iterator[Token]:
    """Statements as tokens, one per word, each with the ids that its sentence cites."""
    first = True
    for statement in statements:
        cited = tuple(dict.fromkeys(fact.id for fact in statement.facts))
        words = re.findall(r"\s*\S+", statement.text)
        for place, word in enumerate(words):
            blank = " " if place == 0 and not first else ""
            yield Token(blank + word, cited, end=place == len(words) - 1)
        first = False


def _say_what(book: FactBook, named: Sequence[str]) -> Iterator[Statement | None]:
    for name in named:
        yield phrases.say_area(book, name)
    yield phrases.say_other_areas(book, book.present[DETAILED:])
    yield phrases.say_absent(book, [name for name in book.classes if name not in book.present])


def _say_where(book: FactBook, named: Sequence[str]) -> Iterator[Statement | None]:
    for name in named[1:] or named:
        yield phrases.say_place(book, name)


def _say_how_sure(book: FactBook, named: Sequence[str]) -> Iterator[Statement | None]:
    for name in named:
        yield phrases.say_confidence(book, name)
    yield phrases.say_weakest(book)
    for name in named:
        yield phrases.say_scores(book, name)
    for name in named[1:]:
        yield phrases.say_extent(book, name)
    yield phrases.say_accuracy(book)
    yield phrases.say_calibration(book)


def _say_why(book: FactBook, named: Sequence[str]) -> Iterator[Statement | None]:
    yield phrases.say_disagreement(book)
    yield phrases.say_winner(book)
    yield phrases.say_best_map(book)
    for name in named[:2]:
        yield phrases.say_trust(book, name)
        yield from phrases.say_measured(book, name)


def _say_doubts(book: FactBook) -> Iterator[Statement | None]:
    yield phrases.say_observed(book)
    yield phrases.say_date(book)
    yield phrases.say_confusion(book)
    for name in book.present:
        rare = book.find("prevalence", name)
        if rare is not None and rare.judgement == "rare":
            yield phrases.say_rare(book, name)
    yield phrases.say_label(book)
    yield phrases.say_failure(book)
    yield phrases.say_limit(book)
    yield phrases.say_notices(book)
