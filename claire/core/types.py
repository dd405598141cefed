"""The value objects of the flow: Tile -> Prepared -> SegmenterOutput -> Prediction -> Scores.

Each is frozen and checks itself once, at construction. Legend of shapes: C bands, H height, W width, K classes,
S stages of the network. Rows run down, columns run right, as in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODES, Modality, Mode, Unit
from claire.core.classes import IGNORE_INDEX, ClassScheme
from claire.core.errors import BandError, GridError, LabelError

Affine: TypeAlias = tuple[float, float, float, float, float, float]
"""x = a col + b row + c, y = d col + e row + f, as (a, b, c, d, e, f)."""


@dataclass(frozen=True)
class Notice:
    """Something the user should know about the input: a stable code and one sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class GeoReference:
    """Where the pixels lie.

    Args:
        crs: "EPSG:n" or WKT; None when the file has none.
        transform: Affine of the outer corner of the first pixel; None when the file has none.
        metres: True when the unit of the CRS is the metre, so that areas can be given in m2.
    """

    crs: str | None = None
    transform: Affine | None = None
    metres: bool = False

    @property
    def pixel_area_m2(self) -> float | None:
        """Area of one pixel in m2, or None where the CRS has no metres."""
        if not self.metres or self.transform is None:
            return None
        a, b, _, d, e, _ = self.transform
        return abs(a * e - b * d)


@dataclass(frozen=True)
class Layer:
    """The bands of one modality, as the file gives them.

    Args:
        values: (C, H, W), native dtype, native unit; invalid pixels hold whatever the file held.
        valid: (C, H, W) bool; False on nodata, NaN, inf, masks and outside the overlap.
        bands: C names.
        unit: What the numbers measure.
    """

    values: NDArray[np.generic]
    valid: NDArray[np.bool_]
    bands: tuple[str, ...]
    unit: Unit = "as_given"

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape != self.valid.shape:
            raise GridError(
                f"A layer of shape {self.values.shape} came with a mask of shape {self.valid.shape}.",
                "Give both as (bands, height, width).",
            )
        if len(self.bands) != self.values.shape[0]:
            raise BandError(
                f"{self.values.shape[0]} bands came with {len(self.bands)} names.", "Give one name for each band."
            )
        if len(set(self.bands)) != len(self.bands):
            raise BandError(f"A band name is used twice: {', '.join(self.bands)}.", "Give every band its own name.")

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.values.shape[1], self.values.shape[2]


@dataclass(frozen=True)
class Tile:
    """One place: optical and SAR on one grid, and a label where there is one.

    Args:
        name: What to call it; never a path.
        optical: Optical layer, or None when that sensor is missing.
        sar: SAR layer on the same grid, or None.
        label: (H, W) file ids of a class scheme, or None.
        georeference: Of the common grid.
        notices: What reading and pairing found.
        sources: File name -> sha256.
    """

    name: str
    optical: Layer | None
    sar: Layer | None
    label: NDArray[np.integer] | None = None
    georeference: GeoReference = field(default_factory=GeoReference)
    notices: tuple[Notice, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shapes = {layer.shape for layer in (self.optical, self.sar) if layer is not None}
        if not shapes:
            raise GridError(f"The tile {self.name!r} has neither optical nor SAR.", "Give at least one of the two.")
        if len(shapes) > 1:
            raise GridError(f"Optical and SAR differ in size: {sorted(shapes)}.", "Bring both to one grid first.")
        if self.label is not None and self.label.shape != self.shape:
            high, wide = self.label.shape
            raise GridError(
                f"The label is {wide} x {high} pixels, the tile {self.shape[1]} x {self.shape[0]}.",
                "Give a label on the same pixels as the optical file.",
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        layer = self.optical if self.optical is not None else self.sar
        if layer is None:
            raise GridError("The tile is empty.", "Give at least one of the two sensors.")
        return layer.shape


@dataclass(frozen=True)
class Prepared:
    """What a network reads: normalised arrays with masks, in the checkpoint's band order.

    Args:
        name: Of the tile.
        optical: (C_opt, H, W) float32, normalised (about zero mean, unit spread); 0 where invalid.
        sar: (C_sar, H, W) float32, likewise.
        optical_valid: (C_opt, H, W) bool; all False when the sensor is missing.
        sar_valid: (C_sar, H, W) bool.
        label: (H, W) uint8 class indices, `IGNORE_INDEX` where not labelled; None without a label.
        georeference: Of the grid.
    """

    name: str
    optical: NDArray[np.float32]
    sar: NDArray[np.float32]
    optical_valid: NDArray[np.bool_]
    sar_valid: NDArray[np.bool_]
    label: NDArray[np.uint8] | None = None
    georeference: GeoReference = field(default_factory=GeoReference)

    def __post_init__(self) -> None:
        for values, valid in ((self.optical, self.optical_valid), (self.sar, self.sar_valid)):
            if values.ndim != 3 or values.shape != valid.shape or values.shape[1:] != self.optical.shape[1:]:
                raise GridError(
                    f"Prepared arrays disagree: {values.shape} with mask {valid.shape}.", "Prepare the pair again."
                )
        if not np.isfinite(self.optical).all() or not np.isfinite(self.sar).all():
            raise BandError("A prepared array holds NaN or inf.", "Mask invalid pixels before normalising.")

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.optical.shape[1], self.optical.shape[2]

    def valid(self, mode: Mode) -> NDArray[np.bool_]:
        """(H, W) bool: where the map of a mode may say anything: its sensor (fused: either) has some valid band."""
        optical: NDArray[np.bool_] = np.any(self.optical_valid, axis=0)
        sar: NDArray[np.bool_] = np.any(self.sar_valid, axis=0)
        return {"optical": optical, "sar": sar, "fused": optical | sar}[mode]


@dataclass(frozen=True)
class SegmenterOutput:
    """What a network says about one tile, before any decision.

    Args:
        logits: Mode -> (K, H, W) float32, unbounded; temperature not yet applied.
        trust: S arrays (h_s, w_s) float32 in 0..1: share of trust given to the optical sensor by the gate of each
            stage, from the finest to the coarsest; SAR has the rest. Empty for a network without gates.
    """

    logits: Mapping[Mode, NDArray[np.float32]]
    trust: tuple[NDArray[np.float32], ...] = ()

    def __post_init__(self) -> None:
        shapes = {values.shape for values in self.logits.values()}
        if len(shapes) != 1 or any(len(shape) != 3 for shape in shapes):
            raise GridError(f"Logits of different shapes: {sorted(shapes)}.", "This is a fault of the network.")


@dataclass(frozen=True)
class Prediction:
    """The class map of one mode.

    Args:
        mode: Which evidence it rests on.
        scheme: What the indices mean.
        classes: (H, W) uint8 class indices 0..K-1; `IGNORE_INDEX` where neither sensor saw the ground.
        probabilities: (K, H, W) float32, sums to 1 over K, temperature applied.
        valid: (H, W) bool.
        temperature: Divisor of the logits that was applied.
    """

    mode: Mode
    scheme: ClassScheme
    classes: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    valid: NDArray[np.bool_]
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in MODES or self.probabilities.shape != (len(self.scheme), *self.classes.shape):
            raise GridError(
                f"{self.probabilities.shape} probabilities do not fit a map of {self.classes.shape}.",
                "This is a fault of the predictor.",
            )
        if not np.array_equal(self.classes == IGNORE_INDEX, ~self.valid):
            raise LabelError("The class map and its mask disagree.", "This is a fault of the predictor.")

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(H, W) float32, probability of the class shown, 0 where masked."""
        return np.where(self.valid, self.probabilities.max(axis=0), np.float32(0)).astype(np.float32)


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class, each 0..1; NaN when the class occurs in neither map nor label."""

    name: str
    iou: float
    f1: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Scores:
    """How well a map agrees with a label.

    Args:
        confusion: (K, K) int64, rows label, columns map, counts of pixels.
        per_class: K scores in index order.
        miou: Mean IoU over the classes that occur; NaN when none does.
        f1: Mean F1 over the classes that occur.
        oa: Overall accuracy 0..1.
        kappa: Cohen's kappa, -1..1.
        ece: Expected calibration error (15 bins) with temperature, 0..1.
        ece_raw: The same without temperature.
    """

    confusion: NDArray[np.int64]
    per_class: tuple[ClassScore, ...]
    miou: float
    f1: float
    oa: float
    kappa: float
    ece: float
    ece_raw: float


@dataclass(frozen=True)
class ClassArea:
    """How much of the map one class covers.

    Args:
        id: File id.
        name: Class name.
        pixels: Count.
        area_share: Share of the valid pixels, 0..1.
        area_m2: Square metres, None without a metric CRS.
        confidence: Mean confidence over the pixels of the class; NaN when it does not occur.
    """

    id: int
    name: str
    pixels: int
    area_share: float
    area_m2: float | None
    confidence: float


def layer_of(tile: Tile, modality: Modality) -> Layer | None:
    """The layer of one modality."""
    return tile.optical if modality == "optical" else tile.sar
