"""An analysis as files: class and confidence rasters with the georeference of the input, overlays, the rest as data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from claire.core.analysis import Analysis
from claire.core.bands import Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import InputError
from claire.core.files import appearing
from claire.core.types import Layer
from claire.data.raster import quoted_name, write_geotiff
from claire.viz.composites import build_composites
from claire.viz.encoding import encode_png
from claire.viz.pictures import render_classes, render_composite, render_overlay, render_sar

OVERLAY_OPACITY = 0.5


def write_prediction(analysis: Analysis, folder: Path) -> dict[str, str]:
    """Write everything that `claire predict` promises.

    Args:
        analysis: To write.
        folder: Created when it is not there.

    Returns:
        What -> file name inside the folder.

    Raises:
        InputError: The folder cannot be written, or is full.
    """
    files: dict[str, str] = {}
    with filling(folder):
        for mode in analysis.predictions:
            files.update(_write_mode(analysis, mode, folder))
        for path in analysis.save(folder):
            files[path.stem] = path.name
    return files


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Make a folder for results; what goes wrong with the disk inside is a sentence.

    Raises:
        InputError: The folder cannot be written, or is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise InputError(
            f"The folder {quoted_name(folder)} cannot be written.",
            "Give another folder; check permissions and free space.",
        ) from error


def _write_mode(analysis: Analysis, mode: Mode, folder: Path) -> dict[str, str]:
    prediction, scheme, place = analysis.predictions[mode], analysis.scheme, analysis.tile.georeference
    colormap = {c.id: c.rgb for c in scheme.classes}
    ids = np.full(prediction.classes.shape, IGNORE_INDEX, np.uint8)
    ids[prediction.valid] = scheme.to_id(prediction.classes[prediction.valid])
    names = {
        kind: f"{kind}_{mode}.{ending}"
        for kind, ending in (("class", "tif"), ("confidence", "tif"), ("overlay", "png"))
    }
    write_geotiff(
        folder / names["class"], ids, place, nodata=IGNORE_INDEX, descriptions=("class id",), colormap=colormap
    )
    confidence = np.where(prediction.valid, prediction.confidence, np.nan).astype(np.float32)
    write_geotiff(
        folder / names["confidence"], confidence, place, nodata=float("nan"), descriptions=("confidence 0..1",)
    )
    base = _render_base(analysis.tile.optical, analysis.tile.sar)
    overlay = render_overlay(base, render_classes(prediction.classes, scheme), OVERLAY_OPACITY)
    with appearing(folder / names["overlay"]) as partial:
        partial.write_bytes(encode_png(overlay))
    return {f"{kind}_{mode}": name for kind, name in names.items()}


def _render_base(optical: Layer | None, sar: Layer | None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    if optical is not None:
        return render_composite(optical, build_composites(optical.bands)[0].bands)
    if sar is not None:
        return render_sar(sar, sar.bands[-1])
    return np.zeros((1, 1, 4), np.uint8)
