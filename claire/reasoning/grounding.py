"""Grounding: does what a sentence says follow from the facts that it cites?

Sentence by sentence, while the text streams. Every number (value, unit, rounding), class, map or sensor, metric,
judgement word, place, comparison with its direction, instrument and quotation must follow from *one* cited fact that
fits all that the clause says together; a clause takes over what it leaves unsaid from the clause before. Every cited
fact must be spoken of. What a sentence says beyond these (causes, advice) is not read: docs/methods.md lists it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from claire.core.bands import MODES, Mode
from claire.core.facts import Fact, FactKind, Sentence, Token, index_facts
from claire.reasoning.claims import Clause, NumberClaim, read_claims
from claire.reasoning.judgements import WORD_KINDS
from claire.reasoning.wording import HECTARE, SQUARE_KILOMETRE

REFUSALS = (
    "The analysis does not tell.",
    "The analysis does not tell that.",
    "That is something the analysis does not tell.",
    "What in the bands spoke for it is something the analysis does not tell.",
)
"""Sentences that claim nothing, and so need no fact."""

IMPLIED: frozenset[FactKind] = frozenset({"trust", "disagreement", "right", "followed", "observed", "observed_date"})
"""Kinds whose sensor may stay unsaid where no number is claimed."""

PAIRS: frozenset[FactKind] = frozenset({"disagreement"})
"""Kinds that speak of two maps alike, so that both must be named or neither."""

SCALE_OF_UNIT: dict[tuple[str, str], float] = {
    ("share", "%"): 100.0,
    ("m2", "m2"): 1.0,
    ("m2", "ha"): 1 / HECTARE,
    ("m2", "km2"): 1 / SQUARE_KILOMETRE,
    ("pixels", "px"): 1.0,
    ("ratio", "times"): 1.0,
    ("count", "notices"): 1.0,
    ("score", ""): 1.0,
    ("number", ""): 1.0,
}
"""(unit of the fact, unit as written) -> factor from one to the other; other pairs do not fit."""

CROSS_KINDS = frozenset({frozenset({"precision", "recall"})})
"""Kinds that may be compared with each other; else only one and the same kind is compared."""


NAMED_ONLY: frozenset[FactKind] = frozenset({"f1", "precision", "recall"})
"""Kinds that a judgement word stands for only where they are named: "flood is good" speaks of its IoU."""


class UngroundedError(Exception):
    """A claim that does not follow; the message is the reason that is shown."""


@dataclass
class Grounder:
    """Checks a stream of tokens.

    Args:
        facts: All facts of the analysis.
    """

    facts: Sequence[Fact]
    _words: list[str] = field(default_factory=list)
    _cited: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index = index_facts(self.facts)
        self._classes = tuple({fact.subject: None for fact in self.facts if fact.class_name} | {
            fact.other: None for fact in self.facts if fact.kind == "confusion"
        })  # fmt: skip
        maps = {mode for fact in self.facts for mode in fact.modes if fact.kind == "area_share"}
        self._lead: Mode | None = next((mode for mode in MODES if mode in maps), None)

    def feed(self, token: Token) -> Sentence | None:
        """Take the next token; returns the checked sentence when the token ends one."""
        self._words.append(token.text)
        self._cited.update(dict.fromkeys(token.facts))
        return self.finish() if token.end else None

    def finish(self) -> Sentence | None:
        """Check what has come since the last sentence; None when that is nothing."""
        text, cited = "".join(self._words).strip(), tuple(self._cited)
        self._words, self._cited = [], {}
        return self.check(text, cited) if text else None

    def check(self, text: str, cited: Sequence[str]) -> Sentence:
        """Check one sentence against the facts of these ids."""
        if text in REFUSALS:
            return Sentence(text, tuple(cited), True)
        try:
            self._check(text, cited)
        except UngroundedError as error:
            return Sentence(text, tuple(cited), False, str(error))
        return Sentence(text, tuple(cited), True)

    def _check(self, text: str, cited: Sequence[str]) -> None:
        unknown = [each for each in cited if each not in self._index]
        if unknown or not cited:
            raise UngroundedError("It cites a fact that does not exist." if unknown else "It cites no fact.")
        facts = [self._index[each] for each in cited]
        clauses = read_claims(text, self._classes)
        context, spoken = Clause(), set()
        for place, clause in enumerate(clauses):
            if clause.claims:
                _check_clause(clause, context, facts, self._lead)
                spoken |= {fact.id for fact in facts if _fits(fact, clause, context, self._lead, exact=True)}
            if clause.direction is not None:
                right = clauses[place + 1] if place + 1 < len(clauses) else Clause()
                _check_comparison(clause, right, context, facts, self._lead)
            context = _merge(clause, context)
        _check_dates(text, facts)
        if silent := [fact for fact in facts if fact.id not in spoken]:
            raise UngroundedError(f"It cites {silent[0].id}, and does not speak of it.")


def ground(tokens: Iterable[Token], facts: Sequence[Fact]) -> Iterator[Sentence]:
    """Sentences as they end in a stream of tokens, each checked.

    Args:
        tokens: From a narrator.
        facts: All facts of the analysis.

    Yields:
        One `Sentence` per sentence; none is dropped.
    """
    grounder = Grounder(facts)
    for token in tokens:
        if (sentence := grounder.feed(token)) is not None:
            yield sentence
    if (sentence := grounder.finish()) is not None:
        yield sentence


def _check_clause(clause: Clause, context: Clause, facts: Sequence[Fact], lead: Mode | None) -> None:
    if clause.strange:
        raise UngroundedError(f"No fact says {_short(clause.strange[0])!r}.")
    if clause.negated and (clause.numbers or clause.words or clause.direction is not None):
        raise UngroundedError("It denies something, and facts only affirm.")
    if len(set(clause.modes)) < len(clause.modes):
        raise UngroundedError(f"It sets {clause.modes[0]} beside itself.")
    fitting = [fact for fact in facts if _fits(fact, clause, context, lead, exact=False)]
    if not fitting:
        raise UngroundedError(f"No cited fact speaks of {_describe(clause)} together.")
    for reason, spoken, holds in (
        ("names", clause.sensors, _names),
        ("quotes", clause.quotes, _holds),
        ("is judged", clause.words, _is_judged),
        ("lies in the", clause.places, _lies_in),
    ):
        for each in spoken:
            if not any(holds(fact, each) for fact in fitting):
                raise UngroundedError(f"No cited fact about this {reason} {_short(each)!r}.")
    for number in clause.numbers:
        _check_number(number, clause, context, facts, lead)


def _names(fact: Fact, sensor: str) -> bool:
    return isinstance(fact.value, str) and sensor in fact.value.casefold()


def _holds(fact: Fact, quote: str) -> bool:
    return fact.value == quote


def _is_judged(fact: Fact, word: str) -> bool:
    return fact.judgement == word and fact.kind in WORD_KINDS[word]


def _lies_in(fact: Fact, place: str) -> bool:
    return fact.other == place


def _check_number(
    number: NumberClaim, clause: Clause, context: Clause, facts: Sequence[Fact], lead: Mode | None
) -> None:
    exact = [fact for fact in facts if _fits(fact, clause, context, lead, exact=True)]
    if not any(_entails(fact, number) for fact in exact):
        raise UngroundedError(f"No cited fact about {_describe(clause)} gives {_short(number.shown)!r}.")


def _entails(fact: Fact, number: NumberClaim) -> bool:
    factor = SCALE_OF_UNIT.get((fact.unit, number.unit))
    if factor is None or isinstance(fact.value, str):
        return False
    value = fact.value * factor
    if number.relation:
        low, high = ("<" in number.relation), (">" in number.relation)
        return (low and value < number.value) or (high and value > number.value) or (
            number.relation.endswith("=") and value == number.value
        )  # fmt: skip
    return abs(value - number.value) <= 0.5 * 10.0**-number.decimals * (1 + 1e-6) + 1e-9


def _fits(fact: Fact, clause: Clause, context: Clause, lead: Mode | None, *, exact: bool) -> bool:
    """Whether a fact is about the class, the map and the metric of a clause; `exact` for claims of a number."""
    metrics = _choose_metrics(clause, context)
    inherited = not clause.metrics and not clause.words
    if metrics and fact.kind not in metrics and not (inherited and isinstance(fact.value, str)):
        return False
    exact = exact or bool(clause.words or clause.places)
    return _fits_class(fact, clause, context, exact) and _fits_modes(fact, clause, context, lead, exact)


def _fits_class(fact: Fact, clause: Clause, context: Clause, exact: bool) -> bool:
    if fact.class_name is None:
        return not clause.classes
    if not clause.classes and not exact:
        return True
    roles = (fact.class_name.casefold(), *([fact.other.casefold()] if fact.kind == "confusion" else ()))
    named = tuple(clause.classes or context.classes)
    whole = exact and fact.kind == "confusion" and bool(clause.numbers)
    return named == roles or (named == roles[:1] and not whole)


def _fits_modes(fact: Fact, clause: Clause, context: Clause, lead: Mode | None, exact: bool) -> bool:
    if not fact.modes:
        return not clause.modes
    named = set(clause.modes or context.modes)
    if not named:
        free = fact.kind in IMPLIED and not clause.numbers
        return fact.modes[-1] == lead or free or (fact.kind in PAIRS) or (not exact and not clause.numbers)
    required = set(fact.modes) if fact.kind in PAIRS else {fact.modes[-1]}
    return named <= set(fact.modes) and required <= named


def _check_comparison(clause: Clause, right: Clause, context: Clause, facts: Sequence[Fact], lead: Mode | None) -> None:
    if not right.starts_after_than:
        raise UngroundedError("It compares without saying with what.")
    left_context = _merge(clause, context)
    lefts = [fact for fact in facts if _fits(fact, clause, context, lead, exact=True)]
    rights = [fact for fact in facts if _fits(fact, right, left_context, lead, exact=True)]
    pairs = [
        (one.number, two.number)
        for one in lefts
        for two in rights
        if one is not two and one.unit == two.unit != "text" and _comparable(one, two)
    ]
    if not pairs:
        raise UngroundedError("The cited facts do not hold both sides of the comparison.")
    direction = clause.direction
    if not all((a > b) - (a < b) == direction for a, b in pairs):
        raise UngroundedError("The cited facts say that the comparison is the other way round.")


def _comparable(one: Fact, two: Fact) -> bool:
    return one.kind == two.kind or frozenset({one.kind, two.kind}) in CROSS_KINDS


def _merge(clause: Clause, context: Clause) -> Clause:
    return Clause(
        classes=clause.classes or context.classes,
        modes=clause.modes or context.modes,
        metrics=_choose_metrics(clause, context),
    )


def _choose_metrics(clause: Clause, context: Clause) -> set[FactKind]:
    """Kinds that a clause speaks of: those it names, else those its judgement words judge, else those named before."""
    judged = {kind for word in clause.words for kind in WORD_KINDS[word]}
    return clause.metrics or (judged & context.metrics) or (judged - NAMED_ONLY) or context.metrics


def _check_dates(text: str, facts: Sequence[Fact]) -> None:
    for fact in facts:
        if fact.kind == "observed_date" and fact.other.casefold() not in text.casefold():
            raise UngroundedError("It leaves out the date of a fact that it cites.")


def _describe(clause: Clause) -> str:
    kinds = [kind.replace("_", " ") for kind in sorted(clause.metrics)]
    parts = [*clause.classes, *clause.modes, *kinds, *clause.words, *clause.places, *clause.sensors]
    return _short(", ".join(parts)) or "this"


def _short(text: str, longest: int = 60) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
