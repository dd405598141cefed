"""The golden tile: a network answers to a small generated input as it did when it was saved, or it is another one.

A hash says that the bytes are the same. This says that bytes, manifest and program together still give the same map:
other weights, channels in another order or another normalisation do not.
Legend: B batch, C bands, H height, W width, K classes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from claire.core.bands import MODALITIES, Modality, Mode
from claire.core.manifest import GoldenTile, InputSpec, Manifest

SEED, SIZE, CELLS, BLOCK = 20, 64, 4, 8
ROUNDING, SHARE = 1e-3, 0.03
"""Tolerance: this much, and this share of the spread of the recorded means over the tile. Other libraries and other
counts of threads make a thousandth of it, weights in bfloat16 about all of it, two exchanged channels twenty times
as much."""


def record_golden(network: nn.Module, manifest: Manifest) -> GoldenTile:
    """Ask the network now, for the manifest.

    Args:
        network: In evaluation mode, float32, with the weights as stored.
        manifest: Bands, means and spreads.
    """
    levels: dict[Modality, Mapping[str, tuple[float, float]]] = {
        modality: {
            band: (float(mean), float(std)) for band, mean, std in zip(spec.bands, spec.mean, spec.std, strict=True)
        }
        for modality, spec in zip(MODALITIES, (manifest.optical, manifest.sar), strict=True)
    }
    question = GoldenTile(SEED, SIZE, levels, {}, 1.0)
    answer = compute_answer(network, manifest, question)
    spread = float(np.mean([rows.std(axis=1).mean() for rows in answer.values()]))
    logits = {mode: tuple(tuple(round(float(v), 5) for v in row) for row in rows) for mode, rows in answer.items()}
    return GoldenTile(SEED, SIZE, levels, logits, round(ROUNDING + SHARE * spread, 6))


def compute_gap(network: nn.Module, manifest: Manifest) -> float:
    """Largest difference between what the network answers and what the manifest records, in tolerances.

    Args:
        network: In evaluation mode, float32.
        manifest: With a golden tile.

    Returns:
        At most 1 when the network is the recorded one; infinity when the answers cannot be compared.
    """
    golden = manifest.golden
    if golden is None or not _fits(golden, manifest):
        return float("inf")
    answer = compute_answer(network, manifest, golden)
    recorded = {mode: np.array(rows, np.float64) for mode, rows in golden.logits.items()}
    if {mode: rows.shape for mode, rows in recorded.items()} != {mode: rows.shape for mode, rows in answer.items()}:
        return float("inf")
    gap = max(float(np.abs(answer[mode] - rows).max()) for mode, rows in recorded.items())
    return gap / golden.tolerance if np.isfinite(gap) else float("inf")


def compute_answer(network: nn.Module, manifest: Manifest, golden: GoldenTile) -> dict[Mode, NDArray[np.float64]]:
    """Mode -> (K, 16) means of the logits over a grid of 4 x 4 cells."""
    inputs = [
        _build_input(golden, modality, spec)
        for modality, spec in zip(MODALITIES, (manifest.optical, manifest.sar), strict=True)
    ]
    with torch.inference_mode():
        logits_BKHW: Mapping[Mode, Tensor] = network(*inputs, *(torch.ones_like(each) for each in inputs)).logits
    return {
        mode: nn.functional.adaptive_avg_pool2d(logits[0], CELLS).flatten(1).double().numpy()
        for mode, logits in logits_BKHW.items()
    }


def _fits(golden: GoldenTile, manifest: Manifest) -> bool:
    specs = zip(MODALITIES, (manifest.optical, manifest.sar), strict=True)
    return golden.size == SIZE and all(set(spec.bands) == set(golden.levels[modality]) for modality, spec in specs)


def _build_input(golden: GoldenTile, modality: Modality, spec: InputSpec) -> Tensor:
    """(1, C, H, W) normalised. Every band has a pattern of its own, so that its place among the others matters."""
    levels = golden.levels[modality]
    values = [
        levels[band][0] + levels[band][1] * _build_pattern(golden.seed, f"{modality} {band}", golden.size)
        for band in spec.bands
    ]
    normalised = (np.stack(values) - _column(spec.mean)) / _column(spec.std)
    return torch.from_numpy(normalised.astype(np.float32))[None]


def _build_pattern(seed: int, key: str, size: int) -> NDArray[np.float64]:
    """(H, W) of blocks with noise on them, mean 0, between -2 and 2; raw bits, because these never change in numpy."""
    bits = np.random.PCG64([seed, zlib.crc32(key.encode())])
    blocks, noise = (bits.random_raw(side * side).reshape(side, side) / 2.0**63 - 1 for side in (size // BLOCK, size))
    return 1.5 * np.kron(blocks, np.ones((BLOCK, BLOCK))) + 0.5 * noise


def _column(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array(values, np.float64)[:, None, None]
