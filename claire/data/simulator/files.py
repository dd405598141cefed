"""Simulated scenes as files, in the `folder` layout that the rest of the program reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.classes import GLOBAL_10M
from claire.core.errors import InputError
from claire.core.settings import Settings
from claire.data.description import TOML_NAME
from claire.data.raster import quoted_name, write_geotiff
from claire.data.simulator.parameters import BANDS, SAR_BANDS
from claire.data.simulator.scene import Options, Scene, simulate_scene

FIRST_LINE = "# Written by `claire simulate`; no real place."
COLORS = {land_class.id: land_class.rgb for land_class in GLOBAL_10M.classes}


def write_scenes(
    seed: int,
    count: int,
    options: Options,
    folder: Path,
    *,
    report: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Simulate scenes of the seeds `seed`, `seed + 1`, ... and write them.

    `optical/` (B2, B3, B4, B8, B11, B12; uint16, reflectance x 1e4), `cloudy/` (the same under clouds), `cloud/` (0
    clear, 1 thin, 2 thick, 3 shadow), `sar/` (VV, VH; float32 dB), `label/` (ids of the global 10 m scheme), `dem/`
    (metres) and `dataset.toml`. Scenes of the same seeds are replaced, others stay.

    Args:
        seed: Of the first scene.
        count: How many.
        options: Of each scene.
        folder: Created when it is not there.
        report: Receives (scenes done, scenes in all).

    Returns:
        Files, relative to the folder.

    Raises:
        InputError: A number is out of range, the folder holds another data set, or cannot be written.
    """
    most = Settings.from_environment().simulated_most
    if not 1 <= count <= most:
        raise InputError(f"{count} scenes were asked for.", f"Choose 1 to {most}; CLAIRE_SIMULATED_MOST allows more.")
    files = [TOML_NAME]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _describe(folder / TOML_NAME, options)
        for number in range(count):
            scene = simulate_scene(seed + number, options)
            files += _write(scene, folder)
            if report is not None:
                report(number + 1, count)
    except OSError as error:
        raise InputError(
            f"The folder {quoted_name(folder)} cannot be written.",
            "Give another folder; check permissions and free space.",
        ) from error
    return files


def _describe(path: Path, options: Options) -> None:
    unit = "reflectance_x1e4_offset" if options.offset else "reflectance_x1e4"
    text = "\n".join(
        (
            FIRST_LINE,
            'title = "Simulated scenes (no real places)"',
            f'optical = {{ bands = [{_quote(BANDS)}], unit = "{unit}" }}',
            f'sar = {{ bands = [{_quote(SAR_BANDS)}], unit = "db" }}',
            f'scheme = "{GLOBAL_10M.name}"',
            "",
        )
    )
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text:
        raise InputError(
            f"The folder {quoted_name(path.parent)} holds another data set.",
            "Give another folder, or the options of the scenes in it.",
        )
    path.write_text(text, encoding="utf-8")


def _quote(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _write(scene: Scene, folder: Path) -> list[str]:
    parts: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "optical": (scene.optical, {"descriptions": BANDS, "nodata": 0}),
        "cloudy": (scene.cloudy, {"descriptions": BANDS, "nodata": 0}),
        "cloud": (scene.cloud, {"descriptions": ("0 clear, 1 thin, 2 thick, 3 shadow",)}),
        "sar": (scene.sar, {"descriptions": SAR_BANDS}),
        "label": (scene.label, {"descriptions": ("class id",), "colormap": COLORS}),
        "dem": (scene.height.astype(np.float32), {"descriptions": ("metres",)}),
    }
    written = []
    for part, (values, extra) in parts.items():
        name = f"{part}/scene-{scene.seed:06d}.tif"
        (folder / part).mkdir(exist_ok=True)
        write_geotiff(folder / name, values, scene.georeference, **extra)
        written.append(name)
    return written
