"""Conditions under which a data set can be scored: a name, what it does to a pair, and in which protocol it belongs.

Missing and noisy sensors follow Liao et al. 2025 (arXiv 2503.18445) for two sensors; the damage to OMBRIA's later
optical date follows a public audit of that data set. A condition sees a pair in the bands and units of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Unit
from claire.core.errors import BandError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.types import Layer, Tile
from claire.data.degradations import (
    NOMINAL_SPAN_DB,
    OPTICAL_CONDITIONS,
    Pixels,
    add_noise,
    cover_with_ellipses,
    degrade_optical,
    draw_speckle,
    scale_backscatter,
    shift,
    simulate_clouds,
)
from claire.data.preparing import compute_valid

CLEAR = "clear"

LEVELS: dict[Unit, tuple[float, float]] = {
    "uint8": (0.0, 255.0),
    "reflectance": (0.0, 1.0),
    "reflectance_x1e4": (0.0, 1e4),
    "db": (-NOMINAL_SPAN_DB, 0.0),
    "power": (0.0, 1.0),
    "amplitude": (0.0, 1.0),
}
"""What 0 and 1 stand for in a damage, by unit."""

LEAST = 1 / 255
"""Damage leaves no observed value below this share of full scale where exact zeros would mean "not observed"."""

ELLIPSE_SHARES = (10, 20, 40, 60, 80, 90)
CLOUD_SHARES = (10, 30, 50, 70, 90)
THICKNESS = {"thin": 0.5, "thick": 1.0}
"""Opacity of the middle of a cloud."""
MISSING_SHARES = (25, 50, 75)
NOISE_LEVELS = ((0.05, 0.1), (0.1, 0.2), (0.2, 0.5))
"""Share of salt and pepper, and spread of the Gaussian as a share of full scale."""
LOOKS = (8, 4, 2, 1)
SHIFTS = (0.5, 1.0, 2.0, 4.0)
"""Pixels by which SAR is moved against the optical sensor."""

Act = Callable[[Tile, Manifest, np.random.Generator], Tile]


@dataclass(frozen=True)
class Condition:
    """One way to damage pairs.

    Args:
        name: In results.
        group: Protocol that it belongs to.
        title: What it does, for people.
        act: Takes a pair in the model's bands, the manifest and its randomness; a pair without the sensor that would be
            damaged comes back unchanged.
    """

    name: str
    group: str
    title: str
    act: Act


def list_conditions(names: Iterable[str]) -> tuple[str, ...]:
    """Names of conditions for names of conditions and groups, each once, in the order asked for.

    Raises:
        UnknownNameError: No such condition or group, or no name at all; lists the right ones.

    Example:
        >>> list_conditions(["emm", "clear"])
        ('clear', 'no_optical', 'no_sar')
    """
    found: dict[str, None] = {}
    for name in tuple(names) or ("",):
        if name != ALL and name not in GROUPS and name not in CONDITIONS:
            raise UnknownNameError(
                f"There is no condition called {name[:60]!r}.",
                f"Choose of {', '.join(GROUPS['ombria'])}, a protocol ({', '.join(GROUPS)}), or {ALL}; "
                "`claire evaluate --help` names the rest.",
            )
        found |= dict.fromkeys(GROUPS.get(name, tuple(CONDITIONS) if name == ALL else (name,)))
    return tuple(found)


def apply_condition(tile: Tile, name: str, manifest: Manifest, rng: np.random.Generator) -> Tile:
    """The pair under a condition.

    Args:
        tile: In the bands and units of the model.
        name: Key of `CONDITIONS`.
        manifest: Says which bands were acquired together.
        rng: Randomness.

    Raises:
        UnknownNameError: No such condition; lists the right names.
        BandError: The damage has no meaning in the unit of the pair.
    """
    if name not in CONDITIONS:
        raise UnknownNameError.among("condition", name, CONDITIONS)
    return CONDITIONS[name].act(tile, manifest, rng)


def _degrade_optical(name: str) -> Act:
    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        if name == CLEAR or tile.optical is None:
            return tile
        layer = tile.optical
        scale = np.float32(LEVELS.get(layer.unit, (0.0, 1.0))[1])
        pixels = np.where(layer.valid, layer.values, 0).astype(np.float32) / scale
        damaged = degrade_optical(pixels, name, manifest.optical.dates, rng) * scale
        return replace(tile, optical=replace(layer, values=damaged))

    return act


def _cover(share: float) -> Act:
    """What `cloud_after_30` does, for other shares."""

    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        if tile.optical is None:
            return tile
        layer, rows = tile.optical, list(manifest.optical.dates[-1])
        values = np.where(layer.valid, layer.values, 0).astype(np.float32)
        values[rows] *= ~cover_with_ellipses(layer.shape, share, rng)
        return replace(tile, optical=replace(layer, values=values))

    return act


def _cloud(share: float, thickness: float) -> Act:
    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        if tile.optical is None:
            return tile
        layer, rows = tile.optical, list(manifest.optical.dates[-1])
        seen = compute_valid(layer.values, layer.valid, manifest.optical)
        shares = _to_shares(layer, seen)
        shares[rows] = simulate_clouds(shares[rows], share, thickness, rng)
        return replace(tile, optical=_from_shares(layer, shares, seen))

    return act


def _drop_optical(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
    return replace(tile, optical=None) if tile.sar is not None else tile


def _drop_sar(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
    return replace(tile, sar=None) if tile.optical is not None else tile


def _mask(share: float) -> Act:
    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        layers = [
            None if layer is None else replace(layer, valid=layer.valid & (rng.random(layer.valid.shape) >= share))
            for layer in (tile.optical, tile.sar)
        ]
        return replace(tile, optical=layers[0], sar=layers[1])

    return act


def _add_noise(share: float, spread: float) -> Act:
    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        layers = []
        for layer, spec in ((tile.optical, manifest.optical), (tile.sar, manifest.sar)):
            if layer is not None:
                seen = compute_valid(layer.values, layer.valid, spec)
                layer = _from_shares(layer, add_noise(_to_shares(layer, seen), share, spread, rng), seen)
            layers.append(layer)
        return replace(tile, optical=layers[0], sar=layers[1])

    return act


def _speckle(looks: float) -> Act:
    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        if tile.sar is None:
            return tile
        noise = draw_speckle(tile.sar.values.shape, looks, rng)
        return replace(tile, sar=replace(tile.sar, values=scale_backscatter(tile.sar.values, tile.sar.unit, noise)))

    return act


def _shift(distance: float) -> Act:
    def act(tile: Tile, manifest: Manifest, rng: np.random.Generator) -> Tile:
        if tile.sar is None:
            return tile
        angle = rng.uniform(0, 2 * np.pi)
        seen = compute_valid(tile.sar.values, tile.sar.valid, manifest.sar)
        values, valid = shift(tile.sar.values, seen, distance * np.sin(angle), distance * np.cos(angle))
        return replace(tile, sar=replace(tile.sar, values=values, valid=valid))

    return act


def _to_shares(layer: Layer, seen: NDArray[np.bool_]) -> Pixels:
    """The values as shares of full scale, 0..1; 0 where not seen."""
    if layer.unit not in LEVELS:
        raise BandError(
            "Nobody knows what the numbers of this file measure, so noise and clouds have no size.",
            "State the unit, such as reflectance, db or uint8.",
        )
    low, high = LEVELS[layer.unit]
    values = (np.asarray(layer.values, np.float32) - np.float32(low)) / np.float32(high - low)
    return np.where(seen, np.clip(values, 0, 1), 0).astype(np.float32)


def _from_shares(layer: Layer, shares: Pixels, seen: NDArray[np.bool_]) -> Layer:
    """The layer with other values where it was seen; what was not seen stays so."""
    low, high = LEVELS[layer.unit]
    least = 0.0 if layer.unit == "db" else LEAST
    values = np.float32(low) + np.maximum(shares, np.float32(least)) * np.float32(high - low)
    return replace(layer, values=np.where(seen, values, layer.values).astype(np.float32), valid=seen)


_OMBRIA_TITLES = {
    CLEAR: "nothing",
    "patch_after": "eight square zero patches in the later optical date",
    "cloud_after_30": "opaque zero ellipses over 30 % of the later optical date",
    "cloud_after_50": "the same over 50 %",
    "cloud_after_70": "the same over 70 %",
    "noise_after": "the later optical date is uniform noise",
    "zero_after": "the later optical date is all zero",
    "zero_all": "all optical dates are zero",
}

CONDITIONS: dict[str, Condition] = {
    condition.name: condition
    for condition in (
        *(Condition(name, "ombria", _OMBRIA_TITLES[name], _degrade_optical(name)) for name in OPTICAL_CONDITIONS),
        Condition("no_sar", "emm", "there is no SAR", _drop_sar),
        Condition("no_optical", "emm", "there is no optical sensor", _drop_optical),
        *(
            Condition(
                f"cloud_after_{share}", "cloud", f"opaque zero ellipses over {share} %, as above", _cover(share / 100)
            )
            for share in ELLIPSE_SHARES
        ),
        *(
            Condition(
                f"cloud_{kind}_{share}",
                f"cloud_{kind}",
                f"bright {kind} clouds with shadows over {share} % of the later optical date",
                _cloud(share / 100, thickness),
            )
            for kind, thickness in THICKNESS.items()
            for share in CLOUD_SHARES
        ),
        *(
            Condition(f"rmm_{share}", "rmm", f"{share} % of the values of both sensors are masked", _mask(share / 100))
            for share in MISSING_SHARES
        ),
        *(
            Condition(
                f"nm_{number}",
                "nm",
                f"both sensors: {100 * share:.0f} % salt and pepper, Gaussian noise of {spread:g} of full scale",
                _add_noise(share, spread),
            )
            for number, (share, spread) in enumerate(NOISE_LEVELS, 1)
        ),
        *(
            Condition(f"speckle_{looks}", "speckle", f"multiplicative speckle of {looks} looks on SAR", _speckle(looks))
            for looks in LOOKS
        ),
        *(
            Condition(
                f"shift_{distance:g}",
                "shift",
                f"SAR moved by {distance:g} pixels in a random direction",
                _shift(distance),
            )
            for distance in SHIFTS
        ),
    )
}
"""Every condition under which a data set can be scored, by name."""

EMM = (CLEAR, "no_optical", "no_sar")
"""Entire-missing modality: every subset of the sensors that is not empty."""

GROUPS: dict[str, tuple[str, ...]] = {
    "ombria": (*OPTICAL_CONDITIONS, "no_sar"),
    "emm": EMM,
    **{
        group: (CLEAR, *(name for name, condition in CONDITIONS.items() if condition.group == group))
        for group in ("rmm", "nm", "cloud_thin", "cloud_thick", "speckle", "shift")
    },
    "cloud": (
        CLEAR,
        *(f"cloud_after_{share}" for share in sorted((*ELLIPSE_SHARES, 30, 50, 70))),
        "zero_after",
    ),
}
"""Protocol -> its conditions."""

ALL = "all"
"""Name for every condition."""


def describe_conditions() -> str:
    """One line per condition, for people."""
    lines = [f"{name}: {condition.title}" for name, condition in CONDITIONS.items()]
    lines += [f"{group} = {', '.join(names)}" for group, names in GROUPS.items()]
    return "\n".join((*lines, f"{ALL} = every one of them"))
