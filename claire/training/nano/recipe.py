"""The recipe of nano: everything that decides its training, in one YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from claire.core.errors import RecipeError
from claire.training.recipe import read_settings

ROW = 32
"""Weights of a row that Q8_0 scales together; every width is a multiple of it."""


@dataclass(frozen=True)
class NanoRecipe:
    """One training run of a small language model.

    Args:
        name: Of the model file; must not contain "phi3", which llama.cpp treats as another model.
        title: One line for people.
        hidden: Width of the residual stream.
        layers: Blocks.
        heads: Attention heads.
        feed_forward: Width inside a block.
        vocabulary: Tokens, slots and chat tags included.
        context: Most tokens of prompt and text together.
        steps: Steps of the optimiser.
        batch: Texts per step.
        learning_rate: Peak of the cosine schedule (AdamW).
        warmup: Steps in which it rises to the peak.
        weight_decay: Of AdamW.
        precision: `32-true` or `bf16-mixed`.
        threads: CPU threads; 0 leaves torch's choice.
        seed: Of weights and texts.
    """

    name: str
    title: str
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    feed_forward: int = 384
    vocabulary: int = 1536
    context: int = 2048
    steps: int = 1600
    batch: int = 4
    learning_rate: float = 2e-3
    warmup: int = 50
    weight_decay: float = 0.05
    precision: str = "bf16-mixed"
    threads: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if any(value <= 0 or value % ROW for value in (self.hidden, self.feed_forward, self.vocabulary)):
            raise RecipeError(
                f"hidden, feed_forward and vocabulary must be multiples of {ROW}.", "Correct the recipe of the model."
            )
        if self.hidden % self.heads or "phi" in self.name.casefold():
            raise RecipeError(
                "hidden must be a multiple of heads, and the name must not contain phi.", "Correct the recipe."
            )
        if self.precision not in ("32-true", "bf16-mixed"):
            raise RecipeError(f"precision is {self.precision!r}.", "Use 32-true or bf16-mixed.")

    @classmethod
    def read(cls, path: Path, overrides: Mapping[str, Any] | None = None) -> NanoRecipe:
        """Read a YAML file.

        Raises:
            MissingFileError: No such file.
            RecipeError: Not YAML, unknown or missing names.
        """
        content = read_settings(path)
        known = {item.name for item in fields(cls)}
        if not {"name", "title"} <= set(content) <= known:
            raise RecipeError(
                f"The recipe {path.name!r} has unknown or missing settings.", f"Known: {', '.join(sorted(known))}."
            )
        return cls(**{**content, **(overrides or {})})
