"""The one table of judgement words: which word stands for which range of values.

A word belongs to one scale only, so that a word in a sentence says which kind of fact it judges.
"""

from __future__ import annotations

from dataclasses import dataclass

from claire.core.facts import FactKind

LOW_CONFIDENCE = 0.7
"""Confidence below which a pixel counts as doubtful."""
CLOSE = 0.005
"""Difference of mean IoU below which two maps count as equal."""
CONCENTRATED = 0.4
"""Share of the pixels of a class in its fullest quarter of the tile from which the class counts as concentrated."""


@dataclass(frozen=True)
class Scale:
    """Words for the values of one kind of fact.

    Args:
        name: Shown in the threshold of a fact.
        first: Word for the smallest values.
        steps: (bound, word), ascending: the word holds from the bound on.
        after: When True, a word holds only *above* its bound, and the bound itself belongs to the word before.
    """

    name: str
    first: str
    steps: tuple[tuple[float, str], ...]
    after: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """All its words, for the smallest values first."""
        return (self.first, *(word for _, word in self.steps))

    def judge(self, value: float) -> tuple[str, str]:
        """The word for a value, and the rule that chose it.

        Example:
            >>> SCALES["iou"].judge(0.66)
            ('fair', 'score: fair from 0.5 to 0.7')
        """
        place = sum(value > bound if self.after else value >= bound for bound, _ in self.steps)
        word = self.words[place]
        low = f" {'above' if self.after else 'from'} {self.steps[place - 1][0]:g}" if place else ""
        high = f" to {self.steps[place][0]:g}" if place < len(self.steps) else ""
        return word, f"{self.name}: {word}{low}{high}"


AREA = Scale(
    "area share",
    "absent",
    ((0.0, "a trace"), (0.01, "a small part"), (0.1, "a minor part"), (0.4, "about half"), (0.6, "the larger part"),
     (0.95, "nearly all")),
    after=True,
)  # fmt: skip
CONFIDENCE = Scale("confidence", "unsure", ((0.6, "moderately sure"), (0.8, "sure"), (0.95, "very sure")))
DOUBT = Scale("low-confidence share", "negligible", ((0.02, "limited"), (0.15, "considerable"), (0.4, "widespread")))
ENTROPY = Scale("entropy", "sharp", ((0.2, "mixed"), (0.6, "diffuse")))
SCORE = Scale("score", "poor", ((0.3, "weak"), (0.5, "fair"), (0.7, "good"), (0.85, "excellent")))
EXTENT = Scale("extent", "drawn too narrowly", ((0.9, "drawn to size"), (1.1, "drawn too widely")), after=True)
CONFUSION = Scale("confusion", "slight", ((0.05, "notable"), (0.2, "serious")))
PREVALENCE = Scale("prevalence", "rare", ((0.05, "uncommon"), (0.2, "frequent")))
TRUST = Scale("trust", "SAR-led", ((0.35, "shared evenly"), (0.65, "optical-led")), after=True)
DISAGREEMENT = Scale(
    "disagreement", "in full agreement", ((0.0, "nearly in agreement"), (0.05, "partly at odds"),
    (0.2, "strongly at odds")), after=True,
)  # fmt: skip
OBSERVED = Scale(
    "observed share", "missing",
    ((0.0, "hardly observed"), (0.5, "partly observed"), (0.95, "nearly clear"), (0.999999, "fully observed")),
    after=True,
)  # fmt: skip
CALIBRATION = Scale(
    "calibration", "well calibrated",
    ((0.02, "acceptably calibrated"), (0.05, "roughly calibrated"), (0.1, "badly calibrated")),
)  # fmt: skip
TEMPERATURE = Scale("temperature", "sharpened", ((0.95, "left as they were"), (1.05, "softened")), after=True)

SCALES: dict[FactKind, Scale] = {
    "area_share": AREA, "confidence": CONFIDENCE, "low_confidence": DOUBT, "entropy": ENTROPY, "iou": SCORE,
    "f1": SCORE, "precision": SCORE, "recall": SCORE, "mean_iou": SCORE, "extent": EXTENT, "confusion": CONFUSION,
    "prevalence": PREVALENCE, "trust": TRUST, "disagreement": DISAGREEMENT, "observed": OBSERVED,
    "observed_date": OBSERVED, "ece": CALIBRATION, "temperature": TEMPERATURE,
}  # fmt: skip
"""Kind of fact -> its scale. Kinds that are not listed have no word, or one of `SINGLE_WORDS`."""

SINGLE_WORDS: dict[FactKind, tuple[str, ...]] = {
    "largest": ("largest",),
    "weakest": ("weakest",),
    "best_map": ("best", "tied for best"),
    "location": ("concentrated", "spread"),
    "labelled": ("unlabelled", "labelled in part", "labelled throughout"),
}
"""Words that do not come from a scale."""

WORD_KINDS: dict[str, frozenset[FactKind]] = {
    word: frozenset(
        [kind for kind, scale in SCALES.items() if word in scale.words]
        + [kind for kind, words in SINGLE_WORDS.items() if word in words]
    )
    for word in sorted({w for s in SCALES.values() for w in s.words} | {w for ws in SINGLE_WORDS.values() for w in ws})
}
"""Every judgement word -> the kinds it may judge."""

URGENCY: dict[str, float] = {
    "missing": 0.35, "hardly observed": 0.3, "partly observed": 0.15, "strongly at odds": 0.2, "poor": 0.15,
    "weak": 0.1, "unsure": 0.2, "widespread": 0.2, "considerable": 0.1, "badly calibrated": 0.2, "serious": 0.15,
    "rare": 0.15, "drawn too widely": 0.05, "drawn too narrowly": 0.05,
}  # fmt: skip
"""What a word adds to the importance of its fact."""


def judge(kind: FactKind, value: float) -> tuple[str, str]:
    """The judgement word of a value and the rule that chose it; two empty texts for a kind without a scale."""
    return SCALES[kind].judge(value) if kind in SCALES else ("", "")
