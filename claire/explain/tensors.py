"""Prepared arrays as tensors where the network is, padded as the predictor pads them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from claire.core.segmenter import OpenSegmenter
from claire.core.types import Prepared

FourTensors = tuple[Tensor, Tensor, Tensor, Tensor]


def as_tensor(array: NDArray[np.generic], model: OpenSegmenter) -> Tensor:
    """(C, H, W) as a float32 batch of one on the device of the network."""
    device = next(iter(model.network.parameters())).device
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))[None].to(device)


def pad(tensor: Tensor, stride: int) -> Tensor:
    """(B, C, H, W) with its last row and column repeated up to multiples of the stride; differentiable."""
    below, right = -tensor.shape[2] % stride, -tensor.shape[3] % stride
    padded = F.pad(tensor, (0, right, 0, below), mode="replicate") if below or right else tensor
    return padded.contiguous(memory_format=torch.channels_last)


def as_tensors(prepared: Prepared, model: OpenSegmenter) -> FourTensors:
    """Optical, SAR and their masks as the network reads them, padded."""
    arrays = (prepared.optical, prepared.sar, prepared.optical_valid, prepared.sar_valid)
    optical, sar, optical_valid, sar_valid = (pad(as_tensor(array, model), model.stride) for array in arrays)
    return optical, sar, optical_valid, sar_valid
