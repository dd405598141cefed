"""An ensemble says the mean of what its members say; a network of pixels sees no shapes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from claire.core.bands import MODES, Mode
from claire.core.errors import CheckpointError
from claire.models.bilateral import bilateral_filter
from claire.models.encoders import standardise
from claire.models.ensemble import AGREEMENT, LEAST, measure_lean
from claire.models.network import NetworkConfig, build_network, set_levels, shift_classes
from tests.models.test_network import SMALL, pair

PIXELS: dict[str, Any] = {"fusion": "pixels", "stem": 12, "ratios": True, "smooth": [3, 5]}
ENSEMBLE = replace(SMALL, fusion="ensemble", members=({}, {"groups": 2}, PIXELS))


def build(config: NetworkConfig) -> Any:
    torch.manual_seed(0)
    return build_network(NetworkConfig.from_mapping(config.as_dict())).eval()


def ask(network: Any, inputs: list[Tensor], **named: Any) -> Any:
    with torch.inference_mode():
        return network(*inputs, **named)


def test_the_maps_are_the_means_of_the_members_probabilities() -> None:
    network, inputs = build(ENSEMBLE), pair()
    logits = ask(network, inputs).logits
    assert tuple(logits) == network.modes == MODES
    for mode in MODES:
        said = torch.stack([ask(member, inputs).logits[mode].softmax(dim=1) for member in network.members])
        torch.testing.assert_close(logits[mode], torch.log(said.mean(dim=0) + LEAST))


def test_a_vote_that_counts_twice_is_a_member_that_sits_there_twice() -> None:
    weighed = build(replace(ENSEMBLE, votes=(2, 1, 1)))
    doubled = build(replace(ENSEMBLE, members=({}, {}, {"groups": 2}, PIXELS)))
    for place, number in enumerate((0, 0, 1, 2)):
        doubled.members[place].load_state_dict(weighed.members[number].state_dict())
    one, two = ask(weighed, pair()).logits, ask(doubled, pair()).logits
    for mode in MODES:
        torch.testing.assert_close(one[mode], two[mode])


def test_where_one_sensor_alone_saw_the_ground_its_map_is_the_fused_one() -> None:
    network, inputs = build(replace(ENSEMBLE, votes=(4, 1, 1), single_votes=(1, 1, 2))), pair()
    inputs[2][..., :20] = 0
    inputs[3][..., 40:] = 0
    logits = ask(network, inputs).logits
    members = [ask(member, inputs).logits for member in network.members]

    def mean(mode: Mode, votes: tuple[float, ...]) -> Tensor:
        parts = [vote * member[mode].softmax(dim=1) for vote, member in zip(votes, members, strict=True)]
        return torch.log(torch.stack(parts).sum(dim=0) / sum(votes) + LEAST)

    for mode in ("optical", "sar"):
        torch.testing.assert_close(logits[mode], mean(mode, (1, 1, 2)))
    other = build(replace(network.config, sar_votes=(5, 1, 1)))
    other.load_state_dict(network.state_dict())
    counted: dict[Mode, tuple[float, ...]] = {"fused": (4, 1, 1), "optical": (1, 1, 2), "sar": (5, 1, 1)}
    for mode, votes in counted.items():
        found, wanted = (each[..., 20:40] for each in (ask(other, inputs).logits[mode], mean(mode, votes)))
        torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(logits["fused"][..., 20:40], mean("fused", (4, 1, 1))[..., 20:40])
    torch.testing.assert_close(logits["fused"][..., :20], logits["sar"][..., :20])
    torch.testing.assert_close(logits["fused"][..., 40:], logits["optical"][..., 40:])


def test_the_more_optical_bands_are_missing_the_more_the_map_of_sar_counts() -> None:
    plain, leaning, inputs = build(ENSEMBLE), build(replace(ENSEMBLE, fallback=0.6)), pair()
    bands = inputs[2].shape[1]
    for missing in range(bands):
        inputs[2][..., missing] = 1
        inputs[2][:, :missing, :, missing] = 0
    inputs[2][..., bands] = 0
    inputs[3][..., 40:] = 0
    before, after = ask(plain, inputs).logits, ask(leaning, inputs).logits
    for mode in ("optical", "sar"):
        assert torch.equal(before[mode], after[mode])
    seen = inputs[2].mean(dim=1).double()
    gone, heard = float((1 - seen).mean()), float(inputs[3].mean())  # one of both sensors is everywhere
    for missing in range(bands):
        share = 0.6 * min(1, 2 * gone * missing / bands) * heard
        pooled = (1 - share) * before["fused"][..., missing] + share * before["sar"][..., missing]
        wanted = torch.softmax((1 + AGREEMENT * share) * pooled, dim=1)
        torch.testing.assert_close(torch.exp(after["fused"][..., missing]), wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(after["fused"][..., bands], after["sar"][..., bands])
    torch.testing.assert_close(after["fused"][..., 40:], after["optical"][..., 40:])


def test_sar_counts_for_half_without_one_of_two_dates_and_less_where_it_is_missing_or_the_date_is_near() -> None:
    optical, sar = torch.ones(4, 6, 64, 64), torch.ones(4, 2, 64, 64)
    optical[0, 3:] = 0
    optical[1, 3:, :32] = 0
    optical[2], sar[2, :, :, :16] = 0, 0
    optical[3], sar[3] = 0, 0
    lean = measure_lean(optical, sar)
    assert (lean[0] == 0.5).all()
    assert (lean[1, :, :32] == 0.25).all()
    assert (lean[1, :, 32:] == 0).all()
    assert (lean[2, ..., 16:] == 1).all()
    assert not lean[2, ..., :16].any()
    assert not lean[3].any()
    around = measure_lean(*(torch.nn.functional.pad(part, (0, 32, 0, 32)) for part in (optical, sar)))
    assert torch.equal(around[..., :64, :64], lean)
    assert not around[..., 64:].any()
    sar[0, 1] = 0
    assert (measure_lean(optical, sar)[0] == 0.125).all()


def test_alike_averages_the_maps_that_read_the_optical_picture_over_pixels_that_look_alike() -> None:
    plain, alike, inputs = build(ENSEMBLE), build(replace(ENSEMBLE, bilateral=True)), pair()
    inputs[2][..., :20] = 0
    before, after = ask(plain, inputs).logits, ask(alike, inputs).logits
    assert torch.equal(before["sar"], after["sar"])
    guide = standardise(inputs[0] * inputs[2], inputs[2])
    for mode in ("optical", "fused"):
        wanted = bilateral_filter(before[mode].exp() - LEAST, guide, inputs[2])
        torch.testing.assert_close(after[mode], torch.log(wanted + LEAST), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(after[mode][..., :20], before[mode][..., :20], rtol=1e-3, atol=1e-3)
        assert not torch.allclose(after[mode][..., 20:], before[mode][..., 20:], atol=1e-2)


def test_gates_and_the_attention_of_all_members_sum_to_1_and_inspection_changes_nothing() -> None:
    network, inputs = build(ENSEMBLE), pair()
    plain, inspected = ask(network, inputs), ask(network, inputs, inspect=True)
    for mode in MODES:
        torch.testing.assert_close(plain.logits[mode], inspected.logits[mode], rtol=1e-4, atol=1e-5)
    one = ask(network.members[0], inputs, inspect=True).stages
    assert len(inspected.stages) == len(one) == 6
    for stage, single in zip(inspected.stages, one, strict=True):
        torch.testing.assert_close(stage.trust_B2HW.sum(dim=1), torch.ones_like(stage.trust_B2HW[:, 0]))
        for looking, alone in (
            (stage.optical_to_sar_BNQL, single.optical_to_sar_BNQL),
            (stage.sar_to_optical_BNQL, single.sar_to_optical_BNQL),
        ):
            assert (looking is None) == (alone is None)
            if looking is not None and alone is not None:
                assert looking.shape[1] == 2 * alone.shape[1], "heads of both members that attend"
                torch.testing.assert_close(looking.sum(dim=-1), torch.ones_like(looking[..., 0]))


@pytest.mark.parametrize(("missing", "alone"), [(0, "sar"), (1, "optical")])
def test_a_missing_sensor_reaches_neither_the_fused_map_nor_the_other(missing: int, alone: str) -> None:
    network, inputs = build(replace(ENSEMBLE, bilateral=True)), pair()
    inputs[2 + missing] = torch.zeros_like(inputs[2 + missing])
    other = list(inputs)
    other[missing] = other[missing] * 100 + 7
    one, two = ask(network, inputs).logits, ask(network, other).logits
    torch.testing.assert_close(one["fused"], two["fused"])
    torch.testing.assert_close(one[alone], two[alone])


def test_a_shift_counts_where_its_sensors_see_and_nowhere_else() -> None:
    network, inputs = build(ENSEMBLE), pair()
    inputs[2][..., :16] = 0
    inputs[3][..., 48:] = 0
    before = ask(network, inputs).logits
    shift_classes(network, {"fused": {0: 3.0}, "optical": {1: 2.0}, "sar": {2: 1.0}})
    after = ask(network, inputs).logits
    added = {mode: (after[mode] - before[mode]).mean(dim=(0, 2)) for mode in MODES}
    wanted = torch.zeros(3, 64)
    wanted[2, :16], wanted[0, 16:48], wanted[1, 48:] = 1.0, 3.0, 2.0
    torch.testing.assert_close(added["fused"], wanted, rtol=0, atol=1e-4)
    torch.testing.assert_close(added["optical"][1], torch.full((64,), 2.0), rtol=0, atol=1e-4)


def test_levels_reach_every_member_that_reads_ratios() -> None:
    network = build(replace(ENSEMBLE, ratios=True))
    set_levels(network, ([5.0] * 6, [2.0] * 6))
    assert {float(member.optical.mean[0]) for member in network.members[:2]} == {5.0}
    assert float(network.members[2].heads.optical.std[0]) == 2.0


def test_a_slope_leads_through_a_ensemble_to_both_inputs() -> None:
    network, inputs = build(replace(ENSEMBLE, bilateral=True)), pair(batch=1)
    sources = [part.requires_grad_() for part in inputs[:2]]
    network(*inputs).logits["fused"][:, 1].mean().backward()
    assert all(part.grad is not None and bool(part.grad.abs().sum() > 0) for part in sources)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fusion": "ensemble"}, "members without being"),
        ({"members": ({},)}, "members without being"),
        ({"fusion": "ensemble", "members": ({"fusion": "late"},)}, "gives every map"),
        ({"fusion": "ensemble", "members": ({"classes": 9},)}, "gives every map"),
        ({"fusion": "ensemble", "members": ({"stem": 0},)}, "out of range"),
        ({"fusion": "ensemble", "members": ({}, {"grid": 2})}, "gives every map"),
        ({"fusion": "ensemble", "members": ({"depths": (60, 60, 60, 60)},) * 2}, "members is out of range"),
        ({"fusion": "ensemble", "members": ({"colour": 1},)}, "colour"),
        ({"fusion": "ensemble", "members": ({},) * 9}, "out of range"),
        ({"fusion": "ensemble", "members": ("cmaf",)}, "out of range"),
        ({"fusion": "ensemble", "members": ({}, {}), "votes": (1, 0)}, "out of range"),
        ({"fusion": "ensemble", "members": ({}, {}), "votes": (1,)}, "one for each"),
        ({"fusion": "ensemble", "members": ({}, {}), "single_votes": (1,)}, "one for each"),
        ({"fusion": "ensemble", "members": ({}, {}), "sar_votes": (1,)}, "one for each"),
        ({"fusion": "ensemble", "members": ({}, {}), "fallback": 1.1}, "out of range"),
        ({"fusion": "ensemble", "members": ({}, {"fallback": 0.5})}, "gives every map"),
        ({"fusion": "ensemble", "members": ({"fusion": "ensemble", "members": ({},)},)}, "gives every map"),
    ],
)
def test_what_is_no_ensemble_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        NetworkConfig.from_mapping({**SMALL.as_dict(), **changes})


def test_a_network_of_pixels_sees_its_windows_and_nothing_beyond() -> None:
    network, inputs = build(replace(SMALL, fusion="pixels", stem=12, ratios=True, smooth=(5,))), pair()
    changed = [part.clone() for part in inputs]
    changed[0][..., 30, 30] += 4
    changed[1][..., 30, 30] += 4
    one, two = ask(network, inputs).logits, ask(network, changed).logits
    for mode in MODES:
        rows, cols = (one[mode] - two[mode]).abs().amax(dim=(0, 1)).gt(1e-6).nonzero().T
        assert 28 <= rows.min() <= rows.max() <= 32
        assert 28 <= cols.min() <= cols.max() <= 32


def test_where_one_sensor_saw_nothing_a_network_of_pixels_takes_the_map_of_the_other() -> None:
    network, inputs = build(replace(SMALL, fusion="pixels", stem=12)), pair()
    inputs[2][..., :20] = 0
    inputs[3][..., 40:] = 0
    logits = ask(network, inputs).logits
    assert torch.equal(logits["fused"][..., :20], logits["sar"][..., :20])
    assert torch.equal(logits["fused"][..., 40:], logits["optical"][..., 40:])
    assert not torch.allclose(logits["fused"][..., 20:40], logits["optical"][..., 20:40])


def test_a_network_of_pixels_is_twice_as_wide_where_it_reads_both_sensors() -> None:
    heads = build(replace(SMALL, fusion="pixels", stem=12)).get_submodule("heads")
    widths = [heads.get_submodule(f"{name}_head.1").weight.shape[0] for name in ("joint", "optical", "sar")]
    assert widths == [24, 12, 12]


def test_what_is_counted_again_gives_the_same_slopes_and_keeps_less(monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = build(replace(ENSEMBLE, bilateral=True)), pair()

    def slopes() -> tuple[list[Tensor], int]:
        kept = 0

        def weigh(tensor: Tensor) -> Tensor:
            nonlocal kept
            kept += tensor.nbytes
            return tensor

        sources = [part.clone().requires_grad_() for part in inputs[:2]]
        with torch.autograd.graph.saved_tensors_hooks(weigh, lambda tensor: tensor):
            logits = network(*sources, *inputs[2:]).logits
        total = sum(values[:, 1].mean() for values in logits.values())
        return list(torch.autograd.grad(total, sources)), kept

    again, little = slopes()
    for module in ("ensemble", "pixels"):
        monkeypatch.setattr(f"claire.models.{module}.recompute", lambda function, *a, **k: function(*a, **k))
    plain, much = slopes()
    for one, other in zip(again, plain, strict=True):
        torch.testing.assert_close(one, other)
    assert little < 0.7 * much
