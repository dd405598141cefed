"""The seam between networks and everything that uses them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from claire.core.manifest import Manifest
from claire.core.types import Prepared, SegmenterOutput


@runtime_checkable
class Segmenter(Protocol):
    """Anything that maps a prepared pair to logits for the three modes."""

    @property
    def manifest(self) -> Manifest:
        """What it reads and predicts."""
        ...

    def segment(self, prepared: Prepared) -> SegmenterOutput:
        """Logits of every mode at the size of the input, from one forward."""
        ...
