"""Near-duplicates and splits: what must stay on one side of a train / validation line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claire.data.raster import read_raster

THUMBNAIL = 16
"""Side of the thumbnails that are compared, pixels."""

SIMILAR = 0.95
"""Correlation of the thumbnails of every sensor and date from which two chips count as near-duplicates."""


@dataclass(frozen=True)
class DuplicateReport:
    """What was found.

    Args:
        groups: Identifiers that belong together; most groups have one member.
        pairs: (one, other, smallest correlation over the files) of every near-duplicate pair.
    """

    groups: tuple[tuple[str, ...], ...]
    pairs: tuple[tuple[str, str, float], ...]


def find_near_duplicates(ids: Sequence[str], files: Iterable[Sequence[Path]]) -> DuplicateReport:
    """Compare thumbnails of all chips; in any of the eight orientations a copy counts, too.

    Args:
        ids: Identifiers.
        files: For each, its files in a fixed order.

    Returns:
        Groups (connected components) and pairs. A pair needs `SIMILAR` on *every* file, so that two featureless
        SAR chips alone do not count. A file that is blank in both chips says nothing against the pair.
    """
    greys = ([read_raster(path).values.astype(np.float64).mean(axis=0) for path in chip] for chip in files)
    return compare_thumbnails(ids, np.stack([[make_thumbnail(grey) for grey in chip] for chip in greys]))


def compare_thumbnails(ids: Sequence[str], thumbnails: NDArray[np.float64]) -> DuplicateReport:
    """What `find_near_duplicates` finds, from thumbnails.

    Args:
        ids: N identifiers.
        thumbnails: (N, F, `THUMBNAIL`, `THUMBNAIL`) of `make_thumbnail`, F files of each.
    """
    count = len(ids)
    smallest: NDArray[np.float64] = np.full((count, count), -1.0)
    by_file = thumbnails.reshape(*thumbnails.shape[:2], -1).swapaxes(0, 1)
    blank: NDArray[np.bool_] = (by_file == 0).all(axis=2, keepdims=True)[:, :, 0]
    both_blank = blank[:, :, None] & blank[:, None, :]
    for turned in _orientations(thumbnails):
        correlation = np.where(both_blank, 1.0, by_file @ turned.transpose(1, 2, 0))
        smallest = np.maximum(smallest, correlation.min(axis=0))
    found = [
        (a, b, float(smallest[a, b])) for a in range(count) for b in np.flatnonzero(smallest[a] >= SIMILAR) if a < b
    ]
    pairs = tuple((ids[a], ids[int(b)], correlation) for a, b, correlation in found)
    return DuplicateReport(group_connected(ids, [(a, b) for a, b, _ in pairs]), pairs)


def group_connected(ids: Sequence[str], pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Connected components, each in the order of `ids`."""
    leader = {i: i for i in ids}

    def find(node: str) -> str:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for one, other in pairs:
        leader[find(other)] = find(one)
    groups: dict[str, list[str]] = {}
    for i in ids:
        groups.setdefault(find(i), []).append(i)
    return tuple(tuple(group) for group in groups.values())


def split_groups(
    groups: Sequence[Sequence[str]], validation_share: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Draw whole groups for validation until its share is reached.

    Args:
        groups: Identifiers that must stay together.
        validation_share: 0..1 of all identifiers.
        seed: Of the draw.

    Returns:
        (train, validation), each sorted.
    """
    wanted = round(validation_share * sum(len(group) for group in groups))
    validation: list[str] = []
    for index in np.random.default_rng(seed).permutation(len(groups)):
        if len(validation) + len(groups[index]) <= wanted:
            validation.extend(groups[index])
    kept = set(validation)
    return tuple(sorted(i for group in groups for i in group if i not in kept)), tuple(sorted(validation))


def make_thumbnail(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """A small picture to compare by: zero mean and unit length, all 0 for a blank one.

    Args:
        grey: (H, W), finite.

    Returns:
        (`THUMBNAIL`, `THUMBNAIL`).
    """
    high, wide = grey.shape
    if min(high, wide) < THUMBNAIL:
        grey = grey.repeat(THUMBNAIL, axis=0).repeat(THUMBNAIL, axis=1)
        high, wide = grey.shape
    block_rows, block_columns = high // THUMBNAIL, wide // THUMBNAIL
    cut = grey[: block_rows * THUMBNAIL, : block_columns * THUMBNAIL]
    means: NDArray[np.float64] = cut.reshape(THUMBNAIL, block_rows, THUMBNAIL, block_columns).mean(axis=(1, 3))
    centred: NDArray[np.float64] = means - means.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > 1e-9 else np.zeros_like(centred)


def _orientations(thumbnails: NDArray[np.float64]) -> Iterable[NDArray[np.float64]]:
    for turns in range(4):
        turned = np.rot90(thumbnails, turns, axes=(2, 3))
        for picture in (turned, turned[..., ::-1]):
            yield picture.reshape(*picture.shape[:2], -1)
