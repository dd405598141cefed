"""Where a published data set comes from: what `claire data info NAME` prints beside its classes and bands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Facts about a data set that no file of it tells.

    Args:
        about: What it holds, in a sentence or two: sensors, size, resolution, place.
        get: Addresses where its authors offer it.
        licence: Its licence as the authors state it, or that they state none.
        cite: Papers to cite, each with a DOI or arXiv id.
        layout: Files below the folder to give, one pattern a line.
        splits: What each split is and whether it is the authors' own.
        careful: What its labels or numbers are not.
    """

    about: str
    get: tuple[str, ...]
    licence: str
    cite: tuple[str, ...]
    layout: tuple[str, ...]
    splits: str
    careful: str = ""
