"""Pairs of pictures before and after a simulated flood, as OMBRIA holds them of real ones.

Terrain and landscape are those of `scene`; the two dates differ in season, sun, air, moisture, wind and speckle, and
the second has water where it rose to: from rivers, lakes and the edge over what is low above the drainage (NOB).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.core.errors import InputError
from claire.core.types import Layer, Tile
from claire.data.simulator.clouds import cover_with_clouds
from claire.data.simulator.flood_labels import draw_label
from claire.data.simulator.flood_parameters import FLOODING, SETTING_WEIGHTS
from claire.data.simulator.flooding import (
    Lie,
    Look,
    compute_open_water,
    draw_look,
    flood,
    mix_light,
    mix_radar,
    survey,
)
from claire.data.simulator.landscape import Circumstances, Landscape, build_landscape, draw_circumstances
from claire.data.simulator.noise import Field, Mask, draw, halve, start_stream
from claire.data.simulator.optical import (
    Cover,
    compute_cover,
    compute_light,
    compute_reflectance,
    draw_air,
    find_sun,
    observe,
)
from claire.data.simulator.parameters import BANDS, CLOUD_KINDS, SETTINGS
from claire.data.simulator.sar import Radar, compute_backscatter, draw_radar, look_sideways
from claire.data.simulator.scene import NOTICE, Options, place_scene
from claire.data.simulator.terrain import Terrain, build_terrain

FLOOD_BANDS = ("B11", "B8", "B3")
"""Bands of one optical picture, in this order."""

OPTICAL_BANDS = tuple(f"{band}_{date}" for date in ("before", "after") for band in FLOOD_BANDS)
SAR_BANDS = ("VV_before", "VV_after")

DATES = ("before", "after")
CHOSEN = [BANDS.index(band) for band in FLOOD_BANDS]


@dataclass(frozen=True)
class FloodPair:
    """Pictures of one simulated place before and after a flood, 8-bit as OMBRIA's.

    Args:
        seed: What it was made from.
        setting: Key of `SETTINGS`.
        optical: (2, 3, H, W) uint8: before and after, of `FLOOD_BANDS`; 0 in all three is a gap.
        sar: (2, H, W) uint8: VV before and after, from the lowest dB of the picture to its highest or above.
        label: (H, W) uint8: 1 flood, 0 not, as an analyst draws it.
        permanent: (H, W) bool: water on both dates, three pixels wide or more.
        flooded: (H, W) float32 share of land under water, at the time of the label.
        cloud: (2, H, W) uint8: 0 clear, 1 thin, 2 thick, 3 shadow.
        latitude: Degrees.
    """

    seed: int
    setting: str
    optical: NDArray[np.uint8]
    sar: NDArray[np.uint8]
    label: NDArray[np.uint8]
    permanent: Mask
    flooded: Field
    cloud: NDArray[np.uint8]
    latitude: float

    def as_tile(self, name: str) -> Tile:
        """The pair as the rest of the program reads it, with the bands and units of OMBRIA."""
        optical = self.optical.reshape(-1, *self.label.shape)
        return Tile(
            name=name,
            optical=Layer(optical, np.ones(optical.shape, bool), OPTICAL_BANDS, "uint8"),
            sar=Layer(self.sar, np.ones(self.sar.shape, bool), SAR_BANDS, "uint8"),
            label=self.label,
            georeference=place_scene(self.seed, self.latitude),
            notices=(NOTICE,),
        )


@dataclass(frozen=True)
class _Ground:
    """What the two dates share."""

    seed: int
    terrain: Terrain
    landscape: Landscape
    look: Look
    level: str
    replanted: bool


@dataclass(frozen=True)
class _Waters:
    """Metres of water on land (2H, 2W): before, in the second optical and SAR picture, and at the time of the label."""

    before: Field
    optical: Field
    sar: Field
    label: Field


def simulate_flood(seed: int, size: int = 160, *, setting: str | None = None, share: float | None = None) -> FloodPair:
    """Simulate one pair, the same for the same arguments.

    Args:
        seed: Not negative; decides everything else.
        size: Side in pixels of 10 m, 32..1024.
        setting: Key of `SETTINGS`; drawn by the seed when it is None.
        share: Of the land that the flood covers, 0..1; drawn by the seed when it is None.

    Raises:
        InputError: The seed is negative, or the size or the share is out of range.
        UnknownNameError: No such setting.

    Example:
        >>> pair = simulate_flood(7, size=64)
        >>> pair.optical.shape, pair.sar.shape, pair.label.shape
        ((2, 3, 64, 64), (2, 64, 64), (64, 64))
    """
    if seed < 0:
        raise InputError(f"The seed is {seed}.", "Use 0 or a positive whole number.")
    if share is not None and not 0 <= share <= 1:
        raise InputError(f"A flooded share of {share:g} was asked for.", "Choose 0 to 1.")
    Options(size, setting)  # checks both
    rng = start_stream(seed, "flood")
    weights = np.array(list(SETTING_WEIGHTS.values()))
    drawn = str(rng.choice(list(SETTING_WEIGHTS), p=weights / weights.sum()))
    name = setting or drawn
    dates = _draw_dates(rng, start_stream(seed, "where"), name)
    ground = _build_ground(rng, seed, size, name, dates[0])
    lie = survey(start_stream(seed, "lie"), ground.terrain, ground.landscape)
    waters = _draw_waters(rng, lie, share)
    seasons = ("cover", "cover again" if ground.replanted else "cover")
    covers = [
        compute_cover(start_stream(seed, season), ground.landscape, where)
        for season, where in zip(seasons, dates, strict=True)
    ]
    seen = [
        _see(rng, ground, cover, where, depth, date)
        for date, where, cover, depth in zip(DATES, dates, covers, (waters.before, waters.optical), strict=True)
    ]
    optical = _stretch_optical(rng, [picture for picture, _ in seen])
    sar = _look_twice(rng, ground, covers, dates, (waters.before, waters.sar))
    permanent = _find_permanent(lie, waters)
    open_water = compute_open_water(waters.label, ground.landscape, covers[1], ground.look)
    label = draw_label(start_stream(seed, "label"), waters.label, open_water, ground.landscape, permanent)
    if rng.uniform() < FLOODING.gap:
        _cut_gap(rng, optical, label)
    return FloodPair(
        seed,
        name,
        optical,
        sar,
        label,
        permanent,
        halve((waters.label > 0).astype(np.float32)),
        np.stack([mask for _, mask in seen]),
        dates[0].latitude,
    )


def _draw_dates(rng: np.random.Generator, place: np.random.Generator, name: str) -> tuple[Circumstances, Circumstances]:
    """The circumstances of both dates: another day and soil moisture, all else the same."""
    where = draw_circumstances(place, name, SETTINGS[name])
    days = draw(rng, FLOODING.soon if rng.uniform() < 0.5 else FLOODING.late)
    humid = 1 - 0.7 * where.arid
    before = replace(where, moisture=draw(rng, FLOODING.moisture_before) * humid)
    after = replace(
        where,
        day=int(where.day - 1 + days) % 365 + 1,
        moisture=draw(rng, FLOODING.moisture_after) * (1 - 0.4 * where.arid),
    )
    return before, after


def _build_ground(rng: np.random.Generator, seed: int, size: int, name: str, where: Circumstances) -> _Ground:
    setting = SETTINGS[name]
    low, high = setting.relief
    flatter = draw(rng, FLOODING.relief)
    comes = rng.uniform() < FLOODING.rivers and setting.river[1] > 0
    river = FLOODING.river if comes else (0.0, 0.0)
    setting = replace(setting, relief=(low * flatter, high * flatter), river=river)
    terrain = build_terrain(start_stream(seed, "terrain"), size, setting)
    landscape = build_landscape(start_stream(seed, "landscape"), terrain, setting, where)
    look = draw_look(start_stream(seed, "water"), 2 * size)
    level = "surface" if rng.uniform() < FLOODING.surface else "toa"
    return _Ground(seed, terrain, landscape, look, level, rng.uniform() < FLOODING.replanted)


def _draw_waters(rng: np.random.Generator, lie: Lie, asked: float | None) -> _Waters:
    """How high the water stands on each day on which somebody looks."""
    share = float(rng.beta(*FLOODING.share)) * FLOODING.largest * (rng.uniform() >= FLOODING.dry)
    share = share if asked is None else asked
    later = draw(rng, FLOODING.receding) if rng.uniform() < FLOODING.lag else 1.0
    standing = draw(rng, FLOODING.standing_part) if rng.uniform() < FLOODING.standing else 0.0
    missed = rng.uniform() < FLOODING.missed
    label = flood(lie, share)
    other = label if later == 1.0 else flood(lie, share * later)
    before = flood(lie, share * standing)
    sar, optical = (label, other) if rng.uniform() < FLOODING.optical_lags else (other, label)
    return _Waters(before, optical, before if missed else sar, label)


def _find_permanent(lie: Lie, waters: _Waters) -> Mask:
    """(H, W) bool: water of both dates, without rivers narrower than three pixels, which maps of floods leave out."""
    wet: Mask = halve((lie.water | (waters.before > 0)).astype(np.float32)) >= 0.5
    return np.asarray(ndimage.binary_opening(wet))


def _see(
    rng: np.random.Generator, ground: _Ground, cover: Cover, where: Circumstances, depth: Field, date: str
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """One optical picture (3, H, W), reflectance of `FLOOD_BANDS`, and its cloud mask (H, W)."""
    sun = find_sun(where.day, where.latitude)
    reflectance = compute_reflectance(start_stream(ground.seed, "spectra"), ground.landscape, cover, where)
    under = depth
    if date == "after" and depth.any() and rng.uniform() < FLOODING.river_turbid:
        under = np.where(ground.terrain.flowing, np.float32(3), depth)
    reflectance = mix_light(reflectance, under, ground.landscape, cover, ground.look)
    air = draw_air(start_stream(ground.seed, f"air {date}"), ground.level)
    if date == "after":
        air = replace(air, haze=air.haze + draw(rng, FLOODING.haze_after))
    light = compute_light(ground.terrain, ground.landscape, sun)
    picture = observe(start_stream(ground.seed, f"optical {date}"), reflectance, light, air)
    mask = np.zeros(picture.shape[1:], np.uint8)
    if rng.uniform() < (FLOODING.clouds_after if date == "after" else FLOODING.clouds_before):
        kind = str(rng.choice(list(CLOUD_KINDS), p=FLOODING.cloud_weights))
        stream = start_stream(ground.seed, f"clouds {date}")
        picture, mask = cover_with_clouds(stream, picture, kind, sun, air.amount)
    return picture[CHOSEN], mask


def _look_twice(
    rng: np.random.Generator,
    ground: _Ground,
    covers: list[Cover],
    dates: tuple[Circumstances, Circumstances],
    depths: tuple[Field, Field],
) -> NDArray[np.uint8]:
    """Both SAR pictures (2, H, W), 8-bit."""
    first = draw_radar(start_stream(ground.seed, "radar"), dates[0])
    other = draw_radar(start_stream(ground.seed, "radar after"), dates[1])
    radars = (first, _turn(first, other, rng.uniform() < FLOODING.orbit))
    blur = draw(rng, FLOODING.filter_width) if rng.uniform() < FLOODING.filtered else 0.0
    surface = ground.terrain.height + halve(ground.landscape.height)
    streams = ("sar", "sar again" if ground.replanted else "sar")
    pictures = []
    for date, where, radar, cover, depth, stream in zip(DATES, dates, radars, covers, depths, streams, strict=True):
        rough = start_stream(ground.seed, stream)
        power = compute_backscatter(rough, ground.landscape, cover, ground.terrain, where, radar)[0]
        wet = start_stream(ground.seed, f"wet {date}")
        power = mix_radar(wet, power, depth, ground.landscape, cover, ground.look)
        decibel = look_sideways(start_stream(ground.seed, f"speckle {date}"), power[None], surface, radar)[0]
        beneath = draw(rng, FLOODING.beneath[DATES.index(date)])
        beyond = draw(rng, FLOODING.beyond_before) if date == "before" else 0.0
        pictures.append(_stretch_sar(ndimage.gaussian_filter(decibel, blur) if blur else decibel, beneath, beyond))
    return np.stack(pictures)


def _turn(first: Radar, other: Radar, turned: bool) -> Radar:
    """The second look: on the same orbit only the wind differs."""
    if turned:
        return replace(other, rightwards=not first.rightwards, looks=first.looks, width=first.width)
    return replace(first, wind_db=other.wind_db)


def _stretch_sar(decibel: Field, beneath: float, beyond: float) -> NDArray[np.uint8]:
    """0..255 from `beneath` dB below the lowest of a picture to `beyond` dB above its highest, as of a larger chip."""
    low, high = float(decibel.min()) - beneath, float(decibel.max()) + beyond
    return np.asarray(np.rint((decibel - low) * (255 / max(high - low, 1e-6))), np.uint8)


def _stretch_optical(rng: np.random.Generator, pictures: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """(2, 3, H, W) of reflectance: 255 is the brightest of a whole product, so that a chip stays below; at least 1."""
    white = draw(rng, FLOODING.white)
    scales = [255 / white, 255 / (white * np.exp(rng.normal(*FLOODING.white_drift)))]
    numbers = [np.rint(picture * np.float32(scale)) for picture, scale in zip(pictures, scales, strict=True)]
    return np.stack(numbers).clip(1, 255).astype(np.uint8)


def _cut_gap(rng: np.random.Generator, optical: NDArray[np.uint8], label: NDArray[np.uint8]) -> None:
    """A strip at an edge without optical data on either date and without label, in place."""
    side = len(label)
    width = max(1, round(side * draw(rng, FLOODING.gap_width)))
    part = slice(0, width) if rng.uniform() < 0.5 else slice(side - width, side)
    place = (part, slice(None)) if rng.uniform() < 0.5 else (slice(None), part)
    optical[(..., *place)] = 0
    label[place] = 0
