"""CLAIRE less one of its parts: what each is good for is measured by leaving it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from claire.core.errors import UnknownNameError
from claire.training.recipe import Recipe


@dataclass(frozen=True)
class Ablation:
    """What is changed of a recipe.

    Args:
        title: What is left out, for people.
        network: Settings of the network.
        loss: Settings of the loss; the recipe's own where empty.
        damage: Name -> share of the samples; the recipe's own where empty.
    """

    title: str
    network: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)
    damage: Mapping[str, float] = field(default_factory=dict)


ABLATIONS: dict[str, Ablation] = {
    "no-attention": Ablation("no cross-attention", network={"head_width": 0}),
    "no-gate": Ablation("no trust gate, the mean of what is there", network={"groups": 0}),
    "no-dropout": Ablation("no missing sensors and no damage in training", damage={"clear": 1.0}),
    "ce": Ablation("cross-entropy instead of RIFT", loss={"kind": "ce"}),
    "focal": Ablation("weighted focal loss alone", loss={"kind": "focal"}),
    "tversky": Ablation("focal Tversky loss alone", loss={"kind": "tversky"}),
}
"""Name -> what is left out."""

SHARED = {"ce": (), "focal": ("gamma",), "tversky": ("alpha", "beta", "gamma_t", "smooth")}
"""Kind of loss -> arguments of RIFT that still mean something in it."""


def ablate(recipe: Recipe, name: str) -> Recipe:
    """The same run without one part; widths stay, so that a network without a part is smaller.

    Args:
        recipe: Of CLAIRE itself.
        name: Key of `ABLATIONS`.

    Raises:
        UnknownNameError: No such ablation; lists the right names.
    """
    if name not in ABLATIONS:
        raise UnknownNameError.among("ablation", name, ABLATIONS)
    ablation = ABLATIONS[name]
    loss = dict(recipe.loss)
    if ablation.loss:
        loss = {key: value for key, value in loss.items() if key in SHARED[ablation.loss["kind"]]} | dict(ablation.loss)
    return replace(
        recipe,
        network={**recipe.network, **ablation.network},
        loss=loss,
        damage=dict(ablation.damage or recipe.damage),
    )
