"""Evidence made of random numbers, through the real types: whole, not meaningful."""

from __future__ import annotations

from typing import Any

import numpy as np

from claire.core.evidence import BandContribution, ContributionGrid, Explained
from claire.core.types import Attention, AttentionStage, Attribution, Faithfulness, Share

NAN = float("nan")


def explained(seed: int = 0, zone: Any = None, whole: bool = True) -> Explained:
    """An answer about flood on the fused map; without its optional parts unless `whole`."""
    rng = np.random.default_rng(seed)
    zone = np.ones((5, 7), bool) if zone is None else zone
    maps = {"optical": rng.normal(size=(3, *zone.shape)), "sar": rng.normal(size=(1, *zone.shape))}
    attribution = Attribution(
        "ablation",
        "flood",
        "fused",
        "logit",
        zone,
        {evidence: values.astype(np.float32) for evidence, values in maps.items()},  # type: ignore[misc]
        {"optical": ("B4", "B3", "B2"), "sar": ("all bands",)},
        1.25,
        NAN,
        False,
        97,
        seed,
        "mean",
    )
    faithfulness = Faithfulness(NAN, 0.25, NAN, 0.1, 0.9, 0.5, 0.125, 3, NAN, 25, False)
    if not whole:
        return Explained(attribution, faithfulness)
    cells = rng.normal(size=(3, 2, 2))
    cells[:, 1, 1] = np.nan
    bands = rng.normal(size=(4, 2))
    return Explained(
        attribution,
        faithfulness,
        Share("flood", *rng.normal(size=5).tolist()),
        ContributionGrid("flood", *cells, cell=4),
        BandContribution(
            ("background", "flood"),
            ("optical B4", "optical B3", "optical B2", "sar VV"),
            bands,
            np.zeros((4, 2)),
            bands.sum(axis=0),
            np.zeros(2),
            True,
            16,
        ),
    )


def attention(seed: int = 0) -> Attention:
    """A stage with attention and one without, over a piece."""
    rng = np.random.default_rng(seed)
    looks = [rng.dirichlet(np.ones(4), (2, 2)).reshape(2, 2, 2, 2).astype(np.float32) for _ in range(2)]
    fine, coarse = rng.random((4, 4)).astype(np.float32), rng.random((2, 2)).astype(np.float32)
    return Attention((AttentionStage(2, fine), AttentionStage(4, coarse, looks[0], looks[1])), (1, 0), (4, 7))
