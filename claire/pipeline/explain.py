"""explain: why a class is where it is, for one tile: attribution, its faithfulness, contribution of each sensor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import Analysis, without_nan
from claire.core.bands import MODALITIES, Mode
from claire.core.errors import ClaireError, InputError
from claire.core.evidence import Explained, compute_concentration, round_attention
from claire.core.files import appearing
from claire.core.segmenter import OpenSegmenter, Segmenter
from claire.core.settings import Settings
from claire.core.types import Attention, Evidence, Prediction, Prepared, Tile
from claire.data.preparing import prepare
from claire.data.raster import quoted_name
from claire.explain import attention as reading
from claire.explain.attributions import METHODS, Options, attribute, find_method
from claire.explain.contribution import compute_band_contribution, compute_contribution, compute_grid, compute_shares
from claire.explain.faithfulness import count_passes, measure_faithfulness
from claire.explain.targets import Quantity, Target, build_class_zone, build_rectangle_zone, build_target
from claire.explain.watch import Report, Watch
from claire.inference.predicting import decide
from claire.pipeline.analyse import analyse, choose_modes
from claire.pipeline.models import load_model
from claire.pipeline.outputs import filling
from claire.reasoning.facts import build_facts
from claire.reasoning.lexicon import RESERVED
from claire.reasoning.plain import clean_names
from claire.reasoning.questions import find_unmeasured, lacks_map
from claire.viz.encoding import encode_png
from claire.viz.evidence import compute_scale, describe_attribution, render_signed

JSON_NAME = "attribution.json"

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are outside."""

Zone = NDArray[np.bool_]
"""(H, W) bool over a tile."""


def explain(
    tile: Tile,
    model: OpenSegmenter,
    class_name: str,
    method: str = "integrated_gradients",
    *,
    region: Region | None = None,
    zone: Zone | None = None,
    mode: Mode = "fused",
    quantity: Quantity = "logit",
    options: Options | None = None,
    full: bool = True,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explained:
    """Attribute a class over a region, or over all pixels that the map gives to it, and say how far to believe that.

    Args:
        tile: The pair.
        model: From `load_model`; not used by another thread meanwhile.
        class_name: Name of a class of the model.
        method: Key of `claire.explain.attributions.METHODS`.
        region: Rectangle to ask about; by default every pixel that the map gives to the class.
        zone: (H, W) bool, asked about instead of a rectangle; `claire.explain.targets` builds zones.
        mode: Which map.
        quantity: Mean logit, or mean log-probability.
        options: How finely to look.
        full: Measure faithfulness in full; otherwise what takes about 25 passes.
        report: Told of forward passes done and expected.
        cancelled: Asked before every forward pass.

    Raises:
        InputError: A class that is absent, a zone without pixels, a missing sensor, an unknown name.
        CancelledError: Somebody asked to stop.
    """
    find_method(method)
    prepared, _ = prepare(tile, model.manifest)
    asked = zone if region is None else build_rectangle_zone(prepared.shape, *region)
    target = _build_target(model, prepared, class_name, asked, mode, quantity)
    watch = Watch(report, cancelled, count_explain_passes(model, method, options, mode=mode, full=full))
    attribution = attribute(model, prepared, target, method, options, watch)
    faithfulness = measure_faithfulness(model, prepared, target, attribution, options, full=full, watch=watch)
    share = grid = None
    if mode == "fused":
        contribution = compute_contribution(model, prepared, quantity, watch)
        share = compute_shares(contribution, target.zone)[target.class_index]
        grid = compute_grid(contribution, class_name)
    return Explained(attribution, faithfulness, share, grid)


def find_wanted(analysis: Analysis, question: str) -> str:
    """The class, as the scheme has it, that must be explained before a question can be answered; "" for none.

    Only a fused map has evidence of two sensors, so nothing is wanted of an analysis without one.
    """
    if "fused" not in analysis.predictions:
        return ""
    subject = find_unmeasured(build_facts(analysis), question)
    names = analysis.scheme.names
    return names[clean_names(names, RESERVED).index(subject)] if subject else ""


def measure_first(analysis: Analysis, question: str, settings: Settings | None = None) -> tuple[Analysis, str]:
    """A saved analysis with what a question needs and nobody measured, where its checkpoint is at hand.

    Args:
        analysis: From `Analysis.load`.
        question: As typed.
        settings: Where the checkpoints are; from the environment by default.

    Returns:
        The analysis, and why nothing was measured although it was wanted, or "".
    """
    name, alone = find_wanted(analysis, question), lacks_map(build_facts(analysis), question)
    if not name and not alone:
        return analysis, ""
    made_by = analysis.provenance
    try:
        model = load_model(made_by.model, settings)
        if model.sha256 != made_by.model_sha256:
            return analysis, f"The checkpoint {made_by.model} is another one now, so nothing new was measured."
        if alone:
            return _add_maps(analysis, model), ""
        return analysis.with_evidence(explain(analysis.tile, model, name, full=False)), ""
    except ClaireError as error:
        return analysis, f"Nothing new was measured. {error.message}"


def _add_maps(analysis: Analysis, model: Segmenter) -> Analysis:
    """The same with the maps of all modes, and with what was found out before."""
    every = analyse(analysis.tile, model)
    kept = replace(every, notices=analysis.notices, provenance=analysis.provenance)
    return kept.with_evidence(*analysis.explained, attention=analysis.attention)


def count_explain_passes(
    model: Segmenter, method: str, options: Options | None = None, *, mode: Mode = "fused", full: bool = True
) -> int:
    """Forward passes that `explain` is expected to cost on a tile of one window; a gradient method runs backward, too.

    Raises:
        UnknownNameError: No such method; lists the right names.
    """
    options, bands = options or Options(), len(model.manifest.optical.bands) + len(model.manifest.sar.bands)
    attributing = find_method(method).cost(options, bands) + 2
    return attributing + count_passes(method, options, bands, full=full) + 4 * (mode == "fused")


def remeasure(
    tile: Tile,
    model: OpenSegmenter,
    explained: Explained,
    options: Options | None = None,
    *,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explained:
    """The same answer with its faithfulness measured in full.

    Args:
        tile: Of the answer.
        model: Of the answer.
        explained: From `explain`.
        options: Those that it was made with.
        report: Told of forward passes done and expected.
        cancelled: Asked before every forward pass.

    Raises:
        CancelledError: Somebody asked to stop.
    """
    prepared, _ = prepare(tile, model.manifest)
    found, watch = explained.attribution, Watch(report, cancelled)
    quantity = cast("Quantity", found.quantity)  # checked where the target is built
    target = _build_target(model, prepared, found.class_name, found.zone, found.mode, quantity)
    return replace(
        explained,
        faithfulness=measure_faithfulness(model, prepared, target, found, options, full=True, watch=watch),
    )


def add_bands(
    tile: Tile,
    model: OpenSegmenter,
    explained: Explained,
    *,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explained:
    """The same answer with what each band contributes to the fused map over its zone.

    Args:
        tile: Of the answer.
        model: Of the answer.
        explained: From `explain`.
        report: Told of forward passes done and expected.
        cancelled: Asked before every forward pass.

    Raises:
        SensorError: A sensor is missing.
        CancelledError: Somebody asked to stop.
    """
    prepared, _ = prepare(tile, model.manifest)
    found, watch = explained.attribution, Watch(report, cancelled)
    quantity = cast("Quantity", found.quantity)  # checked where contributions are computed
    bands = compute_band_contribution(model, prepared, found.zone, quantity, seed=found.seed, watch=watch)
    return replace(explained, bands=bands)


def read_attention(tile: Tile, model: OpenSegmenter, at: tuple[int, int] = (0, 0)) -> Attention:
    """Where the sensors looked in each other and which one was trusted, in the precision in which it is stored.

    Args:
        tile: The pair.
        model: From `load_model`; not used by another thread meanwhile.
        at: (row, column) that the piece of a tile larger than a window must hold.

    Raises:
        ZoneError: The pixel lies outside the tile.
        InputError: The network has no cross-attention.
    """
    return round_attention(reading.read_attention(model, prepare(tile, model.manifest)[0], at))


def analyse_explained(tile: Tile, model: OpenSegmenter, *explained: Explained) -> Analysis:
    """The analysis of a tile together with what was found out about it, and its attention where the network has any.

    Args:
        tile: Of the answers.
        model: Of the answers.
        explained: From `explain`.
    """
    analysis = analyse(tile, model).with_evidence(*explained)
    zone = explained[-1].attribution.zone if explained else np.ones(tile.shape, bool)
    places = np.argwhere(zone)
    row, column = places[len(places) // 2].tolist()
    try:
        return analysis.with_evidence(attention=read_attention(tile, model, (row, column)))
    except InputError:  # a network without cross-attention
        return analysis


def tell_explained(analysis: Analysis) -> dict[str, Any]:
    """The last answer of an analysis in numbers and words, ready for JSON; NaN becomes None."""
    explained = analysis.explained[-1]
    content: dict[str, Any] = without_nan(
        {
            **explained.as_dict(),
            "trust": tell_trust(analysis),
            "concentration": None if analysis.attention is None else tell_concentration(analysis.attention),
            "pictures": {evidence: describe(explained, evidence) for evidence in explained.attribution.maps},
            "notices": [asdict(notice) for notice in analysis.notices],
        }
    )
    return content


def tell_trust(analysis: Analysis) -> dict[str, float] | None:
    """Class -> mean share of trust that the finest gate gave to optical where the fused map shows it."""
    if analysis.trust is None or "fused" not in analysis.predictions:
        return None
    return reading.compute_trust_by_class(analysis.trust, analysis.predictions["fused"])


def tell_concentration(attention: Attention) -> dict[str, dict[str, float]]:
    """Sensor that asks -> stride of the stage -> how narrowly its pixels looked on average: 0 all over, 1 one cell."""
    found: dict[str, dict[str, float]] = {}
    for asking in MODALITIES:
        stages = {str(stage.stride): compute_concentration(stage, asking) for stage in attention.stages}
        found[asking] = {stride: float(values.mean()) for stride, values in stages.items() if values is not None}
    return found


def describe(explained: Explained, evidence: Evidence) -> str:
    """The words that stand in for the picture of one map."""
    return describe_attribution(explained.attribution, evidence, METHODS[explained.attribution.method].title)


def check_folder(folder: Path) -> None:
    """Refuse a place for results that is taken by a file, before anything long is computed.

    Raises:
        InputError: It is.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"The folder {quoted_name(folder)} cannot be written.", "It is a file; give another folder.")


def write_explained(analysis: Analysis, folder: Path) -> dict[str, str]:
    """Write an analysis with its evidence, and numbers and pictures of its last answer.

    Args:
        analysis: From `analyse_explained`.
        folder: Created when it is not there.

    Returns:
        What -> file name inside the folder.

    Raises:
        InputError: The folder cannot be written, or is full.
    """
    files, pictures = {"attribution": JSON_NAME}, {}
    found = analysis.explained[-1].attribution
    scale, valid = compute_scale(found), analysis.predictions[found.mode].valid
    for evidence in found.maps:
        files[f"picture_{evidence}"] = f"{found.method}_{evidence}.png"
        pictures[files[f"picture_{evidence}"]] = render_signed(found.place(evidence), scale, valid)
    with filling(folder):
        for path in analysis.save(folder):
            files[path.stem] = path.name
        for name, picture in pictures.items():
            with appearing(folder / name) as partial:
                partial.write_bytes(encode_png(picture))
        document = {**tell_explained(analysis), "files": files}
        with appearing(folder / JSON_NAME) as partial:
            partial.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return files


def _build_target(
    model: OpenSegmenter,
    prepared: Prepared,
    class_name: str,
    zone: Zone | None,
    mode: Mode,
    quantity: Quantity,
) -> Target:
    """Without a zone: every pixel that the map gives to the class."""
    asked = np.ones(prepared.shape, bool) if zone is None else zone
    target = build_target(model.manifest, prepared, class_name, asked, mode, quantity)
    if zone is not None:
        return target
    whole = build_class_zone(_predict(model, prepared, mode), class_name)
    return build_target(model.manifest, prepared, class_name, whole, mode, quantity)


def _predict(model: OpenSegmenter, prepared: Prepared, mode: Mode) -> Prediction:
    output = model.segment(prepared)
    choose_modes(output, (mode,))
    return decide(output, prepared, model.manifest, mode)
