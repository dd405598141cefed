"""What a Sentinel-1-like sensor sees: backscatter by cover and angle, the geometry of looking sideways, speckle.

Plants over ground follow the water cloud model in its simplest form (Attema and Ulaby 1978): power is a mixture of bare
and fully grown, by cover. The energy of every ground cell is put where its range is, line by line, which by itself
gives foreshortening and layover; what the ray does not reach is shadow and holds noise (Small 2011, doi
10.1109/TGRS.2011.2120616). Speckle is born in range, before the picture is laid on the map, so that it is drawn out on
foreslopes, as in real terrain-corrected pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.data.simulator.landscape import CLASSES, INDEX, Circumstances, Landscape
from claire.data.simulator.noise import Field, build_noise, double, draw, from_db, halve
from claire.data.simulator.optical import Cover
from claire.data.simulator.parameters import MATERIALS, PIXEL, RANDOM
from claire.data.simulator.parcels import KEYS
from claire.data.simulator.terrain import Terrain

REFERENCE = np.radians(38)
"""Incidence angle of the table."""

FALL = np.where(CLASSES == 1, 4.5, np.where(CLASSES == 7, 0.6, np.where(CLASSES == 2, 1.0, 1.8))).astype(np.float32)
"""Exponent of the cosine of the incidence angle: smooth surfaces fall off fast, canopies hardly (ULA)."""


POINT = np.array([0.2, 0.6, 0.2], np.float32)
"""Point response in range: the sensor resolves about two pixels (TOR)."""

WET_SNOW_DB = -5.5
"""What melting does to snow (NAG)."""


@dataclass(frozen=True)
class Radar:
    """How a scene is looked at.

    Args:
        incidence: Radians from the vertical.
        rightwards: Whether it looks towards the right of the picture (ascending) or the left.
        looks: Equivalent number of looks.
        width: Sigma of the point response behind the correlation of the speckle, pixels.
        floor_db: Noise-equivalent sigma nought.
        wind_db: What wind adds to VV over open water at the reference angle.
    """

    incidence: float
    rightwards: bool
    looks: float
    width: float
    floor_db: float
    wind_db: float


def draw_radar(rng: np.random.Generator, where: Circumstances, looks: float | None = None) -> Radar:
    """A look at a scene; `looks` replaces the drawn number."""
    drawn = draw(rng, RANDOM.looks)
    return Radar(
        float(np.radians(draw(rng, RANDOM.incidence))),
        bool(np.cos(where.look) > 0),
        drawn if looks is None else looks,
        draw(rng, RANDOM.speckle_width),
        draw(rng, RANDOM.noise_floor_db),
        draw(rng, RANDOM.wind_db) * rng.uniform(),
    )


def compute_backscatter(
    rng: np.random.Generator, landscape: Landscape, cover: Cover, terrain: Terrain, where: Circumstances, radar: Radar
) -> NDArray[np.float32]:
    """Power (2, H, W) of VV and VH at the local incidence angle, without speckle and without layover."""
    side = len(landscape.material)
    shift = rng.normal(0, RANDOM.backscatter_db, len(MATERIALS)) + rng.normal(0, 0.5)
    own = rng.normal(0, 0.5, (2, len(MATERIALS))) + shift
    rough = (rng.normal(0, RANDOM.parcel_db, KEYS) - 3.5 * (rng.uniform(size=KEYS) < 0.12)).astype(np.float32)
    uneven = 0.45 * build_noise(rng, side, 1.0, 40)
    field = np.where(landscape.field, rough[landscape.parcel], 0)
    material = landscape.material
    open_water = [INDEX["sea"], INDEX["lake"]]
    blown = np.where(CLASSES == 1, 0.35 * radar.wind_db, 0).astype(np.float32)
    blown[open_water] = radar.wind_db
    damped = np.where(CLASSES == 1, 0, 3.5 * (where.moisture - 0.35)).astype(np.float32)
    if 90 < where.northern_day < 260:  # melting
        damped[CLASSES == 9] = WET_SNOW_DB
    wind = blown[material]
    if radar.wind_db > 0.1:
        wind *= (1 + 0.35 * build_noise(rng, side, 1.6, 160)).clip(0, 2)
    grown = np.sqrt((cover.green + 0.5 * cover.dry).clip(0, 1))
    angle = double(10 * np.log10(_compute_cosine(terrain, radar) / np.float32(np.cos(REFERENCE))), side)
    common = uneven + FALL[material] * angle
    result = np.empty((2, side, side), np.float32)
    for channel in range(2):
        bare = np.array([m.bare[channel] for m in MATERIALS.values()]) + own[channel] + damped
        full = np.array([m.grown[channel] if m.high else m.bare[channel] for m in MATERIALS.values()]) + own[channel]
        soil = from_db(bare.astype(np.float32))[material] * from_db(field)
        plants = from_db(full.astype(np.float32))[material] * from_db(np.float32(0.3) * field)
        extra = common + landscape.wall_db[channel] + wind * np.float32(1.0 if channel == 0 else 0.35)
        result[channel] = (soil + (plants - soil) * grown) * from_db(extra)
    return halve(result)


def _compute_cosine(terrain: Terrain, radar: Radar) -> Field:
    """(H, W) cosine of the local incidence angle, at least 0.1."""
    rows, columns = np.gradient(terrain.height, PIXEL)
    away = columns if radar.rightwards else -columns
    cosine = (np.cos(radar.incidence) + np.sin(radar.incidence) * away) / np.sqrt(1 + rows**2 + columns**2)
    return np.asarray(cosine.clip(0.1, 1), np.float32)


def look_sideways(
    rng: np.random.Generator, power: NDArray[np.float32], surface: Field, radar: Radar
) -> NDArray[np.float32]:
    """The picture of the radar on the map, in dB: layover, shadow, speckle and noise floor.

    Args:
        rng: Randomness.
        power: (2, H, W) backscatter per area.
        surface: (H, W) metres, plants and buildings included.
        radar: The look.

    Returns:
        (2, H, W) float32 dB.
    """
    if not radar.rightwards:
        turned = look_sideways(rng, power[:, :, ::-1], surface[:, ::-1], _reverse(radar))
        return turned[:, :, ::-1]
    height = len(surface)
    bins = _find_range(ndimage.uniform_filter1d(surface, 3, axis=0), radar)
    count = int(bins.max()) + 2
    lower = np.floor(bins).astype(np.int64)
    share = (bins - lower).astype(np.float64)
    place = (np.arange(height) * (count + 1))[:, None] + lower
    nearest = place + (share > 0.5)
    reached = ~_find_shadow(surface, radar)
    floor = from_db(radar.floor_db)
    result = np.empty_like(power)
    for channel in range(len(power)):
        lit = np.where(reached, power[channel], 0).astype(np.float64)
        total = height * (count + 1)
        energy = np.bincount(place.ravel(), (lit * (1 - share)).ravel(), total)
        energy += np.bincount(place.ravel() + 1, (lit * share).ravel(), total)
        image = energy.reshape(height, count + 1).astype(np.float32)
        image = ndimage.convolve1d(image, POINT, axis=1, mode="nearest") + floor
        image *= build_speckle(rng, image.shape, radar.looks, radar.width)
        result[channel] = image.ravel()[nearest]
    decibel: NDArray[np.float32] = 10 * np.log10(np.maximum(result, 1e-6))
    return decibel


def _reverse(radar: Radar) -> Radar:
    return Radar(radar.incidence, True, radar.looks, radar.width, radar.floor_db, radar.wind_db)


def _find_range(surface: Field, radar: Radar) -> NDArray[np.float64]:
    """Slant range of every ground pixel, in cells that are one pixel wide on flat ground."""
    columns = np.arange(surface.shape[1])
    lift = (surface - surface.min()) / (np.tan(radar.incidence) * PIXEL)
    bins = columns[None] - lift
    return np.asarray(bins - np.floor(bins.min()), np.float64)


def _find_shadow(surface: Field, radar: Radar) -> NDArray[np.bool_]:
    """(H, W) bool: the ray, which falls by 1 / tan(incidence) per metre, passes above."""
    fall = np.arange(surface.shape[1]) * (PIXEL / np.tan(radar.incidence))
    ray = surface + fall[None]
    hidden: NDArray[np.bool_] = ray < np.maximum.accumulate(ray, axis=1) - 1e-3
    return hidden


NARROWEST = 0.1
"""Pixels."""


def build_speckle(rng: np.random.Generator, shape: tuple[int, int], looks: float, width: float) -> Field:
    """Multiplicative speckle: gamma with mean 1 and variance 1 / looks, correlated like a point response.

    A Gaussian field is blurred, given unit spread again and bent into the gamma distribution by the cube rule of Wilson
    and Hilferty 1931 (doi 10.1073/pnas.17.12.684), so that looks and correlation are set apart from each other.

    Args:
        rng: Randomness.
        shape: (H, W).
        looks: At least 1.
        width: Sigma of the blur in pixels; one below `NARROWEST` reaches no neighbour and blurs nothing.
    """
    normal = rng.standard_normal(shape, np.float32)
    if width > NARROWEST:
        reach = np.arange(-4, 5)
        kernel = np.exp(-(reach**2) / (2 * width**2))
        kernel /= np.sqrt((kernel**2).sum())
        for axis in (0, 1):
            normal = ndimage.convolve1d(normal, kernel.astype(np.float32), axis=axis, mode="wrap")
    cube = 1 - 1 / (9 * looks) + normal * np.float32(1 / (3 * looks**0.5))
    speckle: Field = np.maximum(cube, 0.02).astype(np.float32) ** 3
    return speckle
