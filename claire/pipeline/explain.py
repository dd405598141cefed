"""explain: why a class is where it is, for one tile: attribution, its faithfulness, contribution of each sensor."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import without_nan
from claire.core.bands import Mode
from claire.core.errors import InputError
from claire.core.files import appearing
from claire.core.segmenter import OpenSegmenter
from claire.core.types import Attribution, Evidence, Faithfulness, Notice, Prediction, Prepared, Share, Tile
from claire.data.preparing import prepare
from claire.data.raster import quoted_name
from claire.explain.attributions import METHODS, Options, attribute, find_method
from claire.explain.contribution import ContributionGrid, compute_contribution, compute_grid, compute_shares
from claire.explain.faithfulness import measure_faithfulness
from claire.explain.targets import Quantity, Target, build_class_zone, build_rectangle_zone, build_target
from claire.explain.watch import Report, Watch
from claire.inference.predicting import decide
from claire.pipeline.analyse import choose_modes
from claire.pipeline.outputs import filling
from claire.viz.encoding import encode_png
from claire.viz.evidence import compute_scale, describe_attribution, render_signed

ARRAYS_NAME, JSON_NAME = "attribution.npz", "attribution.json"

Region = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are outside."""


@dataclass(frozen=True)
class Explained:
    """What is known about one class over one zone.

    Args:
        attribution: Signed maps.
        faithfulness: How far to believe them.
        share: What each sensor contributed over the zone; None for the map of one sensor.
        grid: The same per cell of the tile; None likewise.
        valid: (H, W) bool, where the map says something.
        notices: From reading, pairing and preparing.
    """

    attribution: Attribution
    faithfulness: Faithfulness
    share: Share | None
    grid: ContributionGrid | None
    valid: NDArray[np.bool_]
    notices: tuple[Notice, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON; NaN becomes None."""
        found, faith = self.attribution, self.faithfulness
        content: dict[str, Any] = without_nan(
            {
                "method": found.method,
                "class": found.class_name,
                "mode": found.mode,
                "quantity": found.quantity,
                "zone_pixels": int(found.zone.sum()),
                "value": found.value,
                "baseline_value": found.baseline_value,
                "baseline": found.baseline,
                "seed": found.seed,
                "passes": found.passes + faith.passes,
                "attribution": found.totals,
                "contribution": None if self.share is None else asdict(self.share),
                "completeness_gap": faith.completeness_gap,
                "infidelity": faith.infidelity,
                "sensitivity": faith.sensitivity,
                "deletion_auc": faith.deletion_auc,
                "insertion_auc": faith.insertion_auc,
                "random_auc": faith.random_auc,
                "random_spread": faith.random_spread,
                "random_orders": faith.random_orders,
                "agreement": faith.agreement,
                "badge": faith.badge,
                "verdicts": faith.verdicts,
                "pictures": {evidence: self.describe(evidence) for evidence in found.maps},
                "notices": [asdict(notice) for notice in self.notices],
            }
        )
        return content

    def describe(self, evidence: Evidence) -> str:
        """The words that stand in for the picture of one map."""
        return describe_attribution(self.attribution, evidence, METHODS[self.attribution.method].title)


def explain(
    tile: Tile,
    model: OpenSegmenter,
    class_name: str,
    method: str = "integrated_gradients",
    *,
    region: Region | None = None,
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
    prepared, notices = prepare(tile, model.manifest)
    target = _build_target(model, prepared, class_name, region, mode, quantity)
    watch = Watch(report, cancelled)
    attribution = attribute(model, prepared, target, method, options, watch)
    faithfulness = measure_faithfulness(model, prepared, target, attribution, options, full=full, watch=watch)
    share = grid = None
    if mode == "fused":
        contribution = compute_contribution(model, prepared, quantity, watch)
        share = compute_shares(contribution, target.zone)[target.class_index]
        grid = compute_grid(contribution, class_name)
    valid = prepared.valid(mode)
    return Explained(attribution, faithfulness, share, grid, valid, (*tile.notices, *notices))


def check_folder(folder: Path) -> None:
    """Refuse a place for results that is taken by a file, before anything long is computed.

    Raises:
        InputError: It is.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"The folder {quoted_name(folder)} cannot be written.", "It is a file; give another folder.")


def write_explained(explained: Explained, folder: Path) -> dict[str, str]:
    """Write arrays, pictures and numbers.

    Args:
        explained: To write.
        folder: Created when it is not there.

    Returns:
        What -> file name inside the folder.

    Raises:
        InputError: The folder cannot be written, or is full.
    """
    files = {"arrays": ARRAYS_NAME, "attribution": JSON_NAME}
    found = explained.attribution
    scale = compute_scale(found)
    arrays: dict[str, NDArray[Any]] = {"zone": found.zone}
    pictures = {}
    for evidence, values in found.maps.items():
        arrays[f"attribution_{evidence}"] = values
        files[f"picture_{evidence}"] = f"{found.method}_{evidence}.png"
        pictures[files[f"picture_{evidence}"]] = render_signed(found.place(evidence), scale, explained.valid)
    if explained.grid is not None:
        for part in ("optical", "sar", "interaction"):
            arrays[f"contribution_{part}"] = getattr(explained.grid, part)
    document = {**explained.as_dict(), "files": files}
    with filling(folder):
        with appearing(folder / ARRAYS_NAME) as partial:
            np.savez_compressed(partial, allow_pickle=False, **arrays)
        for name, picture in pictures.items():
            with appearing(folder / name) as partial:
                partial.write_bytes(encode_png(picture))
        with appearing(folder / JSON_NAME) as partial:
            partial.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return files


def _build_target(
    model: OpenSegmenter,
    prepared: Prepared,
    class_name: str,
    region: Region | None,
    mode: Mode,
    quantity: Quantity,
) -> Target:
    everywhere = np.ones(prepared.shape, bool)
    asked = everywhere if region is None else build_rectangle_zone(prepared.shape, *region)
    target = build_target(model.manifest, prepared, class_name, asked, mode, quantity)
    if region is not None:
        return target
    zone = build_class_zone(_predict(model, prepared, mode), class_name)
    return build_target(model.manifest, prepared, class_name, zone, mode, quantity)


def _predict(model: OpenSegmenter, prepared: Prepared, mode: Mode) -> Prediction:
    output = model.segment(prepared)
    choose_modes(output, (mode,))
    return decide(output, prepared, model.manifest, mode)
