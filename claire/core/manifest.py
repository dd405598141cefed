"""The manifest of a checkpoint: everything needed to feed it, trust it and describe it, without torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from claire.core.bands import CLOUD_BANDS, MODES, UNITS, Modality, Mode, Unit, normalise_band_name
from claire.core.classes import SCHEMES, ClassScheme, find_scheme, read_scheme
from claire.core.documents import parse_json
from claire.core.errors import CheckpointError
from claire.core.files import appearing
from claire.core.measured import Agreement, Cost, Measured, Reliability, RiskCoverage
from claire.core.settings import Settings

MANIFEST_VERSION = 1
DEEPEST = 12
"""Objects and arrays inside each other; a manifest needs six."""

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
"""A checkpoint's name becomes file names."""

SCREENED_UNITS: frozenset[Unit] = frozenset({"reflectance", "reflectance_x1e4"})
"""Units in which clouds can be told by how bright they are."""

SHA256 = re.compile(r"[0-9a-f]{64}|")
FETCH_AGAIN = "Download the checkpoint again."


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
        screen_clouds: What looks like cloud is left out before the encoder sees it; wants `CLOUD_BANDS` of every date,
            as reflectance.
        screen_noise: What is noise in all bands of a date is left out, too; wants reflectance.
    """

    bands: tuple[str, ...]
    unit: Unit
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dates: tuple[tuple[int, ...], ...]
    sensor: str = ""
    screen_clouds: bool = False
    screen_noise: bool = False

    def __post_init__(self) -> None:
        count = len(self.bands)
        if len(self.mean) != count or len(self.std) != count or min(self.std, default=1.0) <= 0:
            raise CheckpointError("A manifest gives another number of means or spreads than bands.", FETCH_AGAIN)
        if sorted(i for date in self.dates for i in date) != list(range(count)):
            raise CheckpointError("A manifest does not assign every band to one date.", FETCH_AGAIN)
        if self.screen_clouds and not (self.unit in SCREENED_UNITS and all(map(self._shows_clouds, self.dates))):
            raise CheckpointError(
                f"Clouds are to be left out of {self.unit} in {', '.join(self.bands)[:80]}, which cannot show them.",
                f"Switch screen_clouds off, or give {', '.join(CLOUD_BANDS)} of every date as reflectance.",
            )

        if self.screen_noise and self.unit not in SCREENED_UNITS:
            raise CheckpointError(
                f"Noise is to be left out of {self.unit}, whose contrast nobody knows.",
                f"Switch screen_noise off, or give {' or '.join(sorted(SCREENED_UNITS))}.",
            )

    def _shows_clouds(self, date: Sequence[int]) -> bool:
        return {normalise_band_name(self.bands[channel]).partition("_")[0] for channel in date}.issuperset(CLOUD_BANDS)


@dataclass(frozen=True)
class GoldenTile:
    """What the network answered to a small generated input when it was saved; `claire.models.golden` asks it again.

    Args:
        seed: Of the input.
        size: Side of the input, pixels, a multiple of 4 and of the network's stride.
        levels: Modality -> band -> (centre, spread) of its values, in the unit of the manifest.
        logits: Mode -> class -> means over a grid of 4 x 4 cells, row by row.
        tolerance: Largest difference of one of these means that rounding may make.
    """

    seed: int
    size: int
    levels: Mapping[Modality, Mapping[str, tuple[float, float]]]
    logits: Mapping[Mode, tuple[tuple[float, ...], ...]]
    tolerance: float


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
        tensors: Key -> dtype and shape of every tensor of the weights, such as "F16 8x3x3x3"; empty when not recorded.
        golden: Self-test; None when not recorded.
        measured: Mode -> calibration and agreement with the labels on validation, clear sky; empty when not measured.
        cost: Of one forward; None when not measured.
        replicas: Seed of another run of the same recipe -> its scores, as `scores`.
        extent: Where the training data lie, in words; empty when not known.
        bbox: West, south, east, north of the training data, degrees; empty when not known.
        own_classes: The class scheme itself where `scheme` names none of CLAIRE's; else None.
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
    tensors: Mapping[str, str] = field(default_factory=dict)
    golden: GoldenTile | None = None
    measured: Mapping[Mode, Measured] = field(default_factory=dict)
    cost: Cost | None = None
    replicas: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]] = field(default_factory=dict)
    extent: str = ""
    bbox: tuple[float, ...] = ()
    own_classes: ClassScheme | None = None
    version: int = MANIFEST_VERSION

    @property
    def class_scheme(self) -> ClassScheme:
        """The class scheme it predicts."""
        return self.own_classes or find_scheme(self.scheme)

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
        """Write as JSON; the file appears under its name only when it is complete."""
        text = json.dumps(asdict(self), indent=2, allow_nan=False) + "\n"
        with appearing(path) as partial:
            partial.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path, settings: Settings | None = None) -> Manifest:
        """Read from JSON, believing nothing: size, depth, every field and its type are checked.

        Args:
            path: The manifest.
            settings: Limits; those of the environment when not given.

        Raises:
            CheckpointError: Missing, too long, not JSON, another version, or fields that do not fit.
        """
        longest = (settings or Settings.from_environment()).max_manifest_bytes
        called = repr(path.name[:60])
        try:
            with path.open("rb") as stream:
                content = parse_json(stream.read(longest + 1), longest, DEEPEST)
            if content.get("version") != MANIFEST_VERSION:
                raise CheckpointError(
                    f"The manifest {called} has version {str(content.get('version'))[:20]}, but {MANIFEST_VERSION} "
                    "is wanted.",
                    "Use a checkpoint made for this version of CLAIRE.",
                )
            return _build_manifest(content)
        except FileNotFoundError as error:
            raise CheckpointError(f"The manifest {called} is missing.", "Put it beside the weights.") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(f"The manifest {called} cannot be read.", FETCH_AGAIN) from error


def _build_manifest(content: dict[str, Any]) -> Manifest:
    """The manifest of parsed JSON; KeyError, TypeError or ValueError when a field is missing or of another kind."""
    fields = dict(content)
    texts = {key: _text(fields[key]) for key in ("name", "title", "scheme")}
    sha256 = _text(fields.get("sha256", ""))
    if not PLAIN_NAME.fullmatch(texts["name"]) or not SHA256.fullmatch(sha256):
        raise ValueError("name or sha256")
    fields |= {role: _build_input(fields[role]) for role in ("optical", "sar")}
    fields |= {key: tuple(_text(line) for line in _list(fields.get(key, []))) for key in ("limits", "failures")}
    fields["network"] = _mapping(fields["network"])
    fields["training"] = _mapping(fields.get("training", {}))
    fields["temperature"] = {_mode(k): _positive(v) for k, v in _mapping(fields["temperature"]).items()}
    fields["scores"] = _build_scores(fields.get("scores", {}))
    fields["replicas"] = {seed: _build_scores(each) for seed, each in _mapping(fields.get("replicas", {})).items()}
    fields["measured"] = {
        _mode(m): _build_measured(_mapping(e)) for m, e in _mapping(fields.get("measured", {})).items()
    }
    cost = fields.get("cost")
    fields["cost"] = None if cost is None else _build_cost(_mapping(cost))
    fields["extent"], fields["bbox"] = _text(fields.get("extent", "")), _build_bbox(fields.get("bbox", []))
    fields["tensors"] = {key: _text(value) for key, value in _mapping(fields.get("tensors", {})).items()}
    golden = fields.get("golden")
    fields["golden"] = None if golden is None else _build_golden(_mapping(golden))
    own = fields.get("own_classes")
    fields["own_classes"] = None if own is None else _build_scheme(_mapping(own), texts["scheme"])
    return Manifest(**fields)


def _build_scheme(content: dict[str, Any], name: str) -> ClassScheme:
    rows = [_mapping(row) for row in _list(content["classes"])]
    if content["name"] != name or name in SCHEMES or not rows:
        raise ValueError("own_classes")
    return read_scheme(rows, _list(content["ignore_ids"]), name)


def _build_input(content: Any) -> InputSpec:
    fields = dict(_mapping(content))
    if fields["unit"] not in UNITS:
        raise ValueError("unit")
    fields["sensor"] = _text(fields.get("sensor", ""))
    for switch in ("screen_clouds", "screen_noise"):
        if not isinstance(fields.get(switch, False), bool):
            raise TypeError(switch)
    fields["bands"] = tuple(_text(band) for band in _list(fields["bands"]))
    fields |= {key: tuple(_number(value) for value in _list(fields[key])) for key in ("mean", "std")}
    fields["dates"] = tuple(tuple(_count(index) for index in _list(date)) for date in _list(fields["dates"]))
    return InputSpec(**fields)


def _build_scores(content: Any) -> dict[str, dict[str, dict[str, float]]]:
    return {
        _mode(mode): {
            condition: {key: _number(value) for key, value in _mapping(entry).items()}
            for condition, entry in _mapping(conditions).items()
        }
        for mode, conditions in _mapping(content).items()
    }


def _build_measured(content: dict[str, Any]) -> Measured:
    bins, curve, agreement = (_mapping(content[key]) for key in ("reliability", "selection", "agreement"))
    parts = [_numbers(bins[key]) for key in ("share", "confidence", "accuracy")]
    confusion = tuple(tuple(_count(n) for n in _list(row)) for row in _list(agreement["confusion"]))
    covariance = tuple(
        tuple(_numbers(row) for row in _list(matrix)) for matrix in _list(agreement.get("covariance", []))
    )
    size = len(confusion)
    square = all(len(row) == size for table in (confusion, *covariance) for row in table)
    sizes = {size, *map(len, covariance)} if covariance else {size}
    if len({len(part) for part in parts}) != 1 or not square or len(covariance) not in {0, size} or sizes != {size}:
        raise ValueError("measured")
    return Measured(
        Reliability(*parts),
        RiskCoverage(_numbers(curve["risk"]), _number(curve["area"])),
        Agreement(confusion, _count(agreement["tiles"]), covariance),
    )


def _build_cost(content: dict[str, Any]) -> Cost:
    return Cost(
        _count(content["parameters"]),
        _positive(content["gflop"]),
        _count(content["side"]),
        _positive(content["latency_ms"]),
        _count(content["threads"]),
        _text(content["machine"]),
    )


def _build_bbox(content: Any) -> tuple[float, ...]:
    bbox = _numbers(content)
    if bbox and not (len(bbox) == 4 and -180 <= bbox[0] <= bbox[2] <= 180 and -90 <= bbox[1] <= bbox[3] <= 90):
        raise ValueError("bbox")
    return bbox


def _build_golden(content: dict[str, Any]) -> GoldenTile:
    levels: dict[Any, dict[str, tuple[float, float]]] = {}
    for modality, bands in _mapping(content["levels"]).items():
        pairs = {band: tuple(_number(value) for value in _list(pair)) for band, pair in _mapping(bands).items()}
        levels[modality] = {band: (centre, spread) for band, (centre, spread) in pairs.items()}
    logits: dict[Any, tuple[tuple[float, ...], ...]] = {
        _mode(mode): tuple(tuple(_number(value) for value in _list(row)) for row in _list(rows))
        for mode, rows in _mapping(content["logits"]).items()
    }
    size = _count(content["size"])
    if not 0 < size <= 256 or set(levels) != {"optical", "sar"} or not logits:
        raise ValueError("golden")
    return GoldenTile(_count(content["seed"]), size, levels, logits, _positive(content["tolerance"]))


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise TypeError("a text is wanted")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError("a number is wanted")
    return value


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(_number(each) for each in _list(value))


def _positive(value: Any) -> float:
    if not _number(value) > 0:
        raise ValueError("a positive number is wanted")
    return float(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("a whole number is wanted")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list is wanted")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object is wanted")
    return value


def _mode(value: str) -> str:
    if value not in MODES:
        raise ValueError("mode")
    return value
