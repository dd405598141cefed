"""Evidence: what is known about why a map is as it is, as plain arrays that are stored with an analysis.

`pack_` turns a value into JSON and named arrays, `unpack_` turns them back; NaN is stored as null.
Legend: C bands, H height, W width, K classes, N players.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODALITIES, Modality
from claire.core.errors import GridError
from claire.core.types import Attention, AttentionStage, Attribution, Faithfulness, Share

Arrays = dict[str, NDArray[Any]]

GRID_PARTS = ("optical", "sar", "interaction")
BAND_PARTS = ("values", "spread", "value", "baseline")
HALF = np.float16
"""Attention is kept in half precision: a weight is known to three digits, and there are many."""

METHOD_TITLES: dict[str, str] = {
    "saliency": "Saliency",
    "input_x_gradient": "Input × Gradient",
    "integrated_gradients": "Integrated Gradients",
    "smoothgrad": "SmoothGrad",
    "gradient_shap": "GradientShap",
    "occlusion": "Occlusion per sensor",
    "occlusion_joint": "Occlusion of both sensors",
    "gradcam_optical": "Grad-CAM, optical encoder",
    "gradcam_sar": "Grad-CAM, SAR encoder",
    "gradcam_fused": "Grad-CAM, fused features",
    "ablation": "Feature Ablation",
    "kernel_shap": "KernelShap",
    "deeplift": "DeepLift",
}
"""Methods of attribution for people; `claire.explain.attributions.METHODS` has what each does."""


@dataclass(frozen=True)
class ContributionGrid:
    """Contributions to one class, averaged over the cells of a grid.

    Args:
        class_name: Of the class.
        optical: (h, w) float64, mean over the valid pixels of each cell; NaN where there are none.
        sar: (h, w) float64, likewise.
        interaction: (h, w) float64, likewise.
        cell: Side of a cell, pixels; the last row and column of cells may be smaller.
    """

    class_name: str
    optical: NDArray[np.float64]
    sar: NDArray[np.float64]
    interaction: NDArray[np.float64]
    cell: int

    def __post_init__(self) -> None:
        if self.optical.ndim != 2 or not self.optical.shape == self.sar.shape == self.interaction.shape:
            raise GridError(
                f"Contributions of {self.sar.shape} do not fit a grid of {self.optical.shape}.",
                "This is a fault of the segmenter.",
            )


@dataclass(frozen=True)
class BandContribution:
    """Shapley values of bands for every class over one zone; their sum is `value - baseline`.

    Args:
        class_names: K names.
        bands: N names, as "optical B8_after".
        values: (N, K) float64.
        spread: (N, K) float64, standard error over the sampled permutations; 0 where exact.
        value: (K,) float64 of the pair.
        baseline: (K,) float64 with every band masked out.
        exact: Whether all coalitions were asked.
        passes: Forwards that it took.
    """

    class_names: tuple[str, ...]
    bands: tuple[str, ...]
    values: NDArray[np.float64]
    spread: NDArray[np.float64]
    value: NDArray[np.float64]
    baseline: NDArray[np.float64]
    exact: bool
    passes: int

    def __post_init__(self) -> None:
        wanted = (len(self.bands), len(self.class_names))
        if self.values.shape != wanted or self.spread.shape != wanted:
            raise GridError(
                f"Contributions of {self.values.shape} do not fit {wanted}.", "This is a fault of the segmenter."
            )


@dataclass(frozen=True)
class Explained:
    """What is known about one class over one zone.

    Args:
        attribution: Signed maps.
        faithfulness: How far to believe them.
        share: What each sensor contributed over the zone; None for the map of one sensor.
        grid: The same per cell of the tile; None likewise.
        bands: What each band contributed over the zone; None unless it was asked for.
    """

    attribution: Attribution
    faithfulness: Faithfulness
    share: Share | None = None
    grid: ContributionGrid | None = None
    bands: BandContribution | None = None

    def as_dict(self) -> dict[str, Any]:
        """Everything but the arrays, by the names of `claire explain`; a number that was not measured is NaN."""
        found, faith = self.attribution, asdict(self.faithfulness)
        del faith["passes"], faith["full"]
        return {
            "method": found.method,
            "class": found.class_name,
            "mode": found.mode,
            "quantity": found.quantity,
            "zone_pixels": int(found.zone.sum()),
            "value": found.value,
            "baseline_value": found.baseline_value,
            "baseline": found.baseline,
            "seed": found.seed,
            "passes": found.passes + self.faithfulness.passes,
            "attribution": found.totals,
            "contribution": None if self.share is None else asdict(self.share),
            "band_contribution": None if self.bands is None else tell_bands(self.bands, found.class_name),
            **faith,
            "badge": self.faithfulness.badge,
            "verdicts": self.faithfulness.verdicts,
        }


def tell_bands(bands: BandContribution, class_name: str) -> dict[str, float]:
    """Band -> contribution to one class."""
    index = bands.class_names.index(class_name)
    return dict(zip(bands.bands, bands.values[:, index].tolist(), strict=True))


def compute_concentration(stage: AttentionStage, asking: Modality) -> NDArray[np.float32] | None:
    """How narrowly each pixel looked.

    Returns:
        (h, w) float32: 1 minus the entropy of its attention over the logarithm of the cells; 0 looked everywhere
        alike, 1 at one cell. None for a stage without attention.
    """
    weights = stage.looking(asking)
    if weights is None:
        return None
    flat = weights.reshape(*weights.shape[:2], -1).astype(np.float64)
    if flat.shape[-1] == 1:
        return np.ones(flat.shape[:2], np.float32)
    entropy = -(flat * np.log(np.maximum(flat, 1e-30))).sum(axis=-1)
    return np.asarray(1 - entropy / np.log(flat.shape[-1]), np.float32)


def round_attention(attention: Attention) -> Attention:
    """Attention as it is kept: each weight at its nearest half-precision number."""
    stages = (
        replace(stage, optical_to_sar=_round(stage.optical_to_sar), sar_to_optical=_round(stage.sar_to_optical))
        for stage in attention.stages
    )
    return replace(attention, stages=tuple(stages))


def pack_attention(attention: Attention) -> tuple[dict[str, Any], Arrays]:
    """Attention that went through `round_attention`, as JSON and arrays."""
    arrays: Arrays = {}
    for number, stage in enumerate(attention.stages):
        arrays[f"attention{number}_trust"] = stage.trust
        for asking in MODALITIES:
            if (weights := stage.looking(asking)) is not None:
                arrays[f"attention{number}_{asking}"] = weights.astype(HALF)
    strides = [stage.stride for stage in attention.stages]
    return {"strides": strides, "origin": attention.origin, "shape": attention.shape}, arrays


def unpack_attention(content: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Attention:
    """The other way round."""
    stages = []
    for number, stride in enumerate(content["strides"]):
        looks = [arrays.get(f"attention{number}_{asking}") for asking in MODALITIES]
        ask_optical, ask_sar = (None if look is None else look.astype(np.float32) for look in looks)
        stages.append(AttentionStage(int(stride), arrays[f"attention{number}_trust"], ask_optical, ask_sar))
    (row, column), (height, width) = content["origin"], content["shape"]
    return Attention(tuple(stages), (row, column), (height, width))


def pack_explained(explained: Explained, number: int) -> tuple[dict[str, Any], Arrays]:
    """One answer as JSON and arrays, named after its place among the answers of an analysis."""
    found, grid, bands, start = explained.attribution, explained.grid, explained.bands, f"explained{number}"
    arrays: Arrays = {f"{start}_zone": found.zone}
    arrays.update({f"{start}_{evidence}": values for evidence, values in found.maps.items()})
    words = {name: value for name, value in vars(found).items() if name not in {"zone", "maps"}}
    if grid is not None:
        arrays.update({f"{start}_grid_{part}": getattr(grid, part) for part in GRID_PARTS})
    if bands is not None:
        arrays.update({f"{start}_bands_{part}": getattr(bands, part) for part in BAND_PARTS})
    content = {
        "attribution": words,
        "faithfulness": asdict(explained.faithfulness),
        "share": None if explained.share is None else asdict(explained.share),
        "grid": None if grid is None else {"class_name": grid.class_name, "cell": grid.cell},
        "bands": None if bands is None else {k: v for k, v in vars(bands).items() if k not in BAND_PARTS},
    }
    return content, arrays


def unpack_explained(content: Mapping[str, Any], number: int, arrays: Mapping[str, NDArray[Any]]) -> Explained:
    """The other way round."""
    start, words, share = f"explained{number}", with_nan(content["attribution"]), content["share"]
    words["bands"] = {evidence: tuple(names) for evidence, names in words["bands"].items()}
    maps = {evidence: arrays[f"{start}_{evidence}"] for evidence in words["bands"]}
    grid = bands = None
    if content["grid"] is not None:
        parts: dict[str, Any] = {part: arrays[f"{start}_grid_{part}"] for part in GRID_PARTS}
        grid = ContributionGrid(**content["grid"], **parts)
    if (named := content["bands"]) is not None:
        parts = {part: arrays[f"{start}_bands_{part}"] for part in BAND_PARTS}
        names = {"class_names": tuple(named["class_names"]), "bands": tuple(named["bands"])}
        bands = BandContribution(**{**named, **names, **parts})
    return Explained(
        Attribution(**words, zone=arrays[f"{start}_zone"], maps=maps),
        Faithfulness(**with_nan(content["faithfulness"])),
        None if share is None else Share(**with_nan(share)),
        grid,
        bands,
    )


def with_nan(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same with NaN where JSON has null."""
    return {name: float("nan") if value is None else value for name, value in content.items()}


def _round(weights: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if weights is None else weights.astype(HALF).astype(np.float32)
