"""Where a flood stands, how deep, and what light and radar see of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.data.simulator.flood_parameters import FLOOD_WATER, FLOODING, WATER_WEIGHTS
from claire.data.simulator.landscape import CLASSES, INDEX, Landscape
from claire.data.simulator.noise import Field, Mask, build_noise, count_pixels, double, draw, from_db, halve
from claire.data.simulator.optical import Cover
from claire.data.simulator.parameters import BANDS
from claire.data.simulator.parcels import KEYS
from claire.data.simulator.terrain import Terrain

TALL = 3.0
"""Metres above which trees and houses stand out of any flood."""

DEEPEST = 6.0
"""Metres."""

STEEPEST = 0.25
"""Tangent of the slope above which no flood stands."""


@dataclass(frozen=True)
class Lie:
    """The lie of the land as a rising water finds it, on pixels of 5 m.

    Args:
        rank: (2H, 2W) height at which a pixel is flooded, without unit: 0 at the rivers, about 1 above them.
        open: (2H, 2W) bool: land that can be flooded.
        water: (2H, 2W) bool: rivers, lakes and sea, which hold water on both dates.
        metres: Depth per unit of `rank`.
        hollows: Whether water stays without a way to other water.
    """

    rank: Field
    open: Mask
    water: Mask
    metres: float
    hollows: bool


@dataclass(frozen=True)
class Look:
    """How one flood looks, the same all over the scene.

    Args:
        water: (6, 2H, 2W) float32 reflectance of the water.
        shallow: Metres at which bare ground no longer shows.
        reach: Share of their height from which plants are under water.
        gaps: Share of the ground under trees that is seen.
        mats: (2H, 2W) float32 0..1, floating plants.
    """

    water: NDArray[np.float32]
    shallow: float
    reach: float
    gaps: float
    mats: Field


def survey(rng: np.random.Generator, terrain: Terrain, landscape: Landscape) -> Lie:
    """Rank the land by how early it is flooded: height above the drainage, uneven, tilted, behind banks."""
    side = len(terrain.standing)
    above = double(terrain.above_water, side)
    rank = above / np.float32(np.quantile(above, 0.75) + 0.2)
    rank += build_noise(rng, side, 1.6, draw(rng, FLOODING.wave)) * np.float32(draw(rng, FLOODING.unevenness))
    rows, columns = count_pixels(side)
    turn, tilt = rng.uniform(0, 2 * np.pi), abs(rng.normal(0, FLOODING.tilt)) * 2 / side
    rank += np.float32(tilt * np.cos(turn)) * rows + np.float32(tilt * np.sin(turn)) * columns
    if rng.uniform() < FLOODING.parcels:
        steps = rng.normal(0, draw(rng, FLOODING.parcel_step), KEYS).astype(np.float32)
        rank += np.where(landscape.field, steps[landscape.parcel], 0)
    if rng.uniform() < FLOODING.dykes:
        roads = (landscape.material == INDEX["track"]) | (landscape.material == INDEX["asphalt"])
        rank += roads * np.float32(draw(rng, FLOODING.dyke))
    water = terrain.standing | terrain.flowing
    level_enough = double(terrain.slope, side) < STEEPEST
    return Lie(rank, level_enough & ~water, water, draw(rng, FLOODING.depth), rng.uniform() < FLOODING.hollows)


def flood(lie: Lie, share: float) -> Field:
    """(2H, 2W) float32 metres of water on land when about `share` of the open land is flooded; 0 on dry land and water.

    Args:
        lie: The lie of the land.
        share: 0..1; with hollows closed, less may be flooded.
    """
    if share <= 0 or not lie.open.any():
        return np.zeros_like(lie.rank)
    level = np.quantile(lie.rank[lie.open][::7], min(share, 1.0))
    wet = lie.open & (lie.rank < level)
    if not lie.hollows:
        wet &= _find_connected(wet | lie.water, lie.water)
    depth = (np.float32(level) - lie.rank) * np.float32(lie.metres) + np.float32(0.02)
    return np.asarray(np.where(wet, depth.clip(0.02, DEEPEST), 0), np.float32)


def _find_connected(wet: Mask, water: Mask) -> Mask:
    """The parts of a wet mask that reach water or the edge of the scene."""
    parts, count = ndimage.label(wet)
    reached = np.zeros(count + 1, bool)
    for edge in (parts[water], parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        reached[edge] = True
    reached[0] = False
    return np.asarray(reached[parts])


def draw_look(rng: np.random.Generator, side: int) -> Look:
    """How a flood looks: two waters that blend by place, how soon it hides what it covers."""
    names = rng.choice(list(FLOOD_WATER), 2, p=np.array(WATER_WEIGHTS) / sum(WATER_WEIGHTS))
    one, two = (np.array(FLOOD_WATER[str(name)]) * np.exp(rng.normal(0, 0.2)) for name in names)
    blend = 1 / (1 + np.exp(-1.5 * build_noise(rng, side, 1.9, 300) - np.float32(rng.normal(0, 1.5))))
    uneven = (1 + np.float32(0.05) * build_noise(rng, side, 1.2, 80)).clip(0.7, 1.3)
    water = np.stack([(np.float32(a) + np.float32(b - a) * blend) * uneven for a, b in zip(one, two, strict=True)])
    mats = np.zeros((side, side), np.float32)
    if rng.uniform() < FLOODING.mats:
        mats = ((build_noise(rng, side, 1.2, 90) - np.float32(rng.uniform(0.4, 2.0))) * 2).clip(0, 0.8)
    return Look(
        np.asarray(water, np.float32),
        draw(rng, FLOODING.shallow),
        draw(rng, FLOODING.reach),
        draw(rng, FLOODING.gaps),
        np.asarray(mats, np.float32),
    )


def find_tall(landscape: Landscape) -> tuple[Mask, Mask]:
    """Where trees, and where houses, stand out of any flood; both (2H, 2W) bool."""
    tall = landscape.height > TALL
    built = CLASSES[landscape.material] == 7
    return tall & ~built, tall & built


def compute_open_water(depth: Field, landscape: Landscape, cover: Cover, look: Look) -> Field:
    """Share of each pixel that is seen as open water, (2H, 2W) float32 0..1; trees and houses hide all of it."""
    trees, houses = find_tall(landscape)
    plants = landscape.height * (cover.green + cover.dry).clip(0, 1)
    hidden = depth / (np.float32(look.shallow) + np.float32(look.reach) * plants)
    seen = hidden.clip(0, 1) * (1 - look.mats)
    return np.asarray(np.where(trees | houses | (depth <= 0), 0, seen), np.float32)


def mix_light(
    reflectance: NDArray[np.float32], depth: Field, landscape: Landscape, cover: Cover, look: Look
) -> NDArray[np.float32]:
    """Reflectance (6, 2H, 2W) of a land under a flood of some depth."""
    trees, _ = find_tall(landscape)
    bare = (1 - cover.green - cover.dry).clip(0, 1)
    share = compute_open_water(depth, landscape, cover, look)
    share += np.where(trees & (depth > 0), np.float32(look.gaps) * bare, 0)
    return np.stack([reflectance[band] + (look.water[band] - reflectance[band]) * share for band in range(len(BANDS))])


def mix_radar(
    rng: np.random.Generator, power: Field, depth: Field, landscape: Landscape, cover: Cover, look: Look
) -> Field:
    """Power of VV (H, W) of a land under a flood of some depth: dark open water, brighter woods, plants and walls."""
    trees, houses = find_tall(landscape)
    wet = depth > 0
    open_water = compute_open_water(depth, landscape, cover, look)
    near = ndimage.binary_dilation(wet, iterations=2)
    bounce = draw(rng, FLOODING.bounce_plant_db) * wet * np.sqrt(open_water.clip(0, 1))
    bounce += np.where(trees & wet, draw(rng, FLOODING.bounce_wood_db), 0)
    bounce += np.where(houses & near, draw(rng, FLOODING.bounce_town_db), 0)
    side = len(power)
    level = np.float32(draw(rng, FLOODING.water_db)) + np.float32(0.4) * build_noise(rng, side, 1.5, 80)
    if rng.uniform() < FLOODING.windy:
        level += np.float32(draw(rng, FLOODING.wind_db)) * (1 + 0.3 * build_noise(rng, side, 1.6, 120)).clip(0, 2)
    share = np.sqrt(halve(open_water))
    raised = power * from_db(halve(np.asarray(bounce, np.float32)))
    return np.asarray(raised + (from_db(level) - raised) * share, np.float32)
