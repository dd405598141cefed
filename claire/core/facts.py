"""Facts, and what a narrator makes of them: Fact -> Token -> Sentence.

A fact is one measured statement about an analysis. A narrator turns facts into tokens that cite them; grounding turns
the tokens into sentences and says whether the cited facts entail each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

from claire.core.bands import Mode
from claire.core.errors import AnalysisError

FactKind = Literal[
    "area_share", "area", "largest", "location", "confidence", "low_confidence", "entropy", "iou", "f1", "precision",
    "recall", "extent", "confusion", "weakest", "prevalence", "trust", "contribution", "interaction",
    "attribution", "attention", "mean_iou", "accuracy", "best_map", "disagreement", "right", "followed", "observed",
    "observed_date", "ece", "temperature", "labelled", "notices", "notice", "sensor", "bands", "failure", "limit",
]  # fmt: skip
"""What a fact measures; docs/methods.md explains each."""
FACT_KINDS: tuple[FactKind, ...] = get_args(FactKind)

CLASS_KINDS = frozenset(FACT_KINDS[: FACT_KINDS.index("attention")])
"""Kinds whose subject is a class."""

FactUnit = Literal["share", "score", "m2", "pixels", "ratio", "number", "count", "text"]
"""`share`: 0..1, shown in %; `score`: 0..1 (contributions: -1..1), shown as a decimal; `number`: a plain decimal."""


@dataclass(frozen=True)
class Fact:
    """One measured statement about an analysis.

    Args:
        id: Unique in its analysis, made of kind, modes and class index, never of text from a file.
        kind: What is measured.
        subject: Name of the class for kinds in `CLASS_KINDS`, else "tile" or "model".
        value: The number in `unit`, or the text.
        unit: How the value counts.
        text: The fact as one sentence.
        source: Where in `analysis.json` or `arrays.npz` it was read.
        judgement: Word that stands for the value, chosen by code; "" where none applies.
        threshold: The rule that chose the word.
        modes: Maps or sensors that the fact is about; the last one is the one measured.
        other: Second class of a confusion, place of a class, or name of a date.
        importance: 0..1, for choosing what to say first.
    """

    id: str
    kind: FactKind
    subject: str
    value: float | str
    unit: FactUnit
    text: str
    source: str
    judgement: str = ""
    threshold: str = ""
    modes: tuple[Mode, ...] = ()
    other: str = ""
    importance: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in FACT_KINDS or (self.unit == "text") != isinstance(self.value, str):
            raise AnalysisError(f"A fact of kind {self.kind!r} came with a value of another type.", "Build it again.")
        if isinstance(self.value, float) and self.value != self.value:
            raise AnalysisError("A fact came without a value.", "Leave out what was not measured.")

    @property
    def class_name(self) -> str | None:
        """The class that it is about, or None."""
        return self.subject if self.kind in CLASS_KINDS else None

    @property
    def number(self) -> float:
        """The value of a fact that has a number.

        Raises:
            AnalysisError: It is a text.
        """
        if isinstance(self.value, str):
            raise AnalysisError(f"A fact of kind {self.kind!r} holds no number.", "Ask a fact that does.")
        return self.value

    def as_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Token:
    """A piece of a narrative as it streams.

    Args:
        text: Printed as it is, with its blanks.
        facts: Ids that the sentence it belongs to cites.
        end: True for the last token of a sentence.
    """

    text: str
    facts: tuple[str, ...] = ()
    end: bool = False


@dataclass(frozen=True)
class Sentence:
    """A checked sentence.

    Args:
        text: As narrated.
        facts: Ids it cites.
        grounded: True when the cited facts entail every claim that grounding can read.
        reason: Why not; "" when grounded.
    """

    text: str
    facts: tuple[str, ...]
    grounded: bool
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)


class Narrator(Protocol):
    """Anything that words facts: the template, or a language model."""

    @property
    def name(self) -> str:
        """Name of the engine, as in `claire reason --engine NAME`."""
        ...

    def narrate(self, facts: Sequence[Fact], question: str | None = None) -> Iterator[Token]:
        """Stream a narrative, or the answer to a question."""
        ...


def index_facts(facts: Sequence[Fact]) -> Mapping[str, Fact]:
    """Id -> fact.

    Raises:
        AnalysisError: Two facts share an id.
    """
    found = {fact.id: fact for fact in facts}
    if len(found) != len(facts):
        raise AnalysisError("Two facts have the same id.", "Give every fact its own id.")
    return found
