"""Targets: the one number that an attribution takes apart: class C over zone Z of one map.

A segmentation has no single output, so the question needs a place as well as a class. Legend: H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.core.bands import MODALITIES, Modality, Mode
from claire.core.errors import SensorError, UnknownNameError, ZoneError
from claire.core.manifest import Manifest
from claire.core.types import Prediction, Prepared

Quantity = Literal["logit", "log_probability", "probability"]
"""What is averaged over the zone: the logit, or (log) softmax probability after temperature."""
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

SENSOR_TITLES: dict[Modality, str] = {"optical": "optical", "sar": "SAR"}


@dataclass(frozen=True)
class Target:
    """The mean of one quantity of one class over one zone of one map.

    Args:
        class_index: 0..K-1.
        class_name: Its name.
        zone: (H, W) bool, pixels on which the map says something; never empty.
        mode: Which map.
        quantity: What is averaged.
        temperature: Divisor of the logits for probabilities.
    """

    class_index: int
    class_name: str
    zone: NDArray[np.bool_]
    mode: Mode = "fused"
    quantity: Quantity = "logit"
    temperature: float = 1.0


def build_target(
    manifest: Manifest,
    prepared: Prepared,
    class_name: str,
    zone: NDArray[np.bool_],
    mode: Mode = "fused",
    quantity: Quantity = "logit",
) -> Target:
    """A target, checked against the pair that it will be asked about.

    Args:
        manifest: Of the model.
        prepared: The pair.
        class_name: Name of a class of the model.
        zone: (H, W) bool, from one of the builders below.
        mode: Which map.
        quantity: What is averaged over the zone.

    Raises:
        UnknownNameError: No such class or quantity.
        ZoneError: The zone has another size, or no pixel that this map says anything about.
        SensorError: A sensor of the map is missing.
    """
    names = manifest.class_scheme.names
    if class_name not in names:
        raise UnknownNameError.among("class", class_name, names)
    if quantity not in QUANTITIES:
        raise UnknownNameError.among("quantity", quantity, QUANTITIES)
    check_sensors(prepared, MODALITIES if mode == "fused" else (mode,))
    if zone.shape != prepared.shape:
        raise ZoneError(
            f"The zone is made for {zone.shape[1]} x {zone.shape[0]} pixels, "
            f"the tile has {prepared.shape[1]} x {prepared.shape[0]}.",
            "Build the zone for this tile.",
        )
    seen = zone & prepared.valid(mode)
    if not seen.any():
        raise ZoneError("The zone holds no pixel that the map says anything about.", "Choose a zone with valid pixels.")
    return Target(names.index(class_name), class_name, seen, mode, quantity, manifest.temperature.get(mode, 1.0))


def check_sensors(prepared: Prepared, needed: Sequence[Modality]) -> None:
    """Refuse a pair in which a needed sensor saw nothing.

    Raises:
        SensorError: It is missing.
    """
    for modality in needed:
        valid = prepared.optical_valid if modality == "optical" else prepared.sar_valid
        if not valid.any():
            title, other = SENSOR_TITLES[modality], "SAR" if modality == "optical" else "optical"
            raise SensorError(
                f"There is no {title} data, so its share in the result cannot be asked for.",
                f"Give both sensors, or ask about the {other} map alone.",
            )


def build_pixel_zone(shape: tuple[int, int], row: int, column: int) -> NDArray[np.bool_]:
    """One pixel.

    Raises:
        ZoneError: It lies outside the tile.
    """
    return build_rectangle_zone(shape, column, row, column + 1, row + 1)


def build_rectangle_zone(shape: tuple[int, int], x0: int, y0: int, x1: int, y1: int) -> NDArray[np.bool_]:
    """Columns x0..x1-1 of rows y0..y1-1, as far as they lie in the tile.

    Raises:
        ZoneError: It has no area, or lies outside the tile.

    Example:
        >>> int(build_rectangle_zone((10, 20), 15, 2, 30, 4).sum())
        10
    """
    if x1 <= x0 or y1 <= y0:
        raise ZoneError(
            f"The region {x0},{y0},{x1},{y1} has no area.", "Give x0,y0,x1,y1 with x0 < x1 and y0 < y1, in pixels."
        )
    zone = np.zeros(shape, bool)
    zone[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return _require_inside(zone)


def build_polygon_zone(shape: tuple[int, int], corners: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """The pixels whose centre lies inside a polygon (even-odd rule).

    Args:
        shape: (H, W) of the tile.
        corners: (x, y) in pixels from the outer corner of the first pixel; closed by itself.

    Raises:
        ZoneError: Fewer than three corners, no centre inside, or outside the tile.

    Example:
        >>> build_polygon_zone((3, 3), [(0, 0), (3, 0), (0, 3)]).astype(int).tolist()
        [[1, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    points = np.asarray(corners, np.float64).reshape(-1, 2)
    if len(points) < 3 or not np.isfinite(points).all():
        raise ZoneError(f"A polygon of {len(points)} corners has no area.", "Draw at least three corners.")
    x, y = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    inside = np.zeros(shape, bool)
    for (xa, ya), (xb, yb) in zip(points, np.roll(points, -1, axis=0), strict=True):
        crosses = (ya > y) != (yb > y)
        if ya != yb:
            with np.errstate(over="ignore", invalid="ignore"):  # rows that do not cross a nearly level side
                inside ^= crosses & (x < xa + (y - ya) * (xb - xa) / (yb - ya))
    return _require_inside(inside)


def build_class_zone(prediction: Prediction, class_name: str) -> NDArray[np.bool_]:
    """Every pixel that the map gives to a class.

    Raises:
        UnknownNameError: No such class.
        ZoneError: The map does not show it.
    """
    names = prediction.scheme.names
    if class_name not in names:
        raise UnknownNameError.among("class", class_name, names)
    zone: NDArray[np.bool_] = np.asarray(prediction.classes == names.index(class_name))
    if not zone.any():
        raise ZoneError(
            f"The map shows no {class_name}.", "Choose a class that the map shows, or give a region to ask about."
        )
    return zone


def build_region_zone(prediction: Prediction, row: int, column: int) -> NDArray[np.bool_]:
    """The connected region (four neighbours) of the class that the map shows at a pixel.

    Raises:
        ZoneError: The pixel lies outside the tile, or nothing was mapped there.
    """
    build_pixel_zone(prediction.classes.shape, row, column)
    if not prediction.valid[row, column]:
        raise ZoneError(f"Nothing was mapped at row {row}, column {column}.", "Choose a pixel that has a class.")
    regions, _ = ndimage.label(prediction.classes == prediction.classes[row, column])
    return np.asarray(regions == regions[row, column])


def _require_inside(zone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not zone.any():
        raise ZoneError(
            "The zone holds no pixel of the tile.",
            f"The tile has {zone.shape[1]} columns and {zone.shape[0]} rows, counted from 0.",
        )
    return zone
