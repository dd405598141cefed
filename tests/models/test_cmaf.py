"""CMAF: shares sum to 1, a sensor that saw nothing is out, the inspectable path is the fast one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from claire.models.cmaf import CMAF, CrossAttention

B, C, H, W = 2, 16, 12, 20


@pytest.fixture
def cmaf() -> CMAF:
    torch.manual_seed(0)
    return CMAF(C, heads=4, grid=4, groups=4).eval()


def features(seed: int) -> Tensor:
    return torch.randn(B, C, H, W, generator=torch.Generator().manual_seed(seed))


def both_seen() -> Tensor:
    return torch.ones(B, 2, H, W)


def test_trust_sums_to_one_and_attention_rows_sum_to_one(cmaf: CMAF) -> None:
    _, stage = cmaf(features(1), features(2), both_seen(), inspect=True)
    torch.testing.assert_close(stage.trust_B2HW.sum(dim=1), torch.ones(B, H, W))
    for attention in (stage.optical_to_sar_BNQL, stage.sar_to_optical_BNQL):
        assert attention.shape == (B, 4, H * W, 16)
        torch.testing.assert_close(attention.sum(dim=-1), torch.ones(B, 4, H * W))


def test_the_inspected_path_gives_the_same_features(cmaf: CMAF) -> None:
    share = both_seen()
    share[:, 0, :6, :10] = 0
    fast, _ = cmaf(features(1), features(2), share)
    inspected, _ = cmaf(features(1), features(2), share, inspect=True)
    torch.testing.assert_close(fast, inspected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_sensor_has_no_influence_and_no_trust(cmaf: CMAF, missing: int) -> None:
    share = both_seen()
    share[:, missing] = 0
    inputs = [features(1), features(2)]
    changed = list(inputs)
    changed[missing] = features(3) * 50
    before, stage = cmaf(*inputs, share)
    after, _ = cmaf(*changed, share)
    torch.testing.assert_close(before, after)
    assert stage.trust_B2HW[:, missing].max() < 1e-6


def test_a_pixel_that_one_sensor_missed_is_left_to_the_other(cmaf: CMAF) -> None:
    share = both_seen()
    share[:, 0, 3, 4] = 0
    _, stage = cmaf(features(1), features(2), share)
    assert stage.trust_B2HW[:, 0, 3, 4].max() < 1e-6
    assert stage.trust_B2HW[:, 0, 8, 8].min() > 1e-3


def test_masked_cells_of_the_grid_get_no_attention() -> None:
    torch.manual_seed(0)
    attend = CrossAttention(C, heads=2, grid=4)
    usable = torch.ones(B, 1, H, W)
    usable[:, :, :3] = 0
    _, attention = attend(features(1), features(2), usable, True)
    assert attention[..., :4].max() < 1e-6
    torch.testing.assert_close(attention[..., 4:].sum(dim=-1), torch.ones(B, 2, H * W))


def test_pooled_values_are_means_over_the_usable_pixels_only() -> None:
    torch.manual_seed(0)
    attend = CrossAttention(C, heads=2, grid=2)
    other, usable = features(2), torch.ones(B, 1, H, W)
    usable[:, :, :, ::2] = 0
    dirty = torch.where(usable > 0, other, torch.full_like(other, 1e3))
    normed = torch.where(usable > 0, attend.norm_key(other), torch.full_like(other, 1e3))
    attend.norm_key = torch.nn.Identity()
    clean, _ = attend(features(1), torch.where(usable > 0, normed, torch.zeros_like(normed)), usable, False)
    masked, _ = attend(features(1), normed, usable, False)
    assert not torch.equal(dirty, other)
    torch.testing.assert_close(clean, masked)


def test_without_gate_both_usable_sensors_count_alike() -> None:
    torch.manual_seed(0)
    cmaf = CMAF(C, heads=0, grid=4, groups=0, refine=False)
    one, other = features(1), features(2)
    fused, stage = cmaf(one, other, both_seen())
    torch.testing.assert_close(fused, (one + other) / 2)
    assert torch.all(stage.trust_B2HW == 0.5)
