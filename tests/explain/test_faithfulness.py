"""Faithfulness tells attributions that are right from those that are not, and its badge follows the numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from torch import nn

from claire.core.errors import CancelledError
from claire.core.types import Attribution, Faithfulness, Prepared
from claire.explain.attributions import Options, attribute, build_job
from claire.explain.faithfulness import (
    Effort,
    Players,
    compute_agreement,
    measure_curves,
    measure_faithfulness,
    randomise,
)
from claire.explain.targets import Target
from claire.explain.watch import Watch
from claire.inference.engine import TorchSegmenter
from tests.explain.conftest import aim, snapshot

QUICK = Options(steps=8, cells=4, evaluations=80, segments="grid")


def measure(
    model: TorchSegmenter, prepared: Prepared, target: Target, found: Attribution, **more: bool
) -> Faithfulness:
    return measure_faithfulness(model, prepared, target, found, QUICK, **more)


def test_a_true_attribution_of_the_planted_network_is_faithful(planted: TorchSegmenter, prepared: Prepared) -> None:
    target = aim(prepared, "flood", (0, 0, 40, 40))
    found = attribute(planted, prepared, target, "integrated_gradients", QUICK)
    faith = measure(planted, prepared, target, found, full=True)
    assert faith.completeness_gap < 0.01
    assert faith.infidelity < 0.02
    assert faith.deletion_auc < faith.random_auc - faith.random_spread
    assert faith.insertion_auc > faith.random_auc + faith.random_spread
    assert faith.random_orders == 20
    assert faith.full


def test_a_wrong_attribution_is_found_out(planted: TorchSegmenter, prepared: Prepared) -> None:
    target = aim(prepared, "flood", (0, 0, 40, 40))
    found = attribute(planted, prepared, target, "integrated_gradients", QUICK)
    turned = replace(found, maps={name: -values for name, values in found.maps.items()})
    faith = measure(planted, prepared, target, turned)
    assert faith.completeness_gap > 1
    assert faith.deletion_auc > faith.random_auc > faith.insertion_auc
    assert faith.badge == "doubtful"
    moved = replace(found, maps={name: values[:, ::-1, ::-1].copy() for name, values in found.maps.items()})
    assert measure(planted, prepared, target, moved).infidelity > 0.3


def test_slopes_are_judged_as_slopes(planted: TorchSegmenter, prepared: Prepared) -> None:
    """For a linear network the slope times the removal is the exact change."""
    target = aim(prepared, "flood", (0, 0, 40, 40))
    calm = replace(prepared, optical=prepared.optical * 0.01, sar=prepared.sar * 0.01)
    found = attribute(planted, calm, target, "saliency")
    assert measure(planted, calm, target, found).infidelity < 0.01


def test_curves_are_the_areas_of_every_order(planted: TorchSegmenter, prepared: Prepared) -> None:
    target = aim(prepared, "flood", (0, 0, 64, 64))
    found = attribute(planted, prepared, target, "integrated_gradients", QUICK)
    job = build_job(planted, prepared, target, QUICK)
    sar_only = {"sar": found.maps["sar"]}
    players = Players(job, sar_only, "integrated_gradients", cells=2)
    assert players.count == 4
    areas = {}
    for order in permutations(range(4)):
        states = [players.remove(np.isin(range(4), order[:size])) for size in range(5)]
        with torch.inference_mode():
            curve = [float(job.probe.read(*state, "probability")[0]) for state in states]
        areas[order] = (sum(curve) - (curve[0] + curve[-1]) / 2) / 4
    best = tuple(np.argsort(-players.worths(), kind="stable").tolist())
    effort = Effort(orders=6, points=4, removals=2, noises=1, cells=2, dearest=0)
    deletion, insertion, random = measure_curves(job, players, effort)
    assert deletion == pytest.approx(areas[best], abs=1e-6)
    assert insertion == pytest.approx(areas[best[::-1]], abs=1e-6)
    assert all(min(abs(area - known) for known in areas.values()) < 1e-6 for area in random)
    assert deletion <= min(areas.values()) + 1e-3


@pytest.mark.parametrize(
    ("method", "full"),
    [
        ("saliency", False),
        ("integrated_gradients", False),
        ("gradcam_sar", False),
        ("gradcam_fused", False),
        ("occlusion_joint", False),
        ("integrated_gradients", True),
    ],
)
def test_whatever_is_claimed_is_measured_and_repeats(
    model: TorchSegmenter, prepared: Prepared, target: Target, method: str, full: bool
) -> None:
    before = snapshot(model.network)  # type: ignore[arg-type]
    found = attribute(model, prepared, target, method, QUICK)
    watch = Watch()
    faith = measure_faithfulness(model, prepared, target, found, QUICK, full=full, watch=watch)
    assert full or repr(faith) == repr(measure(model, prepared, target, found))
    assert faith.passes == watch.done <= watch.total
    assert np.isfinite([faith.infidelity, faith.deletion_auc, faith.insertion_auc, faith.random_spread]).all()
    cheap = method not in ("integrated_gradients", "occlusion_joint")
    assert np.isfinite([faith.sensitivity, faith.agreement]).all() == (full or cheap)
    assert np.isnan(faith.completeness_gap) == (method != "integrated_gradients")
    assert faith.passes < 40 or full
    assert snapshot(model.network) == before  # type: ignore[arg-type]


def test_sensitivity_is_the_largest_relative_change(planted: TorchSegmenter, prepared: Prepared) -> None:
    """Of a linear network, the slope does not change at all; of a bent one it does."""
    target = aim(prepared, "flood")
    calm = replace(prepared, optical=prepared.optical * 0, sar=prepared.sar * 0)
    flat = measure(planted, calm, target, attribute(planted, calm, target, "saliency")).sensitivity
    bent = measure(planted, prepared, target, attribute(planted, prepared, target, "saliency")).sensitivity
    assert 0 <= flat < 1e-3 < bent < 0.1


def test_randomising_shuffles_a_copy(model: TorchSegmenter) -> None:
    network: nn.Module = model.network  # type: ignore[assignment]
    before = snapshot(network)
    other = randomise(network, seed=1)
    assert snapshot(network) == before
    pairs = list(zip(network.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a.flatten().sort().values, b.flatten().sort().values) for a, b in pairs)
    assert sum(torch.equal(a, b) for a, b in pairs) < len(pairs) / 2
    again = randomise(network, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), again.parameters(), strict=True))


def test_agreement_is_a_rank_correlation_of_sizes() -> None:
    rng = np.random.default_rng(0)
    first = {"optical": rng.standard_normal((3, 8, 8)).astype(np.float32)}
    assert compute_agreement(first, {"optical": -5 * first["optical"]}) == pytest.approx(1)
    assert np.isnan(compute_agreement(first, {"optical": np.zeros((3, 8, 8), np.float32)}))


def test_a_sensor_that_the_map_does_not_see_is_nothing_to_agree_on() -> None:
    rng = np.random.default_rng(0)
    one, other = ({"sar": rng.standard_normal((2, 16, 16)).astype(np.float32)} for _ in range(2))
    blind = {"optical": np.zeros((3, 16, 16), np.float32)}
    wanted = compute_agreement(one, other)
    assert abs(wanted) < 0.2
    assert compute_agreement(one | blind, other | blind) == pytest.approx(wanted)
    assert np.isnan(compute_agreement(blind, blind))


def test_cancel_stops_a_measurement(model: TorchSegmenter, prepared: Prepared, target: Target) -> None:
    found = attribute(model, prepared, target, "saliency")
    with pytest.raises(CancelledError):
        measure_faithfulness(model, prepared, target, found, watch=Watch(cancelled=lambda: True))


GOOD = Faithfulness(0.01, 0.1, 0.2, 0.2, 0.8, 0.5, 0.05, 20, 0.1, 100, True)


@pytest.mark.parametrize(
    ("change", "badge"),
    [
        ({}, "faithful"),
        ({"sensitivity": float("nan"), "agreement": float("nan")}, "faithful"),
        ({"infidelity": 0.9}, "partly"),
        ({"infidelity": 0.9, "agreement": -0.9}, "partly"),
        ({"deletion_auc": 0.5, "insertion_auc": 0.5, "agreement": 0.9}, "doubtful"),
        ({"deletion_auc": 0.46}, "partly"),
    ],
)
def test_the_badge_follows_the_thresholds(change: dict[str, float], badge: str) -> None:
    assert replace(GOOD, **change).badge == badge  # type: ignore[arg-type]


def test_what_was_not_measured_has_no_verdict() -> None:
    nothing = {
        name: float("nan")
        for name in ("completeness_gap", "infidelity", "sensitivity", "deletion_auc", "insertion_auc", "agreement")
    }
    blank = replace(GOOD, **nothing)  # type: ignore[arg-type]
    assert (blank.verdicts, blank.badge) == ({}, "unmeasured")
