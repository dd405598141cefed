"""The manifest of a checkpoint: everything needed to feed it, trust it and describe it, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from claire.core.bands import Mode, Unit, normalise_band_name
from claire.core.classes import ClassScheme, find_scheme
from claire.core.errors import CheckpointError

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class InputSpec:
    """What one encoder reads.

    Args:
        bands: Names in channel order.
        unit: Unit the values must have before normalisation.
        mean: Per band, in `unit`, over the training split.
        std: Per band, in `unit`.
        dates: Groups of channel indices acquired together; a pixel whose bands of one date are all 0 is nodata of that
            date.
        sensor: For example "Sentinel-2 L1C".
    """

    bands: tuple[str, ...]
    unit: Unit
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dates: tuple[tuple[int, ...], ...]
    sensor: str = ""

    def __post_init__(self) -> None:
        count = len(self.bands)
        if len(self.mean) != count or len(self.std) != count or min(self.std, default=1.0) <= 0:
            raise CheckpointError(
                "A manifest gives another number of means or spreads than bands.", "Download the checkpoint again."
            )
        if sorted(i for date in self.dates for i in date) != list(range(count)):
            raise CheckpointError(
                "A manifest does not assign every band to one date.", "Download the checkpoint again."
            )


@dataclass(frozen=True)
class Manifest:
    """A checkpoint's own description, stored as JSON beside its weights.

    Args:
        name: Checkpoint name.
        title: One line for people.
        scheme: Name of the class scheme it predicts.
        optical: Input of the optical encoder.
        sar: Input of the SAR encoder.
        network: Arguments that rebuild the network.
        temperature: Mode -> divisor of the logits fitted on validation.
        sha256: Of the weights file.
        scores: Mode -> condition -> summary scores on validation.
        training: Data, split, seed, budget.
        limits: Sentences: what it is not for.
        failures: Sentences: what it is known to get wrong.
    """

    name: str
    title: str
    scheme: str
    optical: InputSpec
    sar: InputSpec
    network: Mapping[str, Any]
    temperature: Mapping[Mode, float]
    sha256: str = ""
    scores: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    version: int = MANIFEST_VERSION

    @property
    def class_scheme(self) -> ClassScheme:
        """The class scheme it predicts."""
        return find_scheme(self.scheme)

    def fits_swapped(self, optical: Sequence[str], sar: Sequence[str]) -> bool:
        """Whether each of two files has the bands wanted of the other, by name, or by number where neither has names.

        Args:
            optical: Band names of the optical file.
            sar: Band names of the SAR file.
        """
        wanted = [{normalise_band_name(band) for band in spec.bands} for spec in (self.optical, self.sar)]
        given = [{normalise_band_name(band) for band in bands} for bands in (optical, sar)]
        if any(w <= g for w, g in zip(wanted, given, strict=True)):
            return False
        if all(w <= g for w, g in zip(wanted, reversed(given), strict=True)):
            return True
        unnamed = all(band.startswith("band") for bands in given for band in bands)
        numbers = [len(spec.bands) for spec in (self.optical, self.sar)]
        return unnamed and numbers[0] != numbers[1] and numbers == [len(sar), len(optical)]

    def write(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read from JSON.

        Raises:
            CheckpointError: Missing, not JSON, another version, or fields that do not fit.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content.get("version") != MANIFEST_VERSION:
                raise CheckpointError(
                    f"The manifest {path.name} has version {content.get('version')}, but {MANIFEST_VERSION} is wanted.",
                    "Use a checkpoint made for this version of CLAIRE.",
                )
            for role in ("optical", "sar"):
                spec: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content[role].items()}
                spec["dates"] = tuple(tuple(date) for date in spec["dates"])
                content[role] = InputSpec(**spec)
            content["limits"], content["failures"] = tuple(content["limits"]), tuple(content["failures"])
            return cls(**content)
        except FileNotFoundError as error:
            raise CheckpointError(f"The manifest {path.name} is missing.", "Put it beside the weights.") from error
        except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(
                f"The manifest {path.name} cannot be read.", "Download the checkpoint again."
            ) from error
