"""The seam between networks and everything that uses them."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from claire.core.manifest import Manifest
from claire.core.settings import Settings
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


@runtime_checkable
class OpenSegmenter(Segmenter, Protocol):
    """A segmenter that lets its network be differentiated and looked into; what `claire.explain` asks for."""

    @property
    def network(self) -> Any:
        """A torch module in evaluation mode.

        It takes optical, sar, optical_valid, sar_valid of (B, C, H, W), and `inspect=True`; it returns an object with
        `logits` (mode -> (B, K, H, W)) and `stages`, one per fusion stage from the finest to the coarsest, each with
        `trust_B2HW`, `optical_to_sar_BNQL` and `sar_to_optical_BNQL` (N heads, Q pixels, L cells; None where there is
        no attention or nobody inspects).
        """
        ...

    @property
    def stride(self) -> int:
        """Height and width of what the network reads are multiples of this."""
        ...

    @property
    def settings(self) -> Settings:
        """Window and memory budget."""
        ...
