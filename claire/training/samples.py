"""Training samples: random crops, flips and damage drawn from tiles held in memory.

Legend: N tiles, C bands, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError
from claire.core.manifest import InputSpec, Manifest
from claire.data.degradations import degrade_optical, simulate_clouds
from claire.data.preparing import compute_valid, normalise, select_bands
from claire.training.recipe import Recipe

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
    """

    optical: NDArray[np.generic]
    sar: NDArray[np.generic]
    optical_valid: NDArray[np.bool_]
    sar_valid: NDArray[np.bool_]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)


def read_stack(dataset: Dataset, ids: Sequence[str], manifest: Manifest) -> TileStack:
    """Read labelled pairs into memory.

    Raises:
        DatasetError: No tile, tiles of several sizes, or one without label or sensor.
    """
    columns: tuple[list[NDArray[np.generic]], ...] = ([], [], [], [], [])
    for tile_id in ids:
        tile, _ = select_bands(dataset.read(tile_id), manifest)
        if tile.optical is None or tile.sar is None or tile.label is None:
            raise DatasetError(f"The tile {tile_id} lacks a sensor or a label.", "Train on complete tiles.")
        parts = (tile.optical.values, tile.sar.values, tile.optical.valid, tile.sar.valid)
        for column, part in zip(columns, (*parts, manifest.class_scheme.to_index(tile.label)), strict=True):
            column.append(part)
    if len({part.shape for part in columns[4]}) != 1:
        raise DatasetError("The split is empty or its tiles differ in size.", "Give tiles of one size.")
    return TileStack(*(np.stack(column) for column in columns))


def measure_bands(values: NDArray[np.generic], valid: NDArray[np.bool_], spec: InputSpec) -> InputSpec:
    """The input specification with mean and spread of each band over the valid pixels of a stack."""
    observed = compute_valid(values, valid, spec)
    chosen = [values[:, c][observed[:, c]].astype(np.float64) for c in range(values.shape[1])]
    means = tuple(round(float(c.mean()), 4) for c in chosen)
    return replace(spec, mean=means, std=tuple(round(float(max(c.std(), 1e-6)), 4) for c in chosen))


class CropSamples(TorchDataset[Sample]):
    """One random crop per tile and epoch; epoch and index decide everything random, together with the seed.

    Args:
        stack: Tiles.
        manifest: Normalisation and dates.
        recipe: Damage shares and seed.
        crop: Side in pixels.
        epoch: Which epoch this is.
    """

    def __init__(self, stack: TileStack, manifest: Manifest, recipe: Recipe, crop: int, epoch: int) -> None:
        self._stack, self._manifest, self._recipe = stack, manifest, recipe
        self._crop, self._epoch = crop, epoch
        self._names, self._shares = zip(*recipe.damage.items(), strict=True)

    def __len__(self) -> int:
        return len(self._stack)

    def __getitem__(self, index: int) -> Sample:
        """The sample of one tile in this epoch."""
        rng = np.random.default_rng((self._recipe.seed, self._epoch, index))
        stack, manifest = self._stack, self._manifest
        height, width = stack.labels.shape[1:]
        zoom = self._recipe.zoom ** rng.uniform(-1, 1)
        side_y, side_x = (min(round(self._crop / zoom), side) for side in (height, width))
        top, left = int(rng.integers(0, height - side_y + 1)), int(rng.integers(0, width - side_x + 1))
        turns, mirror = int(rng.integers(4)), bool(rng.integers(2))

        def cut(array: NDArray[np.generic]) -> NDArray[np.generic]:
            window = np.rot90(array[index, ..., top : top + side_y, left : left + side_x], turns, axes=(-2, -1))
            return window[..., ::-1] if mirror else window

        damage = str(rng.choice(self._names, p=self._shares))
        optical, optical_valid = self._damage_optical(cut(stack.optical), cut(stack.optical_valid), damage, rng)
        sar = _jitter(cut(stack.sar).astype(np.float32), manifest.sar, self._recipe.jitter_of("sar"), rng)
        sar_valid = compute_valid(sar, cut(stack.sar_valid).astype(bool), manifest.sar)
        if damage == "no_sar":
            sar_valid = np.zeros_like(sar_valid)
        sample = as_sample(
            normalise(optical, optical_valid, manifest.optical),
            normalise(sar, sar_valid, manifest.sar),
            cut(stack.labels),
        )
        return _resize(sample, (min(self._crop, height), min(self._crop, width)))

    def _damage_optical(
        self, values: NDArray[np.generic], valid: NDArray[np.generic], damage: str, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        spec = self._manifest.optical
        scale = 255.0 if spec.unit == "uint8" else float(np.max(np.array(spec.mean) + 3 * np.array(spec.std)))
        pixels = values.astype(np.float32) / scale
        seen = compute_valid(pixels, valid.astype(bool), spec)
        if damage == "clouds":
            last = list(spec.dates[-1])
            pixels[last] = simulate_clouds(pixels[last], rng.uniform(0.1, 0.9), rng.uniform(0.5, 1.0), rng)
        elif damage == "ellipses":
            name = str(rng.choice(["cloud_after_30", "cloud_after_50", "cloud_after_70"]))
            pixels = degrade_optical(pixels, name, spec.dates, rng)
        elif damage not in {"clear", "no_sar"}:
            pixels = degrade_optical(pixels, damage, spec.dates, rng)
        jittered = _jitter(pixels * scale, spec, self._recipe.jitter_of("optical"), rng)
        return jittered, compute_valid(pixels, seen, spec)


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
