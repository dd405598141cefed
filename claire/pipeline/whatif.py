"""what-if: a pair with damage of a chosen strength, its maps beside the undamaged ones, and curves over a factor."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES, Modality
from claire.core.errors import BandError, InputError, SensorError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.segmenter import Segmenter
from claire.core.types import Layer, Notice, Tile, layer_of
from claire.core.whatif import FACTORS, Curve, CurvePoint, Factor, WhatIf, WhatIfResult, find_factor
from claire.data.degradations import (
    NOMINAL_SPAN_DB,
    blur,
    draw_speckle,
    scale_backscatter,
    shift,
    simulate_clouds,
)
from claire.data.preparing import compute_valid, select_bands
from claire.data.screening import screen
from claire.explain.watch import Report, Watch
from claire.metrics.comparison import compute_sar_lead
from claire.pipeline.analyse import analyse
from claire.pipeline.evaluate import FULL_SCALE

LEAST_SHARE = 1 / 255
"""Share of full scale below which damage darkens no observed optical pixel: exact zeros would mean "not observed"."""


def what_if(
    tile: Tile, model: Segmenter, description: WhatIf | None = None, *, undamaged: Analysis | None = None
) -> WhatIfResult:
    """Map a damaged pair beside the undamaged one.

    Args:
        tile: The pair, with or without label; the label stays where it is.
        model: From `load_model`.
        description: The damage; none by default.
        undamaged: Its analysis, where it is at hand; made otherwise.

    Returns:
        Both analyses; the damaged one notes the damage in its provenance.

    Raises:
        InputError: See `apply_what_if` and `analyse`.

    Example:
        >>> from claire.data.examples import generate_flood_pair
        >>> from claire.pipeline import load_model
        >>> result = what_if(generate_flood_pair(7), load_model(), WhatIf(cloud_share=0.5))  # doctest: +SKIP
        >>> result.measure("fused").changed  # doctest: +SKIP
        0.03
    """
    chosen = description or WhatIf()
    before = undamaged if undamaged is not None else analyse(tile, model)
    after = analyse(apply_what_if(tile, model.manifest, chosen), model, tuple(before.predictions))
    settings = {**after.provenance.settings, "what_if": json.dumps(chosen.as_dict(), sort_keys=True)}
    provenance = replace(after.provenance, settings=settings, seed=chosen.seed)
    return WhatIfResult(chosen, before, replace(after, provenance=provenance))


def apply_what_if(tile: Tile, manifest: Manifest, description: WhatIf) -> Tile:
    """The pair in the model's bands with all the damage: clouds, then blur; speckle, then offset; then the shift.

    What was not observed stays so. Without any damage the values stay exactly as they are.

    Args:
        tile: The pair.
        manifest: Which bands and units the model reads, and which bands were acquired together.
        description: The damage.

    Raises:
        SensorError: No sensor is left, or a sensor that is to be damaged is missing.
        UnknownNameError: A dropped band that the model does not read.
        BandError: Bands or units that do not allow it.
    """
    bands = (*manifest.optical.bands, *manifest.sar.bands)
    for band in description.dropped:
        if band not in bands:
            raise UnknownNameError.among("band of this model", band, bands)
    chosen, notices = select_bands(tile, manifest)
    layers = {
        modality: layer
        for modality in MODALITIES
        if (layer := layer_of(chosen, modality)) is not None and description.is_on(modality)
    }
    if not layers:
        raise SensorError("No sensor is left, so there is nothing to map.", "Switch at least one sensor on.")
    said = [notice for notice in notices if notice.code != "missing_sensor"]
    for factor in _list_active(description):
        _check_sensor(factor, chosen, description)
    if (optical := layers.get("optical")) is not None:
        layers["optical"] = _damage_optical(_observe(optical, manifest, "optical"), tile.name, manifest, description)
    if (sar := layers.get("sar")) is not None:
        layers["sar"] = _damage_sar(_observe(sar, manifest, "sar"), tile.name, description)
        if sar.unit == "uint8" and (description.sar_offset_db or np.isfinite(description.speckle_looks)):
            said.append(_explain_counts())
    for modality, layer in layers.items():
        moved = _move(layer, description) if modality == description.shifted and description.moved else layer
        layers[modality] = _drop(moved, description.dropped)
    return replace(chosen, optical=layers.get("optical"), sar=layers.get("sar"), notices=(*chosen.notices, *said))


def compute_curve(
    tile: Tile,
    model: Segmenter,
    factor: str,
    values: Sequence[float] | None = None,
    description: WhatIf | None = None,
    *,
    undamaged: Analysis | None = None,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Curve:
    """What a factor does from its mildest to its strongest value, one forward each.

    Args:
        tile: The pair.
        model: From `load_model`.
        factor: Key of `FACTORS`.
        values: In the order of growing damage; eleven from the mildest to the strongest by default.
        description: The rest of the damage.
        undamaged: Analysis of the pair, where it is at hand.
        report: Told of values done and all.
        cancelled: Asked before every value.

    Raises:
        InputError: A factor that can change nothing here, fewer than two values, or a value out of range.
        CancelledError: Somebody asked to stop.
    """
    chosen, kind = description or WhatIf(), find_factor(factor)
    wanted = kind.spread(11) if values is None else tuple(values)
    _check_curve(kind, wanted, chosen, tile)
    watch = Watch(report, cancelled, len(wanted))
    before = undamaged
    points = []
    for value in wanted:
        watch.check()
        result = what_if(tile, model, chosen.vary(factor, value), undamaged=before)
        before = result.undamaged
        points.append(_measure(value, result))
        watch.count(1)
    scheme = model.manifest.class_scheme
    return Curve(chosen, factor, tuple(points), scheme.names, bool(before and before.scores))


def _measure(value: float, result: WhatIfResult) -> CurvePoint:
    found = result.damaged
    outcomes = {mode: result.measure(mode) for mode in found.predictions}
    lead = trust = float("nan")
    if set(found.predictions) == {"fused", *MODALITIES}:
        lead = compute_sar_lead(*(found.predictions[mode] for mode in ("optical", "sar", "fused")))
    if found.trust is not None and "fused" in found.predictions:
        seen = found.trust[found.predictions["fused"].valid]
        trust = 1 - float(seen.mean(dtype=np.float64)) if seen.size else trust
    return CurvePoint(value, outcomes, lead, trust)


def _check_curve(kind: Factor, values: Sequence[float], description: WhatIf, tile: Tile) -> None:
    """Refuse a curve that would be flat by construction or that has no order."""
    steps = np.diff(values)
    if len(values) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        raise InputError("The values of a curve do not rise or fall all the way.", "Give at least two in order.")
    for value in values:
        kind.check(value)
    needed = FACTORS.get(kind.needs)
    if needed is not None and getattr(description, needed.name) == needed.neutral:
        raise InputError(
            f"{kind.title} changes nothing while {needed.title.lower()} is {needed.neutral:g}.",
            f"Set {needed.title.lower()} first.",
        )
    _check_sensor(kind, tile, description)
    sensor = kind.sensor or description.shifted
    if not description.is_on(sensor):
        raise SensorError(
            f"{kind.title} changes nothing while {_title(sensor)} is off.", f"Switch {_title(sensor)} on."
        )


def _list_active(description: WhatIf) -> list[Factor]:
    """Factors that are to change something."""
    return [
        factor
        for factor in FACTORS.values()
        if getattr(description, factor.name) != factor.neutral
        and (description.clouded or not factor.name.startswith("cloud"))
    ]


def _check_sensor(factor: Factor, tile: Tile, description: WhatIf) -> None:
    sensor = factor.sensor or description.shifted
    if layer_of(tile, sensor) is None:
        raise SensorError(
            f"{factor.title} needs {_title(sensor)}, which this pair does not have.",
            "Choose a pair with both sensors, or leave this factor alone.",
        )


def _observe(layer: Layer, manifest: Manifest, modality: Modality) -> Layer:
    """The layer with the mask that preparing would find, so that damage cannot make a gap look observed."""
    spec = manifest.optical if modality == "optical" else manifest.sar
    observed = compute_valid(layer.values, layer.valid, spec)
    return replace(layer, valid=screen(layer.values, observed, spec))


def _draw(name: str, what: str, seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, zlib.crc32(f"{name} {what}".encode())))


def _damage_optical(layer: Layer, name: str, manifest: Manifest, description: WhatIf) -> Layer:
    damaged = layer
    if description.clouded:
        damaged = _cover(damaged, manifest.optical.dates[-1], description, _draw(name, "cloud", description.seed))
    if description.blur > 0:
        damaged = replace(damaged, values=blur(damaged.values, damaged.valid, description.blur))
    return damaged


def _cover(layer: Layer, date: tuple[int, ...], description: WhatIf, rng: np.random.Generator) -> Layer:
    """Clouds over the later date; pixels that neither cloud nor shadow touches keep their exact values."""
    if layer.unit not in FULL_SCALE:
        raise BandError(
            "Nobody knows what the optical numbers measure, so a cloud has no brightness.",
            "State the unit of the optical file, such as reflectance or uint8.",
        )
    scale, rows = np.float32(FULL_SCALE[layer.unit]), list(date)
    values: NDArray[np.float32] = np.asarray(layer.values, np.float32).copy()
    clear = np.clip(np.where(layer.valid[rows], values[rows], 0) / scale, 0, 1).astype(np.float32)
    cloudy = simulate_clouds(clear, description.cloud_share, description.cloud_thickness, rng, description.cloud_shadow)
    touched = (cloudy != clear) & layer.valid[rows]
    values[rows] = np.where(touched, np.maximum(cloudy, LEAST_SHARE) * scale, values[rows])
    return replace(layer, values=values)


def _damage_sar(layer: Layer, name: str, description: WhatIf) -> Layer:
    values = layer.values
    if np.isfinite(description.speckle_looks):
        noise = draw_speckle(values.shape, description.speckle_looks, _draw(name, "speckle", description.seed))
        values = scale_backscatter(values, layer.unit, noise)
    if description.sar_offset_db:
        values = scale_backscatter(values, layer.unit, 10 ** (description.sar_offset_db / 10))
    return replace(layer, values=values)


def _move(layer: Layer, description: WhatIf) -> Layer:
    values, valid = shift(layer.values, layer.valid, description.shift_down, description.shift_right)
    return replace(layer, values=values, valid=valid)


def _drop(layer: Layer, dropped: Sequence[str]) -> Layer:
    lost = np.isin(layer.bands, list(dropped))
    return replace(layer, valid=layer.valid & ~lost[:, None, None]) if lost.any() else layer


def _explain_counts() -> Notice:
    return Notice(
        "nominal_db",
        f"The SAR has 8-bit counts, whose stretch is lost: {NOMINAL_SPAN_DB:g} dB are taken to span all 255 counts.",
    )


def _title(modality: Modality) -> str:
    return "the optical sensor" if modality == "optical" else "SAR"
