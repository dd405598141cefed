"""The seam between data sets on disk and everything that lists, shows, scores or trains on them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from claire.core.types import Tile


@runtime_checkable
class Dataset(Protocol):
    """A folder of tiles in one known layout. Opening it lists files; pixels are read by `read` alone."""

    @property
    def name(self) -> str:
        """Name of the layout, as in `claire evaluate --data NAME`."""
        ...

    @property
    def title(self) -> str:
        """One line for people; never a path."""
        ...

    @property
    def root(self) -> Path:
        """The folder it was opened from."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, each valid for `ids`."""
        ...

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Identifiers of the tiles of one split, or of all, in a fixed order.

        Raises:
            UnknownNameError: No such split.
        """
        ...

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile.

        Raises:
            UnknownNameError: No such tile.
            InputError: One of its files cannot be read or paired.
        """
        ...
