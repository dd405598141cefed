"""The facts of one analysis, looked up by kind, class and map; and statements, sentences that know their facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from claire.core.bands import MODES, Mode
from claire.core.facts import Fact, FactKind
from claire.reasoning.lexicon import MODE_TITLES
from claire.reasoning.wording import show


@dataclass(frozen=True)
class Statement:
    """A sentence and the facts that it rests on."""

    text: str
    facts: tuple[Fact, ...]


class FactBook:
    """Facts by kind, class and map.

    Args:
        facts: Of one analysis.
        rng: Decides the wording.
    """

    def __init__(self, facts: Sequence[Fact], rng: np.random.Generator) -> None:
        self.facts = tuple(facts)
        self._rng = rng
        self._index: dict[tuple[FactKind, str, Mode | None], Fact] = {}
        for fact in facts:
            self._index.setdefault((fact.kind, fact.subject, fact.modes[-1] if fact.modes else None), fact)
        mapped = {fact.modes[-1] for fact in facts if fact.kind == "area_share"}
        self.modes: tuple[Mode, ...] = tuple(mode for mode in MODES if mode in mapped)
        self.lead: Mode = self.modes[0] if self.modes else "fused"

    @property
    def title(self) -> str:
        """What the leading map is called."""
        return MODE_TITLES[self.lead]

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes, the one with the largest share of the leading map first."""
        shares = [fact for fact in self.facts if fact.kind == "area_share" and fact.modes == (self.lead,)]
        return tuple(fact.subject for fact in sorted(shares, key=lambda fact: (-fact.number, fact.id)))

    @property
    def present(self) -> tuple[str, ...]:
        """Classes with at least one pixel on the leading map."""
        return tuple(name for name in self.classes if (fact := self.find("area_share", name)) and fact.number > 0)

    def find(self, kind: FactKind, subject: str = "tile", mode: Mode | None = None) -> Fact | None:
        """A fact, by default of the leading map; None where it was not measured."""
        for place in (mode,) if mode else (self.lead, None):
            if (fact := self._index.get((kind, subject, place))) is not None:
                return fact
        return None

    def find_all(self, kind: FactKind) -> tuple[Fact, ...]:
        """Every fact of a kind, the most important first."""
        return tuple(fact for fact in self.facts if fact.kind == kind)

    def show(self, fact: Fact) -> str:
        """The value of a fact as it stands in a sentence."""
        return show(fact)

    def say(self, facts: Sequence[Fact], *wordings: str) -> Statement:
        """One of several wordings as a statement."""
        text = wordings[int(self._rng.integers(len(wordings)))]
        return Statement(text[0].upper() + text[1:], tuple(facts))
