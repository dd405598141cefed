"""Which bands to show as red, green and blue, from the band names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NAMED_COMPOSITES: dict[str, tuple[str, str, str]] = {
    "True colour": ("B4", "B3", "B2"),
    "Vegetation red": ("B8", "B4", "B3"),
    "Water dark": ("B11", "B8", "B3"),
    "Short-wave infrared": ("B12", "B8", "B4"),
}
"""Usual composites of Sentinel-2, best known first."""

DATE_WORDS = {"after": "after", "before": "before", "": ""}
"""Dates in the order of interest: what a map shows is the later one."""


@dataclass(frozen=True)
class Composite:
    """Three bands shown as red, green, blue; one band three times is grey."""

    title: str
    bands: tuple[str, str, str]


def build_composites(bands: Sequence[str]) -> tuple[Composite, ...]:
    """The composites that the bands allow, the most useful first; never empty for at least one band.

    Args:
        bands: Names; a suffix such as `_before` or `_after` tells the date.

    Example:
        >>> [c.title for c in build_composites(("B2", "B3", "B4"))]
        ['True colour']
        >>> build_composites(("B11_before", "B8_before", "B3_before", "B11_after", "B8_after", "B3_after"))[0].title
        'Water dark, after'
    """
    found: list[Composite] = []
    for date, members in _group_by_date(bands).items():
        suffix, words = (f"_{date}", f", {date}") if date else ("", "")
        named = [
            Composite(title + words, (red + suffix, green + suffix, blue + suffix))
            for title, (red, green, blue) in NAMED_COMPOSITES.items()
            if {red + suffix, green + suffix, blue + suffix} <= set(members)
        ]
        found += named or [_first_bands(members, words)]
    return tuple(found)


def _group_by_date(bands: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for band in bands:
        date = band.partition("_")[2]
        groups.setdefault(date if date in DATE_WORDS else "", []).append(band)
    return {date: groups[date] for date in DATE_WORDS if date in groups}


def _first_bands(members: Sequence[str], words: str) -> Composite:
    if len(members) >= 3:
        return Composite(f"First three bands{words}", (members[0], members[1], members[2]))
    return Composite(f"{members[0].partition('_')[0]} in grey{words}", (members[0],) * 3)
