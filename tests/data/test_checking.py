"""What is found in a data set before a network learns from it, on tiles made for the purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claire.core.classes import read_scheme
from claire.core.errors import DatasetError, FormatError, UnknownNameError
from claire.core.manifest import InputSpec, Manifest
from claire.core.settings import Settings
from claire.core.types import GeoReference, Layer, Notice, Tile
from claire.data.checking import Check, SplitPlan, check_dataset

SIDE = 32
SCHEME = read_scheme([{"id": 1, "name": "water"}, {"id": 2, "name": "land"}, {"id": 3, "name": "ice"}], (0,))
MANIFEST = Manifest(
    "tiny",
    "Tiny",
    "own",
    InputSpec(("red", "nir"), "uint8", (0.0,) * 2, (1.0,) * 2, ((0, 1),)),
    InputSpec(("VV",), "db", (0.0,), (1.0,), ((0,),)),
    {},
    {},
    own_classes=SCHEME,
)


def make_tile(name: str, seed: int, left: float | None = None) -> Tile:
    """Noise of its own, water on the left and land on the right; 10 m pixels from x = left."""
    rng = np.random.default_rng(seed)
    shape = (SIDE, SIDE)
    label = np.where(np.arange(SIDE) < 8, 1, 2) * np.ones(shape, int)
    place = GeoReference() if left is None else GeoReference("EPSG:32633", (10.0, 0.0, left, 0.0, -10.0, 0.0), True)
    return Tile(
        name,
        Layer(rng.integers(1, 255, (2, *shape), np.uint8), np.ones((2, *shape), bool), ("red", "nir"), "uint8"),
        Layer(rng.normal(-12, 2, (1, *shape)).astype(np.float32), np.ones((1, *shape), bool), ("VV",), "db"),
        label.astype(np.uint8),
        place,
    )


class Tiles:
    """Tiles by name; one that is None cannot be read."""

    name, title, root = "tiles", "Tiles", Path()
    splits = ("all",)

    def __init__(self, tiles: Mapping[str, Tile | None]) -> None:
        self._tiles = tiles

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        if split not in {None, "all"}:
            raise UnknownNameError.among("split", str(split), self.splits)
        return tuple(self._tiles)

    def read(self, tile_id: str, /) -> Tile:
        tile = self._tiles[tile_id]
        if tile is None:
            raise FormatError(f"{tile_id} is damaged.", "Fetch it again.")
        return tile


def check(tiles: Mapping[str, Tile | None], plan: SplitPlan | None = None, **splits: tuple[str, ...]) -> Check:
    return check_dataset(Tiles(tiles), MANIFEST, splits or None, plan)


def spread(count: int, step: float | None = 5000.0) -> dict[str, Tile | None]:
    return {f"t{i:02d}": make_tile(f"t{i:02d}", i, None if step is None else step * i) for i in range(count)}


def codes(found: Check) -> set[str]:
    return {finding.code for finding in found.findings}


def test_a_sound_set_is_split_as_planned_and_nothing_is_said() -> None:
    found = check(spread(10), SplitPlan(0.3, seed=4))
    assert (len(found.splits["train"]), len(found.splits["val"])) == (7, 3)
    assert set(found.splits["train"]) | set(found.splits["val"]) == set(spread(10))
    assert found.leaks == found.limits == found.left_out == ()
    assert found == check(spread(10), SplitPlan(0.3, seed=4))
    assert found.splits != check(spread(10), SplitPlan(0.3, seed=5)).splits
    assert found.pixels["val"] == (3 * SIDE * 8, 3 * SIDE * 24, 0)
    assert codes(found) == {"class_absent"}, "there is no ice"


def test_what_cannot_be_learnt_from_is_named_and_left_out() -> None:
    tiles = spread(9)
    good = make_tile("x", 50, 90_000.0)
    assert good.optical is not None
    assert good.label is not None
    strange = good.label.copy()
    strange[0, 0] = 77
    tiles |= {
        "broken": None,
        "no-sar": replace(good, sar=None),
        "no-label": replace(good, label=None),
        "strange": replace(good, label=strange),
        "blank": replace(good, label=np.zeros_like(good.label)),
        "bands": replace(good, optical=replace(good.optical, bands=("red", "blue"))),
        "dark": replace(good, optical=replace(good.optical, valid=np.zeros_like(good.optical.valid))),
    }
    found = check(tiles)
    reasons = {finding.tile: (finding.code, finding.message) for finding in found.left_out}
    assert {tile: code for tile, (code, _) in reasons.items()} == {
        "broken": "format",
        "no-sar": "missing",
        "no-label": "missing",
        "strange": "label",
        "blank": "unlabelled",
        "bands": "bands",
        "dark": "empty",
    }
    assert "77" in reasons["strange"][1]
    assert "no SAR file" in reasons["no-sar"][1]
    assert not {*found.splits["train"], *found.splits["val"]} & set(reasons)
    assert found.limits == ("7 tiles could not be used and were left out.",)


def test_a_tile_that_was_brought_onto_another_grid_is_said_and_kept() -> None:
    tiles = spread(4)
    warped = make_tile("t01", 1, 5000.0)
    tiles["t01"] = replace(warped, notices=(Notice("warped", "The SAR file was resampled."), Notice("fill", "Else.")))
    found = check(tiles)
    assert [(f.tile, f.message, f.left_out) for f in found.findings if f.code == "grid"] == [
        ("t01", "The SAR file was resampled.", False)
    ]


def test_given_splits_that_share_pixels_ground_or_looks_leak() -> None:
    base = make_tile("base", 1, 0.0)
    assert base.optical is not None
    assert base.sar is not None
    turned = [np.rot90(layer.values, axes=(1, 2)).copy() for layer in (base.optical, base.sar)]
    tiles = {
        "base": base,
        "copy": replace(make_tile("copy", 2, 50_000.0), optical=base.optical),
        "beside": make_tile("beside", 3, 10.0 * (SIDE - 2)),
        "touching": make_tile("touching", 4, 10.0 * SIDE),
        "turned": replace(
            make_tile("turned", 5, 90_000.0),
            optical=replace(base.optical, values=np.maximum(turned[0], 2)),
            sar=replace(base.sar, values=turned[1] + np.float32(0.01)),
        ),
    }
    found = check(tiles, train=("base",), val=("copy", "beside", "touching", "turned"))
    assert {leak.other: leak.why for leak in found.leaks} == {
        "copy": "same pixels",
        "beside": "common ground",
        "turned": "near-duplicates",
    }
    assert found.limits == (
        "3 of 4 validation tiles share pixels or ground with training, so the scores are too good.",
    )
    assert check(tiles, train=("base",), val=("base", "touching")).leaks[0].why == "the same tile"


def test_a_split_that_is_drawn_never_leaks() -> None:
    tiles = spread(12, step=10.0 * (SIDE - 4))  # each tile shares a strip with the next
    tiles |= {f"far{i}": make_tile(f"far{i}", 100 + i, 1e6 + 9000.0 * i) for i in range(6)}
    for seed in range(5):
        found = check(tiles, SplitPlan(0.3, seed))
        assert found.leaks == ()
        assert found.splits["val"]


def test_neighbours_in_one_block_stay_together() -> None:
    tiles = spread(16, step=10.0 * SIDE)  # a strip without overlap, 16 x 320 m
    found = check(tiles, SplitPlan(0.25, block=4 * 10.0 * SIDE))
    assert found.splits["val"] in [tuple(f"t{4 * k + i:02d}" for i in range(4)) for k in range(4)]


def test_tiles_without_coordinates_are_split_one_by_one_and_it_is_said() -> None:
    found = check(spread(10, step=None))
    assert len(found.splits["val"]) == 2
    assert "no_coordinates" in codes(found)


def test_a_class_that_is_rare_or_absent_is_said() -> None:
    tiles = spread(6)
    first = tiles["t00"]
    assert first is not None
    assert first.label is not None
    label = first.label.copy()
    label[0, 0] = 3
    tiles["t00"] = replace(first, label=label)
    found = check(tiles, train=("t00", "t01", "t02"), val=("t03",))
    assert {(f.code, f.message) for f in found.findings} == {
        ("class_rare", "The class 'ice' is rare: 1 pixels to learn from."),
        ("class_absent", "The class 'ice' does not occur in the split 'val'."),
    }
    shares = found.as_dict()["classes"]
    assert isinstance(shares, list)
    assert shares[0] == {"name": "water", "train": pytest.approx(0.25, abs=1e-3), "val": 0.25}


def test_too_little_is_refused_with_the_first_reason() -> None:
    with pytest.raises(DatasetError, match="'train'") as caught:
        check({"a": None, "b": None}).require_tiles()
    assert "a is damaged" in caught.value.hint
    alone = check({"a": make_tile("a", 1), "copy": make_tile("copy", 1)})
    assert "one_place" in codes(alone)
    with pytest.raises(DatasetError, match="'val'"):
        alone.require_tiles()


def test_many_tiles_are_not_compared_and_it_is_said() -> None:
    found = check_dataset(Tiles(spread(5)), MANIFEST, settings=Settings(max_compared=4))
    assert "not_compared" in codes(found)


@pytest.mark.parametrize("values", [{"share": 0.0}, {"share": 1.0}, {"block": -1.0}, {"seed": -1}])
def test_an_impossible_plan_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(DatasetError, match="share"):
        SplitPlan(**values)  # type: ignore[arg-type]
