"""The tables of a report: areas, scores, facts, attributions, attention, the model, where everything came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from claire.core.analysis import Analysis, ModelSummary
from claire.core.bands import MODALITIES, Mode
from claire.core.evidence import Explained, compute_concentration, tell_bands
from claire.core.facts import Fact
from claire.core.text import as_line
from claire.core.types import Attention, Share, layer_of
from claire.reasoning.wording import show
from claire.report.content import Row, Table
from claire.viz.evidence import EVIDENCE_TITLES, SENSOR_WORDS, tell_tests
from claire.viz.words import MODE_TITLES, format_area, format_score, format_share

LONGEST_NAME, LONGEST_VALUE = 60, 40
PASSED = {True: "passed", False: "failed", None: "–"}
SCORE_TITLES = {"miou": "mean IoU", "oa": "overall accuracy", "kappa": "kappa", "f1": "mean F1", "ece": "ECE"}
"""Key in a manifest -> title."""
FACT_WIDTHS = (0.46, 0.16, 0.2, 0.18)
HASH_WIDTHS = (0.3, 0.7)


def anchor_of(fact: Fact) -> str:
    """Where the row of a fact is found."""
    return f"fact-{fact.id}"


def list_areas(analysis: Analysis) -> Table:
    """Share and area of each class in each map, and how sure the map is of it."""
    modes = _modes(analysis)
    rows = []
    for index, land_class in enumerate(analysis.scheme.classes):
        areas = [analysis.areas[mode][index] for mode in modes]
        cells = [
            f"{format_share(area.area_share)}, {format_area(area.area_m2, area.pixels)}, "
            f"confidence {_decimal(area.confidence)}"
            if area.pixels
            else "none"
            for area in areas
        ]
        rows.append(Row((as_line(land_class.name, LONGEST_NAME), *cells)))
    return Table(("Class", *(MODE_TITLES[mode] for mode in modes)), tuple(rows), "Share of the mapped pixels and area.")


def list_scores(analysis: Analysis) -> tuple[Table, ...]:
    """How far each map agrees with the label, and where the last of them goes wrong; nothing without a label."""
    modes = [mode for mode in _modes(analysis) if mode in analysis.scores]
    if not modes:
        return ()
    scores = [analysis.scores[mode] for mode in modes]
    rows = [Row((title, *(format_score(getattr(each, key)) for each in scores))) for key, title in SCORE_TITLES.items()]
    rows += [
        Row(
            (
                f"{as_line(name, LONGEST_NAME)}: {title}",
                *(format_score(getattr(e.per_class[index], key)) for e in scores),
            )
        )
        for index, name in enumerate(analysis.scheme.names)
        if any(np.isfinite(each.per_class[index].iou) for each in scores)
        for key, title in (("iou", "IoU"), ("precision", "precision"), ("recall", "recall"))
    ]
    head = ("Score", *(MODE_TITLES[mode] for mode in modes))
    caption = "Agreement with the label of this pair; classes that are in neither are left out."
    return Table(head, tuple(rows), caption), _list_confusion(analysis, modes[-1])


def list_facts(facts: Iterable[Fact]) -> Table:
    """Every fact with the number, its rule and its place in the saved analysis; chips lead here."""
    rows = tuple(
        Row((fact.text, _show_value(fact), fact.threshold or "–", fact.source), anchor_of(fact)) for fact in facts
    )
    caption = "Everything that the text may rest on, the most important first. Sources are keys of the saved analysis."
    return Table(("Fact", "Value", "Judged by", "Source"), rows, caption, words=True, widths=FACT_WIDTHS)


def list_tests(answer: Explained) -> Table:
    """What stands behind a badge."""
    rows = tuple(
        Row((title, value, good, PASSED[passed])) for title, value, good, passed in tell_tests(answer.faithfulness)
    )
    found = answer.attribution
    passes = found.passes + answer.faithfulness.passes
    caption = f"How far the attribution can be believed. {passes} forward passes, seed {found.seed}."
    return Table(("Test", "Measured", "Good", ""), rows, caption, words=True)


def list_share(share: Share) -> Table:
    """What each sensor contributed over the zone."""
    rows = (
        Row(("before looking", f"{share.baseline:.3f}")),
        Row(("optical", f"{share.optical:+.3f}")),
        Row(("SAR", f"{share.sar:+.3f}")),
        Row(("with both sensors", f"{share.value:.3f}")),
        Row(("interaction, half of it in each sensor", f"{share.interaction:+.3f}")),
    )
    name = as_line(share.class_name, LONGEST_NAME)
    caption = f"Contribution of each sensor to {name}: exact Shapley values, mean over the zone."
    return Table(("Part", f"Logit of {name}"), rows, caption)


def list_values(answer: Explained) -> tuple[Table, ...]:
    """What was attributed to each band, and what each band contributes where that was asked for."""
    found, bands = answer.attribution, answer.bands
    rows = [
        Row((f"{EVIDENCE_TITLES[evidence]}, {as_line(band, LONGEST_NAME)}", f"{total:+.3f}"))
        for evidence, totals in found.totals.items()
        for band, total in totals.items()
    ]
    tables = [Table(("Band", "Attributed"), tuple(rows), "Sum over the pixels; positive speaks for the class.")]
    if bands is not None and found.class_name in bands.class_names:
        told = tell_bands(bands, found.class_name)
        shares = tuple(Row((as_line(band, LONGEST_NAME), f"{value:+.3f}")) for band, value in told.items())
        how = "exact" if bands.exact else "estimated"
        tables.append(Table(("Band", "Contributed"), shares, f"Shapley values of the bands over the zone, {how}."))
    return tuple(tables)


def list_stages(attention: Attention) -> Table:
    """Trust and attention of every stage of the network."""
    rows = []
    for stage in attention.stages:
        looks = [compute_concentration(stage, asking) for asking in MODALITIES]
        narrow = ["–" if look is None else f"{float(look.mean(dtype=np.float64)):.2f}" for look in looks]
        rows.append(Row((f"1/{stage.stride}", format_share(float(stage.trust.mean(dtype=np.float64))), *narrow)))
    caption = "Stage 1/4 has one cell per 4 x 4 pixels. Concentration: 0 looked everywhere alike, 1 at one place."
    return Table(("Stage", "Trust in optical", "Concentration, optical", "Concentration, SAR"), tuple(rows), caption)


def list_model(analysis: Analysis, model: ModelSummary) -> Table:
    """What the checkpoint reads and was trained on."""
    rows = [
        ("Checkpoint", f"{as_line(analysis.provenance.model)}: {model.title}"),
        ("Trained on", model.data or "not recorded"),
    ]
    for modality in MODALITIES:
        layer = layer_of(analysis.tile, modality)
        bands = "" if layer is None else f": {', '.join(as_line(band, 40) for band in layer.bands)} ({layer.unit})"
        rows.append((f"Reads, {SENSOR_WORDS[modality]}", (model.sensors.get(modality) or "not recorded") + bands))
    if len(model.prevalence) == len(analysis.scheme):
        shares = zip(analysis.scheme.names, model.prevalence, strict=True)
        rows.append(
            ("Classes in training", ", ".join(f"{as_line(n, LONGEST_NAME)} {format_share(s)}" for n, s in shares))
        )
    return Table(("", ""), tuple(Row(cells) for cells in rows), words=True, widths=HASH_WIDTHS)


def list_model_scores(model: ModelSummary) -> Table | None:
    """How good the checkpoint was on validation; None when that was not recorded."""
    modes = [mode for mode in MODE_TITLES if mode in model.scores]
    keys = list(dict.fromkeys(key for mode in modes for key in model.scores[mode] if _is_shown(key)))
    condition = as_line(model.condition, LONGEST_NAME).replace("_", " ") or "not recorded"
    if not keys:
        return None
    rows = tuple(
        Row((_title_score(key), *(format_score(model.scores[mode].get(key, float("nan"))) for mode in modes)))
        for key in keys
    )
    caption = f"On validation tiles, condition {condition}; not on this pair."
    return Table(("Score", *(MODE_TITLES[mode] for mode in modes)), rows, caption)


def list_inputs(analysis: Analysis) -> Table:
    """sha256 of every input file and of the weights."""
    roles: Mapping[str, Sequence[str]] = analysis.tile.reading
    used = {name: role for role in ("optical", "sar", "label") for name in roles.get(role, ())}
    titles = {"optical": "optical", "sar": "SAR", "label": "label"}
    rows = [
        Row((f"{as_line(name, 120)}" + (f" ({titles[used[name]]})" if name in used else ""), digest))
        for name, digest in analysis.provenance.inputs.items()
    ]
    rows.append(
        Row((f"{as_line(analysis.provenance.model, LONGEST_NAME)} (checkpoint)", analysis.provenance.model_sha256))
    )
    return Table(("File", "sha256"), tuple(rows), words=True, widths=HASH_WIDTHS)


def list_settings(analysis: Analysis) -> Table:
    """Grid, temperatures, settings and versions."""
    place, (height, width) = analysis.tile.georeference, analysis.tile.shape
    rows = [("grid", f"{width} x {height} pixels"), ("coordinates", as_line(place.crs or "none", 200))]
    if place.transform is not None:
        rows.append(("transform", ", ".join(f"{number:.12g}" for number in place.transform)))
    rows.append(("class scheme", f"{as_line(analysis.scheme.name, LONGEST_NAME)}, {len(analysis.scheme)} classes"))
    rows += [(f"temperature, {mode} map", f"{p.temperature:.4f}") for mode, p in analysis.predictions.items()]
    if analysis.provenance.seed is not None:
        rows.append(("seed", str(analysis.provenance.seed)))
    rows += [(as_line(name, LONGEST_NAME), as_line(str(value))) for name, value in analysis.provenance.settings.items()]
    rows += [
        (f"version of {as_line(name, LONGEST_NAME)}", as_line(version, LONGEST_NAME))
        for name, version in analysis.provenance.versions.items()
    ]
    return Table(("What", "Value"), tuple(Row(cells) for cells in rows), words=True, widths=HASH_WIDTHS)


def _list_confusion(analysis: Analysis, mode: Mode) -> Table:
    counts = analysis.scores[mode].confusion
    there = [index for index in range(len(analysis.scheme)) if counts[index].any() or counts[:, index].any()]
    names = [as_line(analysis.scheme.names[index], LONGEST_NAME) for index in there]
    lines = counts[np.ix_(there, there)].tolist()
    rows = tuple(
        Row((f"label {name}", *(f"{count:,}" for count in line))) for name, line in zip(names, lines, strict=True)
    )
    caption = f"Pixels of the {MODE_TITLES[mode].lower()} map by class of the label (rows) and of the map (columns)."
    return Table(("", *names), rows, caption)


def _show_value(fact: Fact) -> str:
    """The value; that of a sentence is the fact itself."""
    value = show(fact)
    return value if fact.unit != "text" or len(value) <= LONGEST_VALUE else "in words"


def _modes(analysis: Analysis) -> list[Mode]:
    return [mode for mode in MODE_TITLES if mode in analysis.predictions]


def _is_shown(key: str) -> bool:
    return key in SCORE_TITLES or key.startswith("iou ")


def _title_score(key: str) -> str:
    return SCORE_TITLES.get(key) or f"IoU of {as_line(key.removeprefix('iou '), LONGEST_NAME)}"


def _decimal(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "n/a"
