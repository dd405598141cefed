"""What-if: which damage is done to a pair, as one value that can be saved, and what came of it.

Neutral values change nothing. Nothing here computes a map: `claire.pipeline.whatif` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

import numpy as np

from claire.core.analysis import Analysis, without_nan
from claire.core.bands import MODALITIES, Modality, Mode
from claire.core.errors import InputError, UnknownNameError

LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Factor:
    """One kind of damage with a strength.

    Args:
        name: Field of `WhatIf`.
        title: For people.
        unit: Of the strength; "" for a share.
        low: Smallest value.
        high: Largest value.
        neutral: The value that changes nothing; infinite for looks.
        step: Of a slider.
        mildest: Where a curve begins when the neutral value is infinite.
        sensor: Which sensor it damages; None where the description says which.
        needs: Another factor that must not be neutral for this one to change anything.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    neutral: float
    step: float
    mildest: float | None = None
    sensor: Modality | None = None
    needs: str = ""

    def spread(self, count: int, end: float | None = None) -> tuple[float, ...]:
        """Values for a curve, from the mildest to the end, evenly; looks in equal ratios.

        Args:
            count: How many, at least 2.
            end: The last value; by default the strongest.

        Raises:
            InputError: Fewer than two values, or an end that is outside the range or neutral.

        Example:
            >>> FACTORS["cloud_share"].spread(3), FACTORS["speckle_looks"].spread(3)
            ((0.0, 0.5, 1.0), (64.0, 8.0, 1.0))
        """
        last = end if end is not None else self.low if math.isinf(self.neutral) else self.high
        first = self.neutral if self.mildest is None else self.mildest
        if count < 2:
            raise InputError(f"A curve of {count} values was asked for.", "Ask for at least 2.")
        self.check(last)
        if last == first:
            raise InputError(f"A curve over {self.title.lower()} cannot end where it begins.", "Give another end.")
        spaced = np.geomspace(first, last, count) if self.mildest is not None else np.linspace(first, last, count)
        return tuple(round(float(value), 6) for value in spaced)

    def check(self, value: float) -> None:
        """Refuse a value that makes no sense.

        Raises:
            InputError: It is no number or out of range.
        """
        if value != self.neutral and not self.low <= value <= self.high:
            raise InputError(
                f"{self.title} is {value:g}, but {self.low:g} to {self.high:g} is wanted.", "Give a value in between."
            )


FACTORS: dict[str, Factor] = {
    factor.name: factor
    for factor in (
        Factor("cloud_share", "Cloud cover", "", 0, 1, 0, 0.05, sensor="optical", needs="cloud_thickness"),
        Factor("cloud_thickness", "Cloud thickness", "", 0, 1, 0, 0.05, sensor="optical", needs="cloud_share"),
        Factor("cloud_shadow", "Cloud shadow", "", 0, 1, 0, 0.05, sensor="optical", needs="cloud_share"),
        Factor("blur", "Optical blur", "px", 0, 8, 0, 0.25, sensor="optical"),
        Factor("speckle_looks", "SAR speckle", "looks", 1, 64, math.inf, 1, mildest=64, sensor="sar"),
        Factor("sar_offset_db", "SAR offset", "dB", -12, 12, 0, 0.5, sensor="sar"),
        Factor("shift_right", "Shift to the right", "px", -16, 16, 0, 0.25),
        Factor("shift_down", "Shift downwards", "px", -16, 16, 0, 0.25),
    )
}
"""Field of `WhatIf` -> its range, for every damage that has a strength."""


def find_factor(name: str) -> Factor:
    """The factor of that name.

    Raises:
        UnknownNameError: No such factor; lists the right names.
    """
    if name not in FACTORS:
        raise UnknownNameError.among("factor", name, FACTORS)
    return FACTORS[name]


@dataclass(frozen=True)
class WhatIf:
    """Damage to a pair, deterministic: the same description damages the same pair alike.

    Args:
        cloud_share: Share of the later optical date under cloud, 0..1.
        cloud_thickness: 0 clear to 1 opaque.
        cloud_shadow: 0 no shadow to 1 black.
        blur: Standard deviation of a Gaussian over the optical bands, pixels.
        speckle_looks: Looks of speckle that is added to what the SAR already has; infinite for none.
        sar_offset_db: Added to the backscatter of all SAR dates, decibel.
        shifted: Which sensor is shifted.
        shift_right: Pixels to the right, also parts of them; the label and the other sensor stay.
        shift_down: Pixels downwards.
        optical_on: False takes the optical sensor away.
        sar_on: False takes SAR away.
        dropped: Bands that are missing, of either sensor.
        seed: Of clouds and speckle.

    Raises:
        InputError: A value out of its range.

    Example:
        >>> WhatIf(cloud_share=0.5, optical_on=False).as_dict()["speckle_looks"] is None
        True
    """

    cloud_share: float = 0.0
    cloud_thickness: float = 1.0
    cloud_shadow: float = 0.5
    blur: float = 0.0
    speckle_looks: float = math.inf
    sar_offset_db: float = 0.0
    shifted: Modality = "sar"
    shift_right: float = 0.0
    shift_down: float = 0.0
    optical_on: bool = True
    sar_on: bool = True
    dropped: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for factor in FACTORS.values():
            factor.check(getattr(self, factor.name))
        if self.shifted not in MODALITIES:
            raise UnknownNameError.among("sensor", str(self.shifted), MODALITIES)
        if not 0 <= self.seed <= LARGEST_SEED:
            raise InputError(f"The seed is {self.seed}, but 0 to {LARGEST_SEED} is wanted.", "Give another seed.")

    @property
    def clouded(self) -> bool:
        """Whether there is any cloud."""
        return self.cloud_share > 0 and self.cloud_thickness > 0

    @property
    def moved(self) -> bool:
        """Whether a sensor is shifted."""
        return self.shift_right != 0 or self.shift_down != 0

    def vary(self, factor: str, value: float) -> WhatIf:
        """The same with another value of one factor."""
        changed: dict[str, Any] = {find_factor(factor).name: value}
        return replace(self, **changed)

    def is_on(self, modality: Modality) -> bool:
        """Whether a sensor is left."""
        return self.optical_on if modality == "optical" else self.sar_on

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON; no speckle is None."""
        content: dict[str, Any] = without_nan({**asdict(self), "dropped": list(self.dropped)})
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Back from `as_dict`.

        Raises:
            InputError: A field that is unknown, of another kind, or out of range.
        """
        known: dict[str, Any] = {field.name: type(field.default) for field in fields(cls)}
        values: dict[str, Any] = {}
        for name, value in content.items():
            if name not in known:
                raise UnknownNameError.among("field of a what-if", name, known)
            kind = known[name]
            given: Any = math.inf if name == "speckle_looks" and value is None else value
            given = tuple(given) if kind is tuple and isinstance(given, (list, tuple)) else given
            if isinstance(given, bool) != (kind is bool) or not isinstance(
                given, (kind, int) if kind is float else kind
            ):
                raise InputError(f"{name} is of another kind than wanted.", "Use a description written by CLAIRE.")
            values[name] = float(given) if kind is float else given
        if not all(isinstance(band, str) for band in values.get("dropped", ())):
            raise InputError("dropped is of another kind than wanted.", "Give names of bands.")
        return cls(**values)


@dataclass(frozen=True)
class Outcome:
    """One map of a damaged pair, in numbers.

    Args:
        area_shares: Share of the mapped pixels of each class, in index order.
        confidence: Mean confidence over the mapped pixels; NaN where nothing is mapped.
        changed: Share of the pixels of either map whose class differs from that of the undamaged pair; NaN for none.
        ious: IoU of each class; NaN without label or where the class does not occur.
        miou: Their mean; NaN likewise.
    """

    area_shares: tuple[float, ...]
    confidence: float
    changed: float
    ious: tuple[float, ...]
    miou: float


@dataclass(frozen=True)
class WhatIfResult:
    """A pair with and without damage.

    Args:
        what_if: The damage.
        undamaged: The analysis of the pair as it is.
        damaged: The analysis of the same pair with the damage.
    """

    what_if: WhatIf
    undamaged: Analysis
    damaged: Analysis

    def measure(self, mode: Mode) -> Outcome:
        """One map of the damaged pair in numbers."""
        before, after = self.undamaged.predictions[mode], self.damaged.predictions[mode]
        either = before.valid | after.valid
        scores = self.damaged.scores.get(mode)
        confidence = after.confidence[after.valid]
        return Outcome(
            area_shares=tuple(area.area_share for area in self.damaged.areas[mode]),
            confidence=float(confidence.mean(dtype=np.float64)) if confidence.size else math.nan,
            changed=float((before.classes != after.classes)[either].mean()) if either.any() else math.nan,
            ious=tuple(c.iou for c in scores.per_class) if scores else (math.nan,) * len(self.damaged.scheme),
            miou=scores.miou if scores else math.nan,
        )


@dataclass(frozen=True)
class CurvePoint:
    """What one value of a factor does.

    Args:
        value: Of the factor.
        outcomes: Mode -> the map in numbers.
        sar_lead: Share of the pixels on which the two single-sensor maps differ where the fused map sides with SAR,
            among those where it sides with either; 1 where only SAR sees, 0 where only optical does; NaN where the two
            never differ.
        sar_trust: Mean share of trust that the gates gave to SAR; NaN without gates.
    """

    value: float
    outcomes: Mapping[Mode, Outcome]
    sar_lead: float
    sar_trust: float


@dataclass(frozen=True)
class Curve:
    """A factor from its mildest to its strongest value, everything else as described.

    Args:
        what_if: The rest of the damage.
        factor: Which field varies.
        points: In the order of growing damage.
        classes: Class names in index order.
        scored: Whether there was a label.
    """

    what_if: WhatIf
    factor: str
    points: tuple[CurvePoint, ...]
    classes: tuple[str, ...]
    scored: bool

    @property
    def takeover(self) -> float | None:
        """Where the radar takes over: the first value from which on the fused map sides with SAR; None if never.

        Values at which the two sensors never differ neither make nor break the lead.
        """
        return find_lead([point.value for point in self.points], [point.sar_lead for point in self.points])

    @property
    def handover(self) -> float | None:
        """The same for the optical sensor."""
        return find_lead([point.value for point in self.points], [1 - point.sar_lead for point in self.points])

    def as_rows(self) -> list[dict[str, Any]]:
        """A table with one row per value, map and class; numbers that do not exist are None."""
        rows = [
            {
                self.factor: point.value,
                "map": mode,
                "class": name,
                "area_share": outcome.area_shares[index],
                "iou": outcome.ious[index],
                "mean_iou": outcome.miou,
                "mean_confidence": outcome.confidence,
                "changed_share": outcome.changed,
                "sar_lead": point.sar_lead,
                "sar_trust": point.sar_trust,
                "radar_takes_over": self.takeover,
            }
            for point in self.points
            for mode, outcome in point.outcomes.items()
            for index, name in enumerate(self.classes)
        ]
        clean: list[dict[str, Any]] = without_nan(rows)
        return clean


def find_lead(values: Sequence[float], leads: Sequence[float]) -> float | None:
    """The first value from which on every known lead is above one half.

    Args:
        values: In the order of growing damage.
        leads: As many, 0..1, NaN where not known.

    Returns:
        One of the values; None when the last known lead is no more than one half, or none is known.

    Example:
        >>> find_lead([0, 1, 2, 3], [0.2, 0.7, 0.4, 0.9]), find_lead([0, 1], [0.9, 0.5])
        (3, None)
    """
    found = None
    for value, lead in zip(reversed(values), reversed(leads), strict=True):
        if math.isnan(lead):
            continue
        if lead <= 0.5:
            break
        found = value
    return found
