"""The network family: three maps from one forward, masks respected, wrong names explained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from claire.core.errors import CheckpointError, UnknownNameError
from claire.models.encoders import BACKBONES, FAR, standardise
from claire.models.network import (
    NETWORKS,
    PEERS,
    NetworkConfig,
    build_network,
    count_parameters,
    match_parameters,
    shift_classes,
)

SMALL = NetworkConfig(6, 2, 3, encoder="resnet", widths=(8, 8, 16, 16), depths=(1, 1, 1, 1), decoder=8, auxiliary=8)


def pair(size: int = 64, batch: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(5)
    optical = torch.randn(batch, 6, size, size, generator=generator)
    sar = torch.randn(batch, 2, size, size, generator=generator)
    return [optical, sar, torch.ones_like(optical), torch.ones_like(sar)]


@pytest.mark.parametrize("encoder", sorted(BACKBONES))
@pytest.mark.parametrize("fusion", sorted(NETWORKS))
def test_every_network_gives_its_modes_at_full_resolution(fusion: str, encoder: str) -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, fusion=fusion, encoder=encoder)).eval()
    with torch.inference_mode():
        logits = network(*pair()).logits
    assert tuple(logits) == network.modes
    assert {values.shape for values in logits.values()} == {(2, 3, 64, 64)}


def test_the_inspected_forward_gives_equal_logits() -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    with torch.inference_mode():
        plain, inspected = network(*pair()), network(*pair(), inspect=True)
    for mode in network.modes:
        torch.testing.assert_close(plain.logits[mode], inspected.logits[mode], rtol=1e-4, atol=1e-5)
    assert len(inspected.stages) == 6
    assert inspected.stages[-1].optical_to_sar_BNQL is not None


@pytest.mark.parametrize(("missing", "alone"), [(0, "sar"), (1, "optical")])
def test_a_missing_sensor_never_reaches_the_fused_map(missing: int, alone: str) -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    inputs = pair()
    inputs[2 + missing] = torch.zeros_like(inputs[2 + missing])
    other = list(inputs)
    other[missing] = other[missing] * 100 + 7
    with torch.inference_mode():
        one, two = network(*inputs).logits, network(*other).logits
    torch.testing.assert_close(one["fused"], two["fused"])
    torch.testing.assert_close(one[alone], two[alone])


def test_single_maps_ignore_the_other_sensor() -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    inputs = pair()
    changed = [inputs[0], inputs[1] + 3, *inputs[2:]]
    with torch.inference_mode():
        one, two = network(*inputs).logits, network(*changed).logits
    assert torch.equal(one["optical"], two["optical"])
    assert not torch.allclose(one["sar"], two["sar"])
    assert not torch.allclose(one["fused"], two["fused"])


def test_late_fusion_is_the_mean_of_the_probabilities() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, fusion="late")).eval()
    with torch.inference_mode():
        logits = network(*pair()).logits
    mean = (logits["optical"].softmax(dim=1) + logits["sar"].softmax(dim=1)) / 2
    torch.testing.assert_close(logits["fused"].softmax(dim=1), mean, rtol=1e-4, atol=1e-5)


def test_wrong_names_list_the_right_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        build_network(replace(SMALL, fusion="magic"))
    assert "cmaf" in caught.value.hint
    with pytest.raises(UnknownNameError) as caught:
        build_network(replace(SMALL, encoder="vgg"))
    assert "resnet" in caught.value.hint
    with pytest.raises(CheckpointError, match="colour"):
        NetworkConfig.from_mapping({**SMALL.as_dict(), "colour": 1})
    with pytest.raises(CheckpointError, match="incomplete"):
        NetworkConfig.from_mapping({"classes": 2})


def test_a_configuration_survives_json_lists() -> None:
    lists = {k: list(v) if isinstance(v, tuple) else v for k, v in SMALL.as_dict().items()}
    assert NetworkConfig.from_mapping(lists) == SMALL


def test_standardised_bands_have_mean_0_and_spread_1_over_the_valid_pixels() -> None:
    generator = torch.Generator().manual_seed(2)
    pixels = 3 + 2 * torch.randn(2, 3, 16, 16, generator=generator)
    valid = (torch.rand(2, 3, 16, 16, generator=generator) > 0.4).float()
    relative = standardise(pixels * valid, valid)
    for tile in range(2):
        for band in range(3):
            seen = relative[tile, band][valid[tile, band] > 0]
            assert seen.mean().item() == pytest.approx(0, abs=1e-4)
            assert seen.std(correction=0).item() == pytest.approx(1, abs=1e-2)
    assert not relative[valid == 0].any()
    torch.testing.assert_close(standardise(pixels * 1.7 * valid + 0.4 * valid, valid), relative, rtol=1e-2, atol=1e-2)


def test_standardised_bands_stay_finite_where_nothing_varies_or_nothing_is_seen() -> None:
    flat, nothing = torch.full((1, 1, 8, 8), 4.0), torch.zeros(1, 1, 8, 8)
    assert not standardise(flat, torch.ones_like(flat)).any()
    assert not standardise(nothing, nothing).any()
    spike = nothing.clone()
    spike[0, 0, 0, 0] = 1e6
    assert standardise(spike, torch.ones_like(spike)).abs().max() <= FAR


def test_a_network_with_relative_bands_gives_its_modes_and_ignores_what_is_invalid() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, relative=True)).eval()
    inputs = pair()
    inputs[2][..., :32] = 0
    other = [values.clone() for values in inputs]
    other[0][..., :32] = 99
    with torch.inference_mode():
        one, two = network(*inputs).logits, network(*other).logits
    assert tuple(one) == network.modes
    torch.testing.assert_close(one["fused"], two["fused"])


@pytest.mark.parametrize(
    ("name", "value"), [("relative", 1), ("widths", [8, 8, 8]), ("grid", 0), ("classes", True), ("stem", 10**6)]
)
def test_a_setting_that_no_network_has_is_named(name: str, value: object) -> None:
    with pytest.raises(CheckpointError, match=name):
        NetworkConfig.from_mapping({**SMALL.as_dict(), name: value})
    assert NetworkConfig.from_mapping({**SMALL.as_dict(), "relative": True}).relative


@pytest.mark.parametrize("encoder", sorted(BACKBONES))
def test_stages_one_after_the_other_are_the_encoder(encoder: str) -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, encoder=encoder)).eval()
    inputs = pair()
    with torch.inference_mode():
        whole = network.optical(inputs[0], inputs[2])
        full, half = network.optical.stem(inputs[0], inputs[2])
        features, steps = network.optical.embed(half), [full, half]
        for stage in range(4):
            features = network.optical.advance(stage, features)
            steps.append(network.optical.hand_out(stage, features))
    for one, other in zip(whole, steps, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("fusion", sorted({*PEERS, "deeplab"}))
def test_every_peer_reads_both_sensors_and_learns(fusion: str) -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, fusion=fusion)).eval()
    inputs = pair()
    with torch.inference_mode():
        plain = network(*inputs).logits["fused"]
        for sensor in (0, 1):
            changed = list(inputs)
            changed[sensor] = changed[sensor].flip(-1)
            assert not torch.allclose(plain, network(*changed).logits["fused"])
    network.train()
    network(*inputs).logits["fused"].square().mean().backward()
    assert not [name for name, values in network.named_parameters() if values.grad is None]


@pytest.mark.parametrize("fusion", sorted(NETWORKS))
def test_every_peer_can_be_matched_in_parameters_within_a_fifth(fusion: str) -> None:
    config = replace(SMALL, widths=(32, 64, 96, 128), depths=(2, 2, 2, 2), decoder=32, auxiliary=32)
    wanted = count_parameters(config)
    matched = match_parameters(config, fusion, wanted)
    assert matched.fusion == fusion
    assert replace(matched, fusion=config.fusion, widths=config.widths) == config
    network = build_network(matched)
    assert count_parameters(matched) == sum(values.numel() for values in network.parameters())
    assert abs(count_parameters(matched) / wanted - 1) <= 0.2


@pytest.mark.parametrize("fusion", sorted(NETWORKS))
def test_a_shifted_class_changes_its_logits_alone_in_the_map_that_is_named(fusion: str) -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, fusion=fusion)).eval()
    before = network(*pair()).logits
    for mode in before:
        shift_classes(network, {mode: {1: -2.0}})
    after = network(*pair()).logits
    for mode in set(before) - ({"fused"} if fusion == "late" else set()):
        difference = (after[mode] - before[mode]).mean(dim=(0, 2, 3))
        wanted = torch.zeros(SMALL.classes)
        wanted[1] = -2.0
        torch.testing.assert_close(difference, wanted, rtol=0, atol=1e-4)
    shift_classes(network, {"optical": {1: 2.0}, "sar": {1: 2.0}, "fused": {1: 2.0}})
    for mode, logits in network(*pair()).logits.items():
        torch.testing.assert_close(logits, before[mode], rtol=0, atol=1e-4)


def test_with_experts_the_shift_of_a_sensor_reaches_the_fused_map_where_the_sensor_saw_anything() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, experts=True)).eval()
    optical, sar, optical_valid, sar_valid = pair()
    optical_valid[..., :16] = 0
    before = network(optical, sar, optical_valid, sar_valid).logits
    shift_classes(network, {"optical": {0: 3.0}})
    after = network(optical, sar, optical_valid, sar_valid).logits
    torch.testing.assert_close(after["sar"], before["sar"])
    difference = after["fused"][:, 0] - before["fused"][:, 0]
    torch.testing.assert_close(difference[..., :16], torch.zeros_like(difference[..., :16]), rtol=0, atol=1e-4)
    torch.testing.assert_close(difference[..., 16:], torch.full_like(difference[..., 16:], 3.0), rtol=0, atol=1e-4)


def test_without_attention_no_pixel_of_the_fusion_reads_another() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, head_width=0)).eval()
    whole = {name for name, _ in build_network(SMALL).named_parameters()}
    assert not [name for name, _ in network.named_parameters() if "reads" in name]
    assert {name for name in whole if "reads" not in name} == {name for name, _ in network.named_parameters()}
    assert all(s.optical_to_sar_BNQL is None for s in network(*pair(), inspect=True).stages)
    generator = torch.Generator().manual_seed(1)
    optical, sar, far = (torch.randn(1, 8, 4, 4, generator=generator) for _ in range(3))
    far[..., 0, 0] = sar[..., 0, 0]
    for width, same in ((0, True), (SMALL.head_width, False)):
        stage = build_network(replace(SMALL, head_width=width)).eval().fusion[2]  # type: ignore[union-attr, index]
        here = [stage(optical, other, torch.ones(1, 2, 4, 4))[0][..., 0, 0] for other in (sar, far)]
        assert torch.equal(*here) is same


def test_without_the_gate_the_sensors_count_alike_where_both_see_the_ground() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, groups=0)).eval()
    assert not [name for name, _ in network.named_parameters() if "gate" in name]
    optical, sar, optical_valid, sar_valid = pair()
    sar_valid[..., :32] = 0
    with torch.inference_mode():
        trust = network(optical, sar, optical_valid, sar_valid).stages[0].trust_B2HW
    assert torch.equal(trust[..., 32:], torch.full_like(trust[..., 32:], 0.5))
    torch.testing.assert_close(trust[:, 0, :, :32], torch.ones_like(trust[:, 0, :, :32]))


@pytest.mark.parametrize(("gone", "sensors"), [(None, ("optical", "sar")), (0, ("sar",)), (1, ("optical",))])
def test_with_experts_the_fused_map_starts_from_the_heads_that_see_something(
    gone: int | None, sensors: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, experts=True)).eval()
    plain = build_network(SMALL).eval()
    plain.load_state_dict(network.state_dict())
    inputs = pair()
    if gone is not None:
        inputs[2 + gone] = torch.zeros_like(inputs[2 + gone])
    with torch.inference_mode():
        one, two = network(*inputs).logits, plain(*inputs).logits
    said = sum(two[sensor] for sensor in sensors)
    torch.testing.assert_close(one["fused"], two["fused"] + said)
    for mode in ("optical", "sar"):
        assert torch.equal(one[mode], two[mode])


def test_experts_learn_from_their_own_loss_and_are_explained_with_the_fused_map() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, experts=True))
    head = next(network.optical_head.parameters())
    network.train()(*pair()).logits["fused"].sum().backward()
    assert head.grad is None
    network.eval()(*pair()).logits["fused"].sum().backward()
    assert head.grad is not None


def test_dropout_is_for_training_alone() -> None:
    torch.manual_seed(0)
    network = build_network(replace(SMALL, dropout=0.5))
    with torch.no_grad():
        for training in (True, False):
            network.train(training)
            same = torch.equal(network(*pair()).logits["fused"], network(*pair()).logits["fused"])
            assert same is not training


@pytest.mark.parametrize(
    "setting",
    [
        {"smooth": [4]},
        {"smooth": [1]},
        {"smooth": [65]},
        {"smooth": [3] * 9},
        {"smooth": 5},
        {"coarse": [16]},
        {"coarse": [13]},
        {"coarse": [4]},
        {"coarse": [68]},
        {"dropout": 1.0},
        {"dropout": True},
    ],
)
def test_windows_and_dropout_out_of_range_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="out of range"):
        NetworkConfig.from_mapping({"optical_bands": 6, "sar_bands": 2, "classes": 3, **setting})
