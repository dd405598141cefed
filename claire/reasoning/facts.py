"""Analysis -> facts: every number that a narrative may use, with its word, its source and its importance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES, MODES, Modality, Mode
from claire.core.evidence import compute_concentration
from claire.core.facts import Fact, FactKind, FactUnit, index_facts
from claire.core.types import ClassScore, Prediction, Scores, layer_of
from claire.reasoning.judgements import CLOSE, CONCENTRATED, LOW_CONFIDENCE, URGENCY, judge
from claire.reasoning.lexicon import MODE_TITLES, PLACES, RESERVED
from claire.reasoning.plain import clean_band, clean_names, clean_text
from claire.reasoning.wording import show_number

MOST_IMPORTANT = 5
"""Facts that every narrative must contain."""
OFF_LEAD = 0.4
"""Factor on the importance of a fact about a map other than the leading one."""

SENSOR_TITLES: dict[Modality, str] = {"optical": "optical", "sar": "SAR"}

IMPORTANCE: dict[FactKind, float] = {
    "area_share": 0.45, "area": 0.3, "largest": 0.3, "location": 0.38, "confidence": 0.42, "low_confidence": 0.36,
    "entropy": 0.2, "iou": 0.42, "f1": 0.2, "precision": 0.3, "recall": 0.3, "extent": 0.4, "confusion": 0.5,
    "weakest": 0.55, "prevalence": 0.2, "trust": 0.4, "contribution": 0.55, "interaction": 0.35, "attribution": 0.35,
    "attention": 0.3, "mean_iou": 0.4, "accuracy": 0.35, "best_map": 0.55, "disagreement": 0.6, "right": 0.48,
    "followed": 0.42, "observed": 0.3, "observed_date": 0.25, "ece": 0.35, "temperature": 0.12, "labelled": 0.2,
    "notices": 0.15, "notice": 0.1, "sensor": 0.28, "bands": 0.05, "failure": 0.34, "limit": 0.18,
}  # fmt: skip
"""How much a kind of fact matters before its judgement word is looked at."""

OF_SENSORS: frozenset[FactKind] = frozenset({"trust", "contribution", "interaction", "attribution"})
"""Kinds that tell sensors apart within one map: what they name is no map beside the leading one."""

SCORE_KINDS: tuple[tuple[FactKind, str], ...] = (
    ("iou", "an IoU"), ("f1", "an F1"), ("precision", "a precision"), ("recall", "a recall"),
)  # fmt: skip


def build_facts(analysis: Analysis, measured: Iterable[Fact] = ()) -> tuple[Fact, ...]:
    """Everything an analysis says, as facts, the most important first.

    Args:
        analysis: Opened or just made.
        measured: Facts that another stage measured on the same analysis: `contribution` and `interaction` per class
            and sensor, `attribution`, `attention`. They are ranked with the others; nothing is made up in their place.

    Returns:
        Facts, by falling importance, then by id.

    Raises:
        AnalysisError: Two facts share an id.
    """
    reader = _Reader.of(analysis)
    facts = [
        *_read_areas(reader),
        *_read_places(reader),
        *_read_certainty(reader),
        *_read_scores(reader),
        *_read_comparison(reader),
        *_read_trust(reader),
        *_read_answers(reader),
        *_read_attention(reader),
        *_read_observations(reader),
        *_read_model(reader),
        *_read_notices(reader),
        *measured,
    ]
    index_facts(facts)
    return tuple(sorted(facts, key=lambda fact: (-fact.importance, fact.id)))


def rank_facts(facts: Sequence[Fact], most: int = MOST_IMPORTANT) -> tuple[Fact, ...]:
    """The most important facts."""
    return tuple(sorted(facts, key=lambda fact: (-fact.importance, fact.id))[:most])


@dataclass(frozen=True)
class _Reader:
    analysis: Analysis
    names: tuple[str, ...]
    lead: Mode

    @classmethod
    def of(cls, analysis: Analysis) -> _Reader:
        filled = [mode for mode in MODES if mode in analysis.predictions and analysis.predictions[mode].valid.any()]
        lead = filled[0] if filled else next(iter(analysis.predictions))
        return cls(analysis, clean_names(analysis.scheme.names, RESERVED), lead)

    def mapped(self) -> Iterator[tuple[Mode, Prediction]]:
        """Modes that map at least one pixel."""
        for mode in MODES:
            if mode in self.analysis.predictions and self.analysis.predictions[mode].valid.any():
                yield mode, self.analysis.predictions[mode]

    def make(
        self,
        kind: FactKind,
        value: float | str,
        unit: FactUnit,
        text: str,
        source: str,
        *,
        index: int | None = None,
        modes: tuple[Mode, ...] = (),
        other: str = "",
        word: tuple[str, str] | None = None,
        extra: float = 0.0,
        number: int | None = None,
    ) -> Fact:
        judgement, threshold = word or (("", "") if isinstance(value, str) else judge(kind, value))
        off_lead = index is not None and bool(modes) and kind not in OF_SENSORS and modes[-1] != self.lead
        importance = (IMPORTANCE[kind] + URGENCY.get(judgement, 0.0) + extra) * (OFF_LEAD if off_lead else 1.0)
        parts = [kind, "-".join(modes), "" if index is None else str(index), "" if number is None else str(number)]
        return Fact(
            id=".".join(part for part in parts if part),
            kind=kind,
            subject="tile" if index is None else self.names[index],
            value=value,
            unit=unit,
            text=text[0].upper() + text[1:],
            source=source,
            judgement=judgement,
            threshold=threshold,
            modes=modes,
            other=other,
            importance=round(min(importance, 1.0), 4),
        )


def _read_areas(reader: _Reader) -> Iterator[Fact]:
    for mode, _ in reader.mapped():
        areas, title = reader.analysis.areas[mode], MODE_TITLES[mode]
        for index, area in enumerate(areas):
            name, source = reader.names[index], f"modes.{mode}.classes[{index}]"
            rare = 0.15 if 0 < area.area_share < 0.05 else -0.15 if area.area_share == 0 else 0.0
            text = f"{name} covers {show_number(area.area_share, 'share')} of the mapped ground on {title}."
            yield reader.make(
                "area_share", area.area_share, "share", text, f"{source}.area_share", index=index, modes=(mode,),
                extra=0.2 * area.area_share + rare,
            )  # fmt: skip
            size, unit = (float(area.pixels), "pixels") if area.area_m2 is None else (area.area_m2, "m2")
            text = f"On {title}, the area of {name} is {show_number(size, 'm2' if unit == 'm2' else 'pixels')}."
            yield reader.make(
                "area", size, "m2" if unit == "m2" else "pixels", text,
                f"{source}.{'pixels' if area.area_m2 is None else 'area_m2'}", index=index, modes=(mode,),
            )  # fmt: skip
        largest = max(range(len(areas)), key=lambda index: areas[index].pixels)
        if len(areas) > 1 and sum(area.pixels == areas[largest].pixels for area in areas) == 1:
            yield reader.make(
                "largest", areas[largest].area_share, "share",
                f"{reader.names[largest]} is the largest class on {title}.", f"modes.{mode}.classes", index=largest,
                modes=(mode,), word=("largest", "most pixels of all classes"),
            )  # fmt: skip


def _read_places(reader: _Reader) -> Iterator[Fact]:
    mode = reader.lead
    classes, title = reader.analysis.predictions[mode].classes, MODE_TITLES[mode]
    for index, name in enumerate(reader.names):
        counts = count_quarters(classes == index)
        if counts.sum() == 0:
            continue
        fullest = int(counts.argmax())
        share = float(counts[fullest] / counts.sum())
        word = "concentrated" if share >= CONCENTRATED else "spread"
        rule = f"place: concentrated from {CONCENTRATED:g} of a class in one quarter of the tile"
        text = f"{name} is {word} on {title}: the {PLACES[fullest]} holds {show_number(share, 'share')} of it."
        yield reader.make(
            "location", share, "share", text, f"arrays.npz: classes_{mode}", index=index, modes=(mode,),
            other=PLACES[fullest], word=(word, rule), extra=0.05 if word == "concentrated" else -0.1,
        )  # fmt: skip


def count_quarters(here: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels in the upper left, upper right, lower left and lower right quarter; a middle line belongs to the first.

    Args:
        here: (H, W) bool.

    Returns:
        (4,) counts.
    """
    high, wide = (here.shape[0] + 1) // 2, (here.shape[1] + 1) // 2
    quarters = (here[:high, :wide], here[:high, wide:], here[high:, :wide], here[high:, wide:])
    return np.array([int(quarter.sum()) for quarter in quarters], np.int64)


def compute_entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Entropy of every pixel over log K, 0..1: 0 when one class has all, 1 when all classes are equally likely.

    Args:
        probabilities: (K, H, W), K at least 2.
    """
    values = np.clip(probabilities.astype(np.float64), 1e-12, 1.0)
    entropy: NDArray[np.float64] = -(values * np.log(values)).sum(axis=0) / math.log(len(values))
    return entropy


def _read_certainty(reader: _Reader) -> Iterator[Fact]:
    for mode, prediction in reader.mapped():
        title, confidence = MODE_TITLES[mode], prediction.confidence
        entropy = compute_entropy(prediction.probabilities) if len(prediction.scheme) > 1 else None
        for index, name in enumerate(reader.names):
            here = prediction.classes == index
            mean = reader.analysis.areas[mode][index].confidence
            if not here.any() or not math.isfinite(mean):
                continue
            where = f"arrays.npz: classes_{mode}, probabilities_{mode}"
            text = f"{name} has a mean confidence of {show_number(mean, 'score')} on {title}."
            source = f"modes.{mode}.classes[{index}].confidence"
            yield reader.make("confidence", mean, "score", text, source, index=index, modes=(mode,))
            doubtful = float((confidence[here] < LOW_CONFIDENCE).mean())
            text = f"{show_number(doubtful, 'share')} of the {name} on {title} has low confidence."
            yield reader.make("low_confidence", doubtful, "share", text, where, index=index, modes=(mode,))
            if entropy is not None:
                value = float(entropy[here].mean())
                text = f"{name} has a normalised entropy of {show_number(value, 'score')} on {title}."
                yield reader.make("entropy", value, "score", text, where, index=index, modes=(mode,))


def _read_scores(reader: _Reader) -> Iterator[Fact]:
    analysis = reader.analysis
    for mode, scores in analysis.scores.items():
        title, source = MODE_TITLES[mode], f"modes.{mode}.scores"
        for index, each in enumerate(scores.per_class):
            yield from _read_class_scores(reader, mode, index, each)
        yield from _read_extents(reader, mode, scores)
        for kind, value, unit, text in (
            ("mean_iou", scores.miou, "score", f"{title} has a mean IoU of"),
            ("accuracy", scores.oa, "share", f"{title} has an overall accuracy of"),
            ("ece", scores.ece, "score", f"the calibration error of {title} is"),
        ):
            if math.isfinite(value):
                yield reader.make(
                    kind, value, unit, f"{text} {show_number(value, unit)}.",  # type: ignore[arg-type]
                    f"{source}.{ {'mean_iou': 'miou', 'accuracy': 'oa'}.get(kind, kind) }", modes=(mode,),
                    extra=0.0 if mode == reader.lead else -0.2,
                )  # fmt: skip
        if mode == reader.lead:
            yield from _read_confusion(reader, mode, scores)
    yield from _read_weakest(reader)
    yield from _read_label(reader)


def _read_class_scores(reader: _Reader, mode: Mode, index: int, each: ClassScore) -> Iterator[Fact]:
    for kind, words in SCORE_KINDS:
        value = float(getattr(each, kind))
        if math.isfinite(value):
            text = f"{reader.names[index]} has {words} of {show_number(value, 'score')} on {MODE_TITLES[mode]}."
            source = f"modes.{mode}.scores.per_class[{index}].{kind}"
            yield reader.make(kind, value, "score", text, source, index=index, modes=(mode,))


def _read_extents(reader: _Reader, mode: Mode, scores: Scores) -> Iterator[Fact]:
    labelled, mapped = scores.confusion.sum(axis=1), scores.confusion.sum(axis=0)
    for index, name in enumerate(reader.names):
        if labelled[index] and mapped[index]:
            value = float(mapped[index] / labelled[index])
            word = judge("extent", value)
            text = f"{name} is {word[0]} on {MODE_TITLES[mode]}, at {show_number(value, 'ratio')} its labelled pixels."
            yield reader.make(
                "extent", value, "ratio", text, f"modes.{mode}.scores.confusion", index=index, modes=(mode,), word=word
            )


def _read_confusion(reader: _Reader, mode: Mode, scores: Scores) -> Iterator[Fact]:
    wrong = scores.confusion - np.diag(scores.confusion.diagonal())
    if not wrong.any():
        return
    true, found = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    value = float(wrong[true, found] / scores.confusion[true].sum())
    text = (
        f"{show_number(value, 'share')} of the labelled {reader.names[true]} is mapped as {reader.names[found]} "
        f"on {MODE_TITLES[mode]}."
    )
    yield reader.make(
        "confusion", value, "share", text, f"modes.{mode}.scores.confusion", index=true, modes=(mode,),
        other=reader.names[found], number=found,
    )  # fmt: skip


def _read_weakest(reader: _Reader) -> Iterator[Fact]:
    mode = reader.lead
    if mode in reader.analysis.scores:
        values = [each.iou for each in reader.analysis.scores[mode].per_class]
        rule, source = "smallest IoU", f"modes.{mode}.scores.per_class"
    else:
        values = [area.confidence for area in reader.analysis.areas[mode]]
        rule, source = "smallest mean confidence", f"modes.{mode}.classes"
    known = [index for index, value in enumerate(values) if math.isfinite(value)]
    smallest = [index for index in known if values[index] == min(values[k] for k in known)]
    if len(known) > 1 and len(smallest) == 1:
        index = smallest[0]
        text = f"{reader.names[index]} is the weakest class on {MODE_TITLES[mode]}."
        yield reader.make(
            "weakest", float(values[index]), "score", text, source, index=index, modes=(mode,),
            other=rule.split()[-1], word=("weakest", rule),
        )  # fmt: skip


def _read_label(reader: _Reader) -> Iterator[Fact]:
    label = reader.analysis.tile.label
    ids = [land_class.id for land_class in reader.analysis.scheme.classes]
    share = 0.0 if label is None else float(np.isin(label, ids).mean())
    word = "unlabelled" if share == 0 else "labelled throughout" if share == 1 else "labelled in part"
    text = f"{show_number(share, 'share')} of the tile has a label: it is {word}."
    rule = "label: unlabelled at 0, labelled throughout at 1"
    yield reader.make("labelled", share, "share", text, "arrays.npz: label", word=(word, rule))


def _read_comparison(reader: _Reader) -> Iterator[Fact]:
    analysis = reader.analysis
    share = analysis.disagreement_share
    if share is not None and math.isfinite(share):
        text = f"optical and SAR disagree on {show_number(share, 'share')} of the pixels common to both."
        yield reader.make("disagreement", share, "share", text, "disagreement", modes=("optical", "sar"))
        yield from _read_winners(reader)
    means = {mode: s.miou for mode, s in analysis.scores.items() if math.isfinite(s.miou)}
    if len(means) > 1:
        order = sorted(means, key=lambda mode: (-means[mode], MODES.index(mode)))
        word = "best" if means[order[0]] - means[order[1]] >= CLOSE else "tied for best"
        text = f"{MODE_TITLES[order[0]]} is {word} against the label."
        rule = f"maps: best with a mean IoU at least {CLOSE:g} above the next"
        yield reader.make(
            "best_map", means[order[0]], "score", text, f"modes.{order[0]}.scores.miou", modes=(order[0],),
            word=(word, rule),
        )  # fmt: skip


def _read_winners(reader: _Reader) -> Iterator[Fact]:
    analysis = reader.analysis
    optical, sar = analysis.predictions["optical"], analysis.predictions["sar"]
    differ = optical.valid & sar.valid & (optical.classes != sar.classes)
    label = analysis.tile.label
    if label is not None:
        index = analysis.scheme.to_index(label)
        judged = differ & (index < len(analysis.scheme))
        if judged.any():
            for mode in MODALITIES:
                value = float((analysis.predictions[mode].classes[judged] == index[judged]).mean())
                text = (
                    f"where they differ, {SENSOR_TITLES[mode]} is right on {show_number(value, 'share')} "
                    "of the labelled pixels."
                )
                yield reader.make("right", value, "share", text, "arrays.npz: label, classes_optical, classes_sar",
                                  modes=(mode,))  # fmt: skip
    if "fused" in analysis.predictions and differ.any():
        fused = analysis.predictions["fused"].classes[differ]
        for mode in MODALITIES:
            value = float((fused == analysis.predictions[mode].classes[differ]).mean())
            text = (
                f"where they differ, the fused map agrees with {SENSOR_TITLES[mode]} on {show_number(value, 'share')} "
                "of the pixels."
            )
            source = "arrays.npz: classes_fused, classes_optical, classes_sar"
            yield reader.make("followed", value, "share", text, source, modes=("fused", mode))


def _read_trust(reader: _Reader) -> Iterator[Fact]:
    trust = reader.analysis.trust
    if trust is None:
        return
    classes = reader.analysis.predictions[reader.lead].classes
    for index, name in enumerate(reader.names):
        here = classes == index
        if here.any():
            value = float(trust[here].mean(dtype=np.float64))
            text = f"where {name} is mapped, the gate gives optical {show_number(value, 'share')} of its trust."
            yield reader.make(
                "trust", value, "share", text, f"arrays.npz: trust, classes_{reader.lead}", index=index,
                modes=("optical",),
            )  # fmt: skip


def _read_answers(reader: _Reader) -> Iterator[Fact]:
    """What was found out about whole classes; what was asked about other zones would need its place beside each number.

    Of several answers about a class, the last one counts.
    """
    scheme, latest = reader.analysis.scheme, {}
    for number, answer in enumerate(reader.analysis.explained):
        found = answer.attribution
        if found.mode == "fused" and found.quantity == "logit" and found.class_name in scheme.names:
            index = scheme.names.index(found.class_name)
            if np.array_equal(found.zone, reader.analysis.predictions["fused"].classes == index):
                latest[index] = number, answer
    for index, (number, answer) in latest.items():
        name, source = reader.names[index], f"explained[{number}]"
        if answer.share is not None:
            for mode in MODALITIES:
                value = float(getattr(answer.share, mode))
                text = f"for {name}, the contribution of {SENSOR_TITLES[mode]} to the logits is {value:.2f}."
                yield reader.make("contribution", value, "number", text, f"{source}.share.{mode}", index=index,
                                  modes=(mode,))  # fmt: skip
            value = answer.share.interaction
            text = f"for {name}, the interaction of optical and SAR is {value:.2f}."
            yield reader.make("interaction", value, "number", text, f"{source}.share.interaction", index=index,
                              modes=("optical", "sar"))  # fmt: skip
        sizes = {mode: answer.attribution.size(mode) for mode in MODALITIES if mode in answer.attribution.maps}
        if len(sizes) == len(MODALITIES) and sum(sizes.values()) > 0:
            for mode in MODALITIES:
                value = sizes[mode] / sum(sizes.values())
                text = f"for {name}, {SENSOR_TITLES[mode]} holds {show_number(value, 'share')} of the attribution."
                yield reader.make("attribution", value, "share", text, f"arrays.npz: explained{number}_{mode}",
                                  index=index, modes=(mode,))  # fmt: skip


def _read_attention(reader: _Reader) -> Iterator[Fact]:
    attention = reader.analysis.attention
    if attention is None:
        return
    for asking in MODALITIES:
        found = [compute_concentration(stage, asking) for stage in attention.stages]
        narrow = [float(values.mean(dtype=np.float64)) for values in found if values is not None]
        if narrow:
            value = float(np.mean(narrow))
            text = f"the attention of {SENSOR_TITLES[asking]} has a narrowness of {show_number(value, 'score')}."
            yield reader.make("attention", value, "score", text, f"arrays.npz: attention*_{asking}", modes=(asking,))


def _read_observations(reader: _Reader) -> Iterator[Fact]:
    analysis = reader.analysis
    for modality in MODALITIES:
        title = SENSOR_TITLES[modality]
        share = _read_observed(analysis, modality)
        if share is not None:
            text = f"{title} saw {show_number(share, 'share')} of the tile."
            yield reader.make("observed", share, "share", text, f"arrays.npz: classes_{modality}", modes=(modality,))
        for number, each in enumerate(analysis.observations):
            if each.modality == modality and (date := clean_band(each.date)):
                text = f"on the date {date}, {title} saw {show_number(each.share, 'share')} of the tile."
                yield reader.make("observed_date", each.share, "share", text, f"observations[{number}].share",
                                  modes=(modality,), other=date, number=number)  # fmt: skip


def _read_observed(analysis: Analysis, modality: Modality) -> float | None:
    if modality in analysis.predictions:
        return float(analysis.predictions[modality].valid.mean())
    layer = layer_of(analysis.tile, modality)
    return 0.0 if layer is None or not layer.valid.any() else None


def _read_model(reader: _Reader) -> Iterator[Fact]:
    analysis = reader.analysis
    for mode, prediction in reader.mapped():
        value = float(prediction.temperature)
        text = f"the logits of {MODE_TITLES[mode]} were divided by a temperature of {show_number(value, 'number')}."
        yield reader.make("temperature", value, "number", text, f"modes.{mode}.temperature", modes=(mode,))
    for modality in MODALITIES:
        layer = layer_of(analysis.tile, modality)
        bands = "" if layer is None else ", ".join(clean_band(band) for band in layer.bands)
        if bands:
            text = f'the {SENSOR_TITLES[modality]} bands: "{bands}".'
            yield reader.make("bands", bands, "text", text, f"layers.{modality}.bands", modes=(modality,))
    if analysis.model is None:
        return
    for modality in MODALITIES:
        if sensor := clean_text(analysis.model.sensors.get(modality, "")):
            text = f'the {SENSOR_TITLES[modality]} sensor of this checkpoint: "{sensor}".'
            yield reader.make("sensor", sensor, "text", text, f"model.sensors.{modality}", modes=(modality,))
    prevalence = analysis.model.prevalence
    for index, share in enumerate(prevalence if len(prevalence) == len(reader.names) else ()):
        word = judge("prevalence", share)
        text = f"{reader.names[index]} is {word[0]}: it makes up {show_number(share, 'share')} of the training pixels."
        yield reader.make("prevalence", share, "share", text, f"model.prevalence[{index}]", index=index, word=word)
    for kind, title, sentences in (
        ("failure", "A known failure of this checkpoint", analysis.model.failures),
        ("limit", "A limit of this checkpoint", analysis.model.limits),
    ):
        yield from _quote(reader, "failure" if kind == "failure" else "limit", title, sentences, f"model.{kind}s")


def _read_notices(reader: _Reader) -> Iterator[Fact]:
    analysis = reader.analysis
    messages = list(dict.fromkeys(notice.message for notice in (*analysis.notices, *analysis.tile.notices)))
    if messages:
        text = f"reading the files raised {len(messages)} notice{'s' if len(messages) > 1 else ''}."
        yield reader.make("notices", float(len(messages)), "count", text, "notices")
        yield from _quote(reader, "notice", "A notice from reading the files", messages, "notices")


def _quote(reader: _Reader, kind: FactKind, title: str, sentences: Sequence[str], source: str) -> Iterator[Fact]:
    for number, sentence in enumerate(sentences):
        if plain := clean_text(sentence):
            yield reader.make(kind, plain, "text", f'{title}: "{plain}"', f"{source}[{number}]", number=number,
                              extra=-0.01 * number)  # fmt: skip
