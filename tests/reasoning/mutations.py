"""Errors planted into right sentences, one per sentence, by kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

SCALES = (
    ("absent", "a trace", "a small part", "a minor part", "about half", "the larger part", "nearly all"),
    ("unsure", "moderately sure", "very sure", "sure"),
    ("negligible", "limited", "considerable", "widespread"),
    ("poor", "weak", "fair", "good", "excellent"),
    ("drawn too narrowly", "drawn to size", "drawn too widely"),
    ("slight", "notable", "serious"),
    ("rare", "uncommon", "frequent"),
    ("SAR-led", "shared evenly", "optical-led"),
    ("in full agreement", "nearly in agreement", "partly at odds", "strongly at odds"),
    ("missing", "hardly observed", "partly observed", "nearly clear", "fully observed"),
    ("well calibrated", "acceptably calibrated", "roughly calibrated", "badly calibrated"),
    ("concentrated", "spread"),
    ("tied for best", "best"),
)
UNITS = (" %", " km2", " ha", " m2", " pixels", " times")
SENSORS = ("fused", "optical", "SAR")
DIRECTIONS = {"more": "less", "less": "more", "higher": "lower", "lower": "higher"}
METRICS = ("IoU", "precision", "recall", "mean confidence", "overall accuracy")


@dataclass(frozen=True)
class Mutation:
    """A planted error: its kind, the sentence before, and the sentence with it."""

    kind: str
    before: str
    after: str


def mutate(text: str, kind: str, classes: Sequence[str], rng: np.random.Generator) -> Mutation | None:
    """Plant one error of a kind; None where the sentence offers no place for it. Quotations stay as they are."""
    places = [match for match in KINDS[kind].find(text, classes) if not _is_quoted(text, match)]
    if not places:
        return None
    match = places[int(rng.integers(len(places)))]
    others = KINDS[kind].others(match.group(), classes)
    if not others:
        return None
    new = others[int(rng.integers(len(others)))]
    new = new[0].upper() + new[1:] if match.start() == 0 else new
    return Mutation(kind, text, text[: match.start()] + new + text[match.end() :])


@dataclass(frozen=True)
class Kind:
    """Where an error of a kind can stand, and what can stand there instead."""

    find: Callable[[str, Sequence[str]], list[re.Match[str]]]
    others: Callable[[str, Sequence[str]], list[str]]


def _is_quoted(text: str, match: re.Match[str]) -> bool:
    return text[: match.start()].count('"') % 2 == 1


def _phrases(phrases: Sequence[str], text: str) -> list[re.Match[str]]:
    ordered = sorted(phrases, key=len, reverse=True)
    return list(re.finditer(r"(?<![\w-])(?:" + "|".join(map(re.escape, ordered)) + r")(?![\w-])", text, re.IGNORECASE))


def _find_numbers(text: str, _: Sequence[str]) -> list[re.Match[str]]:
    return list(re.finditer(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text))


def _other_numbers(text: str, _: Sequence[str]) -> list[str]:
    value, decimals = float(text.replace(",", "")), len(text.partition(".")[2])
    step = 10.0**-decimals
    values = (value + step, value + 3 * step, value * 2 + step, value / 2 + 2 * step, value + 10 * step, 7.0)
    return [other for each in values if (other := f"{each:,.{decimals}f}") != text]


def _find_words(text: str, _: Sequence[str]) -> list[re.Match[str]]:
    return _phrases([word for scale in SCALES for word in scale], text)


def _other_words(text: str, _: Sequence[str]) -> list[str]:
    scale = next(scale for scale in SCALES if text.casefold() in (word.casefold() for word in scale))
    return [word for word in scale if word.casefold() != text.casefold()]


KINDS: dict[str, Kind] = {
    "swapped class": Kind(
        lambda text, classes: _phrases(classes, text),
        lambda text, classes: [name for name in classes if name.casefold() != text.casefold()],
    ),
    "wrong direction": Kind(
        lambda text, _: [match for match in _phrases(tuple(DIRECTIONS), text) if " than" in text[match.end() :]],
        lambda text, _: [DIRECTIONS[text.casefold()]],
    ),
    "wrong unit": Kind(
        lambda text, _: list(re.finditer("|".join(f"(?<=\\d){unit}(?!\\w)" for unit in UNITS), text)),
        lambda text, _: [unit for unit in (*UNITS, "") if unit != text],
    ),
    "invented number": Kind(_find_numbers, _other_numbers),
    "wrong judgement": Kind(_find_words, _other_words),
    "wrong sensor": Kind(
        lambda text, _: _phrases(SENSORS, text),
        lambda text, _: [name for name in SENSORS if name.casefold() != text.casefold()],
    ),
    "wrong metric": Kind(
        lambda text, _: _phrases(METRICS, text), lambda text, _: [each for each in METRICS if each != text]
    ),
    "wrong place": Kind(
        lambda text, _: _phrases(("upper left", "upper right", "lower left", "lower right"), text),
        lambda text, _: [
            each for each in ("upper left", "upper right", "lower left", "lower right") if each != text.casefold()
        ],
    ),
}
