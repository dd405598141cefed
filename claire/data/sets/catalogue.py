"""The published data sets that CLAIRE reads, by name."""

from __future__ import annotations

from typing import Any

from claire.core.errors import UnknownNameError
from claire.data.sets.bigearthnet import BigEarthNetDataset
from claire.data.sets.openearthmap import OpenEarthMapSarDataset
from claire.data.sets.original import OriginalDataset
from claire.data.sets.pie import PieRgbSarDataset
from claire.data.sets.sen1floods11 import Sen1Floods11Dataset
from claire.data.sets.sen12 import Dfc2020Dataset, Sen12MsDataset
from claire.data.sets.whu import WhuOptSarDataset

ADAPTERS: dict[str, type[OriginalDataset]] = {
    adapter.name: adapter
    for adapter in (
        WhuOptSarDataset,
        PieRgbSarDataset,
        OpenEarthMapSarDataset,
        Sen12MsDataset,
        Dfc2020Dataset,
        Sen1Floods11Dataset,
        BigEarthNetDataset,
    )
}
"""Name of a data set -> how to open it."""

ALIASES = {"dfc2025": OpenEarthMapSarDataset.name}
"""Other name of a data set -> its name."""

NOT_RUN = "This recipe was not run on the real data."


def list_sources() -> list[dict[str, Any]]:
    """One short entry for each data set, ready for JSON."""
    return [
        {
            "name": name,
            "title": adapter.title,
            "classes": len(adapter.scheme),
            "licence": adapter.source.licence,
            "about": adapter.source.about,
        }
        for name, adapter in ADAPTERS.items()
    ]


def describe_source(name: str) -> dict[str, Any]:
    """Where to get a data set, its licence, what to cite, and what CLAIRE reads of it, ready for JSON.

    Raises:
        UnknownNameError: No such data set; lists the right names.
    """
    adapter = ADAPTERS.get(ALIASES.get(name, name))
    if adapter is None:
        raise UnknownNameError.among("published data set", name, [*ADAPTERS, *ALIASES])
    source, scheme = adapter.source, adapter.scheme
    return {
        "name": adapter.name,
        "title": adapter.title,
        "about": source.about,
        "get": list(source.get),
        "licence": source.licence,
        "cite": list(source.cite),
        "layout": list(source.layout),
        "splits": list(adapter.official),
        "about_splits": source.splits,
        "careful": source.careful,
        "scheme": scheme.name,
        "classes": [{"id": c.id, "name": c.name, "color": c.color} for c in scheme.classes],
        "ignore": list(scheme.ignore_ids),
        "optical": {"bands": list(adapter.optical_bands), "unit": adapter.optical_unit},
        "sar": {"bands": list(adapter.sar_bands), "unit": adapter.sar_unit},
        "recipe": f"recipes/{adapter.name}.yaml",
        "recipe_status": NOT_RUN,
    }
