"""How much ground each class covers on a map."""

from __future__ import annotations

import numpy as np

from claire.core.types import ClassArea, GeoReference, Prediction


def compute_areas(prediction: Prediction, georeference: GeoReference) -> tuple[ClassArea, ...]:
    """Pixels, share, m2 (only with a metric CRS) and mean confidence of every class, in index order."""
    confidence, total = prediction.confidence, int(prediction.valid.sum())
    pixel_area = georeference.pixel_area_m2
    areas = []
    for index, land_class in enumerate(prediction.scheme.classes):
        here = prediction.classes == index
        pixels = int(here.sum())
        areas.append(
            ClassArea(
                id=land_class.id,
                name=land_class.name,
                pixels=pixels,
                area_share=pixels / total if total else 0.0,
                area_m2=None if pixel_area is None else pixels * pixel_area,
                confidence=float(confidence[here].mean(dtype=np.float64)) if pixels else float("nan"),
            )
        )
    return tuple(areas)
