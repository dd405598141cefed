"""A sentence -> the claims in it, clause by clause: numbers, classes, maps, metrics, judgements, comparisons.

Knows words, not facts; `claire.reasoning.grounding` compares the claims with the facts that a sentence cites.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from claire.core.bands import Mode
from claire.core.facts import FactKind
from claire.reasoning import lexicon
from claire.reasoning.judgements import WORD_KINDS

NUMERAL = r"[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?"
DELIMITER = r"[,;:()?!—–]|\band\b|\bbut\b|\bwhile\b|\bwhereas\b|\bagainst\b|\bversus\b|\bthan\b|\.(?=\s|$)"


@dataclass(frozen=True)
class NumberClaim:
    """A number as written.

    Args:
        value: As written, in `unit`.
        decimals: Digits after the point, which is how precisely it claims to be known.
        unit: One of the values of `lexicon.UNITS`; "" without a unit.
        relation: "" for "is", or `<`, `>`, `<=`, `>=`.
        shown: The text.
    """

    value: float
    decimals: int
    unit: str
    relation: str
    shown: str


@dataclass
class Clause:
    """What one clause mentions, each in the order of the text.

    Args:
        classes: Class names, case-folded.
        modes: Maps and sensors.
        metrics: Kinds of facts that its metric words stand for.
        numbers: With their units.
        words: Judgement words.
        places: Quarters of the tile.
        sensors: Names of instruments, case-folded.
        quotes: Texts between quotation marks.
        strange: Claims that no fact can make, as written.
        negated: True where a negation stands in it.
        direction: 1, -1 or 0 for a comparison whose right side is the next clause; None without one.
        starts_after_than: True when it is the right side of a comparison.
    """

    classes: list[str] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=list)
    metrics: set[FactKind] = field(default_factory=set)
    numbers: list[NumberClaim] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    sensors: list[str] = field(default_factory=list)
    quotes: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    negated: bool = False
    direction: int | None = None
    starts_after_than: bool = False

    @property
    def claims(self) -> bool:
        """True when something in it must be entailed."""
        return bool(
            self.classes or self.modes or self.metrics or self.numbers or self.words or self.places or self.sensors
            or self.quotes or self.strange or self.direction is not None
        )  # fmt: skip


def read_claims(text: str, classes: Iterable[str]) -> tuple[Clause, ...]:
    """Split a sentence into clauses and list what each claims.

    Args:
        text: One sentence.
        classes: Class names of the analysis; those of other schemes are found, too.

    Example:
        >>> first, second = read_claims("Flood covers 31.4 % of the mapped ground, a minor part", ("flood",))[:2]
        >>> first.classes, first.numbers[0].value, first.numbers[0].unit, second.words
        (['flood'], 31.4, '%', ['a minor part'])
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    clauses, current = [], Clause()
    for match in _compile(tuple(sorted({name.casefold() for name in classes}))).finditer(plain):
        kind, word = str(match.lastgroup), match.group()
        folded = word.casefold()
        if kind == "delimiter" or (kind == "comparison" and lexicon.COMPARISONS[folded][1]):
            if kind == "comparison":
                current.direction = lexicon.COMPARISONS[folded][0]
            clauses.append(current)
            current = Clause(starts_after_than=kind == "comparison" or folded == "than")
        elif kind == "number":
            current.numbers.append(_read_number(word))
        elif kind == "comparison":
            current.direction = lexicon.COMPARISONS[folded][0]
        elif kind == "negation":
            current.negated = True
        else:
            _add(current, kind, word, folded)
    return (*clauses, current)


def _add(clause: Clause, kind: str, word: str, folded: str) -> None:
    if kind == "name":
        clause.classes.append(folded)
    elif kind == "mode":
        clause.modes.extend(_MODES[folded])
    elif kind == "metric":
        clause.metrics.update(_METRICS[folded])
    elif kind == "judgement":
        clause.words.append(_WORDS[folded])
    elif kind == "place":
        clause.places.append(folded)
    elif kind == "sensor":
        clause.sensors.append(folded)
    elif kind == "quote":
        clause.quotes.append(word[1:-1])
    else:
        clause.strange.append(word)


def _read_number(text: str) -> NumberClaim:
    relation, rest = "", text.strip()
    folded = rest.casefold()
    for phrase in sorted(lexicon.RELATIONS, key=len, reverse=True):
        if folded.startswith(f"{phrase} "):
            relation, rest = lexicon.RELATIONS[phrase], rest[len(phrase) :].strip()
            break
    found = re.match(NUMERAL, rest)
    if found is None:
        word, _, unit = rest.partition(" ")
        return NumberClaim(float(lexicon.NUMBER_WORDS[word.casefold()]), 0, _unit(unit), relation, text.strip())
    numeral = found.group().replace(",", "").replace("−", "-")
    mantissa, _, exponent = numeral.casefold().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return NumberClaim(float(numeral), decimals, _unit(rest[found.end() :]), relation, text.strip())


def _unit(text: str) -> str:
    return lexicon.UNITS.get(text.strip().casefold(), "")


_MODES = {phrase.casefold(): modes for phrase, modes in lexicon.MODE_WORDS.items()}
_METRICS = {phrase.casefold(): kinds for phrase, kinds in lexicon.METRIC_WORDS.items()}
_WORDS = {word.casefold(): word for word in WORD_KINDS}


def _any(phrases: Iterable[str]) -> str:
    ordered = sorted({phrase.casefold() for phrase in phrases}, key=lambda phrase: (-len(phrase), phrase))
    return r"(?<!\w)(?:" + "|".join(re.escape(phrase) for phrase in ordered) + r")(?!\w)"


@lru_cache(maxsize=64)
def _compile(classes: tuple[str, ...]) -> re.Pattern[str]:
    relations, units = (
        _any(lexicon.RELATIONS),
        "|".join(re.escape(unit) for unit in sorted(lexicon.UNITS, key=len, reverse=True)),
    )
    numeral = rf"(?:(?<![\w.]){NUMERAL}|{_any(lexicon.NUMBER_WORDS)})"
    parts = {
        "quote": r'"[^"]*"',
        "name": _any({*classes, *lexicon.KNOWN_CLASSES}),
        "place": _any(lexicon.PLACES),
        "judgement": _any(WORD_KINDS),
        "number": rf"(?:{relations}\s+)?{numeral}(?:\s?(?:{units})(?!\w)|(?!\w|\.\d))",
        "sensor": _any(lexicon.SENSOR_NAMES),
        "metric": _any(lexicon.METRIC_WORDS),
        "mode": _any(lexicon.MODE_WORDS),
        "comparison": _any(lexicon.COMPARISONS),
        "negation": _any(lexicon.NEGATIONS) + r"|n't\b",
        "strange": _any((*lexicon.FRACTIONS, *lexicon.SUPERLATIVES)) + r"|\d+",
        "delimiter": DELIMITER,
    }
    return re.compile("|".join(f"(?P<{name}>{part})" for name, part in parts.items()), re.IGNORECASE)
