"""`python -m claire.training.nano recipes/nano.yaml`: train nano and write its GGUF."""

from __future__ import annotations

import sys
from pathlib import Path

from claire.core.settings import Settings
from claire.training.nano.export import export_gguf
from claire.training.nano.recipe import NanoRecipe
from claire.training.nano.run import train_nano


def main(recipe_path: str) -> None:
    """Train, or go on training, and export to the checkpoints folder."""
    recipe = NanoRecipe.read(Path(recipe_path))
    model, tokenizer = train_nano(recipe, Path("runs"), report=_say)
    export_gguf(model, tokenizer, recipe, Settings.from_environment().checkpoints / f"{recipe.name}.gguf")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
