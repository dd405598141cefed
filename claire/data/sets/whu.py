"""WHU-OPT-SAR: Gaofen-1 and Gaofen-3 over Hubei, 5 m, cut into the tiles of 256 pixels that its papers score."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from claire.core.classes import WHU_OPT_SAR
from claire.core.errors import DatasetError, InputError
from claire.core.settings import Settings
from claire.core.types import Layer, Tile
from claire.data.listing import index_by_stem
from claire.data.sets.original import Files, OriginalDataset, hold_back, measure
from claire.data.sets.source import Source

SIDE = 256
"""Pixels of a tile; 21 x 14 whole ones in a scene of 5556 x 3704, 29,400 in all, as in the paper."""

FOLDERS = {"optical": ("optical", "opt", "image", "rgb"), "sar": ("sar",), "label": ("lbl", "label")}
"""Role -> names that its folder goes by in the copies around."""

SCENE = re.compile(r"NH\d\dE\d{6}")
"""Map sheets that the scenes are named after."""

TEST_SCENES = frozenset({
    "NH49E001014", "NH49E001017", "NH49E002012", "NH49E002016", "NH49E003014", "NH49E003024", "NH49E004011",
    "NH49E005011", "NH49E005019", "NH49E006019", "NH49E007014", "NH49E008013", "NH49E009017", "NH49E010020",
    "NH49E011024", "NH49E012020", "NH49E013010", "NH50E007002", "NH50E011005", "NH50E014003",
})  # fmt: skip
"""The authors' own."""


class WhuOptSarDataset(OriginalDataset):
    """100 scenes of about 5556 x 3704 pixels in seven classes; tiles are named `SCENE/ROW_COLUMN`.

    `test` are the 20 scenes of the authors, `official` their other 80, of which `val` is every tenth and `train` the
    rest. Pixels at the right and lower edge that fill no tile are in none.
    """

    name = "whu-opt-sar"
    title = "WHU-OPT-SAR"
    source = Source(
        about="Optical (Gaofen-1: red, green, blue, near infrared) and SAR (Gaofen-3) of Hubei, China, at 5 m: "
        "100 scenes of about 5556 x 3704 pixels, 8-bit, seven land-use classes, no coordinates.",
        get=("https://github.com/AmberHen/WHU-OPT-SAR-dataset",),
        licence="The authors state none; ask them before any use but research.",
        cite=(
            (
                "Li et al. 2022, MCANet: a joint semantic segmentation framework of optical and SAR images for land "
                "use classification, JAG 106, doi:10.1016/j.jag.2021.102638"
            ),
        ),
        layout=(
            "optical/NH49E001013.tif (or opt, image, rgb), 4 bands",
            "sar/NH49E001013.tif",
            "lbl/NH49E001013.tif (or label), ids 0, 10 ... 70 or colours",
        ),
        splits="test: the authors' 20 scenes; official: their 80 others; val: every tenth of these; train: the rest.",
        careful="8-bit pictures: SAR values are neither dB nor comparable between scenes.",
    )
    scheme = WHU_OPT_SAR
    optical_bands = ("red", "green", "blue", "nir")
    sar_bands = ("amplitude",)
    optical_unit = sar_unit = "uint8"
    official = ("train", "val", "test", "official")
    blank_sar = True
    transparency = False  # four bands of 8 bits: most programs write near infrared as if it were transparency

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self._lock = threading.Lock()
        self._open: tuple[str, Tile] | None = None
        super().__init__(root, settings)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder has scenes named after map sheets."""
        folder = _find_folder(root, "optical")
        return folder is not None and any(SCENE.fullmatch(path.stem) for path in folder.glob("NH*"))

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile; the scene that it is cut from is kept until another one is wanted."""
        files = self.find_files(tile_id)
        scene, _, place = tile_id.partition("/")
        row, column = (int(number) * SIDE for number in place.split("_"))
        with self._lock:
            if self._open is None or self._open[0] != scene:
                self._open = None
                self._open = scene, self._read_files(files, scene)
            whole = self._open[1]
        rows, columns = slice(row, row + SIDE), slice(column, column + SIDE)
        return replace(
            whole,
            name=f"{self.title} {tile_id}",
            optical=_cut(whole.optical, rows, columns),
            sar=_cut(whole.sar, rows, columns),
            label=None if whole.label is None else whole.label[rows, columns].copy(),
        )

    @cached_property
    def _scenes(self) -> Mapping[str, Files]:
        found = {role: _find_folder(self.root, role) for role in FOLDERS}
        optical = found["optical"]
        if optical is None:
            return {}
        sar, label = found["sar"] or self.root / "sar", found["label"]
        listed = {role: index_by_stem(folder) for role, folder in found.items() if folder is not None}
        return {
            scene: Files(
                (path,),
                (listed.get("sar", {}).get(scene, sar / path.name),),
                None if label is None else listed["label"].get(scene, label / path.name),
            )
            for scene, path in listed["optical"].items()
            if SCENE.fullmatch(scene)
        }

    def _list(self) -> Mapping[str, Files]:
        tiles = {}
        for scene, files in self._scenes.items():
            try:
                wide, high = measure(files.optical[0])
            except InputError as error:
                raise DatasetError(error.message, error.hint) from error
            for row, column in np.ndindex(high // SIDE, wide // SIDE):
                tiles[f"{scene}/{row:02}_{column:02}"] = files
        return tiles

    def _find_split(self, split: str) -> Sequence[str]:
        scenes = [scene for scene in self._scenes if (scene in TEST_SCENES) == (split == "test")]
        if split in {"train", "val"}:
            held = hold_back(scenes)
            scenes = [scene for scene in scenes if (scene in held) == (split == "val")]
        chosen = frozenset(scenes)
        return [tile_id for tile_id in self._files if tile_id.partition("/")[0] in chosen]

    def _describe_split(self, split: str) -> str:
        return "scenes such as NH49E001014" if split == "test" else "two scenes that are not the authors' test scenes"


def _find_folder(root: Path, role: str) -> Path | None:
    return next((root / name for name in FOLDERS[role] if (root / name).is_dir()), None)


def _cut(layer: Layer | None, rows: slice, columns: slice) -> Layer | None:
    if layer is None:
        return None
    return replace(layer, values=layer.values[:, rows, columns].copy(), valid=layer.valid[:, rows, columns].copy())
