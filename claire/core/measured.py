"""What was measured on a checkpoint beside its scores: calibration, agreement with labels, cost."""

from __future__ import annotations

from dataclasses import dataclass

Table = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Reliability:
    """Bins of confidence from 0 to 1.

    Args:
        share: Share of the pixels in each bin, 0..1.
        confidence: Mean confidence of each bin; 0 for an empty one.
        accuracy: Share of the pixels of each bin that are right; 0 for an empty one.
    """

    share: tuple[float, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class RiskCoverage:
    """Error among the pixels that are kept when the least certain are left out.

    Args:
        risk: Share of wrong pixels, 0..1, at coverages of equal distance up to 1.
        area: Mean risk over all coverages; low is good.
    """

    risk: tuple[float, ...]
    area: float

    @property
    def coverage(self) -> tuple[float, ...]:
        """Share of the pixels that are kept, for every risk."""
        return tuple((place + 1) / len(self.risk) for place in range(len(self.risk)))


@dataclass(frozen=True)
class Agreement:
    """How maps agree with labels, and how that varies from tile to tile.

    Args:
        confusion: (K, K) pixels, rows label, columns map.
        tiles: How many tiles were counted.
        covariance: (K, K, K): for each class of the label, covariance between classes of the map of the share of their
            pixels that is of this class, with tiles as clusters; empty for a single tile.
    """

    confusion: tuple[tuple[int, ...], ...]
    tiles: int
    covariance: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What is known of one mode on validation, clear sky, with temperature.

    Args:
        reliability: Of its confidence.
        selection: Risk against coverage.
        agreement: Of its maps with the labels.
    """

    reliability: Reliability
    selection: RiskCoverage
    agreement: Agreement


@dataclass(frozen=True)
class Cost:
    """What one forward costs.

    Args:
        parameters: Numbers that were learnt.
        gflop: Billions of floating-point operations; a multiplication with addition counts two.
        side: Side of the square input, pixels.
        latency_ms: Median time, milliseconds.
        threads: Of the processor that were used.
        machine: What it ran on.
    """

    parameters: int
    gflop: float
    side: int
    latency_ms: float
    threads: int
    machine: str
