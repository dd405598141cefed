"""SEN12MS and DFC2020, which share bands, units and names of files: Sentinel-1, Sentinel-2 and a land-cover map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import SENTINEL2_L1C
from claire.core.classes import DFC2020, IGBP
from claire.data.listing import list_folders, list_rasters
from claire.data.raster import read_raster
from claire.data.sets.original import Files, OriginalDataset, hold_back, hold_back_end
from claire.data.sets.source import Source

SEASONS = ("ROIs1158_spring", "ROIs1868_summer", "ROIs1970_fall", "ROIs2017_winter")

HELD_OUT: Mapping[str, tuple[int, ...]] = {
    "ROIs1158_spring": (63, 146, 97, 124, 15, 17),
    "ROIs1868_summer": (43, 131, 19, 104, 72, 15, 79),
    "ROIs1970_fall": (120, 39, 144, 35, 61, 47, 30, 141),
    "ROIs2017_winter": (64, 146, 32, 107, 135),
}
"""Season -> scenes that the authors hold out (SEN12MS_holdOutScenes.txt)."""

WITHOUT_SAR = "ROIs1868_summer/146/202"
"""The one patch of SEN12MS whose SAR file holds no number."""


class _SentinelDataset(OriginalDataset):
    """Patches of 256 x 256 pixels of 10 m; the label lies in a folder whose name starts with `label_folder`."""

    optical_bands = SENTINEL2_L1C
    sar_bands = ("VV", "VH")
    optical_unit = "reflectance_x1e4"
    sar_unit = "db"
    seasons: ClassVar[tuple[str, ...]]
    label_folder: ClassVar[str]

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder has one of the regions."""
        return any((root / season).is_dir() for season in cls.seasons)

    def _list(self) -> Mapping[str, Files]:
        """`SEASON/SCENE/PATCH` -> files, by the optical ones."""
        tiles = {}
        for season in self.seasons:
            for folder in list_folders(self.root / season, "s2_"):
                for path in list_rasters(folder):
                    scene, _, patch = path.stem.removeprefix(f"{season}_s2_").rpartition("_p")
                    if path.stem.startswith(f"{season}_s2_") and scene:
                        tiles[f"{season}/{scene}/{patch}"] = self._name_files(path, season)
        return dict(sorted(tiles.items(), key=_by_number))

    def _name_files(self, optical: Path, season: str) -> Files:
        def beside(role: str) -> Path:
            folder = optical.parent.with_name(optical.parent.name.replace("s2_", f"{role}_", 1))
            return folder / optical.name.replace(f"{season}_s2_", f"{season}_{role}_", 1)

        return Files((optical,), (beside("s1"),), beside(self.label_folder))

    def _read_label(self, path: Path) -> NDArray[np.uint8]:
        """Of several bands the first is land cover by IGBP."""
        raster = read_raster(path, self._settings, transparency=False)
        codes = raster.values[0]
        valid: NDArray[np.bool_] = np.isfinite(codes) if codes.dtype.kind == "f" else np.ones(codes.shape, bool)
        return self._translate(codes, valid, path)


class Sen12MsDataset(_SentinelDataset):
    """180,661 patches over all seasons in 17 classes; patches are named `SEASON/SCENE/PATCH`.

    `test` are the scenes that the authors hold out, `official` all others, of which `val` is every tenth scene and
    `train` the rest. Patches of one scene overlap, so scenes are never divided. `train_tenth` and `val_tenth` are every
    tenth patch of these.
    """

    name = "sen12ms"
    title = "SEN12MS"
    source = Source(
        about="Sentinel-1 (VV, VH in dB) and Sentinel-2 L1C (13 bands) around the world in four seasons, resampled to "
        "10 m: 180,662 patches of 256 x 256 pixels with MODIS land cover in 17 IGBP classes.",
        get=("https://mediatum.ub.tum.de/1474000", "https://github.com/schmitt-muc/SEN12MS"),
        licence="CC BY 4.0",
        cite=(
            (
                "Schmitt et al. 2019, SEN12MS: a curated dataset of georeferenced multi-spectral Sentinel-1/2 imagery "
                "for deep learning and data fusion, ISPRS Annals IV-2/W7, doi:10.5194/isprs-annals-IV-2-W7-153-2019"
            ),
        ),
        layout=(
            "ROIs1158_spring/s2_1/ROIs1158_spring_s2_1_p1.tif",
            "ROIs1158_spring/s1_1/ROIs1158_spring_s1_1_p1.tif",
            "ROIs1158_spring/lc_1/ROIs1158_spring_lc_1_p1.tif, first band: IGBP 1 ... 17",
            "ROIs1868_summer, ROIs1970_fall, ROIs2017_winter likewise",
        ),
        splits="test: the authors' hold-out scenes; official: all others; val: every tenth of their scenes; train: "
        "the rest; train_tenth and val_tenth: every tenth patch of these.",
        careful="Labels are MODIS land cover of 500 m, upsampled: wrong in detail and often in the class.",
    )
    scheme = IGBP
    official = ("train", "val", "test", "official", "train_tenth", "val_tenth")
    seasons = SEASONS
    label_folder = "lc"

    def _list(self) -> Mapping[str, Files]:
        return {tile_id: files for tile_id, files in super()._list().items() if tile_id != WITHOUT_SAR}

    def _find_split(self, split: str) -> Sequence[str]:
        held_out = {f"{season}/{scene}" for season, scenes in HELD_OUT.items() for scene in scenes}
        scenes = list(dict.fromkeys(_scene_of(i) for i in self._files))
        chosen = [scene for scene in scenes if (scene in held_out) == (split == "test")]
        if split in {"train", "val"}:
            held = hold_back(chosen)
            chosen = [scene for scene in chosen if (scene in held) == (split == "val")]
        kept = frozenset(chosen)
        return [tile_id for tile_id in self._files if _scene_of(tile_id) in kept]

    def _describe_split(self, split: str) -> str:
        return "scenes such as ROIs1158_spring/s2_63" if split == "test" else "two scenes that are not held out"


class Dfc2020Dataset(_SentinelDataset):
    """6,114 patches in eight classes, labelled better than SEN12MS; patches are named `SPLIT/SCENE/PATCH`.

    `validation` and `test` are the authors' own. For learning, `validation` is divided into `train` and `val`, its
    last tenth, so that `test` stays unseen.
    """

    name = "dfc2020"
    title = "DFC2020"
    source = Source(
        about="Sentinel-1 (VV, VH in dB) and Sentinel-2 L1C (13 bands) of seven places: 986 and 5,128 patches of "
        "256 x 256 pixels at 10 m with land cover in eight classes. The IEEE GRSS Data Fusion Contest 2020.",
        get=("https://ieee-dataport.org/competitions/2020-ieee-grss-data-fusion-contest",),
        licence="See IEEE DataPort, which asks for an account.",
        cite=(
            (
                "Yokoya et al. 2020, 2020 IEEE GRSS Data Fusion Contest: global land cover mapping with weak "
                "supervision, IEEE GRSM 8(1), doi:10.1109/MGRS.2020.2970124"
            ),
        ),
        layout=(
            "ROIs0000_validation/s2_validation/ROIs0000_validation_s2_0_p0.tif",
            "ROIs0000_validation/s1_validation/ROIs0000_validation_s1_0_p0.tif",
            "ROIs0000_validation/dfc_validation/ROIs0000_validation_dfc_0_p0.tif, ids 1 ... 10",
            "ROIs0000_test/s2_0/ROIs0000_test_s2_0_p0.tif, s1_0, dfc_0 likewise",
        ),
        splits="validation and test: the authors'; val: the last tenth of validation; train: the rest of it.",
        careful="Savanna (3) and snow (8) do not occur and are not scored.",
    )
    scheme = DFC2020
    official = ("train", "val", "test", "validation")
    seasons = ("ROIs0000_validation", "ROIs0000_test")
    label_folder = "dfc"

    def _find_split(self, split: str) -> Sequence[str]:
        folder = "ROIs0000_test" if split == "test" else "ROIs0000_validation"
        names = [tile_id for tile_id in self._files if tile_id.startswith(f"{folder}/")]
        if split not in {"train", "val"}:
            return names
        held = hold_back_end(names)
        return [name for name in names if (name in held) == (split == "val")]

    def _describe_split(self, split: str) -> str:
        return "ROIs0000_test/s2_0" if split == "test" else "ROIs0000_validation/s2_validation"


def _scene_of(tile_id: str) -> str:
    return tile_id.rpartition("/")[0]


def _by_number(entry: tuple[str, Files]) -> tuple[str, int, str]:
    scene, _, patch = entry[0].rpartition("/")
    return scene, int(patch) if patch.isdecimal() else -1, patch
