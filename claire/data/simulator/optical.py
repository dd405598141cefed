"""What a Sentinel-2-like sensor sees: spectra by season and moisture, light and shade, air, blur, noise.

A pixel is a mixture of green plants, dry plants and ground (linear mixing; Smith et al. 1990, doi
10.1016/0034-4257(90)90074-V). Light comes from the sun, where the terrain lets it, and from the sky (Teillet et al.
1982, doi 10.1080/07038992.1982.10855028). Shadows are cast by terrain, trees and buildings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.data.simulator.landscape import CLASSES, INDEX, NAMES, Circumstances, Landscape, shares_of_soil
from claire.data.simulator.noise import Field, build_noise, double, draw, halve, look_from
from claire.data.simulator.parameters import ANNUAL, BANDS, GROUND, MATERIALS, PIXEL, PLANTS, RANDOM, STRAW, Range
from claire.data.simulator.parcels import KEYS
from claire.data.simulator.terrain import Terrain

OVERPASS = 10.6
"""Local solar time of the overpass, hours (DRU)."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands, in radians.

    Args:
        azimuth: Clockwise from north, which is up.
        elevation: Above the horizon.
    """

    azimuth: float
    elevation: float

    @property
    def towards(self) -> tuple[float, float]:
        """(rows, columns) of a step of one pixel towards the sun."""
        return -float(np.cos(self.azimuth)), float(np.sin(self.azimuth))


@dataclass(frozen=True)
class Cover:
    """Shares of what the sensor sees, on 5 m pixels.

    Args:
        green: (2H, 2W) green plants 0..1.
        dry: (2H, 2W) dead plants 0..1; ground is the rest.
    """

    green: Field
    dry: Field


def find_sun(day: int, latitude: float) -> Sun:
    """Position of the sun at the overpass; never lower than 12 degrees, because scenes are not taken then.

    Example:
        >>> sun = find_sun(172, 45.0)
        >>> round(float(np.degrees(sun.elevation))), round(float(np.degrees(sun.azimuth)))
        (62, 135)
    """
    declination = np.radians(23.44) * np.sin(2 * np.pi * (day - 80.5) / 365.25)
    hour = np.radians(15 * (OVERPASS - 12))
    up = np.radians(latitude)
    height = np.arcsin(np.sin(up) * np.sin(declination) + np.cos(up) * np.cos(declination) * np.cos(hour))
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(up) * np.sin(declination) - np.sin(up) * np.cos(declination) * np.cos(hour)
    return Sun(float(np.arctan2(east, north) % (2 * np.pi)), float(max(height, np.radians(12))))


def compute_cover(rng: np.random.Generator, landscape: Landscape, where: Circumstances) -> Cover:
    """How green and how dry each pixel is on the day: calendars of the materials, shifted from field to field."""
    side = len(landscape.material)
    shift = rng.normal(0, RANDOM.calendar_days, KEYS)
    vigour = np.clip(rng.normal(1, 0.1, KEYS), 0.5, 1.15).astype(np.float32)
    tables = np.zeros((2, len(NAMES), KEYS + 1), np.float32)
    for number in np.flatnonzero(np.bincount(landscape.material.ravel(), minlength=len(NAMES))):
        share, straw = _grow(NAMES[number], where, shift)
        tables[0, number, :KEYS], tables[0, number, KEYS] = share * vigour, share.mean()
        tables[1, number, :KEYS], tables[1, number, KEYS] = straw, straw.mean()
    place = np.where(landscape.field, landscape.parcel, KEYS) + landscape.material.astype(np.int32) * (KEYS + 1)
    green, dry = tables[0].ravel()[place], tables[1].ravel()[place]
    patchy = (1 + 0.10 * build_noise(rng, side, 1.0, 40)).clip(0.5, 1.4)
    green = np.clip(green * patchy, 0, 0.97)
    return Cover(green, np.clip(np.minimum(dry * (2 - patchy), 1 - green), 0, 1))


def _grow(name: str, where: Circumstances, shift: NDArray[np.float64]) -> tuple[Field, Field]:
    """Green and dry share of a material for every calendar shift."""
    material = MATERIALS[name]
    peak = material.peak - 0.9 * (50 - abs(where.latitude)) * (name in ANNUAL) * where.seasons
    late = (where.northern_day - peak - shift + 182.5) % 365 - 182.5
    width = material.width * np.where(late < 0, material.rise, 1)
    season = np.exp(-(np.abs(late / width) ** 2.2))
    if name not in ANNUAL:
        season = where.seasons * season + (1 - where.seasons) * (0.75 - 0.35 * where.arid)
    thirst = where.arid if name in {"meadow", "pasture", "steppe", "yard", "shrub", "heath"} else 0.3 * where.arid
    green = (material.low + (material.high - material.low) * season) * (1 - 0.6 * thirst)
    if name in ANNUAL:
        dry = 0.75 * np.exp(-(((late - 1.25 * material.width) / 24) ** 2))
    elif material.plant in {"grass", "lush grass", "reed", "shrub"} and material.high > 0.2:
        dry = np.maximum(material.high - green, 0) * 0.85
    else:
        dry = np.zeros_like(green)
    return green.astype(np.float32), dry.astype(np.float32)


def compute_reflectance(
    rng: np.random.Generator, landscape: Landscape, cover: Cover, where: Circumstances
) -> NDArray[np.float32]:
    """Surface reflectance (6, 2H, 2W) before light and air."""
    side = len(landscape.material)
    ground, plant = _draw_spectra(rng, where)
    spread = np.array([material.spread for material in MATERIALS.values()], np.float32)
    fine = build_noise(rng, side, 0.5, 10)
    broad = build_noise(rng, side, 1.6, 120)
    field = np.where(landscape.field, rng.normal(0, 0.09, KEYS).astype(np.float32)[landscape.parcel], 0)
    light = 1 + spread[landscape.material] * (0.8 * fine + 0.7 * broad) + field
    roofs = landscape.height > 3
    light += np.where(roofs, 0.5 * spread[landscape.material] * rng.standard_normal((side, side), np.float32), 0)
    light = light.clip(0.25, 1.9).astype(np.float32)
    damp = np.float32(where.moisture) * (1 + 0.25 * broad)
    bare = (1 - cover.green - cover.dry).clip(0, 1)
    soil = np.array([m.ground in {"soil", "litter"} for m in MATERIALS.values()])[landscape.material]
    ripple = build_noise(rng, side, 1.8, 90) * (CLASS_IS_WATER[landscape.material])
    result = np.empty((len(BANDS), side, side), np.float32)
    for band in range(len(BANDS)):
        darker = np.float32(0.38 + 0.02 * band) * damp
        wet = np.where(soil, (1 - darker).clip(0.4, 1.05), 1)
        seen = plant[band][landscape.material] * cover.green + np.float32(STRAW[band]) * cover.dry
        seen += ground[band][landscape.material] * bare * wet
        result[band] = seen * (light * (1 + np.float32(0.12) * ripple))
    return result.clip(0.0005, 1.1)


CLASS_IS_WATER = np.array([material.land_class == 1 for material in MATERIALS.values()])


def _draw_spectra(rng: np.random.Generator, where: Circumstances) -> tuple[Field, Field]:
    """Ground and plant spectrum of every material (6, materials), shifted for this scene."""
    count, bands = len(NAMES), len(BANDS)
    soil = sum(np.array(GROUND[name]) * share for name, share in shares_of_soil(where).items())
    ground = np.stack([soil if m.ground == "soil" else np.array(GROUND[m.ground]) for m in MATERIALS.values()], 1)
    plant = np.stack([np.array(PLANTS[m.plant]) for m in MATERIALS.values()], 1)
    waters = np.array([GROUND[name] for name in ("clear water", "turbid water", "green water")])
    for number in np.flatnonzero(CLASS_IS_WATER):
        own = ground[:, number]
        ground[:, number] = 0.5 * own + 0.5 * rng.dirichlet([0.8, 0.8, 0.8]) @ waters
    along = np.linspace(-1, 1, bands)[:, None]
    for table in (ground, plant):
        gain = np.exp(rng.normal(0, RANDOM.brightness, count) + along * rng.normal(0, RANDOM.tilt, count))
        table *= gain * np.exp(rng.normal(0, 0.04, (bands, count)))
    snow = [INDEX["snow"], INDEX["old snow"]]
    ground[:, snow] = ground[:, snow].clip(0, 0.98)
    return ground.astype(np.float32), plant.astype(np.float32)


def compute_light(terrain: Terrain, landscape: Landscape, sun: Sun, low_sun: float = 0.0) -> tuple[Field, Field]:
    """Direct light relative to flat open ground and the share of the sky, both (2H, 2W); 0 direct in shadow.

    Args:
        terrain: Ground.
        landscape: What covers it.
        sun: Position.
        low_sun: How much plants and rough ground, all but water and snow, shade themselves: exponent of
            `sin h / sin 45`; 0 not at all.
    """
    side = len(landscape.material)
    rows, columns = np.gradient(terrain.height, PIXEL)
    toward_row, toward_column = sun.towards
    cosine = np.sin(sun.elevation) - np.cos(sun.elevation) * (rows * toward_row + columns * toward_column)
    direct = (cosine / np.sqrt(1 + rows**2 + columns**2) / np.sin(sun.elevation)).clip(0, 2.6)
    far = cast_shadow(terrain.height, PIXEL, sun, float(np.ptp(terrain.height)))
    near = cast_shadow(
        double(terrain.height, side) + landscape.height, PIXEL / 2, sun, float(landscape.height.max()) + 1.0
    )
    sky = (1 + 1 / np.sqrt(1 + rows**2 + columns**2)) / 2
    lit = double((direct * (1 - far)).astype(np.float32), side) * (1 - 0.85 * near)
    rough = ~np.isin(CLASSES[landscape.material], (1, 9))
    lit *= np.where(rough, (np.sin(sun.elevation) / np.sin(np.pi / 4)) ** low_sun, 1)
    return lit.astype(np.float32), double(sky.astype(np.float32), side)


def cast_shadow(surface: Field, pixel: float, sun: Sun, highest: float) -> Field:
    """Where something towards the sun stands in its way.

    Args:
        surface: (H, W) metres.
        pixel: Metres.
        sun: Position.
        highest: Largest difference of height that can cast a shadow, metres.

    Returns:
        (H, W) float32: 0 lit, 1 in shadow, with a soft edge.
    """
    fall = float(np.tan(sun.elevation)) * pixel
    reach = min(highest / fall, len(surface))
    steps: NDArray[np.int64] = np.unique(np.rint(np.geomspace(1, max(reach, 1), 22)).astype(np.int64))
    if reach > 22:
        steps = np.unique(np.concatenate([steps, np.arange(22, reach, max(3, reach / 30)).astype(np.int64)]))
    above = np.zeros_like(surface)
    for step in steps.tolist():
        row, column = (round(float(step) * part) for part in sun.towards)
        np.maximum(above, look_from(surface, row, column) - np.float32(step * fall) - surface, out=above)
    shade: Field = np.asarray((above / np.float32(0.6 * fall + 0.2)).clip(0, 1), np.float32)
    return shade


@dataclass(frozen=True)
class Air:
    """What lies between ground and sensor.

    Args:
        amount: 0 corrected to the surface, 1 the clear air of the table.
        haze: Reflectance added in blue.
        adjacency: Share of the light from the neighbourhood.
    """

    amount: float
    haze: float
    adjacency: float


def draw_air(rng: np.random.Generator, level: str) -> Air:
    """Air of a product of a level, "surface" or "toa"."""
    limits: Range = RANDOM.air if level == "toa" else RANDOM.rest
    haze = draw(rng, RANDOM.haze) * (rng.uniform() < 0.4) * (1.0 if level == "toa" else 0.3)
    return Air(draw(rng, limits), haze, draw(rng, RANDOM.adjacency))


def observe(
    rng: np.random.Generator, reflectance: NDArray[np.float32], light: tuple[Field, Field], air: Air
) -> NDArray[np.float32]:
    """Reflectance as the product tells it (6, H, W): light, neighbourhood, air, point spread, noise."""
    direct, sky = light
    half = reflectance.shape[1] // 2
    blur = draw(rng, RANDOM.blur)
    veil = (1 + 0.6 * build_noise(rng, half, 1.9, 200)).clip(0, 3).astype(np.float32) * np.float32(air.haze)
    noise = draw(rng, RANDOM.noise)
    result = np.empty((len(BANDS), half, half), np.float32)
    for band in range(len(BANDS)):
        diffuse = np.float32(RANDOM.diffuse[band])
        seen = halve(reflectance[band] * (direct * (1 - diffuse) + sky * diffuse))
        seen = _lower_resolution(seen) if BANDS[band] in {"B11", "B12"} else ndimage.gaussian_filter(seen, blur)
        around = ndimage.uniform_filter(ndimage.uniform_filter(seen, 15), 15)
        seen = (1 - air.adjacency) * seen + air.adjacency * around
        path = np.float32(RANDOM.path[band] * air.amount) + veil * np.float32(RANDOM.path[band] / RANDOM.path[0])
        seen = path + seen * (1 - np.float32(1.3) * path)
        result[band] = seen * (1 + np.float32(0.004) * rng.standard_normal(seen.shape, np.float32))
        result[band] += np.float32(noise) * rng.standard_normal(seen.shape, np.float32)
    return result


def _lower_resolution(field: Field) -> Field:
    """A band of 20 m pixels on the grid of 10 m."""
    side = len(field)
    even = np.pad(field, ((0, side % 2), (0, side % 2)), mode="edge")
    return double(halve(even), side)
