"""Bands and units of a pair against those a model wants: what fits, what is missing, which band stands for which."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from claire.core.bands import MODALITIES, Modality, Unit
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Tile, layer_of
from claire.ui.tables import show_table
from claire.ui.text import as_html, as_text

SENSOR_TITLES: dict[Modality, str] = {"optical": "Optical", "sar": "SAR"}
UNIT_TITLES: dict[Unit, str] = {
    "uint8": "8-bit counts",
    "reflectance": "reflectance 0..1",
    "reflectance_x1e4": "reflectance × 10,000",
    "reflectance_offset": "reflectance + 0.1",
    "reflectance_x1e4_offset": "reflectance × 10,000 + 1,000",
    "db": "backscatter, dB",
    "power": "backscatter, power",
    "amplitude": "backscatter, amplitude",
    "as_given": "unknown, as given",
}
UNITS_OF: dict[Modality, tuple[Unit, ...]] = {
    "optical": (
        "uint8",
        "reflectance",
        "reflectance_x1e4",
        "reflectance_offset",
        "reflectance_x1e4_offset",
        "as_given",
    ),
    "sar": ("db", "power", "amplitude", "uint8", "as_given"),
}


def find_missing(tile: Tile, manifest: Manifest) -> tuple[Modality, ...]:
    """Sensors that are there but lack bands that the model wants; a sensor that is absent altogether is allowed."""
    missing = []
    for modality in MODALITIES:
        layer, spec = layer_of(tile, modality), _spec_of(manifest, modality)
        if layer is not None and not set(spec.bands) <= set(layer.bands):
            missing.append(modality)
    return tuple(missing)


def show_misfit(tile: Tile, manifest: Manifest) -> None:
    """Which bands the model wants and which the pair has."""
    st.error(
        f"**The model {as_text(manifest.name)} cannot read this pair: it wants other bands.**\n\n"
        "Choose another model in the sidebar or another pair on the Explore page; for an upload, say there which band "
        "is which.",
        icon=":material/error:",
    )
    rows = []
    for modality in MODALITIES:
        layer, spec = layer_of(tile, modality), _spec_of(manifest, modality)
        there = ", ".join(layer.bands) if layer else "none"
        rows.append((SENSOR_TITLES[modality], as_html(", ".join(spec.bands)), as_html(there)))
    show_table(("Sensor", "The model wants", "The pair has"), rows, words=True)
    st.page_link("pages/explore.py", label="Go to Explore", icon=":material/grid_view:")


def pick_bands(layer: Layer, modality: Modality, manifest: Manifest, files: Sequence[str]) -> tuple[str, ...] | None:
    """Ask which band of the files stands for each band of the model, prefilled in order.

    Args:
        layer: As read.
        modality: Which sensor.
        manifest: Of the model.
        files: Names of the files, in the order in which they were stacked; shown as text.

    Returns:
        For each band of the model a band of the layer; None when the names fit already or there are too few bands.
    """
    spec = _spec_of(manifest, modality)
    title = SENSOR_TITLES[modality]
    if set(spec.bands) <= set(layer.bands):
        return None
    if len(layer.bands) < len(spec.bands):
        st.warning(
            f"{title}: the model {as_text(manifest.name)} wants {len(spec.bands)} bands "
            f"({as_text(', '.join(spec.bands))}), the upload has {len(layer.bands)} "
            f"({as_text(', '.join(layer.bands))}). Add the missing files or choose another model.",
            icon=":material/warning:",
        )
        return None
    st.markdown(f"**{title}: which band is which?** The names do not match the model; filled in order, please check.")
    if len(files) > 1:
        st.caption("Files in order: " + as_text(", ".join(f"{i}. {name}" for i, name in enumerate(files, 1))))
    picked = []
    with st.container(horizontal=True):
        for index, wanted in enumerate(spec.bands):
            picked.append(
                st.selectbox(
                    as_text(wanted),
                    list(layer.bands),
                    index=index,
                    key=f"claire.bands.{modality}.{manifest.name}.{wanted}.{len(layer.bands)}",
                    width=150,
                )
            )
    if len(set(picked)) < len(picked):
        st.warning("The same band is used twice.", icon=":material/warning:")
    return tuple(picked)


def pick_unit(layer: Layer, modality: Modality) -> Unit:
    """Show what the numbers were taken for and let it be changed."""
    options = list(dict.fromkeys([layer.unit, *UNITS_OF[modality]]))
    return st.selectbox(
        f"{SENSOR_TITLES[modality]}: what the numbers are",
        options,
        format_func=lambda unit: UNIT_TITLES[unit],
        key=f"claire.unit.{modality}.{layer.unit}",
        help="Guessed from the file. A wrong unit makes a model see something else.",
    )


def rename_bands(layer: Layer, picked: Sequence[str], spec: InputSpec, unit: Unit) -> Layer:
    """The picked bands under the names that the model knows.

    Args:
        layer: As read.
        picked: One band of the layer for each band of the model.
        spec: Input of the model.
        unit: What the numbers measure.
    """
    rows = [layer.bands.index(band) for band in picked]
    return Layer(layer.values[rows], layer.valid[rows], spec.bands, unit)


def _spec_of(manifest: Manifest, modality: Modality) -> InputSpec:
    return manifest.optical if modality == "optical" else manifest.sar
