"""A tiny data set and a tiny network, for runs of a second."""

from __future__ import annotations

from pathlib import Path

from claire.core.errors import UnknownNameError
from claire.core.types import Tile
from claire.data.examples import generate_flood_pair

SIZE = 64
TINY = {"encoder": "resnet", "widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "stem": 4, "decoder": 8, "auxiliary": 8}


class GeneratedFloods:
    """Six generated pairs to learn from, three to validate on."""

    name, title, root = "generated", "Generated", Path()
    splits = ("train", "val")

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        if split not in {"train", "val"}:
            raise UnknownNameError.among("split", str(split), self.splits)
        return tuple(str(i) for i in (range(6) if split == "train" else range(6, 9)))

    def read(self, tile_id: str) -> Tile:
        return generate_flood_pair(int(tile_id), SIZE)
