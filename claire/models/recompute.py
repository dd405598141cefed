"""Memory for time: what a slope needs is counted again on the way back instead of kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.utils.checkpoint import checkpoint


def recompute(function: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    """What the function gives, of which nothing is kept but the inputs (Chen et al. 2016, arXiv 1604.06174).

    Args:
        function: Without random numbers.
        inputs: Of the function.
        named: Of the function.
    """
    return checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False, **named)
