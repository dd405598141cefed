"""Random facts, and how a careful analyst would tell them: the texts that nano learns from.

The facts are drawn, not measured: nano never reads a number, only which topics there are and their judgement words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from claire.core.bands import MODALITIES, MODES, Modality, Mode
from claire.core.facts import Fact, FactKind, FactUnit
from claire.reasoning.facts import IMPORTANCE, OFF_LEAD
from claire.reasoning.judgements import CONCENTRATED, URGENCY, judge
from claire.reasoning.lexicon import PLACES
from claire.reasoning.prompt import DONE, build_prompt, write_lines
from claire.reasoning.topics import AHEAD, Plan, Topic, build_plan, drop, offer

QUESTIONS = (
    "how much is there?", "where is it?", "how sure are you?", "which class is weakest?", "which sensor decided?",
    "what if the radar was missing?", "what if the optical was gone?", "how accurate is it?", "what could be wrong?",
    "why is this {a} and not {b}?", "how much {a} and {b}?", "where is {a}?", "how sure of {a}?", "what was seen?",
    "do the maps disagree?", "is it calibrated?", "which satellite?", "how good is {a}?", "what is rare in training?",
    "tell me of {a}", "what is the weather?",
)  # fmt: skip
ASKED = 0.2
"""Share of the texts that answer a question."""
CHANCES = (0.7, 0.2, 0.1)
"""Of the topics that come next to be said first; what is passed over and not needed is left out."""
FIRST = 0.5
"""Chance that bad news, such as a missing sensor, opens the narrative."""


@dataclass(frozen=True)
class Text:
    """One example to learn from.

    Args:
        prompt: What the model reads.
        answer: What it should write.
    """

    prompt: str
    answer: str


def draw_text(rng: np.random.Generator) -> Text:
    """A random example."""
    facts = draw_facts(rng)
    question = None
    if rng.random() < ASKED:
        names = rng.choice([fact.subject for fact in facts if fact.kind == "area_share"], 2)
        question = str(rng.choice(QUESTIONS)).format(a=names[0], b=names[1])
    plan = build_plan(facts, question)
    return Text(build_prompt(plan).text, tell(plan, rng))


def tell(plan: Plan, rng: np.random.Generator) -> str:
    """A narrative of a plan: every needed topic, most of the others, in an order that differs, worded at random."""
    return write_lines((topic, str(rng.choice(topic.wordings))) for topic in _arrange(plan, rng)) + DONE


def _arrange(plan: Plan, rng: np.random.Generator) -> Iterator[Topic]:
    left = plan.topics
    while left:
        offered = offer(plan, left)
        near = offered[:AHEAD]
        news = [topic for topic in offered if topic.opens] if len(left) == len(plan.topics) else []
        if news and rng.random() < FIRST:
            chosen = news[int(rng.integers(len(news)))]
        else:
            chances = np.array(CHANCES[: len(near)])
            chosen = near[int(rng.choice(len(near), p=chances / chances.sum()))]
        yield chosen
        left = drop(plan, left, chosen)


def draw_facts(rng: np.random.Generator) -> tuple[Fact, ...]:
    """Facts as an analysis of random maps could give them."""
    names = [f"class{number}" for number in range(int(rng.choice([2, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10])))]
    modes = MODES if rng.random() < 0.85 else (MODES[int(rng.integers(3))],)
    draw = _Draw(rng, names, modes)
    draw.draw_areas()
    if rng.random() < 0.65:
        draw.draw_scores()
    else:
        draw.add("labelled", 0.0, "share", word="unlabelled")
    draw.draw_comparison()
    draw.draw_inputs()
    return tuple(sorted(draw.facts, key=lambda fact: (-fact.importance, fact.id)))


@dataclass
class _Draw:
    rng: np.random.Generator
    names: Sequence[str]
    modes: Sequence[Mode]
    facts: list[Fact] = field(default_factory=list)
    scored: bool = False

    def add(
        self,
        kind: FactKind,
        value: float | str,
        unit: FactUnit,
        subject: str = "tile",
        modes: tuple[Mode, ...] = (),
        *,
        other: str = "",
        word: str = "",
        extra: float = 0.0,
    ) -> None:
        chosen = word or ("" if isinstance(value, str) else judge(kind, value)[0])
        whole = 1.0 if subject == "tile" or kind == "trust" or not modes or modes[-1] == self.modes[0] else OFF_LEAD
        weight = min((IMPORTANCE[kind] + URGENCY.get(chosen, 0.0) + extra) * whole, 1.0)
        name = ".".join([kind, "-".join(modes), subject, str(len(self.facts))])
        text = f"{kind} of {subject}."
        self.facts.append(Fact(name, kind, subject, value, unit, text, "", chosen, "", modes, other, weight))

    def share(self) -> float:
        """A share, now and then of nothing or all."""
        return float(self.rng.choice([0.0, 1.0, self.rng.random(), self.rng.beta(0.4, 2), self.rng.beta(2, 0.4)]))

    def draw_areas(self) -> None:
        unit: FactUnit = "m2" if self.rng.random() < 0.5 else "pixels"
        for mode in self.modes:
            shares = self.rng.dirichlet(np.full(len(self.names), 0.6)) * (self.rng.random(len(self.names)) > 0.1)
            shares /= max(shares.sum(), 1e-9)
            for name, share in zip(self.names, shares.tolist(), strict=True):
                rare = 0.15 if 0 < share < 0.05 else -0.15 if share == 0 else 0.0
                self.add("area_share", share, "share", name, (mode,), extra=0.2 * share + rare)
                self.add("area", share * 1e5, unit, name, (mode,))
                if share > 0:
                    self._draw_certainty(name, mode)
            if shares.sum() > 0:
                largest = self.names[int(shares.argmax())]
                self.add("largest", float(shares.max()), "share", largest, (mode,), word="largest")

    def _draw_certainty(self, name: str, mode: Mode) -> None:
        for kind in ("confidence", "low_confidence", "entropy"):
            self.add(kind, self.rng.beta(3, 1) if kind == "confidence" else self.share(),
                     "share" if kind == "low_confidence" else "score", name, (mode,))  # fmt: skip
        if mode == self.modes[0]:
            share = 0.25 + 0.75 * self.rng.random() ** 2
            word, extra = ("concentrated", 0.05) if share >= CONCENTRATED else ("spread", -0.1)
            place = str(self.rng.choice(PLACES))
            self.add("location", share, "share", name, (mode,), other=place, word=word, extra=extra)
            self.add("trust", self.rng.random(), "share", name, ("optical",))

    def draw_scores(self) -> None:
        self.scored = True
        for mode in self.modes:
            for name in self.names:
                for kind in ("iou", "f1", "precision", "recall"):
                    self.add(kind, self.share(), "score", name, (mode,))
                self.add("extent", self.rng.gamma(4, 0.25), "ratio", name, (mode,))
            lead = 0.0 if mode == self.modes[0] else -0.2
            self.add("mean_iou", self.rng.random(), "score", "tile", (mode,), extra=lead)
            self.add("accuracy", self.rng.random(), "share", "tile", (mode,), extra=lead)
            self.add("ece", self.rng.beta(1, 12), "score", "tile", (mode,), extra=lead)
        true, found = self.rng.permutation(self.names)[:2].tolist()
        self.add("confusion", self.share(), "share", true, (self.modes[0],), other=found)

    def draw_comparison(self) -> None:
        lead = self.modes[0]
        if self.rng.random() < 0.9:
            rule = "IoU" if self.scored else "confidence"
            self.add("weakest", self.rng.random(), "score", str(self.rng.choice(self.names)), (lead,), other=rule,
                     word="weakest")  # fmt: skip
        if len(self.modes) < len(MODES):
            return
        if self.scored:
            word = str(self.rng.choice(["best", "tied for best"]))
            self.add("best_map", 0.5, "score", "tile", (MODES[int(self.rng.integers(3))],), word=word)
        if self.rng.random() < 0.7:
            self.add("disagreement", self.share(), "share", "tile", ("optical", "sar"))
            for modality in MODALITIES:
                if self.scored:
                    self.add("right", self.share(), "share", "tile", (modality,))
                self.add("followed", self.share(), "share", "tile", ("fused", modality))

    def draw_inputs(self) -> None:
        gone = str(self.rng.choice(["", "", "", "", "optical", "sar"]))
        for modality in MODALITIES:
            self.add("observed", 0.0 if modality == gone else max(self.share(), 0.01), "share", "tile", (modality,))
            self.add("bands", "a, b", "text", "tile", (modality,))
        if self.rng.random() < 0.5:
            for modality in MODALITIES:
                for date in ("before", "after"):
                    self.add("observed_date", self.share(), "share", "tile", (modality,), other=date)
        self.add("temperature", self.rng.uniform(0.7, 1.4), "number", "tile", (self.modes[0],))
        if self.rng.random() < 0.8:
            self._draw_card()
        if self.rng.random() < 0.5:
            self.add("notices", float(self.rng.integers(1, 4)), "count")
        self._draw_measured()

    def _draw_card(self) -> None:
        for name, share in zip(self.names, self.rng.dirichlet(np.full(len(self.names), 0.6)).tolist(), strict=True):
            self.add("prevalence", share, "share", name)
        for modality in MODALITIES:
            self.add("sensor", "s", "text", "tile", (modality,))
        for kind in ("failure", "limit"):
            for number in range(int(self.rng.integers(3))):
                self.add(kind, "x", "text", extra=-0.01 * number)

    def _draw_measured(self) -> None:
        """Contributions and their like, which other stages may add."""
        kinds: tuple[FactKind, ...] = ("contribution", "interaction", "attribution", "attention")
        for kind in kinds if self.rng.random() < 0.3 else ():
            modality: Modality = MODALITIES[int(self.rng.integers(2))]
            subject = "tile" if kind == "attention" else str(self.rng.choice(self.names))
            self.add(kind, self.rng.uniform(-1, 1), "score", subject, (modality,))


def draw_texts(seed: int, start: int = 0) -> Iterator[Text]:
    """Examples without end, each from its own seed, so that a run can go on where it stopped."""
    number = start
    while True:
        yield draw_text(np.random.default_rng([seed, number]))
        number += 1
