"""BigEarthNet v2 (reBEN): Sentinel-1, Sentinel-2 and CORINE land cover over ten countries of Europe."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from claire.core.classes import CORINE_19, IGNORE_INDEX
from claire.core.errors import DatasetError
from claire.data.listing import list_folders
from claire.data.sets.original import MOST_LIST_BYTES, Files, OriginalDataset
from claire.data.sets.source import Source

BANDS = ("B2", "B3", "B4", "B8", "B5", "B6", "B7", "B8A", "B11", "B12", "B1", "B9")
"""The bands of 10 m first, because the first file gives the grid."""

COARSENESS = dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 2) | dict.fromkeys(("B01", "B09"), 6)
"""Band as files name it -> pixels of the 10 m grid along one of its pixels."""

CODES: Mapping[int, tuple[int, ...]] = {
    1: (111, 112), 2: (121,), 3: (211, 212, 213), 4: (221, 222, 223, 241), 5: (231,), 6: (242,), 7: (243,), 8: (244,),
    9: (311,), 10: (312,), 11: (313,), 12: (321, 333), 13: (322, 323), 14: (324,), 15: (331,), 16: (411, 412),
    17: (421, 422), 18: (511, 512), 19: (521, 522, 523),
}  # fmt: skip
"""Class -> codes of CORINE level 3 that it gathers."""

UNUSED = (122, 123, 124, 131, 132, 133, 141, 142, 332, 334, 335, 423, 990, 995, 999)
"""Codes of CORINE that belong to none of the 19 classes."""

COLUMNS = ("patch_id", "split", "s1_name")
SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""Split -> its word in the metadata."""


class BigEarthNetDataset(OriginalDataset):
    """549,488 patches of 120 x 120 pixels of 10 m in 19 classes; patches are named as the authors do.

    All splits are the authors' own, from `metadata.parquet`, which also says which SAR patch belongs to an optical one.
    """

    name = "bigearthnet-v2"
    title = "BigEarthNet v2"
    source = Source(
        about="Sentinel-1 (VV, VH in dB) and Sentinel-2 L2A (12 bands at 10, 20 and 60 m) of ten European countries: "
        "549,488 patches of 1200 x 1200 m with CORINE land cover of 2018 in 19 classes, pixel by pixel.",
        get=("https://bigearth.net", "https://zenodo.org/records/10891137"),
        licence="CDLA-Permissive-1.0",
        cite=(
            (
                "Clasen et al. 2025, reBEN: refined BigEarthNet dataset for remote sensing image analysis, IGARSS, "
                "arXiv:2407.03653"
            ),
        ),
        layout=(
            "BigEarthNet-S2/TILE/PATCH/PATCH_B02.tif and eleven other bands",
            "BigEarthNet-S1/SCENE/PATCH/PATCH_VV.tif and PATCH_VH.tif",
            "Reference_Maps/TILE/PATCH/PATCH_reference_map.tif, codes of CORINE level 3",
            "metadata.parquet (or the same table as metadata.csv) with patch_id, split, s1_name",
        ),
        splits="train, val, test: the authors', which keep regions apart; train_tenth, val_tenth: every tenth patch.",
        careful="CORINE maps nothing smaller than 25 ha, so small things are missing in the labels.",
    )
    scheme = CORINE_19
    optical_bands = BANDS
    sar_bands = ("VV", "VH")
    optical_unit = "reflectance_x1e4"
    sar_unit = "db"
    official = (*SPLITS, "train_tenth", "val_tenth")
    usual = frozenset({"pixelwise", "warped"})

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder has the folders of both sensors."""
        return (root / "BigEarthNet-S1").is_dir() and (root / "BigEarthNet-S2").is_dir()

    def _list(self) -> Mapping[str, Files]:
        known = self._metadata
        patches = [
            patch
            for tile in list_folders(self.root / "BigEarthNet-S2")
            for patch in list_folders(tile)
            if patch.name in known
        ]
        return _Patches({patch.name: patch for patch in patches}, self._name_files)

    def _name_files(self, optical: Path) -> Files:
        sar_name = self._metadata[optical.name][1]
        sar = self.root / "BigEarthNet-S1" / sar_name.rsplit("_", 3)[0] / sar_name
        files = (f"{optical.name}_{_as_in_files(band)}.tif" for band in BANDS)
        maps = self.root / "Reference_Maps"
        label = maps / optical.parent.name / optical.name / f"{optical.name}_reference_map.tif"
        return Files(
            tuple(optical / name for name in files),
            tuple(sar / f"{sar_name}_{band}.tif" for band in self.sar_bands),
            label if maps.is_dir() else None,
        )

    def _find_split(self, split: str) -> Sequence[str]:
        return [patch for patch in self._files if self._metadata[patch][0] == SPLITS[split]]

    def _describe_split(self, split: str) -> str:
        return f"patches whose split in the metadata is {SPLITS[split]!r}"

    def _coarseness(self, path: Path) -> int:
        return COARSENESS.get(path.stem.rpartition("_")[2], 1) if path.parts[-4:-3] == ("BigEarthNet-S2",) else 1

    @property
    def _codes(self) -> Mapping[int, int]:
        known = {code: number for number, codes in CODES.items() for code in codes}
        return known | dict.fromkeys((0, *UNUSED), IGNORE_INDEX)

    @cached_property
    def _metadata(self) -> Mapping[str, tuple[str, str]]:
        """Patch -> (split, name of its SAR patch)."""
        columnar, plain = self.root / "metadata.parquet", self.root / "metadata.csv"
        if plain.is_file():
            rows = self._read_csv(plain)
        elif columnar.is_file():
            rows = _read_parquet(columnar)
        else:
            raise DatasetError(
                f"{self.root.name!r} holds no metadata of {self.title}: looked for metadata.parquet and metadata.csv.",
                "Put metadata.parquet, which the authors offer beside the pictures, into this folder.",
            )
        return {patch: (split, sar) for patch, split, sar in rows}

    def _read_csv(self, path: Path) -> Iterable[tuple[str, str, str]]:
        rows = csv.DictReader(self._read_list(path))
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            raise _without_columns(path)
        return [(row["patch_id"], row["split"], row["s1_name"]) for row in rows]


class _Patches(Mapping[str, Files]):
    """Files of every patch, named when they are asked for: half a million patches have 15 files each."""

    def __init__(self, folders: Mapping[str, Path], find: Callable[[Path], Files]) -> None:
        self._folders, self._find = folders, find

    def __getitem__(self, name: str) -> Files:
        return self._find(self._folders[name])

    def __contains__(self, name: object) -> bool:
        return name in self._folders

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)


def _read_parquet(path: Path) -> Iterable[tuple[str, str, str]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DatasetError(
            f"{path.name} can be read only where pyarrow is installed.",
            "Install the extra `app`, which brings it, or put the same table beside it as metadata.csv.",
        ) from error
    if path.stat().st_size > MOST_LIST_BYTES:
        raise DatasetError(f"{path.name} is larger than 50 MB.", "Is it the metadata of BigEarthNet v2?")
    try:
        table = parquet.read_table(path, columns=list(COLUMNS))
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path.name} cannot be read.", "Download it again.") from error
    if set(COLUMNS) - set(table.column_names):
        raise _without_columns(path)
    return zip(*(map(str, table.column(name).to_pylist()) for name in COLUMNS), strict=True)


def _without_columns(path: Path) -> DatasetError:
    return DatasetError(
        f"{path.name} lacks a column: looked for {', '.join(COLUMNS)}.", "Is it the metadata of BigEarthNet v2?"
    )


def _as_in_files(band: str) -> str:
    """B2 -> B02."""
    return band if len(band) == 3 else f"B0{band[1:]}"
