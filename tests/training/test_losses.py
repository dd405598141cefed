"""RIFT against hand computation, its special cases, and its gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from claire.core.classes import IGNORE_INDEX
from claire.core.errors import RecipeError, UnknownNameError
from claire.training.losses import LOSSES, RIFTLoss, build_loss, compute_class_weights


def logits_of(probabilities: list[list[float]]) -> Tensor:
    """(1, 2, 2, 2) logits whose softmax has the given probabilities of class 1, pixel by pixel."""
    p = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([(1 - p).log(), p.log()])[None]


P = [[0.9, 0.2], [0.6, 0.5]]
TARGET = torch.tensor([[[1, 0], [0, 1]]])
HITS = [0.9, 0.8, 0.4, 0.5]


def test_the_focal_part_is_the_hand_computed_mean() -> None:
    weights, labels = (0.5, 1.5), [1, 0, 0, 1]
    expected = sum(-weights[y] * (1 - p) ** 2 * math.log(p) for p, y in zip(HITS, labels, strict=True)) / 4
    loss = RIFTLoss(weights, lambda_=1.0)(logits_of(P), TARGET)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_the_tversky_part_is_hand_computed() -> None:
    # class 1: TP .9 + .5, FP .2 + .6, FN .1 + .5; class 0: TP .8 + .4, FP .1 + .5, FN .2 + .6
    eps = 1.0
    index_1 = (1.4 + eps) / (1.4 + 0.3 * 0.8 + 0.7 * 0.6 + eps)
    index_0 = (1.2 + eps) / (1.2 + 0.3 * 0.6 + 0.7 * 0.8 + eps)
    weights = (0.5, 1.5)
    expected = (0.5 * (1 - index_0) ** 0.75 + 1.5 * (1 - index_1) ** 0.75) / 2
    loss = RIFTLoss(weights, lambda_=0.0, smooth=eps)(logits_of(P), TARGET)
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_rift_is_the_weighed_sum_of_both_parts() -> None:
    focal, tversky = (RIFTLoss(lambda_=share)(logits_of(P), TARGET) for share in (1.0, 0.0))
    both = RIFTLoss(lambda_=0.3)(logits_of(P), TARGET)
    torch.testing.assert_close(both, 0.3 * focal + 0.7 * tversky)


def random_case(classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, classes, 5, 7, generator=generator, dtype=torch.float64)
    return logits, torch.randint(0, classes, (2, 5, 7), generator=generator)


def test_without_focus_and_weights_it_is_cross_entropy() -> None:
    logits, target = random_case()
    torch.testing.assert_close(RIFTLoss(gamma=0, lambda_=1.0)(logits, target), F.cross_entropy(logits, target))


def test_with_equal_weights_of_errors_it_is_soft_dice() -> None:
    logits, target = random_case()
    p = logits.softmax(dim=1)
    truth = F.one_hot(target, 4).movedim(-1, 1).double()
    eps = 1.0
    dice = (2 * (p * truth).sum((0, 2, 3)) + 2 * eps) / (p.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 2 * eps)
    loss = RIFTLoss(alpha=0.5, beta=0.5, gamma_t=1.0, lambda_=0.0, smooth=eps)(logits, target)
    torch.testing.assert_close(loss, (1 - dice).mean())


def test_the_gradient_is_right() -> None:
    logits, target = random_case(3)
    target[0, 0] = IGNORE_INDEX
    loss = RIFTLoss((0.5, 1.0, 1.5))
    small = logits[:, :, :2, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, target[:, :2, :3]), (small,))


def test_ignored_pixels_have_no_effect() -> None:
    logits, target = random_case()
    target[:, 2:4] = IGNORE_INDEX
    changed = logits.clone()
    changed[:, :, 2:4] = 100.0
    loss = RIFTLoss((1.0, 0.5, 2.0, 0.5))
    torch.testing.assert_close(loss(logits, target), loss(changed, target))


def test_a_batch_without_labels_gives_zero_and_a_zero_gradient() -> None:
    logits = torch.randn(1, 2, 3, 3, requires_grad=True)
    loss = RIFTLoss()(logits, torch.full((1, 3, 3), IGNORE_INDEX))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert torch.all(logits.grad == 0)


def test_a_perfect_map_has_a_finite_gradient() -> None:
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 1] = 200.0
    logits.requires_grad_()
    RIFTLoss()(logits, torch.ones(1, 2, 2, dtype=torch.long)).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_class_weights_favour_the_rare_and_have_mean_one() -> None:
    weights = compute_class_weights([100_000, 1_000, 0])
    assert weights[1] > weights[0] > 0
    assert weights[2] == 0
    assert sum(weights) / 2 == pytest.approx(1)
    assert compute_class_weights([0, 0]) == (0.0, 0.0)


COUNTS = (90_000, 5_000, 400, 60)


@pytest.mark.parametrize("kind", sorted(LOSSES))
def test_a_loss_of_one_kind_has_nothing_of_the_other_part(kind: str) -> None:
    logits, target = random_case()
    weights = compute_class_weights(COUNTS)
    focal, tversky = (RIFTLoss(weights, lambda_=share).double()(logits, target) for share in (1.0, 0.0))
    expected = {
        "ce": F.cross_entropy(logits, target),
        "focal": focal,
        "tversky": tversky,
        "rift": 0.5 * focal + 0.5 * tversky,
    }[kind]
    torch.testing.assert_close(build_loss(COUNTS, {"kind": kind}).double()(logits, target), expected)


def test_a_loss_takes_the_arguments_of_rift_unless_its_kind_fixes_them() -> None:
    assert build_loss(COUNTS, {"alpha": 0.5, "gamma": 1.0}).alpha == 0.5
    assert build_loss(COUNTS, {"kind": "focal", "gamma": 1.0}).gamma == 1.0
    with pytest.raises(UnknownNameError, match="hinge"):
        build_loss(COUNTS, {"kind": "hinge"})
    for settings in ({"kind": "ce", "gamma": 2.0}, {"kind": "tversky", "lambda_": 0.3}, {"margin": 1.0}):
        with pytest.raises(RecipeError, match="takes no"):
            build_loss(COUNTS, settings)
