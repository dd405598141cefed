"""Slots: a language model writes `<A.iou>`, code puts the number there.

Every class gets a letter, the largest first, and every fact that a phrase shows gets a slot named after its class, what
it measures and its map. What a stranger can name (classes, bands, dates, quotations) is behind a slot as well, so a
model trained on slots never reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from claire.core.facts import Fact, FactKind
from claire.reasoning.book import FactBook, Statement
from claire.reasoning.wording import show

SLOT = re.compile(r"<[A-Z]{1,2}\d*(?:\.[a-z0-9_]+)*>")
LONGEST_SLOT = 40
OF_THE_TILE = "T"
"""Stands where a class has its letter."""
LETTERS = "ABCDEFGHIJKLMNOPQR"
"""Letters of classes; S and T have another meaning, and further classes get two letters."""

FIELDS: dict[FactKind, str] = {"area_share": "share", "low_confidence": "doubt", "location": "place"}
"""What a kind is called in a slot, where that is shorter than its name."""


class SlotBook(FactBook):
    """Facts whose names and numbers are slots, and every wording of a statement instead of one.

    Args:
        facts: Of one analysis.
    """

    def __init__(self, facts: Sequence[Fact]) -> None:
        plain = FactBook(facts, np.random.default_rng(0))
        self.letters = _give_letters(plain)
        self.values: dict[str, str] = {f"<{letter}>": name for name, letter in self.letters.items()}
        self._slots: dict[str, str] = {}
        self._wordings: dict[str, tuple[str, ...]] = {}
        super().__init__(tuple(self._hide(fact, plain) for fact in facts), np.random.default_rng(0))

    def show(self, fact: Fact) -> str:
        """The slot of a fact."""
        return self._slots[fact.id]

    def say(self, facts: Sequence[Fact], *wordings: str) -> Statement:
        """The first wording; `get_wordings` gives them all."""
        listed = tuple(dict.fromkeys(text[0].upper() + text[1:] for text in wordings))
        self._wordings[listed[0]] = listed
        return Statement(listed[0], tuple(facts))

    def get_wordings(self, statement: Statement) -> tuple[str, ...]:
        """Every way to word a statement of this book."""
        return self._wordings.get(statement.text, (statement.text,))

    def _hide(self, fact: Fact, plain: FactBook) -> Fact:
        letter = self.letters[fact.subject] if fact.class_name else OF_THE_TILE
        parts = [letter, FIELDS.get(fact.kind, fact.kind)]
        if fact.modes and fact.modes[-1] != plain.lead and fact.kind != "trust":
            parts.append(fact.modes[-1])
        self._slots[fact.id] = self._name(parts, show(fact))
        other = fact.other
        if fact.kind == "confusion":
            other = f"<{self.letters[fact.other]}>"
        elif fact.kind == "observed_date":
            other = self._name([OF_THE_TILE, "date"], fact.other)
        text = self._name([f"S{len(self._slots)}"], fact.text)
        return replace(fact, subject=f"<{letter}>" if fact.class_name else fact.subject, other=other, text=text)

    def _name(self, parts: Sequence[str], value: str) -> str:
        """A slot that is not taken yet, filled with a value."""
        slot, number = f"<{'.'.join(parts)}>", 2
        while slot in self.values:
            slot, number = f"<{'.'.join(parts)}.{number}>", number + 1
        self.values[slot] = value
        return slot


def _give_letters(book: FactBook) -> dict[str, str]:
    named = [fact.subject for fact in book.facts if fact.class_name]
    named += [fact.other for fact in book.facts if fact.kind == "confusion"]
    names = dict.fromkeys([*book.classes, *sorted(named)])
    return {name: _make_letter(place) for place, name in enumerate(names)}


def _make_letter(place: int) -> str:
    first, second = divmod(place, len(LETTERS))
    return (LETTERS[first - 1] if first else "") + LETTERS[second]


def fill(pieces: Iterable[str], values: Mapping[str, str]) -> Iterator[str]:
    """Put values into slots while the text streams.

    Args:
        pieces: Text as a model writes it, cut anywhere.
        values: Slot -> what stands there. A slot that is not among them stays as it is, for grounding to see.

    Yields:
        Pieces of the same number or fewer; a slot is held back until it is complete.

    Example:
        >>> "".join(fill(["<", "A> has ", "<A.i", "ou>."], {"<A>": "flood", "<A.iou>": "0.66"}))
        'flood has 0.66.'
    """
    waiting = ""
    for piece in pieces:
        waiting += piece
        start = waiting.rfind("<")
        if start >= 0 and ">" not in waiting[start:] and len(waiting) - start <= LONGEST_SLOT:
            ready, waiting = waiting[:start], waiting[start:]
        else:
            ready, waiting = waiting, ""
        if ready:
            yield put_values(ready, values)
    if waiting:
        yield put_values(waiting, values)


def put_values(text: str, values: Mapping[str, str]) -> str:
    """A text with its slots filled."""
    return SLOT.sub(lambda match: values.get(match.group(), match.group()), text)
