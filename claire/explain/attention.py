"""Attention: what the fusion stages of a network computed for one pair, read out and not estimated.

Attention says where one sensor looked in the other; it does not say that the result depends on what was seen there.
Legend: H, W tile; h, w stage; g, g' cells of the pooled grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from claire.core.bands import Modality
from claire.core.errors import InputError, UnknownNameError, ZoneError
from claire.core.segmenter import OpenSegmenter
from claire.core.types import Attention, AttentionStage, Prediction, Prepared
from claire.explain.pieces import find_piece
from claire.explain.tensors import as_tensors


@contextmanager
def capturing(network: nn.Module) -> Iterator[list[Any]]:
    """Inside the block, every forward of the network inspects its fusion stages and appends them to the list.

    The hooks are gone after the block, also after an exception. They sit on the network itself, so other threads must
    not run it meanwhile.

    Args:
        network: As `OpenSegmenter.network` describes.

    Yields:
        One tuple of stages per forward.
    """
    captured: list[Any] = []

    def ask(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return given, {**named, "inspect": True}

    def keep(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        captured.append(output.stages)

    hooks = [network.register_forward_pre_hook(ask, with_kwargs=True), network.register_forward_hook(keep)]
    try:
        yield captured
    finally:
        for hook in hooks:
            hook.remove()


def read_attention(model: OpenSegmenter, prepared: Prepared, at: tuple[int, int] = (0, 0)) -> Attention:
    """Attention and trust of every stage, from one forward.

    Args:
        model: Whose network is looked into.
        prepared: The pair.
        at: (row, column) that the piece of a tile larger than a window must hold.

    Raises:
        ZoneError: The pixel lies outside the tile.
        InputError: The network has no fusion stages.
    """
    zone = np.zeros(prepared.shape, bool)
    _check_inside(at, prepared.shape)
    zone[at] = True
    piece = find_piece(zone, model.settings.window, model.stride)
    part = piece.cut(prepared)
    tensors = as_tensors(part, model)
    with torch.inference_mode(), capturing(model.network) as captured:
        model.network(*tensors)
    if not captured[0]:
        raise InputError("This model has no cross-attention to read.", "Choose one that has it, such as claire-flood.")
    height = tensors[0].shape[2]
    return Attention(tuple(_as_stage(stage, height) for stage in captured[0]), piece.origin, part.shape)


def compute_look(
    attention: Attention, row: int, column: int, asking: Modality, stage: int | None = None
) -> NDArray[np.float32]:
    """Where one pixel of one sensor looked in the other.

    Args:
        attention: From `read_attention`.
        row: Of the tile.
        column: Of the tile.
        asking: The sensor that the pixel belongs to.
        stage: Index of a stage; None for the mean over the stages that have attention.

    Returns:
        (H, W) float32 over the piece, >= 0: share of the attention per pixel, sums to 1 over the padded piece.

    Raises:
        ZoneError: The pixel lies outside the piece.
        UnknownNameError: The stage has no attention.
    """
    inside = row - attention.origin[0], column - attention.origin[1]
    _check_inside(inside, attention.shape)
    usable = [index for index, each in enumerate(attention.stages) if each.looking(asking) is not None]
    if stage is not None and stage not in usable:
        raise UnknownNameError.among("stage with attention", str(stage), [str(index) for index in usable])
    chosen = usable if stage is None else [stage]
    maps = [_spread(attention.stages[index], inside, asking) for index in chosen]
    height, width = attention.shape
    return np.asarray(np.mean(np.stack(maps)[:, :height, :width], axis=0), np.float32)


def compute_trust(attention: Attention, stage: int | None = None) -> NDArray[np.float32]:
    """Which sensor the gate of one stage trusted.

    Args:
        attention: From `read_attention`.
        stage: Index of a stage; None for the mean over all.

    Returns:
        (H, W) float32 0..1 over the piece: the share of the optical sensor.

    Raises:
        UnknownNameError: There is no such stage.
    """
    known = range(len(attention.stages))
    if stage is not None and stage not in known:
        raise UnknownNameError.among("stage", str(stage), [str(index) for index in known])
    height, width = attention.shape
    chosen = attention.stages if stage is None else (attention.stages[stage],)
    maps = [each.trust.repeat(each.stride, axis=0).repeat(each.stride, axis=1)[:height, :width] for each in chosen]
    return np.asarray(np.mean(maps, axis=0), np.float32)


def compute_trust_by_class(trust: NDArray[np.float32], prediction: Prediction) -> dict[str, float]:
    """Mean share of trust given to the optical sensor over the pixels of each class of a map.

    Args:
        trust: (H, W) 0..1, on the pixels of the map; NaN where nobody knows.
        prediction: The map.

    Returns:
        Class name -> 0..1; NaN for a class that the map does not show.
    """
    shares = {}
    for index, name in enumerate(prediction.scheme.names):
        here = (prediction.classes == index) & np.isfinite(trust)
        shares[name] = float(trust[here].mean(dtype=np.float64)) if here.any() else float("nan")
    return shares


def _check_inside(at: tuple[int, int], shape: tuple[int, int]) -> None:
    if not (0 <= at[0] < shape[0] and 0 <= at[1] < shape[1]):
        raise ZoneError(
            f"The pixel at row {at[0]}, column {at[1]} lies outside the {shape[1]} x {shape[0]} pixels at hand.",
            "Choose a pixel inside.",
        )


def _as_stage(stage: Any, height: int) -> AttentionStage:
    trust: Tensor = stage.trust_B2HW[0, 0]
    ask_optical, ask_sar = (
        _as_weights(weights, trust.shape) for weights in (stage.optical_to_sar_BNQL, stage.sar_to_optical_BNQL)
    )
    return AttentionStage(height // trust.shape[0], trust.float().cpu().numpy(), ask_optical, ask_sar)


def _as_weights(weights_BNQL: Tensor | None, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    if weights_BNQL is None:
        return None
    mean = weights_BNQL[0].float().mean(dim=0).cpu().numpy()
    # The grid has the same limit along both axes, and fewer cells only along an axis that is shorter than it.
    rows = next(n for n in range(min(shape[0], mean.shape[-1]), 0, -1) if _is_grid(n, mean.shape[-1], shape))
    found: NDArray[np.float32] = mean.reshape(*shape, rows, -1)
    return found


def _is_grid(rows: int, cells: int, shape: tuple[int, ...]) -> bool:
    columns, rest = divmod(cells, rows)
    limit = max(rows, columns)
    return rest == 0 and (rows, columns) == (min(limit, shape[0]), min(limit, shape[1]))


def _spread(stage: AttentionStage, at: tuple[int, int], asking: Modality) -> NDArray[np.float64]:
    """Attention of one pixel of the piece over all pixels of the padded piece."""
    weights = stage.looking(asking)
    if weights is None:
        raise UnknownNameError.among("stage with attention", "this one", ())
    looked = weights[at[0] // stage.stride, at[1] // stage.stride].astype(np.float64)
    along_rows, along_columns = (
        _cell_means(cells, size) for cells, size in zip(looked.shape, stage.trust.shape, strict=True)
    )
    fine = along_rows.T @ looked @ along_columns
    scale = stage.stride
    return np.asarray((fine / scale**2).repeat(scale, axis=0).repeat(scale, axis=1))


def _cell_means(cells: int, size: int) -> NDArray[np.float64]:
    """(cells, size): the weights with which adaptive pooling makes the mean of each cell."""
    return F.adaptive_avg_pool1d(torch.eye(size, dtype=torch.float64), cells).T.numpy()
