"""Under which heading a sentence belongs, and what a fact is called where it stands as a chip beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from claire.core.bands import Mode
from claire.core.facts import Fact, FactKind, Sentence
from claire.reasoning.wording import show

SECTIONS: Mapping[str, tuple[FactKind, ...]] = {
    "What and where": ("area_share", "area", "largest", "location"),
    "How sure": (
        "confidence", "low_confidence", "entropy", "weakest", "iou", "f1", "precision", "recall", "extent", "mean_iou",
        "accuracy", "ece", "temperature",
    ),
    "Why": (
        "disagreement", "right", "followed", "best_map", "trust", "contribution", "interaction", "attribution",
        "attention",
    ),
    "What could be wrong": (
        "observed", "observed_date", "confusion", "prevalence", "labelled", "failure", "limit", "notices", "notice",
        "sensor", "bands",
    ),
}  # fmt: skip
"""Heading -> kinds of facts under it."""
KIND_TITLES: Mapping[str, str] = {
    "area_share": "share", "low_confidence": "low confidence", "iou": "IoU", "f1": "F1", "mean_iou": "mean IoU",
    "best_map": "best map", "observed_date": "date", "ece": "calibration error", "prevalence": "training share",
    "labelled": "label", "failure": "known failure", "right": "who is right", "followed": "who is followed",
}  # fmt: skip
"""What a kind is called on a chip, where that is not its name."""
MAP_TITLES: dict[Mode, str] = {"optical": "optical only", "sar": "SAR only", "fused": "fused"}


def find_section(sentence: Sentence, by_id: Mapping[str, Fact]) -> int:
    """Under which heading a sentence belongs; -1 for one that cites nothing."""
    kinds = [by_id[fact_id].kind for fact_id in sentence.facts if fact_id in by_id]
    return next((place for place, named in enumerate(SECTIONS.values()) if kinds and kinds[0] in named), -1)


def name_facts(facts: Sequence[Fact]) -> tuple[str, ...]:
    """What each of some facts is called, told apart where two are of one kind."""
    titles = [title_of(fact) for fact in facts]
    return tuple(
        title if titles.count(title) == 1 else f"{title}: {_tell_apart(fact)}"
        for fact, title in zip(facts, titles, strict=True)
    )


def title_of(fact: Fact) -> str:
    """What a fact is called on its chip."""
    return KIND_TITLES.get(fact.kind, fact.kind)


def _tell_apart(fact: Fact) -> str:
    """What a fact is about, where two of one kind stand beside each other."""
    return fact.class_name or (MAP_TITLES[fact.modes[-1]] if fact.modes else show(fact))
