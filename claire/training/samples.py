"""Training samples: random crops, flips and damage drawn from tiles held in memory.

Legend: N tiles, C bands, H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from claire.core.bands import OFFSETS
from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import DatasetError
from claire.core.manifest import InputSpec, Manifest
from claire.data.degradations import degrade_optical, simulate_clouds
from claire.data.preparing import compute_valid, normalise, select_bands
from claire.training.recipe import Recipe

SCATTERED = ("gaps", "grain")
"""Damage that strikes single values of both sensors."""
MOST_MISSING = 0.8
"""Share of the values that `gaps` leaves out at most."""
MOST_PEPPER, PEPPER = 0.2, 2.5
"""Share of the values that `grain` turns into extremes at most, and how far these are from the mean, in spreads."""
MOST_NOISE = 1.5
"""Largest spread of the noise of `grain`, in spreads of the band."""

Sample = dict[str, Tensor]
"""optical, sar (C, H, W) float32; optical_valid, sar_valid (C, H, W) float32; target (H, W) int64."""


@dataclass(frozen=True)
class TileStack:
    """Tiles of one size, in the checkpoint's bands and units.

    Args:
        optical: (N, C_opt, H, W) native dtype.
        sar: (N, C_sar, H, W) native dtype.
        optical_valid: (N, C_opt, H, W) bool.
        sar_valid: (N, C_sar, H, W) bool.
        labels: (N, H, W) uint8 class indices.
        order: Which tile each sample of an epoch is drawn from; every tile once by default.
    """

    optical: NDArray[np.generic]
    sar: NDArray[np.generic]
    optical_valid: NDArray[np.bool_]
    sar_valid: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    order: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def drawn(self) -> tuple[int, ...]:
        """Tile of every sample of an epoch."""
        return self.order or tuple(range(len(self)))


def read_stack(
    dataset: Dataset,
    ids: Sequence[str],
    manifest: Manifest,
    *,
    window: int = 0,
    repeat: Mapping[str, int] | None = None,
) -> TileStack:
    """Read labelled pairs into memory.

    Args:
        dataset: Where they come from.
        ids: Which of them.
        manifest: Bands, units and classes.
        window: Side of the windows to cut the tiles into, pixels; 0 for whole tiles, which must have one size.
        repeat: First part of a name (before `/`) -> how often an epoch draws from each window; 1 for the others.

    Raises:
        DatasetError: No tile, tiles of several sizes, or one without label or sensor.
    """
    columns: tuple[list[NDArray[Any]], ...] = ([], [], [], [], [])
    order: list[int] = []
    for tile_id in ids:
        tile, _ = select_bands(dataset.read(tile_id), manifest)
        if tile.optical is None or tile.sar is None or tile.label is None:
            raise DatasetError(f"The tile {tile_id} lacks a sensor or a label.", "Train on complete tiles.")
        label = manifest.class_scheme.to_index(tile.label)
        parts = (tile.optical.values, tile.sar.values, tile.optical.valid, tile.sar.valid, label)
        times = (repeat or {}).get(tile_id.partition("/")[0], 1)
        for rows, cols in _cut_windows(label.shape, window):
            if not (label[rows, cols] != IGNORE_INDEX).any():
                continue
            order += [len(columns[4])] * times
            for column, part, blank in zip(columns, parts, (0, 0, 0, 0, IGNORE_INDEX), strict=True):
                column.append(_pad(part[..., rows, cols], window, blank))
    if len({part.shape for part in columns[4]}) != 1:
        raise DatasetError("The split is empty or its tiles differ in size.", "Give tiles of one size, or a window.")
    optical, sar, optical_valid, sar_valid, labels = (np.stack(column) for column in columns)
    return TileStack(optical, sar, optical_valid, sar_valid, labels, tuple(order))


def _cut_windows(shape: tuple[int, ...], window: int) -> list[tuple[slice, slice]]:
    """Evenly spread windows that cover a tile, the fewest there can be; one that is smaller where the tile is."""
    rows, cols = ([slice(start, start + (window or side)) for start in _spread(side, window)] for side in shape)
    return list(product(rows, cols))


def _spread(side: int, window: int) -> list[int]:
    if not 0 < window < side:
        return [0]
    count = -(-side // window)
    return [round((side - window) * i / (count - 1)) for i in range(count)]


def _pad(part: NDArray[Any], window: int, blank: int) -> NDArray[Any]:
    """The part with rows and columns of `blank` after it, up to the side of a window."""
    missing = [max(window - side, 0) for side in part.shape[-2:]]
    widths = [(0, 0)] * (part.ndim - 2) + [(0, more) for more in missing]
    return np.pad(part, widths, constant_values=blank) if any(missing) else part


def measure_bands(values: NDArray[np.generic], valid: NDArray[np.bool_], spec: InputSpec) -> InputSpec:
    """The input specification with mean and spread of each band over the valid pixels of a stack."""
    observed = compute_valid(values, valid, spec)
    chosen = [values[:, c][observed[:, c]].astype(np.float64) for c in range(values.shape[1])]
    means = tuple(round(float(c.mean()), 4) for c in chosen)
    return replace(spec, mean=means, std=tuple(round(float(max(c.std(), 1e-6)), 4) for c in chosen))


class CropSamples(TorchDataset[Sample]):
    """One random crop per draw of a tile and epoch; epoch and index decide everything random, together with the seed.

    Args:
        stack: Tiles.
        manifest: Normalisation and dates.
        recipe: Damage shares and seed.
        crop: Side in pixels.
        epoch: Which epoch this is.
    """

    def __init__(self, stack: TileStack, manifest: Manifest, recipe: Recipe, crop: int, epoch: int) -> None:
        self._stack, self._manifest, self._recipe = stack, manifest, recipe
        self._crop, self._epoch, self._drawn = crop, epoch, stack.drawn
        self._names, self._shares = zip(*recipe.damage.items(), strict=True)

    def __len__(self) -> int:
        return len(self._drawn)

    def __getitem__(self, index: int) -> Sample:
        """One sample of this epoch."""
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        stack, manifest, number = self._stack, self._manifest, self._drawn[index]
        height, width = stack.labels.shape[1:]
        zoom = self._recipe.zoom ** rng.uniform(-1, 1)
        side_y, side_x = (min(round(self._crop / zoom), side) for side in (height, width))
        top, left = int(rng.integers(0, height - side_y + 1)), int(rng.integers(0, width - side_x + 1))
        turns, mirror = int(rng.integers(4)), bool(rng.integers(2))

        def cut(array: NDArray[np.generic]) -> NDArray[np.generic]:
            window = np.rot90(array[number, ..., top : top + side_y, left : left + side_x], turns, axes=(-2, -1))
            return window[..., ::-1] if mirror else window

        damage = str(rng.choice(self._names, p=self._shares))
        optical, optical_valid = self._damage_optical(cut(stack.optical), cut(stack.optical_valid), damage, rng)
        sar = _jitter(cut(stack.sar).astype(np.float32), manifest.sar, self._recipe.jitter_of("sar"), rng)
        sar_valid = compute_valid(sar, cut(stack.sar_valid).astype(bool), manifest.sar)
        if damage == "no_sar":
            sar_valid = np.zeros_like(sar_valid)
        pair = normalise(optical, optical_valid, manifest.optical), normalise(sar, sar_valid, manifest.sar)
        if damage in SCATTERED:
            pair = _scatter(*pair[0], damage, rng), _scatter(*pair[1], damage, rng)
        sample = as_sample(*pair, cut(stack.labels))
        return _resize(sample, (min(self._crop, height), min(self._crop, width)))

    def _damage_optical(
        self, values: NDArray[np.generic], valid: NDArray[np.generic], damage: str, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        spec = self._manifest.optical
        brightest = float(np.max(np.array(spec.mean) + 3 * np.array(spec.std)))
        scale = {"uint8": 255.0, "reflectance_x1e4": 1e4}.get(spec.unit, brightest)
        pixels = values.astype(np.float32) / scale
        seen = compute_valid(pixels, valid.astype(bool), spec)
        if damage == "clouds":
            last = list(spec.dates[-1])
            pixels[last] = simulate_clouds(pixels[last], rng.uniform(0.1, 0.9), rng.uniform(0.5, 1.0), rng)
        elif damage == "ellipses":
            name = str(rng.choice(["cloud_after_30", "cloud_after_50", "cloud_after_70"]))
            pixels = degrade_optical(pixels, name, spec.dates, rng)
        elif damage not in {"clear", "no_sar", *SCATTERED}:
            pixels = degrade_optical(pixels, damage, spec.dates, rng)
        jittered = _jitter(pixels * scale, spec, self._recipe.jitter_of("optical"), rng)
        if self._recipe.offset_share and rng.random() < self._recipe.offset_share:
            jittered = jittered + np.float32(OFFSETS["reflectance_x1e4_offset"][1])
        return jittered, compute_valid(pixels, seen, spec)


def _scatter(
    values: NDArray[np.float32], valid: NDArray[np.bool_], damage: str, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Normalised values with single ones missing ("gaps"), or with salt and pepper over Gaussian noise ("grain")."""
    drawn = rng.random(values.shape, np.float32)
    if damage == "gaps":
        kept = valid & (drawn >= rng.uniform(0, MOST_MISSING))
        return np.where(kept, values, np.float32(0)), kept
    share = rng.uniform(0, MOST_PEPPER)
    noisy = values + rng.uniform(0, MOST_NOISE) * rng.standard_normal(values.shape, np.float32)
    noisy[drawn < share] = PEPPER
    noisy[drawn < share / 2] = -PEPPER
    return np.where(valid, noisy, np.float32(0)).astype(np.float32), valid


def as_sample(
    optical: tuple[NDArray[np.float32], NDArray[np.bool_]],
    sar: tuple[NDArray[np.float32], NDArray[np.bool_]],
    label: NDArray[np.generic],
) -> Sample:
    """Tensors of one pair; both arguments are (values, valid)."""
    return {
        "optical": torch.from_numpy(np.ascontiguousarray(optical[0])),
        "sar": torch.from_numpy(np.ascontiguousarray(sar[0])),
        "optical_valid": torch.from_numpy(optical[1].astype(np.float32)),
        "sar_valid": torch.from_numpy(sar[1].astype(np.float32)),
        "target": torch.from_numpy(label.astype(np.int64)),
    }


def _resize(sample: Sample, size: tuple[int, int]) -> Sample:
    """The sample at another size: a pixel is valid where its nearest one was, and a gap never bleeds into values."""
    if sample["target"].shape == size:
        return sample
    resized = {}
    for sensor in ("optical", "sar"):
        values, valid = sample[sensor][None], sample[f"{sensor}_valid"][None]
        near = F.interpolate(valid, size=size, mode="nearest")
        weight = F.interpolate(valid, size=size, mode="bilinear")
        smooth = F.interpolate(values * valid, size=size, mode="bilinear") / weight.clamp_min(1e-3)
        resized[sensor], resized[f"{sensor}_valid"] = (smooth * near)[0], near[0]
    target = F.interpolate(sample["target"][None, None].float(), size=size, mode="nearest")
    return {**resized, "target": target[0, 0].long()}


def _jitter(
    values: NDArray[np.float32], spec: InputSpec, strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Gain and offset that differ between dates and, half as much, between bands: levels are not to be relied on.

    Pictures of 8 bits, which are stretched by hand or per file, also get another tone curve.
    """
    jittered = values.copy()
    std = np.array(spec.std, np.float32)
    for date in spec.dates:
        channels = list(date)
        shares = np.array([1.0, *[0.5] * len(channels)])
        gains, offsets = (limit * rng.uniform(-shares, shares) for limit in (strength, strength * 4 / 3))
        gain = (1 + gains[0] + gains[1:]).astype(np.float32)[:, None, None]
        offset = ((offsets[0] + offsets[1:]) * std[channels]).astype(np.float32)[:, None, None]
        blank = jittered[channels] == 0
        changed = jittered[channels] * gain + offset
        if spec.unit == "uint8":
            bend = np.float32(np.exp(rng.uniform(-2, 2) * strength))
            changed = 255 * (np.clip(changed, 0, 255) / 255) ** bend
        jittered[channels] = np.where(blank, 0, changed)
    return jittered
