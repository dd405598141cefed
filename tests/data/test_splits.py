"""Near-duplicates are found in any orientation, and what belongs together stays on one side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from claire.data.splits import find_near_duplicates, group_connected, split_groups

SIDE = 32
FILES = ("before", "after", "radar")
Chip = dict[str, NDArray[np.float64]]


def draw(seed: int) -> Chip:
    """A chip whose structures are large enough to survive a thumbnail."""
    rng = np.random.default_rng(seed)
    return {name: np.kron(rng.uniform(30, 220, (8, 8)), np.ones((4, 4))) for name in FILES}


def disturb(chip: Chip, spread: float, seed: int = 0) -> Chip:
    rng = np.random.default_rng(seed)
    return {name: pixels + rng.normal(0, spread, pixels.shape) for name, pixels in chip.items()}


def orient(chip: Chip, turns: int, flipped: bool) -> Chip:
    turned = {name: np.rot90(pixels, turns) for name, pixels in chip.items()}
    return {name: pixels[:, ::-1] if flipped else pixels for name, pixels in turned.items()}


def write(folder: Path, chips: dict[str, Chip]) -> list[list[Path]]:
    files = []
    for name, chip in chips.items():
        files.append([folder / f"{name}_{kind}.png" for kind in FILES])
        for path, kind in zip(files[-1], FILES, strict=True):
            Image.fromarray(np.clip(chip[kind], 0, 255).astype(np.uint8)).save(path)
    return files


def find_groups(folder: Path, chips: dict[str, Chip]) -> set[frozenset[str]]:
    report = find_near_duplicates(list(chips), write(folder, chips))
    assert sorted(i for group in report.groups for i in group) == sorted(chips)
    return {frozenset(group) for group in report.groups}


def test_independent_chips_stay_alone(tmp_path: Path) -> None:
    chips = {str(seed): draw(seed) for seed in range(12)}
    assert find_groups(tmp_path, chips) == {frozenset({name}) for name in chips}


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_a_noisy_copy_in_any_of_eight_orientations_is_found(tmp_path: Path, turns: int, flipped: bool) -> None:
    chips = {"a": draw(0), "b": draw(1), "c": draw(2)}
    chips["copy"] = disturb(orient(chips["b"], turns, flipped), 5)
    assert find_groups(tmp_path, chips) == {frozenset("a"), frozenset({"b", "copy"}), frozenset("c")}


def test_the_report_gives_the_smallest_correlation_of_a_pair(tmp_path: Path) -> None:
    chips = {"a": draw(0), "b": draw(1), "copy": disturb(draw(0), 12)}
    files = write(tmp_path, chips)
    (pair,) = find_near_duplicates(list(chips), files).pairs
    thumbnails = [
        [np.asarray(Image.open(path), float).reshape(16, 2, 16, 2).mean(axis=(1, 3)).ravel() for path in chip]
        for chip in (files[0], files[2])
    ]
    wanted = min(np.corrcoef(one, other)[0, 1] for one, other in zip(*thumbnails, strict=True))
    assert pair[:2] == ("a", "copy")
    assert pair[2] == pytest.approx(wanted, abs=1e-9)


def test_one_like_file_or_files_turned_differently_are_not_enough(tmp_path: Path) -> None:
    original = draw(0)
    chips = {
        "original": original,
        "same radar": {**draw(1), "radar": original["radar"]},
        "other radar": {**original, "radar": draw(2)["radar"]},
        "radar turned": {**original, "radar": np.rot90(original["radar"])},
    }
    assert find_groups(tmp_path, chips) == {frozenset({name}) for name in chips}


def test_a_copy_counts_though_one_of_its_files_is_blank_in_both(tmp_path: Path) -> None:
    blank = np.zeros((SIDE, SIDE))
    chips = {"a": {**draw(0), "radar": blank}, "b": {**draw(1), "radar": blank}, "copy": {**draw(0), "radar": blank}}
    assert find_groups(tmp_path, chips) == {frozenset({"a", "copy"}), frozenset("b")}


def test_featureless_chips_are_not_grouped_with_others(tmp_path: Path) -> None:
    blank = dict.fromkeys(FILES, np.full((SIDE, SIDE), 7.0))
    chips = {"a": draw(0), "blank": blank, "half": {**draw(0), "radar": blank["radar"]}}
    assert find_groups(tmp_path, chips) == {frozenset({name}) for name in chips}


def test_copies_of_copies_form_one_group_in_the_order_given(tmp_path: Path) -> None:
    chips = {"z": draw(0), "y": draw(1), "x": orient(draw(0), 1, False), "w": orient(draw(0), 2, True)}
    report = find_near_duplicates(list(chips), write(tmp_path, chips))
    assert report.groups == (("z", "x", "w"), ("y",))


NODES = st.integers(0, 11)


@given(count=st.integers(1, 12), edges=st.lists(st.tuples(NODES, NODES), max_size=20))
def test_groups_are_the_connected_components(count: int, edges: list[tuple[int, int]]) -> None:
    ids = [f"n{i}" for i in range(count)]
    edges = [(a % count, b % count) for a, b in edges]
    reach = np.eye(count, dtype=bool)
    for a, b in edges:
        reach[a, b] = reach[b, a] = True
    for _ in range(count):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    wanted = {tuple(ids[j] for j in range(count) if reach[i, j]) for i in range(count)}
    groups = group_connected(ids, [(ids[a], ids[b]) for a, b in edges])
    assert set(groups) == wanted
    assert len(groups) == len(wanted)


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=25),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_splits_are_complete_disjoint_and_never_cut_a_group(sizes: list[int], share: float, seed: int) -> None:
    groups = [tuple(f"{number}-{member}" for member in range(size)) for number, size in enumerate(sizes)]
    train, validation = split_groups(groups, share, seed)
    assert split_groups(groups, share, seed) == (train, validation)
    everything = sorted(i for group in groups for i in group)
    assert sorted(train + validation) == everything
    assert list(train) == sorted(train)
    assert list(validation) == sorted(validation)
    assert all(set(group) <= set(train) or set(group) <= set(validation) for group in groups)
    wanted = round(share * len(everything))
    assert len(validation) <= wanted
    if set(sizes) == {1}:
        assert len(validation) == wanted


def test_another_seed_draws_other_groups() -> None:
    groups = [(str(i),) for i in range(40)]
    assert len({split_groups(groups, 0.3, seed)[1] for seed in range(5)}) == 5
