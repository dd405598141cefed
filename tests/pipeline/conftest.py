"""Tiny models and generated tiles: the whole flow in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from claire.core.errors import UnknownNameError
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.data.examples import generate_flood_pair
from claire.inference.engine import TorchSegmenter
from claire.pipeline import load_model


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model(tiny_checkpoints: Path) -> TorchSegmenter:
    """A network of random weights that makes all three maps."""
    return load_model("tiny", Settings(checkpoints=tiny_checkpoints))


@pytest.fixture(scope="session")
def sar_model(tiny_checkpoints: Path) -> TorchSegmenter:
    """One that makes the SAR map alone."""
    return load_model("tiny-sar", Settings(checkpoints=tiny_checkpoints))


@pytest.fixture(scope="session")
def tile() -> Tile:
    """A generated pair with its label, 48 x 48 pixels."""
    return generate_flood_pair(seed=7, size=48)


@dataclass(frozen=True)
class TileList:
    """Tiles held in memory, as a data set."""

    tiles: dict[str, Tile]
    name: str = "list"
    title: str = "Tiles in memory"
    root: Path = Path()
    splits: tuple[str, ...] = ("all",)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """All names."""
        if split not in (None, "all"):
            raise UnknownNameError.among("split", str(split), self.splits)
        return tuple(self.tiles)

    def read(self, tile_id: str, /) -> Tile:
        """One tile."""
        return self.tiles[tile_id]


@pytest.fixture(scope="session")
def dataset() -> TileList:
    """Three labelled tiles of different sizes, and one without label."""
    labelled = {f"t{seed}": generate_flood_pair(seed, 32 + 8 * seed, name=f"t{seed}") for seed in range(3)}
    return TileList({**labelled, "bare": replace(generate_flood_pair(9, 32, name="bare"), label=None)})
