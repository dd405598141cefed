"""Sen1Floods11: hand-labelled surface water in eleven flood events, Sentinel-1 and Sentinel-2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from claire.core.bands import SENTINEL2_L1C
from claire.core.classes import IGNORE_INDEX, SURFACE_WATER
from claire.data.listing import list_rasters
from claire.data.sets.original import Files, OriginalDataset
from claire.data.sets.source import Source

HOMES = ("", "data/flood_events/HandLabeled", "v1.1/data/flood_events/HandLabeled")
"""Folders that may hold S1Hand, S2Hand and LabelHand."""

LISTS = ("", "splits/flood_handlabeled", "v1.1/splits/flood_handlabeled")
"""Folders that may hold the lists of the splits."""

SPLITS = {"train": "train", "val": "valid", "test": "test", "bolivia": "bolivia"}
"""Split -> its word in the name of its list."""


class Sen1Floods11Dataset(OriginalDataset):
    """446 hand-labelled chips of 512 x 512 pixels; chips are named `EVENT_NUMBER`.

    All four splits are the authors' own; `bolivia` is an event that is in no other.
    """

    name = "sen1floods11"
    title = "Sen1Floods11"
    source = Source(
        about="Sentinel-1 (VV, VH in dB) and Sentinel-2 L1C (13 bands) of eleven flood events: 446 chips of 512 x 512 "
        "pixels at 10 m in EPSG:4326 with hand-labelled water.",
        get=("https://github.com/cloudtostreet/Sen1Floods11", "gs://sen1floods11/v1.1"),
        licence="The authors state none; ask them before any use but research.",
        cite=(
            (
                "Bonafilia et al. 2020, Sen1Floods11: a georeferenced dataset to train and test deep learning flood "
                "algorithms for Sentinel-1, CVPR Workshops, doi:10.1109/CVPRW50498.2020.00113"
            ),
        ),
        layout=(
            "S2Hand/Ghana_103272_S2Hand.tif",
            "S1Hand/Ghana_103272_S1Hand.tif",
            "LabelHand/Ghana_103272_LabelHand.tif, -1 no data, 0 not water, 1 water",
            "flood_train_data.csv, flood_valid_data.csv, flood_test_data.csv, flood_bolivia_data.csv, without header",
            "or the same in v1.1/data/flood_events/HandLabeled and v1.1/splits/flood_handlabeled",
        ),
        splits="train, val, test, bolivia: the authors'.",
        careful="Labels are all water, permanent water too, so they are not floods as OMBRIA means them.",
    )
    scheme = SURFACE_WATER
    optical_bands = SENTINEL2_L1C
    sar_bands = ("VV", "VH")
    optical_unit = "reflectance_x1e4"
    sar_unit = "db"
    official = tuple(SPLITS)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder has chips in one of the places where they may lie."""
        return any((root / home / "S1Hand").is_dir() and (root / home / "S2Hand").is_dir() for home in HOMES)

    def _list(self) -> Mapping[str, Files]:
        home = next((self.root / home for home in HOMES if (self.root / home / "S2Hand").is_dir()), self.root)
        return {
            chip: Files(
                (path,),
                (home / "S1Hand" / f"{chip}_S1Hand.tif",),
                home / "LabelHand" / f"{chip}_LabelHand.tif" if (home / "LabelHand").is_dir() else None,
            )
            for path in list_rasters(home / "S2Hand")
            if (chip := path.stem.removesuffix("_S2Hand")) != path.stem
        }

    def _find_split(self, split: str) -> Sequence[str]:
        name = f"flood_{SPLITS[split]}_data.csv"
        path = next((self.root / folder / name for folder in LISTS if (self.root / folder / name).is_file()), None)
        if path is None:
            return []
        chips = (line.partition(",")[0].strip().removesuffix("_S1Hand.tif") for line in self._read_list(path))
        return self._refer(chips, path)

    @property
    def _codes(self) -> Mapping[int, int]:
        return {**super()._codes, -1: IGNORE_INDEX}

    def _describe_split(self, split: str) -> str:
        return f"flood_{SPLITS[split]}_data.csv, here or in splits/flood_handlabeled"
