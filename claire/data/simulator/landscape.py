"""What covers the ground: water, woods, fields, settlements, bare land, marsh and snow, on 5 m pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.data.simulator.noise import Field, Mask, build_noise, count_pixels, double, draw, keep_share
from claire.data.simulator.parameters import MATERIALS, PIXEL, RANDOM, SOILS, Setting
from claire.data.simulator.parcels import KEYS, Parcels, cut_parcels
from claire.data.simulator.settlements import Settlement, build_settlement
from claire.data.simulator.terrain import Terrain

NAMES = tuple(MATERIALS)
INDEX = {name: number for number, name in enumerate(NAMES)}
CLASSES = np.array([material.land_class for material in MATERIALS.values()], np.uint8)
HEIGHTS = np.array([material.height for material in MATERIALS.values()], np.float32)


@dataclass(frozen=True)
class Circumstances:
    """When and where.

    Args:
        setting: Key of `SETTINGS`.
        day: Of the year, 1..365.
        latitude: Degrees, negative in the south.
        arid: 0..1.
        moisture: Of the soil, 0..1.
        soil: Shares of `SOILS`.
        look: Direction in which the radar looks, radians: 0 towards the right of the picture.
    """

    setting: str
    day: int
    latitude: float
    arid: float
    moisture: float
    soil: tuple[float, ...]
    look: float

    @property
    def northern_day(self) -> float:
        """The day of the year that has this season in the north."""
        return float(self.day if self.latitude >= 0 else (self.day + 182) % 365)

    @property
    def seasons(self) -> float:
        """How strong the seasons are: 0 at the equator, 1 from 40 degrees on."""
        return min(abs(self.latitude) / 40, 1.0)


@dataclass(frozen=True)
class Landscape:
    """The covered ground, on pixels of 5 m.

    Args:
        material: (2H, 2W) int16 index into `NAMES`.
        label: (2H, 2W) uint8 ids of the global 10 m scheme.
        parcel: (2H, 2W) int32 key of the field, 0..KEYS-1.
        field: (2H, 2W) bool, where the parcel matters.
        height: (2H, 2W) float32 metres of plants and buildings.
        wall_db: (2, 2H, 2W) float32, what walls add to VV and VH.
    """

    material: NDArray[np.int16]
    label: NDArray[np.uint8]
    parcel: NDArray[np.int32]
    field: Mask
    height: Field
    wall_db: Field


def draw_circumstances(rng: np.random.Generator, name: str, setting: Setting) -> Circumstances:
    """When and where a scene is."""
    latitude = draw(rng, setting.latitude) * (1 if rng.uniform() < 0.7 else -1)
    arid = draw(rng, setting.arid)
    return Circumstances(
        name,
        int(rng.integers(1, 366)),
        latitude,
        arid,
        draw(rng, RANDOM.moisture) * (1 - 0.7 * arid),
        tuple(rng.dirichlet(np.array([1.2, 0.6, 0.5, 0.2 + arid, 0.3 + 0.5 * arid])).tolist()),
        float(np.radians(rng.choice([0.0, 180.0]))),
    )


def build_landscape(rng: np.random.Generator, terrain: Terrain, setting: Setting, where: Circumstances) -> Landscape:
    """Cover a terrain."""
    side = len(terrain.standing)
    slope = double(terrain.slope, side)
    above = double(terrain.above_water, side)
    ground = double(terrain.height, side)
    settlement = build_settlement(rng, terrain, setting, INDEX, where.arid, where.look, slope)
    water = terrain.standing | terrain.flowing
    free = ~(water | settlement.footprint | settlement.roads)
    material = np.full((side, side), INDEX["meadow"], np.int16)

    _cover_open(rng, material, where, slope, above)
    parcels = _cut_fields(rng, side, setting)
    fields = _choose_fields(rng, setting, free, slope, above, parcels)
    _sow(rng, material, fields, parcels, setting, where)
    woods = _grow_woods(rng, material, setting, where, free & ~fields, slope, ground, parcels)
    marsh = _find_marsh(rng, setting, free, slope, above, terrain)
    material[marsh] = INDEX["marsh"]
    swamp = marsh & (build_noise(rng, side, 1.6, 90) > rng.uniform(-0.5, 1.5))
    material[swamp] = INDEX["swamp"]
    _lay_bare(rng, material, where, free & ~fields & ~marsh & ~woods, slope, ground, terrain)
    material[terrain.standing] = INDEX["sea" if setting.sea else "lake"]
    material[terrain.flowing] = INDEX["river"]
    label = CLASSES[material]
    material[terrain.brooks & ~water] = INDEX["river"]

    _edge_fields(rng, material, fields & ~marsh, parcels)
    built = settlement.material >= 0
    material[built] = settlement.material[built]
    label[settlement.footprint | settlement.roads] = 7
    _snow_over(rng, material, label, setting, where, ground, slope, water | settlement.footprint)
    height = HEIGHTS[material] * np.where(settlement.height > 0, settlement.height, 1)
    height *= (1 + 0.25 * build_noise(rng, side, 0.6, 12)).clip(0.3, 2).astype(np.float32)
    return Landscape(material, label, parcels.key, fields, height.astype(np.float32), settlement.wall_db)


def _cover_open(
    rng: np.random.Generator, material: NDArray[np.int16], where: Circumstances, slope: Field, above: Field
) -> None:
    """Meadow, steppe, shrub and heath where nothing else is."""
    side = len(material)
    if where.arid < 0.45:  # grazed and manured here, left alone there
        grazed = build_noise(rng, side, 1.4, 120) > rng.uniform(-1.5, 1.5)
        material[grazed] = INDEX["pasture"]
    dry = np.float32(where.arid) + 0.16 * build_noise(rng, side, 1.6, 150) + 0.25 * slope + 0.002 * above.clip(0, 60)
    material[dry > 0.42] = INDEX["steppe"]
    shrubs = build_noise(rng, side, 1.1, 60) > rng.uniform(0.3, 1.6)
    material[shrubs] = INDEX["shrub" if where.arid > 0.25 or abs(where.latitude) < 40 else "heath"]


def _cut_fields(rng: np.random.Generator, side: int, setting: Setting) -> Parcels:
    width = draw(rng, setting.parcel) / 5
    blocks = int(np.clip((side / width / 2.2) ** 2, 3, 16))
    length = width * rng.uniform(1.2, 4.5)
    return cut_parcels(
        rng, side, blocks=blocks, width=width, length=length, irregular=rng.uniform(0.2, 0.8),
        bent=rng.uniform(0, 0.35 * min(width, 30)), spread=float(rng.choice([0.15, np.pi])),
    )  # fmt: skip


def _choose_fields(
    rng: np.random.Generator, setting: Setting, free: Mask, slope: Field, above: Field, parcels: Parcels
) -> Mask:
    """Whole parcels on gentle ground, away from brooks."""
    share = draw(rng, setting.crops)
    if share < 0.01:
        return np.zeros_like(free)
    fit = build_noise(rng, len(free), 1.9, 160) - 7 * slope - 0.004 * above.clip(0, 200)
    if setting.pivots:
        return keep_share(fit, free, min(1.0, share * 1.5)) & _circles(rng, parcels)
    mean = np.bincount(parcels.key.ravel(), fit.ravel(), KEYS) / np.maximum(
        np.bincount(parcels.key.ravel(), minlength=KEYS), 1
    )
    wanted = mean.astype(np.float32)[parcels.key] + 0.3 * fit
    return keep_share(wanted, free & (slope < 0.3), share)


def _circles(rng: np.random.Generator, parcels: Parcels) -> Mask:
    """Irrigated circles, one in each parcel."""
    inner = ndimage.distance_transform_edt(~parcels.edge).astype(np.float32)
    counts = np.maximum(np.bincount(parcels.key.ravel(), minlength=KEYS), 1)
    rows, columns = count_pixels(len(inner))
    rows, columns = rows + 0 * columns, columns + 0 * rows
    middle = [np.bincount(parcels.key.ravel(), axis.ravel(), KEYS) / counts for axis in (rows, columns)]
    reach = np.zeros(KEYS, np.float32)
    np.maximum.at(reach, parcels.key.ravel(), inner.ravel())
    away = np.hypot(rows - middle[0][parcels.key], columns - middle[1][parcels.key])
    return np.asarray(away < (reach * rng.uniform(0.75, 0.97))[parcels.key])


def _sow(
    rng: np.random.Generator,
    material: NDArray[np.int16],
    fields: Mask,
    parcels: Parcels,
    setting: Setting,
    where: Circumstances,
) -> None:
    """A crop on every field; each scene has its own shares."""
    names = ["cereal", "maize", "rape", "beet", "clover", "fallow", "paddy"]
    wet = 1.2 if where.arid < 0.3 and abs(where.latitude) < 38 else 0.02
    shares = rng.dirichlet(np.array([1.6, 1.2, 0.5, 0.8, 0.7, 0.5 + where.arid, wet]) * 0.9)
    crops = rng.choice([INDEX[name] for name in names], KEYS, p=shares).astype(np.int16)
    material[fields] = crops[parcels.key][fields]
    if setting.pivots:
        return
    meadows = rng.uniform(size=KEYS) < rng.uniform(0, 0.12)
    pastures = rng.uniform(size=KEYS) < (rng.uniform(0, 0.5) if where.arid < 0.45 else 0)
    glass = rng.uniform(size=KEYS) < (rng.uniform(0, 0.1) if rng.uniform() < 0.12 else 0)
    material[fields & meadows[parcels.key]] = INDEX["clover"]
    material[fields & pastures[parcels.key]] = INDEX["pasture"]
    material[fields & glass[parcels.key]] = INDEX["greenhouse"]


def _edge_fields(rng: np.random.Generator, material: NDArray[np.int16], fields: Mask, parcels: Parcels) -> None:
    """Tracks, grass strips and hedges between fields; too thin for the label, not for the light."""
    kind = rng.choice(["track", "meadow", "broadleaf", ""], p=[0.3, 0.25, 0.2, 0.25])
    if kind:
        kept = rng.uniform(size=KEYS) < rng.uniform(0.3, 1.0)
        material[fields & parcels.edge & kept[parcels.key]] = INDEX[kind]
    material[fields & parcels.border] = INDEX["track"]


def _grow_woods(
    rng: np.random.Generator,
    material: NDArray[np.int16],
    setting: Setting,
    where: Circumstances,
    free: Mask,
    slope: Field,
    ground: Field,
    parcels: Parcels,
) -> Mask:
    """Woods on slopes and along brooks below the tree line; in dry lands single trees. Returns where."""
    side = len(material)
    share = draw(rng, setting.forest)
    relief = max(float(np.ptp(ground)), 1.0)
    up = (ground - ground.min()) / relief
    line = rng.uniform(0.55, 0.9) if relief > 300 else 2.0
    large = build_noise(rng, side, 1.7, rng.uniform(60, 200))
    small = build_noise(rng, side, 0.9, 30)
    scattered = rng.uniform(0.5, 1.0) if where.setting in {"savanna", "steppe"} else rng.uniform(0, 0.2)
    fit = (1 - scattered) * large + scattered * small + 1.2 * slope.clip(0, 0.5)
    if scattered < 0.3 and rng.uniform() < 0.5:  # plots that were planted or cleared as wholes
        plots = rng.normal(0, 0.7, KEYS).astype(np.float32)
        fit = fit + plots[parcels.key]
    woods = keep_share(fit, free & (up < line) & (slope < 0.9), share)
    if scattered < 0.4:
        woods = ndimage.binary_opening(woods, iterations=1)
    if abs(where.latitude) < 24:
        kinds = ("evergreen", "evergreen" if where.arid < 0.35 else "broadleaf")
    else:
        kinds = ("broadleaf", "conifer")
    mix = (
        build_noise(rng, side, 1.5, 110)
        + 1.5 * (up - 0.5)
        + np.float32(rng.normal(0, 0.8) + abs(where.latitude) / 40 - 1)
    )
    material[woods] = np.where(mix > 0, INDEX[kinds[1]], INDEX[kinds[0]])[woods]
    return np.asarray(woods)


def _find_marsh(
    rng: np.random.Generator, setting: Setting, free: Mask, slope: Field, above: Field, terrain: Terrain
) -> Mask:
    """Low flat land near water."""
    share = draw(rng, setting.wet)
    if share < 0.02:
        return np.zeros_like(free)
    water = terrain.standing | terrain.flowing
    away = (
        ndimage.distance_transform_edt(~water[::2, ::2]).astype(np.float32) * PIXEL
        if water.any()
        else above[::2, ::2] * 50
    )
    low = -double(np.ascontiguousarray(away), len(free)) / 500 - 0.25 * above.clip(0, 20) - 8 * slope
    fit = low + 0.45 * build_noise(rng, len(free), 1.4, 90)
    return keep_share(fit, free & (slope < 0.12) & (above < 12), share)


def _lay_bare(
    rng: np.random.Generator,
    material: NDArray[np.int16],
    where: Circumstances,
    free: Mask,
    slope: Field,
    ground: Field,
    terrain: Terrain,
) -> None:
    """Rock on steep and high ground, sand and salt in deserts, gravel and beaches along water, pits."""
    side = len(material)
    rough = build_noise(rng, side, 1.3, 70)
    rock = INDEX[str(rng.choice(["grey rock", "dark rock", "bare soil"], p=[0.5, 0.25, 0.25]))]
    steep = slope + 0.07 * rough > rng.uniform(0.5, 0.85) - 0.35 * where.arid
    relief = float(np.ptp(ground))
    if relief > 300:
        steep |= (ground - ground.min()) / relief + 0.08 * rough > rng.uniform(0.6, 1.0)
    material[free & steep] = rock
    empty = keep_share(
        build_noise(rng, side, 1.25, 200) + 0.4 * rough + 3 * slope, free, np.clip((where.arid - 0.45) * 2.2, 0, 0.95)
    )
    _spread_desert(rng, material, empty & ~steep, slope, double(terrain.above_water, side), where.arid)
    water = terrain.standing | terrain.flowing
    if water.any() and rng.uniform() < 0.6:
        shore = ndimage.binary_dilation(water, iterations=int(rng.integers(1, 5))) & (rough > rng.uniform(-1, 1))
        material[free & shore] = INDEX["sand" if terrain.standing.any() else "gravel"]
    if rng.uniform() < 0.3:  # a pit or a building site
        rows, columns = count_pixels(side)
        pit = np.hypot(rows - np.float32(rng.uniform(0, side)), columns - np.float32(rng.uniform(0, side))) + 8 * rough
        material[free & (pit < rng.uniform(12, 40))] = INDEX[str(rng.choice(["bare soil", "gravel", "sand"]))]


def _spread_desert(
    rng: np.random.Generator, material: NDArray[np.int16], empty: Mask, slope: Field, above: Field, arid: float
) -> None:
    """Two kinds of ground by height above the dry valleys, gravel in these, dunes or salt in the flats."""
    side = len(material)
    names = (
        ["bare soil", "bare soil", "grey rock", "dark rock", "sand"]
        if arid > 0.7
        else ["bare soil", "bare soil", "grey rock"]
    )
    kinds = [INDEX[str(name)] for name in rng.choice(names, 2)]
    high = above / max(float(np.quantile(above, 0.9)), 1.0)
    other = 0.6 * build_noise(rng, side, 1.15, 120) + 1.5 * (high - 0.5) + 3 * slope > rng.uniform(-0.8, 0.8)
    material[empty] = np.where(other, kinds[0], kinds[1])[empty]
    wadi = empty & (high + 0.05 * build_noise(rng, side, 1.0, 30) < rng.uniform(0.0, 0.12))
    material[wadi] = INDEX[str(rng.choice(["gravel", "sand"]))]
    if arid > 0.7 and rng.uniform() < 0.4:
        pan = (build_noise(rng, side, 1.3, 200) - 2 * high > rng.uniform(-0.5, 0.8)) & (slope < 0.06)
        material[empty & pan] = INDEX[str(rng.choice(["salt", "sand"]))]


def _snow_over(
    rng: np.random.Generator,
    material: NDArray[np.int16],
    label: NDArray[np.uint8],
    setting: Setting,
    where: Circumstances,
    ground: Field,
    slope: Field,
    never: Mask,
) -> None:
    """Snow above a line that falls in winter and on slopes away from the sun; it slides off the steepest."""
    if setting.snow_line[0] > 1.5:
        return
    side = len(material)
    up = (ground - ground.min()) / max(float(np.ptp(ground)), 1.0)
    winter = 0.5 + 0.5 * np.cos(2 * np.pi * (where.northern_day - 30) / 365)
    line = draw(rng, setting.snow_line) - 0.35 * (winter - 0.5)
    facing = ndimage.sobel(ndimage.gaussian_filter(ground, 3), axis=0)
    facing = facing / max(float(facing.std()), 1e-6) * (1 if where.latitude >= 0 else -1)
    cold = up - np.float32(line) + 0.06 * facing.clip(-2, 2) + 0.05 * build_noise(rng, side, 1.2, 50)
    trees = (label == 2) & (cold < 0.25)
    snow = (cold > 0) & (slope < 0.95) & ~never & ~trees
    material[snow] = np.where(cold > rng.uniform(0.05, 0.4), INDEX["snow"], INDEX["old snow"])[snow]
    label[snow] = 9


def shares_of_soil(where: Circumstances) -> dict[str, float]:
    """Ground -> share of the soil of the scene."""
    return dict(zip(SOILS, where.soil, strict=True))


__all__ = ["Circumstances", "Landscape", "Settlement", "build_landscape", "draw_circumstances", "shares_of_soil"]
