"""One simulated scene: everything above it, put together in the order in which light and radar meet it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Unit
from claire.core.errors import InputError, UnknownNameError
from claire.core.types import GeoReference, Layer, Notice, Tile
from claire.data.simulator.clouds import cover_with_clouds
from claire.data.simulator.landscape import Circumstances, Landscape, build_landscape, draw_circumstances
from claire.data.simulator.noise import draw, halve, start_stream
from claire.data.simulator.optical import (
    Sun,
    compute_cover,
    compute_light,
    compute_reflectance,
    draw_air,
    find_sun,
    observe,
)
from claire.data.simulator.parameters import BANDS, CLOUD_KINDS, PIXEL, RANDOM, SAR_BANDS, SETTINGS
from claire.data.simulator.sar import Radar, compute_backscatter, draw_radar, look_sideways
from claire.data.simulator.terrain import Terrain, build_terrain

LEAST_SIDE, MOST_SIDE = 32, 1024
"""Sides of a scene, pixels."""

LEVELS = ("surface", "toa")
"""Reflectance at the surface (as L2A) and at the top of the atmosphere (as L1C)."""

OFFSET = 1000
"""What newer Sentinel-2 products add."""

NOTICE = Notice("generated", "This scene is simulated by a program; it shows no real place.")


@dataclass(frozen=True)
class Options:
    """What may be asked of a scene; None is drawn by the seed.

    Args:
        size: Side in pixels of 10 m, 32..1024.
        setting: Key of `SETTINGS`: the kind of landscape.
        level: One of `LEVELS`.
        clouds: Key of `CLOUD_KINDS` for the cloudy picture.
        looks: Equivalent looks of the speckle.
        offset: Whether 1000 is added to the optical numbers, as in products since 2022.
    """

    size: int = 256
    setting: str | None = None
    level: str | None = None
    clouds: str | None = None
    looks: float | None = None
    offset: bool = False

    def __post_init__(self) -> None:
        if not LEAST_SIDE <= self.size <= MOST_SIDE:
            raise InputError(
                f"A side of {self.size} pixels was asked for.", f"Choose {LEAST_SIDE} to {MOST_SIDE} pixels of 10 m."
            )
        for name, given, known in (
            ("landscape", self.setting, SETTINGS),
            ("level", self.level, LEVELS),
            ("kind of cloud", self.clouds, CLOUD_KINDS),
        ):
            if given is not None and given not in known:
                raise UnknownNameError.among(name, given, known)
        if self.looks is not None and not 1 <= self.looks <= 1000:
            raise InputError(f"{self.looks:g} looks were asked for.", "Choose 1 to 1000.")


@dataclass(frozen=True)
class Scene:
    """Co-registered pictures of one simulated place.

    Args:
        seed: What it was made from, together with `options`.
        options: As drawn.
        optical: (6, H, W) uint16 reflectance x 1e4 of `BANDS`, clear.
        cloudy: (6, H, W) uint16, the same under clouds.
        cloud: (H, W) uint8: 0 clear, 1 thin, 2 thick, 3 shadow, for `cloudy`.
        sar: (2, H, W) float32 dB of VV and VH.
        label: (H, W) uint8 ids of the global 10 m scheme.
        height: (H, W) float32 metres.
        where: When and where.
        sun: Position of the sun.
        radar: The look of the radar.
        terrain: The bare ground.
    """

    seed: int
    options: Options
    optical: NDArray[np.uint16]
    cloudy: NDArray[np.uint16]
    cloud: NDArray[np.uint8]
    sar: NDArray[np.float32]
    label: NDArray[np.uint8]
    height: NDArray[np.float32]
    where: Circumstances
    sun: Sun
    radar: Radar
    terrain: Terrain

    @property
    def georeference(self) -> GeoReference:
        """A place in the UTM zone of the latitude; it is made up, like all else."""
        return place_scene(self.seed, self.where.latitude)

    def as_tile(self, name: str, *, cloudy: bool = False) -> Tile:
        """The scene as the rest of the program reads it."""
        optical = self.cloudy if cloudy else self.optical
        unit: Unit = "reflectance_x1e4_offset" if self.options.offset else "reflectance_x1e4"
        return Tile(
            name=name,
            optical=Layer(optical, np.ones(optical.shape, bool), BANDS, unit),
            sar=Layer(self.sar, np.ones(self.sar.shape, bool), SAR_BANDS, "db"),
            label=self.label,
            georeference=self.georeference,
            notices=(NOTICE,),
        )


def simulate_scene(seed: int, options: Options | None = None) -> Scene:
    """Simulate one scene, the same for the same arguments.

    Args:
        seed: Not negative; decides everything that the options leave open.
        options: What is asked for.

    Raises:
        InputError: The seed is negative.

    Example:
        >>> scene = simulate_scene(7, Options(size=64))
        >>> scene.optical.shape, scene.sar.shape, scene.label.shape
        ((6, 64, 64), (2, 64, 64), (64, 64))
    """
    if seed < 0:
        raise InputError(f"The seed is {seed}.", "Use 0 or a positive whole number.")
    asked = options or Options()
    chosen = _draw_options(seed, asked)
    setting = SETTINGS[chosen.setting or ""]
    where = draw_circumstances(start_stream(seed, "where"), chosen.setting or "", setting)
    terrain = build_terrain(start_stream(seed, "terrain"), asked.size, setting)
    landscape = build_landscape(start_stream(seed, "landscape"), terrain, setting, where)
    sun = find_sun(where.day, where.latitude)
    cover = compute_cover(start_stream(seed, "cover"), landscape, where)

    reflectance = compute_reflectance(start_stream(seed, "spectra"), landscape, cover, where)
    air = draw_air(start_stream(seed, "air"), chosen.level or "")
    light = compute_light(terrain, landscape, sun, draw(start_stream(seed, "shade"), RANDOM.low_sun))
    clear = observe(start_stream(seed, "optical"), reflectance, light, air)
    cloudy, mask = cover_with_clouds(start_stream(seed, "clouds"), clear, chosen.clouds or "", sun, air.amount)

    radar = draw_radar(start_stream(seed, "radar"), where, asked.looks)
    power = compute_backscatter(start_stream(seed, "sar"), landscape, cover, terrain, where, radar)
    surface = terrain.height + halve(landscape.height)
    sar = look_sideways(start_stream(seed, "speckle"), power, surface, radar)
    return Scene(
        seed,
        chosen,
        _as_numbers(clear, asked.offset),
        _as_numbers(cloudy, asked.offset),
        mask,
        sar,
        compute_label(landscape),
        terrain.height,
        where,
        sun,
        radar,
        terrain,
    )


def _draw_options(seed: int, asked: Options) -> Options:
    rng = start_stream(seed, "options")
    weights = np.array([setting.weight for setting in SETTINGS.values()])
    setting = str(rng.choice(list(SETTINGS), p=weights / weights.sum()))
    level, clouds = str(rng.choice(LEVELS)), str(rng.choice(list(CLOUD_KINDS)))
    return Options(
        asked.size, asked.setting or setting, asked.level or level, asked.clouds or clouds, asked.looks, asked.offset
    )


def compute_label(landscape: Landscape) -> NDArray[np.uint8]:
    """(H, W) uint8: the id that most of the four 5 m pixels have; the first of them in a tie."""
    ids = landscape.label
    a, b, c, d = ids[::2, ::2], ids[::2, 1::2], ids[1::2, ::2], ids[1::2, 1::2]
    first = (a == b) | (a == c) | (a == d)
    return np.asarray(np.where(first, a, np.where((b == c) | (b == d), b, np.where(c == d, c, a))), np.uint8)


def place_scene(seed: int, latitude: float) -> GeoReference:
    """A metric grid of 10 m pixels whose zone fits the latitude."""
    zone = 1 + seed % 60
    epsg = (32600 if latitude >= 0 else 32700) + zone
    north = round(latitude * 111_000 / PIXEL) * PIXEL + (0 if latitude >= 0 else 10_000_000)
    return GeoReference(f"EPSG:{epsg}", (PIXEL, 0.0, 500_000.0, 0.0, -PIXEL, north), metres=True)


def _as_numbers(reflectance: NDArray[np.float32], offset: bool) -> NDArray[np.uint16]:
    """Digital numbers; 0 means no data, so that the darkest is 1."""
    numbers = np.rint(reflectance * np.float32(1e4)) + (OFFSET if offset else 0)
    return np.asarray(numbers.clip(1, 65535), np.uint16)
