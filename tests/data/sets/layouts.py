"""Tiny copies of published data sets: the folders, names, types and odd values of the originals, seeded noise in them.

Each function fills a folder and returns it. Labels hold every class of the data set, so that scores have all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.classes import DFC2020, IGBP, OPENEARTHMAP, PIE_RGB_SAR, WHU_OPT_SAR, ClassScheme
from tests.data.writing import write_raster

SIDE = 32
"""Pixels of a tile, where the original does not need more."""

UTM = (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
DEGREES = (9e-5, 0.0, -1.0, 0.0, -9e-5, 9.0)
WHU_SCENES = ("NH49E001013", "NH49E001014", "NH49E002013", "NH50E014003")
PATCHES = (("T33UUP_26_57", "33UUP_61_39", "train"), ("T33UUP_26_58", "33UUP_61_40", "validation"),
           ("T33UUP_27_57", "33UUP_61_41", "test"))  # fmt: skip
CORINE = (111, 121, 211, 222, 231, 242, 243, 244, 311, 312, 313, 321, 322, 324, 331, 411, 421, 512, 523, 141, 999)

Pixels = NDArray[Any]


def draw_bytes(seed: int, bands: int, shape: tuple[int, int] = (SIDE, SIDE)) -> Pixels:
    """(bands, H, W) uint8 without zeros."""
    return np.random.default_rng(seed).integers(1, 255, (bands, *shape)).astype(np.uint8)


def draw_ids(seed: int, ids: Sequence[int], shape: tuple[int, int] = (SIDE, SIDE)) -> Pixels:
    """(H, W) of ids, each of them somewhere."""
    label = np.random.default_rng(seed).choice(ids, shape)
    label.flat[: len(ids)] = ids
    return label


def draw_sentinel1(seed: int, side: int = SIDE) -> Pixels:
    """(2, H, W) float32: VV and VH in dB."""
    noise = np.random.default_rng(seed).normal(0, 2, (2, side, side))
    return (noise + np.array([-10.3, -17.6])[:, None, None]).astype(np.float32)


def draw_sentinel2(seed: int, bands: int = 13, side: int = SIDE) -> Pixels:
    """(bands, H, W) uint16: reflectance times 10,000."""
    return np.random.default_rng(seed).integers(200, 4000, (bands, side, side)).astype(np.uint16)


def as_colors(label: Pixels, scheme: ClassScheme) -> Pixels:
    """(3, H, W) uint8: a label in the colours of the authors, black where it is not labelled."""
    picture = np.zeros((3, *label.shape), np.uint8)
    for land_class in scheme.classes:
        picture[:, label == land_class.id] = np.array(land_class.rgb)[:, None]
    return picture


def write_whu(root: Path, size: tuple[int, int] = (270, 530), scenes: Sequence[str] = WHU_SCENES) -> Path:
    """Scenes of 1 x 2 tiles and a rest; the second scene's label is a coloured picture."""
    for number, scene in enumerate(scenes):
        label = draw_ids(number, (0, *(c.id for c in WHU_OPT_SAR.classes)), size).astype(np.uint8)
        write_raster(root / "optical" / f"{scene}.tif", draw_bytes(number, 4, size))
        write_raster(root / "sar" / f"{scene}.tif", draw_bytes(100 + number, 1, size))
        picture = as_colors(label, WHU_OPT_SAR) if number == 1 else label
        write_raster(root / "lbl" / f"{scene}.tif", picture)
    return root


def write_pie(root: Path) -> Path:
    """Four tiles, two of them to learn from."""
    for number in range(4):
        write_raster(root / "rgb" / f"pie_{number}.tif", draw_bytes(number, 3))
        write_raster(root / "sar" / f"pie_{number}.tif", draw_bytes(100 + number, 1))
        label = draw_ids(number, [c.id for c in PIE_RGB_SAR.classes]).astype(np.uint8)
        write_raster(root / "label" / f"pie_{number}.tif", as_colors(label, PIE_RGB_SAR) if number == 3 else label)
    (root / "train.txt").write_text("pie_0\npie_1\n\n", encoding="utf-8")
    (root / "val.txt").write_text("pie_2\npie_3\n", encoding="utf-8")
    return root


def write_openearthmap(root: Path) -> Path:
    """Three train tiles with a border without SAR, one of val with SAR alone, one test tile."""
    for number in range(3):
        write_openearthmap_tile(root / "train", f"TrainArea_{number:03}", number)
    write_openearthmap_tile(root / "test", "TestArea_001", 9)
    write_raster(root / "val" / "sar_images" / "ValArea_001.tif", draw_bytes(8, 1))
    return root


def write_openearthmap_tile(folder: Path, name: str, seed: int) -> None:
    """RGB, SAR and label of one tile; SAR has an empty corner and one dark pixel inside."""
    sar = draw_bytes(100 + seed, 1)
    sar[:, :6, :9] = 0
    sar[:, 20, 20] = 0
    label = draw_ids(seed, (0, *(c.id for c in OPENEARTHMAP.classes))).astype(np.uint8)
    write_raster(folder / "rgb_images" / f"{name}.tif", draw_bytes(seed, 3))
    write_raster(folder / "sar_images" / f"{name}.tif", sar)
    write_raster(folder / "labels" / f"{name}.tif", label)


def write_sen12_patch(root: Path, season: str, folder: str, scene: str, patch: int, label: tuple[str, Pixels]) -> None:
    """One patch of SEN12MS or DFC2020; `label` is the word of its folder and (C, H, W)."""
    seed = patch + 1000 * len(scene)
    role, values = label
    for word, pixels in (("s1", draw_sentinel1(seed)), ("s2", draw_sentinel2(seed)), (role, values)):
        path = root / season / f"{word}_{folder}" / f"{season}_{word}_{scene}_p{patch}.tif"
        write_raster(path, pixels, crs="EPSG:32633", transform=UTM)


def write_sen12ms(root: Path) -> Path:
    """Two scenes to learn from, one held out, and the patch without SAR; labels have four bands."""
    ids = (0, *(c.id for c in IGBP.classes))
    for season, scene, patches in (
        ("ROIs1158_spring", "1", (1, 2, 10)),
        ("ROIs1158_spring", "63", (5,)),
        ("ROIs2017_winter", "8", (3,)),
        ("ROIs1868_summer", "146", (202,)),
    ):
        for patch in patches:
            label = np.stack([draw_ids(patch, ids), *(np.full((SIDE, SIDE), n) for n in (40, 30, 20))])
            write_sen12_patch(root, season, scene, scene, patch, ("lc", label.astype(np.uint8)))
    path = root / "ROIs1868_summer" / "s1_146" / "ROIs1868_summer_s1_146_p202.tif"
    write_raster(path, np.full((2, SIDE, SIDE), np.nan, np.float32), crs="EPSG:32633", transform=UTM)
    return root


def write_dfc2020(root: Path) -> Path:
    """Three validation patches and two test patches."""
    ids = (0, 3, 8, *(c.id for c in DFC2020.classes))
    for season, folder, patches in (("validation", "validation", (0, 7, 12)), ("test", "0", (1, 4))):
        for patch in patches:
            label = draw_ids(patch, ids).astype(np.uint8)[None]
            write_sen12_patch(root, f"ROIs0000_{season}", folder, "0", patch, ("dfc", label))
    return root


def write_sen1floods11(root: Path, home: str = "", lists: str = "") -> Path:
    """Five chips of 512 pixels in miniature: missing SAR is NaN, missing labels are -1."""
    chips = ("Ghana_103272", "India_1018317", "USA_86502", "Spain_7370579", "Bolivia_103757")
    for seed, chip in enumerate(chips):
        sar = draw_sentinel1(seed)
        sar[:, :4] = np.nan
        label = draw_ids(seed, (-1, 0, 1)).astype(np.int16)
        place: dict[str, Any] = {"crs": "EPSG:4326", "transform": DEGREES}
        for layer, pixels in (("S1Hand", sar), ("S2Hand", draw_sentinel2(seed)), ("LabelHand", label)):
            write_raster(root / home / layer / f"{chip}_{layer}.tif", pixels, **place)
    (root / lists).mkdir(parents=True, exist_ok=True)
    for split, members in (("train", chips[:2]), ("valid", chips[2:3]), ("test", chips[3:4]), ("bolivia", chips[4:])):
        rows = [f"{chip}_S1Hand.tif,{chip}_LabelHand.tif\n" for chip in members]
        (root / lists / f"flood_{split}_data.csv").write_text("".join(rows), encoding="utf-8")
    return root


def write_bigearthnet(root: Path, *, parquet: bool = True) -> Path:
    """Three patches of 120 pixels in miniature (24, 12 and 4 pixels a side), one of each split."""
    rows = []
    for seed, (optical, sar, split) in enumerate(PATCHES):
        tile = f"S2A_MSIL2A_20170613T101031_N9999_R022_{optical[:6]}"
        patch, scene = tile + optical[6:], "S1A_IW_GRDH_1SDV_20170613T165043"
        rows.append((patch, split, f"{scene}_{sar}"))
        for band, side in BIGEARTHNET_BANDS.items():
            pixels = draw_sentinel2(seed, 1, side)
            size = 240 // side
            path = root / "BigEarthNet-S2" / tile / patch / f"{patch}_{band}.tif"
            write_raster(path, pixels, crs="EPSG:32633", transform=(size, 0, 6e5, 0, -size, 5e6))
        for band, values in zip(("VV", "VH"), draw_sentinel1(seed, 24), strict=True):
            path = root / "BigEarthNet-S1" / scene / f"{scene}_{sar}" / f"{scene}_{sar}_{band}.tif"
            write_raster(path, values, crs="EPSG:32633", transform=UTM)
        path = root / "Reference_Maps" / tile / patch / f"{patch}_reference_map.tif"
        write_raster(path, draw_ids(seed, CORINE, (24, 24)).astype(np.uint16), crs="EPSG:32633", transform=UTM)
    write_metadata(root, rows, parquet=parquet)
    return root


BIGEARTHNET_BANDS = {
    **dict.fromkeys(("B02", "B03", "B04", "B08"), 24),
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 12),
    **dict.fromkeys(("B01", "B09"), 4),
}
"""Band -> pixels a side: 10, 20 and 60 m."""


def write_metadata(root: Path, rows: Sequence[tuple[str, str, str]], *, parquet: bool) -> None:
    """The table of BigEarthNet v2 with some of its other columns."""
    names = ("patch_id", "split", "s1_name")
    if not parquet:
        lines = [",".join((*names, "country")), *(",".join((*row, "Austria")) for row in rows)]
        (root / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    import pyarrow as pa
    from pyarrow import parquet as writer

    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    writer.write_table(pa.table({**columns, "country": ["Austria"] * len(rows)}), root / "metadata.parquet")


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "whu-opt-sar": write_whu,
    "pie-rgb-sar": write_pie,
    "openearthmap-sar": write_openearthmap,
    "sen12ms": write_sen12ms,
    "dfc2020": write_dfc2020,
    "sen1floods11": write_sen1floods11,
    "bigearthnet-v2": write_bigearthnet,
}
"""Name of a data set -> how to write a tiny copy of it."""
