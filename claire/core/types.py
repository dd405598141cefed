"""The value objects of the flow: Tile -> Prepared -> SegmenterOutput -> Prediction -> Scores, and why.

Why a map is as it is: Attention, Attribution, Contribution, Faithfulness. Each is frozen and checks itself once, at
construction. Legend of shapes: C bands, H height, W width, K classes, S stages of the network. Rows run down, columns
run right, as in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

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
        reading: How it was read, to read it so again: "optical", "sar", "label" -> file names as in `sources`, and as
            far as they were given, "bands", "sar_bands" -> names of bands, "optical_units", "sar_units" -> the unit.
            Empty for a tile that does not come from files.
    """

    name: str
    optical: Layer | None
    sar: Layer | None
    label: NDArray[np.integer] | None = None
    georeference: GeoReference = field(default_factory=GeoReference)
    notices: tuple[Notice, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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


@dataclass(frozen=True)
class AttentionStage:
    """What one fusion stage computed: weights of the network itself, averaged over heads and channel groups.

    Args:
        stride: Pixels of the tile per pixel of the stage.
        trust: (h, w) float32 0..1, share of trust given to the optical sensor; SAR has the rest.
        optical_to_sar: (h, w, g, g') float32: where each pixel of the optical sensor looked on the pooled grid of SAR;
            sums to 1 over the grid. None for a stage without attention.
        sar_to_optical: The other direction.
    """

    stride: int
    trust: NDArray[np.float32]
    optical_to_sar: NDArray[np.float32] | None = None
    sar_to_optical: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for weights in (self.optical_to_sar, self.sar_to_optical):
            if weights is not None and (weights.ndim != 4 or weights.shape[:2] != self.trust.shape):
                raise GridError(
                    f"Attention of {weights.shape} does not fit a stage of {self.trust.shape}.",
                    "This is a fault of the network.",
                )

    def looking(self, asking: Modality) -> NDArray[np.float32] | None:
        """Attention of one sensor over the other; None for a stage without attention."""
        return self.optical_to_sar if asking == "optical" else self.sar_to_optical


@dataclass(frozen=True)
class Attention:
    """Cross-attention and trust of every fusion stage over one piece of a tile.

    Args:
        stages: From the finest to the coarsest.
        origin: (row, column) of the piece in the tile.
        shape: (H, W) of the piece; the stages cover it padded to the stride of the network.
    """

    stages: tuple[AttentionStage, ...]
    origin: tuple[int, int]
    shape: tuple[int, int]


Evidence: TypeAlias = Literal["optical", "sar", "joint"]
"""What an attribution map belongs to: one sensor, or a place where it cannot tell the sensors apart."""


@dataclass(frozen=True)
class Attribution:
    """How much each input value moved one number, the target; estimated from outside, signed.

    Args:
        method: Key of `claire.explain.attributions.METHODS`.
        class_name: Class of the target.
        mode: Map of the target.
        quantity: What was averaged over the zone, "logit" or "log_probability".
        zone: (H, W) bool, zone of the target.
        maps: Evidence -> (C, H, W) float32, positive where the value speaks for the class; 0 outside the piece that
            went through the network. C is 1 where the method does not tell bands apart.
        bands: Evidence -> C names.
        value: The target for the pair.
        baseline_value: The target for the baseline; NaN for a method without one.
        complete: Whether the method claims that the maps sum to `value - baseline_value`.
        passes: Forward passes that it cost.
        seed: Of everything random.
        baseline: Name of the baseline.
    """

    method: str
    class_name: str
    mode: Mode
    quantity: str
    zone: NDArray[np.bool_]
    maps: Mapping[Evidence, NDArray[np.float32]]
    bands: Mapping[Evidence, tuple[str, ...]]
    value: float
    baseline_value: float
    complete: bool
    passes: int
    seed: int
    baseline: str

    def __post_init__(self) -> None:
        for evidence, values in self.maps.items():
            if values.shape != (len(self.bands[evidence]), *self.zone.shape) or not np.isfinite(values).all():
                raise GridError(
                    f"An attribution of shape {values.shape} does not fit a zone of {self.zone.shape}.",
                    "This is a fault of the method.",
                )

    def place(self, evidence: Evidence) -> NDArray[np.float32]:
        """(H, W) sum over the bands."""
        total: NDArray[np.float32] = self.maps[evidence].sum(axis=0)
        return total

    def size(self, evidence: Evidence) -> float:
        """How much was attributed in either direction: the sum of absolute values over the pixels."""
        return float(np.abs(self.place(evidence)).sum(dtype=np.float64))

    @property
    def totals(self) -> dict[Evidence, dict[str, float]]:
        """Evidence -> band -> sum over the pixels."""
        return {
            evidence: dict(zip(self.bands[evidence], values.sum(axis=(1, 2), dtype=np.float64).tolist(), strict=True))
            for evidence, values in self.maps.items()
        }

    @property
    def completeness_gap(self) -> float:
        """|sum of the maps - (value - baseline)| over |value - baseline|; NaN where completeness is not claimed."""
        moved = self.value - self.baseline_value
        if not self.complete or not np.isfinite(moved) or moved == 0:
            return float("nan")
        return abs(sum(sum(bands.values()) for bands in self.totals.values()) - moved) / abs(moved)


@dataclass(frozen=True)
class Contribution:
    """What each sensor adds to the fused map: exact Shapley values of two players, pixel by pixel.

    Per pixel and class, `optical + sar` is `value - baseline`: what the pair says beyond what the network says when
    neither sensor saw anything, which is what it learnt to expect before looking.

    Args:
        scheme: What the classes are.
        quantity: "logit", "log_probability" or "probability".
        valid: (H, W) bool, where the fused map says something.
        optical: (K, H, W) float64, contribution of the optical sensor.
        sar: (K, H, W) float64, contribution of SAR.
        interaction: (K, H, W) float64: what both say together beyond the sum of what each says alone; half of it is in
            each contribution. Negative where the sensors say the same twice.
        value: (K, H, W) float64 of the pair.
        baseline: (K, H, W) float64 with both sensors masked out.
    """

    scheme: ClassScheme
    quantity: str
    valid: NDArray[np.bool_]
    optical: NDArray[np.float64]
    sar: NDArray[np.float64]
    interaction: NDArray[np.float64]
    value: NDArray[np.float64]
    baseline: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = (len(self.scheme), *self.valid.shape)
        parts = (self.optical, self.sar, self.interaction, self.value, self.baseline)
        if any(values.shape != shape for values in parts):
            raise GridError(
                f"Contributions of {self.optical.shape} do not fit {shape}.", "This is a fault of the segmenter."
            )


@dataclass(frozen=True)
class Share:
    """A contribution over one zone for one class: `optical + sar = value - baseline`.

    Args:
        class_name: Of the class.
        optical: Contribution of the optical sensor.
        sar: Contribution of SAR.
        interaction: Of both together.
        value: Mean of the quantity over the zone.
        baseline: The same with both sensors masked out.
    """

    class_name: str
    optical: float
    sar: float
    interaction: float
    value: float
    baseline: float


Badge: TypeAlias = Literal["faithful", "partly", "doubtful", "unmeasured"]

FAITHFUL_GAP = 0.05
"""Completeness gap up to which an attribution counts as complete."""
FAITHFUL_INFIDELITY = 0.5
"""Share of the change that a faithful attribution may leave unexplained."""
FAITHFUL_SENSITIVITY = 1.0
"""Relative change under imperceptible noise up to which an attribution is stable."""
FAITHFUL_SPREADS = 1.0
"""By how many spreads of random orders deletion and insertion must be better than their mean."""
FAITHFUL_AGREEMENT = 0.5
"""Rank correlation with the attribution of a randomised network up to which it depends on what was learnt."""


@dataclass(frozen=True)
class Faithfulness:
    """How far an attribution may be believed. NaN where something was not measured or is not claimed.

    Args:
        completeness_gap: Of `Attribution`.
        infidelity: Share of the target's change under random removals that the attribution does not predict, 0..1.
        sensitivity: Largest relative change of the attribution under noise of 2 % of a spread.
        deletion_auc: Area under the probability while the strongest evidence is removed first; low is good.
        insertion_auc: While it is added first; high is good.
        random_auc: Mean area over random orders.
        random_spread: Standard deviation of that area over random orders.
        random_orders: How many.
        agreement: Rank correlation of absolute values with the attribution of a randomised network.
        passes: Forward passes that the measurement cost.
        full: Whether everything was measured, or only what is quick.
    """

    completeness_gap: float
    infidelity: float
    sensitivity: float
    deletion_auc: float
    insertion_auc: float
    random_auc: float
    random_spread: float
    random_orders: int
    agreement: float
    passes: int
    full: bool

    @property
    def verdicts(self) -> dict[str, bool]:
        """Test -> passed, for everything that was measured."""
        margin = FAITHFUL_SPREADS * self.random_spread
        tests = {
            "completeness": (self.completeness_gap, self.completeness_gap <= FAITHFUL_GAP),
            "infidelity": (self.infidelity, self.infidelity <= FAITHFUL_INFIDELITY),
            "sensitivity": (self.sensitivity, self.sensitivity <= FAITHFUL_SENSITIVITY),
            "deletion": (self.deletion_auc, self.deletion_auc < self.random_auc - margin),
            "insertion": (self.insertion_auc, self.insertion_auc > self.random_auc + margin),
            "randomisation": (self.agreement, abs(self.agreement) <= FAITHFUL_AGREEMENT),
        }
        return {name: passed for name, (measured, passed) in tests.items() if np.isfinite(measured)}

    @property
    def badge(self) -> Badge:
        """One word: "faithful" passed everything, "doubtful" failed half of it or more, "partly" lies between."""
        verdicts = self.verdicts
        if not verdicts:
            return "unmeasured"
        if all(verdicts.values()):
            return "faithful"
        return "partly" if sum(verdicts.values()) > len(verdicts) / 2 else "doubtful"


def layer_of(tile: Tile, modality: Modality) -> Layer | None:
    """The layer of one modality."""
    return tile.optical if modality == "optical" else tile.sar
