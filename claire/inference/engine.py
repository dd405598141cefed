"""The torch engine: a network and its manifest as a `Segmenter`.

Tiles of any size are padded to the network's stride with their own edge, cut into windows when they are larger
than one, and blended. Legend: C bands, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from claire.core.bands import Mode
from claire.core.errors import InputError
from claire.core.manifest import Manifest
from claire.core.measured import Cost
from claire.core.settings import Settings
from claire.core.types import Prepared, SegmenterOutput
from claire.inference.cost import measure_cost
from claire.inference.windows import blend_weights, iterate_windows, padded_size

Forward = Callable[..., Any]
"""Takes optical, sar, optical_valid, sar_valid of (1, C, H, W); returns an object with `logits` and `stages`."""


def place_network(network: torch.nn.Module) -> torch.nn.Module:
    """The network in evaluation mode where it runs fastest: on a GPU where torch sees one, channels last."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return network.eval().to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class TorchSegmenter:
    """Runs a network on prepared pairs.

    Args:
        network: Module in evaluation mode.
        manifest: What it reads and predicts.
        sha256: Of its weights.
        stride: Sides must be multiples of this.
        settings: Window and overlap.

    Raises:
        InputError: Windows that are no multiple of the stride, or an overlap that is no part of them.
    """

    network: Forward
    manifest: Manifest
    sha256: str = ""
    stride: int = 32
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        window, overlap = self.settings.window, self.settings.overlap
        if window % self.stride or not 0 < overlap < window:
            raise InputError(
                f"Windows of {window} pixels with an overlap of {overlap} do not suit this model.",
                f"Set CLAIRE_WINDOW to a multiple of {self.stride} and CLAIRE_OVERLAP to less than that.",
            )

    def segment(self, prepared: Prepared) -> SegmenterOutput:
        """Logits of every mode at the size of the input, and the trust gates of every stage."""
        height, width = prepared.shape
        high, wide = padded_size(height, self.stride), padded_size(width, self.stride)
        arrays = [
            _pad(array, high, wide)
            for array in (prepared.optical, prepared.sar, prepared.optical_valid, prepared.sar_valid)
        ]
        if max(high, wide) <= self.settings.window:
            whole, stages = self._run(arrays)
            return SegmenterOutput({mode: values[:, :height, :width] for mode, values in whole.items()}, tuple(stages))
        logits: dict[Mode, _Blend] = {}
        trust: dict[int, _Blend] = {}
        window, overlap = self.settings.window, self.settings.overlap
        for rows, columns in iterate_windows(high, wide, window, overlap, self.stride):
            found, gates = self._run([array[:, rows, columns] for array in arrays])
            for mode, values in found.items():
                logits.setdefault(mode, _Blend(len(values), high, wide)).add(values, rows, columns, overlap)
            for level, gate in enumerate(gates):
                scale = (rows.stop - rows.start) // gate.shape[0]
                blend = trust.setdefault(level, _Blend(1, high // scale, wide // scale))
                blend.add(gate[None], _shrink(rows, scale), _shrink(columns, scale), overlap // scale)
        return SegmenterOutput(
            {mode: blend.mean()[:, :height, :width] for mode, blend in logits.items()},
            tuple(blend.mean()[0] for _, blend in sorted(trust.items())),
        )

    def measure_cost(self) -> Cost:
        """Parameters, operations and time of one forward."""
        return measure_cost(self.network, self.manifest)  # type: ignore[arg-type]

    def _run(self, arrays: list[NDArray[Any]]) -> tuple[dict[Mode, NDArray[np.float32]], list[NDArray[np.float32]]]:
        device = next(self.network.parameters()).device  # type: ignore[attr-defined]
        tensors = [torch.from_numpy(np.ascontiguousarray(a, np.float32))[None].to(device) for a in arrays]
        with torch.inference_mode():
            output = self.network(*(t.contiguous(memory_format=torch.channels_last) for t in tensors))
        found = {mode: values[0].float().cpu().contiguous().numpy() for mode, values in output.logits.items()}
        return found, [stage.trust_B2HW[0, 0].float().cpu().numpy() for stage in output.stages]


class _Blend:
    """A canvas on which overlapping windows are averaged."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        self._sum = np.zeros((channels, height, width), np.float32)
        self._weight = np.zeros((height, width), np.float32)

    def add(self, values: NDArray[np.float32], rows: slice, columns: slice, ramp: int) -> None:
        weight = blend_weights(values.shape[1], values.shape[2], ramp)
        self._sum[:, rows, columns] += values * weight
        self._weight[rows, columns] += weight

    def mean(self) -> NDArray[np.float32]:
        return self._sum / self._weight


def _pad(array: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    below, right = height - array.shape[1], width - array.shape[2]
    return np.pad(array, ((0, 0), (0, below), (0, right)), mode="edge") if below or right else array


def _shrink(part: slice, scale: int) -> slice:
    return slice(part.start // scale, part.stop // scale)
