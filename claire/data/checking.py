"""Looking a labelled data set over before a network learns from it.

Every tile is read once. One that cannot be learnt from is named and left out. What both sides of a split share - equal
pixels, common ground, near-duplicates - makes scores too good: a split that is drawn here keeps such tiles together, of
one that was given it is said.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODALITIES
from claire.core.classes import IGNORE_INDEX, ClassScheme
from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, InputError
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.core.types import GeoReference, Layer, Tile, layer_of
from claire.data.preparing import compute_valid, select_bands
from claire.data.splits import compare_thumbnails, group_connected, make_thumbnail, split_groups

TRAIN, VALIDATION = "train", "val"

BLOCKS_PER_SIDE = 6
"""Into how many blocks a side of the whole region is cut at most, where no block is given."""

COMMON_PIXELS = 1.5
"""Pixels by which two tiles must overlap in both directions to have ground in common; less is rounding."""

RARE_SHARE = 0.001
"""Share of the labelled training pixels below which a class counts as rare."""

MISSING = "The tile has no {} file."

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """Something that a person should know before training.

    Args:
        code: What kind of thing.
        tile: Which tile; empty for the whole data set.
        message: One sentence.
        left_out: Whether the tile is not used because of it.
    """

    code: str
    tile: str
    message: str
    left_out: bool = False


@dataclass(frozen=True)
class Tie:
    """Two tiles that belong on one side of a split.

    Args:
        one: Tile.
        other: Tile.
        why: "same pixels", "common ground" or "near-duplicates".
    """

    one: str
    other: str
    why: str


@dataclass(frozen=True)
class SplitPlan:
    """How tiles are dealt into training and validation where nobody did so.

    Args:
        share: Of the tiles that validate, between 0 and 1.
        seed: Of the draw.
        block: Side of the squares of ground that stay together, in units of the tiles' coordinates; 0 takes a sixth of
            the whole region.
    """

    share: float = 0.2
    seed: int = 0
    block: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or self.block < 0 or self.seed < 0:
            raise DatasetError(
                f"The split has the share {self.share:g}, the block {self.block:g} and the seed {self.seed}, but a "
                "share between 0 and 1 is wanted and no negative number.",
                "Write split = { share = 0.2, seed = 0 }.",
            )


@dataclass(frozen=True)
class Check:
    """What was found.

    Args:
        splits: Split -> tiles that can be learnt from.
        classes: Names, in index order.
        pixels: Split -> labelled pixels of each class.
        findings: In the order of the tiles.
        leaks: What training shares with validation.
        shapes: (H, W) of every usable training tile.
    """

    splits: Mapping[str, tuple[str, ...]]
    classes: tuple[str, ...]
    pixels: Mapping[str, tuple[int, ...]]
    findings: tuple[Finding, ...] = ()
    leaks: tuple[Tie, ...] = ()
    shapes: tuple[tuple[int, int], ...] = ()

    @property
    def left_out(self) -> tuple[Finding, ...]:
        """Tiles that are not used, each with its reason."""
        return tuple(finding for finding in self.findings if finding.left_out)

    @property
    def limits(self) -> tuple[str, ...]:
        """Sentences for the model card."""
        shared = len({name for leak in self.leaks for name in (leak.one, leak.other)} & set(self.splits[VALIDATION]))
        sentences = []
        if shared:
            sentences.append(
                f"{shared} of {len(self.splits[VALIDATION])} validation tiles share pixels or ground with training, so "
                "the scores are too good."
            )
        if self.left_out:
            count = len(self.left_out)
            tiles = "1 tile could not be used and was" if count == 1 else f"{count} tiles could not be used and were"
            sentences.append(f"{tiles} left out.")
        return tuple(sentences)

    def require_tiles(self) -> None:
        """Refuse a data set with nothing to learn from or to validate on.

        Raises:
            DatasetError: Says which split, and why its first tile was left out.
        """
        for split in (TRAIN, VALIDATION):
            if not self.splits[split]:
                raise DatasetError(
                    f"No tile is left for the split {split!r}; {len(self.left_out)} were left out.",
                    f"The first, {self.left_out[0].tile}: {self.left_out[0].message}"
                    if self.left_out
                    else "Give tiles of more places, or name the tiles of both splits.",
                )

    def as_dict(self) -> dict[str, object]:
        """Ready for JSON."""
        totals = {split: sum(counts) for split, counts in self.pixels.items()}
        return {
            "tiles": {split: len(tiles) for split, tiles in self.splits.items()},
            "splits": {split: list(tiles) for split, tiles in self.splits.items()},
            "classes": [
                {
                    "name": name,
                    **{
                        split: round(counts[index] / totals[split], 6) if totals[split] else 0.0
                        for split, counts in self.pixels.items()
                    },
                }
                for index, name in enumerate(self.classes)
            ],
            "left_out": [asdict(finding) for finding in self.left_out],
            "findings": [asdict(finding) for finding in self.findings if not finding.left_out],
            "leaks": [asdict(leak) for leak in self.leaks],
        }


@dataclass(frozen=True)
class _Look:
    """What is kept of a tile that was read."""

    name: str
    findings: tuple[Finding, ...]
    counts: tuple[int, ...] = ()
    shape: tuple[int, int] = (0, 0)
    place: GeoReference = field(default_factory=GeoReference)
    hashes: frozenset[str] = frozenset()
    thumbnails: NDArray[np.float64] | None = None

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """Left, low, right, high in the coordinates of the tile; None without any."""
        if self.place.crs is None or self.place.transform is None:
            return None
        a, b, c, d, e, f = self.place.transform
        corners = [(a * x + b * y + c, d * x + e * y + f) for x in (0, self.shape[1]) for y in (0, self.shape[0])]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def pixel(self) -> float:
        """Length of the larger side of a pixel."""
        a, b, _, d, e, _ = self.place.transform or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        return max(math.hypot(a, d), math.hypot(b, e))


def check_dataset(
    dataset: Dataset,
    manifest: Manifest,
    given: Mapping[str, Sequence[str]] | None = None,
    plan: SplitPlan | None = None,
    *,
    settings: Settings | None = None,
    report: Progress | None = None,
) -> Check:
    """Read every tile and say which of them can be learnt from, in which split, and what is to be known.

    Args:
        dataset: Labelled pairs.
        manifest: Bands, units and classes of the network to be.
        given: Tiles of `train` and `val`; drawn by `plan` when not given.
        plan: How they are drawn.
        settings: Limits; those of the environment when not given.
        report: Receives (tiles read, tiles in all).
    """
    wanted = (
        dataset.ids() if given is None else tuple(dict.fromkeys(name for names in given.values() for name in names))
    )
    looks = []
    for number, name in enumerate(wanted):
        looks.append(_look_at(dataset, name, manifest))
        if report is not None:
            report(number + 1, len(wanted))
    usable = {look.name: look for look in looks if look.counts}
    limit = (settings or Settings.from_environment()).max_compared
    findings = [finding for look in looks for finding in look.findings]
    if len(usable) > limit:
        findings.append(Finding("not_compared", "", f"More than {limit} tiles: common ground was not looked for."))
    ties = find_ties(list(usable.values())) if len(usable) <= limit else []
    if given is None:
        chosen, said = _draw_split(list(usable.values()), ties, plan or SplitPlan())
        findings += said
    else:
        chosen = {split: tuple(name for name in given[split] if name in usable) for split in (TRAIN, VALIDATION)}
    scheme = manifest.class_scheme
    pixels = {split: _add_counts((usable[name].counts for name in names), scheme) for split, names in chosen.items()}
    return Check(
        chosen,
        scheme.names,
        pixels,
        (*findings, *_judge_balance(pixels, scheme)),
        _find_leaks(chosen, ties),
        tuple(usable[name].shape for name in chosen[TRAIN]),
    )


def find_ties(looks: Sequence[_Look]) -> list[Tie]:
    """Pairs of tiles that show the same: in their pixels, on the ground, or to the eye."""
    found: dict[tuple[str, str], str] = {}
    sharing: dict[str, list[str]] = {}
    for look in looks:
        for digest in look.hashes:
            sharing.setdefault(digest, []).append(look.name)
    for names in sharing.values():
        found |= dict.fromkeys(combinations(names, 2), "same pixels")
    for one, other in _find_overlaps(looks):
        found.setdefault((one, other), "common ground")
    pictured = [look for look in looks if look.thumbnails is not None]
    if len(pictured) > 1:
        thumbnails = np.stack([look.thumbnails for look in pictured if look.thumbnails is not None])
        for first, second, _ in compare_thumbnails([look.name for look in pictured], thumbnails).pairs:
            found.setdefault((first, second), "near-duplicates")
    return [Tie(one, other, why) for (one, other), why in found.items()]


def _look_at(dataset: Dataset, name: str, manifest: Manifest) -> _Look:
    try:
        tile = dataset.read(name)
        missing = _find_missing(tile)
        if missing:
            return _refuse(name, "missing", MISSING.format(" and no ".join(missing)))
        chosen, _ = select_bands(tile, manifest)
        index = manifest.class_scheme.to_index(np.asarray(tile.label))
    except InputError as error:
        return _refuse(name, error.code, error.message)
    if not (index != IGNORE_INDEX).any():
        return _refuse(name, "unlabelled", "No pixel of the label is of a class.")
    layers = [(layer_of(chosen, modality), getattr(manifest, modality)) for modality in MODALITIES]
    pairs = [(layer, compute_valid(layer.values, layer.valid, spec)) for layer, spec in layers if layer is not None]
    if not all(seen.any() for _, seen in pairs):
        return _refuse(name, "empty", "A sensor has no valid pixel in the wanted bands.")
    return _Look(
        name,
        tuple(Finding("grid", name, note.message) for note in tile.notices if note.code == "warped"),
        tuple(np.bincount(index.ravel(), minlength=256)[: len(manifest.class_scheme)].tolist()),
        tile.shape,
        tile.georeference,
        frozenset(_hash(layer) for layer, _ in pairs if np.ptp(layer.values) > 0),
        np.stack([make_thumbnail(_as_grey(layer, seen)) for layer, seen in pairs]),
    )


def _find_missing(tile: Tile) -> list[str]:
    parts = {"optical": tile.optical, "SAR": tile.sar, "label": tile.label}
    return [title for title, part in parts.items() if part is None]


def _refuse(name: str, code: str, message: str) -> _Look:
    return _Look(name, (Finding(code, name, message, left_out=True),))


def _hash(layer: Layer) -> str:
    return hashlib.sha256(np.ascontiguousarray(layer.values).tobytes()).hexdigest()


def _as_grey(layer: Layer, seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(H, W): mean of the valid bands, the tile's own mean where there are none."""
    values = np.where(seen, layer.values, 0).astype(np.float64)
    count = seen.sum(axis=0)
    grey: NDArray[np.float64] = values.sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, grey, grey[count > 0].mean())


def _find_overlaps(looks: Sequence[_Look]) -> Iterator[tuple[str, str]]:
    """Pairs of tiles with ground in common, in one coordinate system."""
    placed = [(look.name, look.place.crs, look.box, look.pixel) for look in looks if look.box is not None]
    for crs in dict.fromkeys(crs for _, crs, _, _ in placed):
        here = [(name, box, pixel) for name, other, box, pixel in placed if other == crs]
        corners, pixels = np.array([box for _, box, _ in here]), np.array([pixel for _, _, pixel in here])
        for first, (name, box, pixel) in enumerate(here):
            rest = corners[first + 1 :]
            common = np.minimum(rest[:, 2:], box[2:]) - np.maximum(rest[:, :2], box[:2])
            shared = (common > COMMON_PIXELS * np.maximum(pixels[first + 1 :], pixel)[:, None]).all(axis=1)
            for second in np.flatnonzero(shared):
                yield name, here[first + 1 + int(second)][0]


def _draw_split(
    looks: Sequence[_Look], ties: Sequence[Tie], plan: SplitPlan
) -> tuple[dict[str, tuple[str, ...]], list[Finding]]:
    """Train and validation, with whatever is tied or lies in one block on one side."""
    names = [look.name for look in looks]
    blocks = _find_blocks(looks, plan.block)
    firsts: dict[tuple[object, ...], str] = {}
    together = [(tie.one, tie.other) for tie in ties]
    together += [(firsts.setdefault(block, name), name) for name, block in blocks.items()]
    groups = group_connected(names, together)
    train, validation = split_groups(groups, plan.share, plan.seed)
    if not validation and len(groups) > 1:
        smallest = min(groups, key=len)
        train, validation = tuple(name for name in train if name not in smallest), smallest
    said = []
    if len(groups) < 2:
        said.append(Finding("one_place", "", "All tiles lie in one place or repeat each other, so none can validate."))
    if len(blocks) < len(looks):
        said.append(
            Finding(
                "no_coordinates",
                "",
                f"{len(looks) - len(blocks)} tiles have no coordinates: neighbours may end up on both sides.",
            )
        )
    return {TRAIN: train, VALIDATION: validation}, said


def _find_blocks(looks: Sequence[_Look], side: float) -> dict[str, tuple[object, ...]]:
    """Tile -> the square of ground that its middle lies in; tiles without coordinates are left out."""
    boxes = {look.name: (look.place.crs, look.box) for look in looks}
    placed = {name: (crs, box) for name, (crs, box) in boxes.items() if box is not None}
    blocks: dict[str, tuple[object, ...]] = {}
    for crs in {crs for crs, _ in placed.values()}:
        here = {name: box for name, (other, box) in placed.items() if other == crs}
        table = np.array(list(here.values()))
        corner, extent = table[:, :2].min(axis=0), (table[:, 2:] - table[:, :2]).max()
        step = side or max(float(extent), float((table[:, 2:].max(axis=0) - corner).max()) / BLOCKS_PER_SIDE)
        cells = np.floor(((table[:, :2] + table[:, 2:]) / 2 - corner) / step).astype(int)
        blocks |= {name: (crs, *cell) for name, cell in zip(here, cells.tolist(), strict=True)}
    return blocks


def _add_counts(counts: Iterable[Sequence[int]], scheme: ClassScheme) -> tuple[int, ...]:
    return tuple(np.sum([(0,) * len(scheme), *counts], axis=0).tolist())


def _judge_balance(pixels: Mapping[str, Sequence[int]], scheme: ClassScheme) -> list[Finding]:
    found = []
    for split, counts in pixels.items():
        total = sum(counts)
        for name, count in zip(scheme.names, counts, strict=True):
            if total and not count:
                found.append(Finding("class_absent", "", f"The class {name!r} does not occur in the split {split!r}."))
            elif split == TRAIN and count < RARE_SHARE * total:
                found.append(Finding("class_rare", "", f"The class {name!r} is rare: {count} pixels to learn from."))
    return found


def _find_leaks(chosen: Mapping[str, Sequence[str]], ties: Sequence[Tie]) -> tuple[Tie, ...]:
    train, validation = (set(chosen[split]) for split in (TRAIN, VALIDATION))
    twice = [Tie(name, name, "the same tile") for name in sorted(train & validation)]
    crossing = [
        tie
        for tie in ties
        if (tie.one in train and tie.other in validation) or (tie.one in validation and tie.other in train)
    ]
    return (*twice, *crossing)
