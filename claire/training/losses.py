"""RIFT: weighted focal plus focal Tversky loss, so that rare classes count.

RIFT = lambda WFL + (1 - lambda) FTL. WFL: Lin 2017 (arXiv 1708.02002), with class weights by effective number of
samples (Cui 2019, arXiv 1901.05555). Tversky index: Salehi 2017 (arXiv 1706.05721); focal Tversky: Abraham 2019
(arXiv 1810.07842).
Legend: B batch, K classes, H height, W width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from claire.core.classes import IGNORE_INDEX
from claire.core.errors import RecipeError, UnknownNameError

ARGUMENTS = {"gamma", "alpha", "beta", "gamma_t", "lambda_", "smooth"}
"""What a recipe may set of the loss."""


class RIFTLoss(nn.Module):
    """RIFT for dense labels.

    Args:
        class_weights: K weights a_c of the focal part, mean 1; all 1 when not given.
        tversky_weights: K weights w_c of the Tversky part; `class_weights` when not given.
        gamma: Focus on hard pixels; 0 gives weighted cross-entropy.
        alpha: Weight of false positives.
        beta: Weight of false negatives.
        gamma_t: Focus on hard classes; 1 gives the plain Tversky loss.
        lambda_: Share of the focal part, 0..1.
        smooth: eps of the Tversky index.
        ignore_index: Target value that is left out.
    """

    class_weights: Tensor | None
    tversky_weights: Tensor | None

    def __init__(
        self,
        class_weights: Sequence[float] | None = None,
        *,
        tversky_weights: Sequence[float] | None = None,
        gamma: float = 2.0,
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma_t: float = 4 / 3,
        lambda_: float = 0.5,
        smooth: float = 1.0,
        ignore_index: int = IGNORE_INDEX,
    ) -> None:
        super().__init__()
        chosen = class_weights if tversky_weights is None else tversky_weights
        self.register_buffer("class_weights", None if class_weights is None else torch.tensor(class_weights))
        self.register_buffer("tversky_weights", None if chosen is None else torch.tensor(chosen))
        self.gamma, self.alpha, self.beta, self.gamma_t = gamma, alpha, beta, gamma_t
        self.lambda_, self.smooth, self.ignore_index = lambda_, smooth, ignore_index

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Scalar loss.

        Args:
            logits: (B, K, H, W).
            target: (B, H, W) integer class indices or `ignore_index`.

        Returns:
            RIFT over the labelled pixels; 0 with a gradient of 0 when none is labelled.
        """
        classes = logits.shape[1]
        flat = logits.movedim(1, -1).reshape(-1, classes)
        labels = target.reshape(-1).long()
        labelled = labels != self.ignore_index
        flat, labels = flat[labelled], labels[labelled]
        if labels.numel() == 0:
            return logits.sum() * 0
        log_p = flat.log_softmax(dim=1)
        return self.lambda_ * self._focal(log_p, labels) + (1 - self.lambda_) * self._tversky(log_p.exp(), labels)

    def _focal(self, log_p: Tensor, labels: Tensor) -> Tensor:
        log_p_y = log_p.gather(1, labels[:, None]).squeeze(1)
        loss = -((1 - log_p_y.exp()).clamp_min(0) ** self.gamma) * log_p_y if self.gamma else -log_p_y
        if self.class_weights is not None:
            loss = loss * self.class_weights.to(loss.dtype)[labels]
        return loss.mean()

    def _tversky(self, p: Tensor, labels: Tensor) -> Tensor:
        truth = nn.functional.one_hot(labels, p.shape[1]).to(p.dtype)
        true_positive = (p * truth).sum(dim=0)
        false_positive = p.sum(dim=0) - true_positive
        false_negative = truth.sum(dim=0) - true_positive
        index = (true_positive + self.smooth) / (
            true_positive + self.alpha * false_positive + self.beta * false_negative + self.smooth
        )
        loss = (1 - index).clamp_min(1e-7) ** (1 / self.gamma_t)
        present = truth.sum(dim=0).gt(0).to(p.dtype)
        weights = present if self.tversky_weights is None else present * self.tversky_weights.to(p.dtype)
        return (loss * weights).sum() / weights.sum()


LOSSES: dict[str, dict[str, float]] = {
    "rift": {},
    "ce": {"lambda_": 1.0, "gamma": 0.0},
    "focal": {"lambda_": 1.0},
    "tversky": {"lambda_": 0.0},
}
"""Kind of loss -> what it fixes of RIFT; `ce` also has no class weights."""


def build_loss(counts: Sequence[int], settings: Mapping[str, Any]) -> RIFTLoss:
    """The loss that a recipe asks for.

    Args:
        counts: Pixels of each class in the training split.
        settings: `kind`, a key of `LOSSES`, RIFT when not given, and arguments of `RIFTLoss` besides weights.

    Raises:
        UnknownNameError: No such kind.
        RecipeError: Something that is no argument of the loss, or that the kind fixes.
    """
    given = dict(settings)
    kind = str(given.pop("kind", "rift"))
    if kind not in LOSSES:
        raise UnknownNameError.among("loss", kind, LOSSES)
    if strange := sorted(set(given) - (ARGUMENTS - set(LOSSES[kind]))):
        raise RecipeError(
            f"The loss {kind!r} takes no {strange[0][:40]!r}.", f"Known: {', '.join(sorted(ARGUMENTS))}, and kind."
        )
    weights = None if kind == "ce" else compute_class_weights(counts)
    return RIFTLoss(weights, **{**given, **LOSSES[kind]})


def compute_class_weights(counts: Sequence[int], beta: float = 0.9999) -> tuple[float, ...]:
    """Weights by effective number of samples, mean 1 over the classes that occur, 0 for the others.

    Args:
        counts: Pixels of each class in the training split.
        beta: 0..1; nearer 1 favours rare classes more.

    Example:
        >>> compute_class_weights([10, 10])
        (1.0, 1.0)
    """
    raw = [(1 - beta) / (1 - beta**count) if count else 0.0 for count in counts]
    present = sum(1 for count in counts if count)
    total = sum(raw)
    return tuple(weight * present / total for weight in raw) if total else tuple(raw)
