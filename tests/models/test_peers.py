"""Fusion modules of other papers against their equations, computed by hand on small cases."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from claire.models.peers import (
    SSMA,
    AtrousPyramid,
    CascadeFusion,
    CrossModalRectification,
    FeatureFusion,
    SemanticFocusing,
    pool_both,
)

BATCH, CHANNELS, HEIGHT, WIDTH = 2, 4, 3, 5


def features(seed: int, channels: int = CHANNELS) -> Tensor:
    return torch.randn(BATCH, channels, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))


def fill(module: nn.Module, seed: int = 3) -> nn.Module:
    """Random weights and running statistics, so that no equation holds by accident."""
    generator = torch.Generator().manual_seed(seed)
    for values in (*module.parameters(), *(b for b in module.buffers() if b.is_floating_point())):
        values.data = 0.5 * torch.randn(values.shape, generator=generator)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_var is not None
            part.running_var.abs_().add_(0.5)
    return module.eval()


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def norm(layer: nn.BatchNorm2d, values: Tensor) -> Tensor:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    shape = (1, -1, 1, 1)
    centred = (values - layer.running_mean.view(shape)) / (layer.running_var.view(shape) + layer.eps).sqrt()
    return centred * layer.weight.view(shape) + layer.bias.view(shape)


def mix(layer: nn.Conv2d, values: Tensor) -> Tensor:
    """A 1x1 convolution as the matrix product that it is."""
    mixed = torch.einsum("oc,bchw->bohw", layer.weight[:, :, 0, 0], values)
    return mixed if layer.bias is None else mixed + layer.bias.view(1, -1, 1, 1)


def test_pooling_gives_means_then_maxima() -> None:
    values = features(1)
    pooled = pool_both(values)
    for batch in range(BATCH):
        for channel in range(CHANNELS):
            plane = values[batch, channel].flatten().tolist()
            assert pooled[batch, channel].item() == pytest.approx(sum(plane) / len(plane), abs=1e-6)
            assert pooled[batch, CHANNELS + channel].item() == max(plane)


def test_ssma_weighs_the_stack_by_its_bottleneck() -> None:
    module = SSMA(CHANNELS, 4)
    assert module.squeeze.out_channels == 2 * CHANNELS // 4
    fill(module)
    stack = torch.cat([features(1), features(2)], dim=1)
    weights = torch.sigmoid(module.excite(torch.clamp(module.squeeze(stack), min=0)))
    torch.testing.assert_close(module(features(1), features(2)), norm(module.norm, module.merge(weights * stack)))


def test_ssma_with_neutral_weights_is_half_the_stack_merged() -> None:
    module = SSMA(CHANNELS, 4).eval()
    for values in module.excite.parameters():
        nn.init.zeros_(values)
    stack = torch.cat([features(1), features(2)], dim=1)
    torch.testing.assert_close(
        module(features(1), features(2)), norm(module.norm, module.merge(stack / 2)), rtol=1e-4, atol=1e-5
    )


def test_rectification_by_hand_on_one_pixel_and_one_channel() -> None:
    module = CrossModalRectification(1)
    fill(module)
    one, two = torch.tensor([[[[2.0]]]]), torch.tensor([[[[-3.0]]]])
    first, second, third, fourth = (list(part.parameters()) for part in (module.by_channel[0], module.by_channel[2],
                                    module.by_pixel[0], module.by_pixel[2]))  # fmt: skip
    pooled = torch.tensor([2.0, -3.0, 2.0, -3.0])
    w = second[0] @ torch.clamp(first[0] @ pooled + first[1], min=0) + second[1]
    hidden = torch.clamp(third[0].view(1, 2) @ torch.tensor([2.0, -3.0]) + third[1], min=0)
    m = fourth[0].view(2, 1) @ hidden + fourth[1]
    w1, w2, m1, m2 = (sigmoid(value) for value in (*w.tolist(), *m.tolist()))
    rectified = module(one, two)
    assert rectified[0].item() == pytest.approx(2 + 0.5 * w2 * -3 + 0.5 * m2 * -3, abs=1e-5)
    assert rectified[1].item() == pytest.approx(-3 + 0.5 * w1 * 2 + 0.5 * m1 * 2, abs=1e-5)


def test_feature_fusion_reads_the_other_sensor_through_its_context() -> None:
    module = FeatureFusion(CHANNELS)
    fill(module)
    tokens = [features(seed).flatten(2).transpose(1, 2) for seed in (1, 2)]
    y, u, contexts = [], [], []
    for side in range(2):
        both = torch.clamp(module.split[side](tokens[side]), min=0)
        y.append(both[..., :CHANNELS])
        u.append(both[..., CHANNELS:])
        pairs = u[side] @ module.key_value[side].weight.T
        keys, values = pairs[..., :CHANNELS], pairs[..., CHANNELS:]
        scores = torch.einsum("bnk,bnv->bkv", keys, values) / math.sqrt(CHANNELS)
        contexts.append(scores.exp() / scores.exp().sum(dim=1, keepdim=True))
    outputs = []
    for side in range(2):
        read = torch.einsum("bnk,bkv->bnv", u[side], contexts[1 - side])
        outputs.append(module.norms[side](tokens[side] + module.end[side](torch.cat([y[side], read], dim=-1))))
    stack = torch.cat(outputs, dim=-1).transpose(1, 2).reshape(BATCH, 2 * CHANNELS, HEIGHT, WIDTH)
    widen, deep, _, narrow, inner = module.mix
    mixed = norm(inner, mix(narrow, torch.clamp(deep(mix(widen, stack)), min=0)))
    wanted = norm(module.norm, mix(module.residual, stack) + mixed)
    torch.testing.assert_close(module(features(1), features(2)), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("channels", "heads"), [(8, 1), (64, 1), (160, 2), (224, 2), (512, 8)])
def test_feature_fusion_has_as_many_heads_as_divide_its_channels(channels: int, heads: int) -> None:
    module = FeatureFusion(channels)
    assert module.heads == heads
    assert module(features(1, channels), features(2, channels)).shape == (BATCH, channels, HEIGHT, WIDTH)


def test_focusing_amplifies_by_the_greatest_difference_with_shared_weights() -> None:
    module = SemanticFocusing(CHANNELS)
    fill(module)
    one, two = features(1), features(2)
    a1 = torch.sigmoid(module.weigh((one - two).flatten(2).max(dim=2).values))
    a2 = torch.sigmoid(module.weigh((two - one).flatten(2).max(dim=2).values))
    focused = module(one, two)
    torch.testing.assert_close(focused[0], one * (1 + a1[..., None, None]))
    torch.testing.assert_close(focused[1], two * (1 + a2[..., None, None]))
    swapped = module(two, one)
    torch.testing.assert_close(swapped[0], focused[1])


def test_cascade_fusion_selects_by_channel_then_by_pixel() -> None:
    module = CascadeFusion(CHANNELS)
    fill(module)
    pair = features(1), features(2)
    pooled = mix(module.stack, torch.cat(pair, dim=1)).mean(dim=(2, 3))
    kept = [torch.sigmoid(weigh(pooled))[..., None, None] * x for weigh, x in zip(module.by_channel, pair, strict=True)]
    joint = mix(module.restack, torch.cat(kept, dim=1))
    wanted = torch.zeros_like(joint)
    for weigh, x in zip(module.by_pixel, kept, strict=True):
        shares = mix(weigh, joint).exp()
        wanted += shares / shares.sum(dim=1, keepdim=True) * x
    torch.testing.assert_close(module(*pair), wanted, rtol=1e-4, atol=1e-5)


def test_the_pyramid_sees_one_pixel_its_neighbourhood_and_the_tile() -> None:
    module = AtrousPyramid(CHANNELS, 3)
    fill(module)
    values = torch.randn(1, CHANNELS, 32, 32, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        before, far = module(values), values.clone()
        far[..., 31, 31] += 100
        after = module(far)
        for part in module.overall.parameters():
            part.zero_()
        local = module(far) - module(values)
    assert (before - after)[..., 0, 0].abs().max() > 0
    changed = local.abs().amax(dim=(0, 1)).nonzero()
    assert (changed >= 31 - 6).all()
    assert (changed == 31 - 6).any()
