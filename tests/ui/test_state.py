"""What makes two pairs the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from claire.core.types import Layer, Tile
from claire.data.examples import generate_flood_pair
from claire.ui.state import Choice, compute_digest


@pytest.fixture
def tile() -> Tile:
    return generate_flood_pair(1, 32)


def test_equal_content_has_an_equal_digest(tile: Tile) -> None:
    assert compute_digest(tile) == compute_digest(generate_flood_pair(1, 32))


def test_anything_that_changes_a_result_changes_the_digest(tile: Tile) -> None:
    sar = tile.sar
    values, valid, label = sar.values.copy(), sar.valid.copy(), tile.label.copy()
    values[0, 0, 0] ^= 1
    valid[0, 0, 0] = False
    label[0, 0] ^= 1
    others = [
        replace(tile, sar=replace(sar, values=values)),
        replace(tile, sar=replace(sar, valid=valid)),
        replace(tile, sar=replace(sar, unit="amplitude")),
        replace(tile, sar=replace(sar, bands=("VH_before", "VH_after"))),
        replace(tile, sar=None),
        replace(tile, label=label),
        replace(tile, label=None),
        replace(tile, name="other"),
    ]
    assert len({compute_digest(other) for other in (tile, *others)}) == len(others) + 1


def test_the_shape_counts_even_when_the_bytes_are_equal() -> None:
    flat, tall = (Layer(np.zeros(shape), np.ones(shape, bool), ("a",)) for shape in ((1, 2, 8), (1, 8, 2)))
    assert compute_digest(Tile("t", flat, None)) != compute_digest(Tile("t", tall, None))


def test_only_pairs_of_a_data_set_have_a_link(tile: Tile) -> None:
    assert Choice(tile, "0").link == {}
    assert Choice(tile, "0", "examples", "valley-1").link == {"dataset": "examples", "tile": "valley-1"}
