"""OpenEarthMap-SAR, the data of the IEEE GRSS Data Fusion Contest 2025, track 1: sub-metre RGB and SAR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from claire.core.classes import OPENEARTHMAP
from claire.data.listing import index_by_stem
from claire.data.sets.original import Files, OriginalDataset, hold_back_end
from claire.data.sets.source import Source

FOLDERS = {"train": "train", "contest_val": "val", "test": "test"}
"""Split of the authors -> its folder."""

ROLES = ("rgb_images", "sar_images", "labels")


class OpenEarthMapSarDataset(OriginalDataset):
    """5,033 tiles of 1024 x 1024 pixels in eight classes; tiles are named `FOLDER/FILE`.

    `official` is the authors' train folder; its last tenth, in the order of the names, is `val`, the rest `train`,
    because neighbours in the list are often neighbours on the ground. `contest_val` and `test` are the folders `val`
    and `test` of the authors; the contest published no optical pictures or labels for them.
    """

    name = "openearthmap-sar"
    title = "OpenEarthMap-SAR"
    source = Source(
        about="RGB (aerial and satellite) and SAR (Umbra) of 35 regions in Japan, France and the USA at 0.15 to 0.5 m: "
        "5,033 tiles of 1024 x 1024 pixels, 8-bit, eight classes. The data of the Data Fusion Contest 2025, track 1.",
        get=("https://zenodo.org/records/14622048",),
        licence="See the Zenodo record; the pictures keep the terms of those who took them.",
        cite=(
            (
                "Xia et al. 2025, OpenEarthMap-SAR: a benchmark synthetic aperture radar dataset for global "
                "high-resolution land cover mapping, arXiv:2501.10891"
            ),
        ),
        layout=(
            "train/rgb_images/TrainArea_057.tif",
            "train/sar_images/TrainArea_057.tif",
            "train/labels/TrainArea_057.tif, ids 0 ... 8 or colours",
            "val/..., test/... likewise, where they are given",
        ),
        splits="official: the authors' train folder, divided into train and val (its last tenth); contest_val and "
        "test: the authors' folders val and test.",
        careful="Labels of the train folder are pseudo-labels drawn from the optical pictures. SAR is uncalibrated "
        "amplitude, no sigma0; zeros at its edges were not acquired.",
    )
    scheme = OPENEARTHMAP
    optical_bands = ("red", "green", "blue")
    sar_bands = ("amplitude",)
    optical_unit = sar_unit = "uint8"
    official = ("train", "val", "test", "contest_val", "official")
    blank_sar = True

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder has pictures of one of the splits."""
        return any((root / folder / "sar_images").is_dir() for folder in FOLDERS.values())

    def _list(self) -> Mapping[str, Files]:
        tiles = {}
        for folder in FOLDERS.values():
            given = [role for role in ROLES if (self.root / folder / role).is_dir()]
            found = {role: index_by_stem(self.root / folder / role) for role in given}
            for name in sorted({name for names in found.values() for name in names}):
                optical, sar, label = (
                    (found[role].get(name, self.root / folder / role / f"{name}.tif"),) if role in given else ()
                    for role in ROLES
                )
                tiles[f"{folder}/{name}"] = Files(optical, sar, label[0] if label else None)
        return tiles

    def _find_split(self, split: str) -> Sequence[str]:
        folder = FOLDERS.get(split, "train")
        names = [tile_id for tile_id in self._files if tile_id.startswith(f"{folder}/")]
        if split not in {"train", "val"}:
            return names
        held = hold_back_end(names)
        return [name for name in names if (name in held) == (split == "val")]

    def _describe_split(self, split: str) -> str:
        folder = FOLDERS.get(split, "train")
        return f"{folder}/sar_images and {folder}/rgb_images"
