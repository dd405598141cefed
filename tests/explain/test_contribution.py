"""Contributions keep the laws of Shapley values: efficiency, symmetry, dummies, and the truth of a planted network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import pytest

from claire.core.errors import CancelledError, GridError, SensorError, UnknownNameError, ZoneError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Prepared, SegmenterOutput
from claire.explain.contribution import (
    compute_band_contribution,
    compute_contribution,
    compute_exact_shapley,
    compute_grid,
    compute_sampled_shapley,
    compute_shares,
)
from claire.explain.targets import QUANTITIES
from claire.explain.watch import Watch
from claire.inference.engine import TorchSegmenter
from tests.explain.conftest import HALF
from tests.tiny_model import describe_tiny

Game = Callable[[frozenset[int]], np.ndarray]


def play(players: int, seed: int) -> Game:
    """A random game."""
    worth = np.random.default_rng(seed).standard_normal((2**players, 3))
    return lambda coalition: worth[sum(1 << player for player in coalition)]


def brute_force(players: int, game: Game) -> np.ndarray:
    """The mean gain of each player over every order."""
    gains = np.zeros((players, 3))
    orders = list(permutations(range(players)))
    for order in orders:
        for place, player in enumerate(order):
            gains[player] += game(frozenset(order[: place + 1])) - game(frozenset(order[:place]))
    return gains / len(orders)


@pytest.mark.parametrize("players", [1, 2, 3, 5])
def test_exact_values_are_the_mean_gain_over_every_order(players: int) -> None:
    game = play(players, seed=players)
    np.testing.assert_allclose(compute_exact_shapley(players, game), brute_force(players, game), atol=1e-12)


def test_sampled_values_sum_up_exactly_and_come_close() -> None:
    game = play(5, seed=1)
    values, error = compute_sampled_shapley(5, game, 200, np.random.default_rng(0))
    exact = compute_exact_shapley(5, game)
    np.testing.assert_allclose(values.sum(axis=0), game(frozenset(range(5))) - game(frozenset()), atol=1e-10)
    assert (np.abs(values - exact) <= 5 * error + 1e-9).all()
    again, _ = compute_sampled_shapley(5, game, 200, np.random.default_rng(0))
    np.testing.assert_array_equal(values, again)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_contributions_sum_to_what_the_pair_says_beyond_the_prior(
    model: TorchSegmenter, prepared: Prepared, quantity: str
) -> None:
    found = compute_contribution(model, prepared, quantity)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.optical + found.sar, found.value - found.baseline, atol=1e-5)
    for share in compute_shares(found, prepared.sar[0] > 0):
        assert share.optical + share.sar == pytest.approx(share.value - share.baseline, abs=1e-5)


def test_the_interaction_is_what_both_say_beyond_each_alone(model: TorchSegmenter, prepared: Prepared) -> None:
    found = compute_contribution(model, prepared)
    blind = np.zeros_like(prepared.sar_valid)
    alone = model.segment(replace(prepared, sar=np.zeros_like(prepared.sar), sar_valid=blind)).logits["fused"]
    np.testing.assert_allclose(found.optical - found.interaction / 2, alone - found.baseline, atol=1e-4)


def test_the_planted_truth_is_found(planted: TorchSegmenter, prepared: Prepared) -> None:
    found = compute_contribution(planted, prepared)
    assert np.abs(found.sar[1][:, HALF:]).max() == 0
    np.testing.assert_allclose(found.sar[1][:, :HALF], 0.5 * np.tanh(prepared.sar[0])[:, :HALF], atol=1e-6)
    np.testing.assert_allclose(found.optical[1], np.tanh(prepared.optical[3]), atol=1e-6)
    assert np.abs(found.sar[0]).max() == 0
    assert np.abs(found.interaction).max() < 1e-6


@dataclass(frozen=True)
class Twins:
    """Treats both sensors alike: the fused logit is the product and the sum of their means."""

    manifest: Manifest

    def segment(self, prepared: Prepared) -> SegmenterOutput:
        a, b = prepared.optical.mean(axis=0), prepared.sar.mean(axis=0)
        return SegmenterOutput({"fused": np.stack([a * b, a + b + a * b]).astype(np.float32)})


def test_sensors_that_say_the_same_get_the_same(prepared: Prepared) -> None:
    same = replace(prepared, optical=np.repeat(prepared.sar[:1], 6, axis=0), sar=np.repeat(prepared.sar[:1], 2, axis=0))
    found = compute_contribution(Twins(describe_tiny()), same)
    np.testing.assert_allclose(found.optical, found.sar, atol=1e-6)
    np.testing.assert_allclose(found.interaction[0], same.sar[0] ** 2, rtol=1e-4, atol=1e-6)


def test_a_grid_is_the_mean_over_the_valid_pixels_of_each_cell(model: TorchSegmenter, prepared: Prepared) -> None:
    found = replace(compute_contribution(model, prepared), valid=np.indices(prepared.shape).sum(axis=0) > 20)
    grid = compute_grid(found, "flood", cell=10)
    assert grid.optical.shape == (7, 7)
    for row, column in np.ndindex(7, 7):
        here = np.zeros(prepared.shape, bool)
        here[10 * row : 10 * row + 10, 10 * column : 10 * column + 10] = True
        here &= found.valid
        if not here.any():
            assert np.isnan(grid.sar[row, column])
            continue
        share = compute_shares(found, here)[1]
        assert (grid.optical[row, column], grid.sar[row, column], grid.interaction[row, column]) == pytest.approx(
            (share.optical, share.sar, share.interaction)
        )


def test_bands_sum_up_and_only_those_that_are_used_count(planted: TorchSegmenter, prepared: Prepared) -> None:
    zone = np.zeros(prepared.shape, bool)
    zone[10:20, 10:50] = True
    found = compute_band_contribution(planted, prepared, zone)
    assert (found.exact, found.passes) == (True, 256)
    assert found.bands[3] == "optical B11_after"
    np.testing.assert_allclose(found.values.sum(axis=0), found.value - found.baseline, atol=1e-5)
    assert {found.bands[i] for i in np.flatnonzero(np.abs(found.values[:, 1]) > 1e-6)} == {
        "optical B11_after",
        "sar VV_before",
    }
    assert np.flatnonzero(np.abs(found.values[:, 0]) > 1e-6).tolist() == [0]
    small = replace(prepared, label=None)
    left = found.values[3, 1]
    assert left == pytest.approx(np.tanh(small.optical[3])[zone].mean(), abs=1e-5)


def test_many_bands_are_sampled_with_a_seed(prepared: Prepared) -> None:
    many = tuple(f"b{i}" for i in range(10))
    spec = InputSpec(many, "uint8", (0.0,) * 10, (1.0,) * 10, (tuple(range(10)),))
    manifest = replace(describe_tiny(), optical=spec)
    values = np.random.default_rng(0).standard_normal((10, *prepared.shape)).astype(np.float32)
    wide = replace(prepared, optical=values, optical_valid=np.ones_like(values, bool))
    zone = np.ones(prepared.shape, bool)
    found = compute_band_contribution(Twins(manifest), wide, zone, permutations=3, seed=5)
    again = compute_band_contribution(Twins(manifest), wide, zone, permutations=3, seed=5)
    assert not found.exact
    assert found.passes <= 2 * 3 * 11 + 2
    np.testing.assert_array_equal(found.values, again.values)
    np.testing.assert_allclose(found.values.sum(axis=0), found.value - found.baseline, atol=1e-5)


def test_progress_reaches_the_end_and_cancel_stops(model: TorchSegmenter, prepared: Prepared) -> None:
    told: list[tuple[int, int]] = []
    compute_contribution(model, prepared, watch=Watch(lambda done, total: told.append((done, total))))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(CancelledError):
        compute_contribution(model, prepared, watch=Watch(cancelled=lambda: True))


def test_what_cannot_be_shared_out_is_said(
    model: TorchSegmenter, sar_model: TorchSegmenter, prepared: Prepared
) -> None:
    blind = replace(prepared, sar=np.zeros_like(prepared.sar), sar_valid=np.zeros_like(prepared.sar_valid))
    everywhere, nowhere = np.ones(prepared.shape, bool), np.zeros(prepared.shape, bool)
    with pytest.raises(SensorError, match="no SAR"):
        compute_contribution(model, blind)
    with pytest.raises(SensorError):
        compute_band_contribution(model, blind, everywhere)
    with pytest.raises(UnknownNameError, match="fused"):
        compute_contribution(sar_model, prepared)
    with pytest.raises(UnknownNameError, match="quantity"):
        compute_contribution(model, prepared, "loss")  # type: ignore[arg-type]
    found = compute_contribution(model, prepared)
    with pytest.raises(ZoneError):
        compute_shares(found, nowhere)
    with pytest.raises(ZoneError):
        compute_band_contribution(model, prepared, nowhere)
    with pytest.raises(UnknownNameError, match="class"):
        compute_grid(found, "lava")
    with pytest.raises(GridError):
        compute_grid(found, "flood", cell=0)
