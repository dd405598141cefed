"""Bands and units of a pair against those a model wants: what fits, what is missing, which band stands for which."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from claire.core.bands import GUESS_CODES, MODALITIES, UNITS_OF, Modality, Unit, normalise_band_name
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Tile, layer_of
from claire.ui.state import pick_model
from claire.ui.tables import show_table
from claire.ui.text import as_html, as_text
from claire.viz.encoding import thin_layer

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


def find_missing(tile: Tile, manifest: Manifest) -> tuple[Modality, ...]:
    """Sensors that are there but lack bands that the model wants; a sensor that is absent altogether is allowed."""
    missing = []
    for modality in MODALITIES:
        layer, spec = layer_of(tile, modality), _spec_of(manifest, modality)
        if layer is not None and not set(spec.bands) <= set(layer.bands):
            missing.append(modality)
    return tuple(missing)


def offer_fitting(names: Sequence[str]) -> None:
    """A button for each model that reads a pair, which makes it the picked one; a sentence where there is none."""
    if not names:
        st.markdown("No model that is ready reads this pair.")
        return
    with st.container(horizontal=True):
        for name in names:
            st.button(
                f"Use {as_text(name)}",
                key=f"claire.use.{name}",
                icon=":material/check:",
                help="This model reads the pair.",
                on_click=pick_model,
                args=(name,),
            )


def show_misfit(tile: Tile, manifest: Manifest, fitting: Sequence[str]) -> None:
    """Which bands the model wants and which the pair has.

    Args:
        tile: The pair.
        manifest: Of the model that cannot read it.
        fitting: Names of the models that can.
    """
    st.error(
        f"**The model {as_text(manifest.name)} cannot read this pair: it wants other bands.**\n\n"
        f"{'Use a model that reads it, or choose' if fitting else 'Choose'} another pair on the Explore page; for an "
        "upload, say there which band is which.",
        icon=":material/error:",
    )
    offer_fitting(fitting)
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
        For each band of the model a band of the layer; None when there are too few bands, one is not chosen yet, or the
        names fit and the user leaves it at that.
    """
    spec = _spec_of(manifest, modality)
    title = SENSOR_TITLES[modality]
    fits = set(spec.bands) <= set(layer.bands)
    if fits and not st.toggle(
        f"{title}: say which band is which",
        key=f"claire.bands.{modality}.{manifest.name}.by_hand",
        help="The names of the bands fit the model. Switch this on where they are wrong.",
    ):
        return None
    if len(layer.bands) < len(spec.bands):
        st.warning(
            f"{title}: the model {as_text(manifest.name)} wants {len(spec.bands)} bands "
            f"({as_text(', '.join(spec.bands))}), the upload has {len(layer.bands)} "
            f"({as_text(', '.join(layer.bands))}). Add the missing files or choose another model.",
            icon=":material/warning:",
        )
        return None
    why = (
        "The names fit the model."
        if fits
        else "The names do not fit the model; filled as well as can be, please check."
    )
    st.markdown(f"**{title}: which band is which?** {why}")
    if len(files) > 1:
        st.caption("Files in order: " + as_text(", ".join(f"{i}. {name}" for i, name in enumerate(files, 1))))
    start = match_bands(layer.bands, spec.bands)
    picked = []
    with st.container(horizontal=True):
        for band, wanted in zip(start, spec.bands, strict=True):
            picked.append(
                st.selectbox(
                    as_text(wanted),
                    list(layer.bands),
                    index=None if band is None else layer.bands.index(band),
                    key=f"claire.bands.{modality}.{manifest.name}.{wanted}.{len(layer.bands)}",
                    placeholder="Choose",
                    width=150,
                )
            )
    chosen = tuple(band for band in picked if band is not None)
    if len(chosen) < len(picked):
        st.warning(f"{title}: choose a band for every box, or another model.", icon=":material/warning:")
        return None
    if len(set(chosen)) < len(chosen):
        st.warning("The same band is used twice.", icon=":material/warning:")
    return chosen


def match_bands(given: Sequence[str], wanted: Sequence[str]) -> tuple[str | None, ...]:
    """For each band of the model a band of the file, as a start for the user.

    Args:
        given: Names in the file, at least as many as wanted.
        wanted: Names of the model.

    Returns:
        The bands of that name, with or without its date; None where no name fits. In order where not one name fits.

    Example:
        >>> match_bands(("B8", "b03", "x"), ("B3_after", "B8_after", "B11_after"))
        ('b03', 'B8', None)
        >>> match_bands(("band1", "band2", "band3"), ("VV", "VH"))
        ('band1', 'band2')
    """
    found: dict[str, str] = {}
    for key in (normalise_band_name, _drop_date):
        for name in (name for name in wanted if name not in found):
            fitting = [band for band in given if key(band) == key(name) and band not in found.values()]
            if fitting:
                found[name] = fitting[0]
    return tuple(found.get(name) for name in wanted) if found else tuple(given[: len(wanted)])


def confirm_units(tile: Tile, fingerprint: str) -> bool:
    """Ask whether units that were guessed from the numbers are right.

    Args:
        tile: As read, with its notices.
        fingerprint: Of the upload; another upload is asked for anew.

    Returns:
        True when the user said so, or nothing was guessed.
    """
    codes = {notice.code for notice in tile.notices}
    guessed = [modality for modality in MODALITIES if GUESS_CODES[modality] in codes]
    if not guessed:
        return True
    ranges = [_describe_range(layer, modality) for modality in guessed if (layer := layer_of(tile, modality))]
    st.caption(f"The files do not say what their numbers are; the boxes are guessed from them ({'; '.join(ranges)}).")
    key = hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    return st.checkbox("Yes, the numbers are what the boxes say: use the pair", key=f"claire.confirm.{key}")


def _describe_range(layer: Layer, modality: Modality) -> str:
    thin = thin_layer(layer)
    numbers = thin.values[thin.valid].astype(np.float64)
    if numbers.size == 0:
        return f"{SENSOR_TITLES[modality]}: none"
    low, middle, high = np.percentile(numbers, (2, 50, 98))
    return f"{SENSOR_TITLES[modality]}: {low:.4g} to {high:.4g}, middle {middle:.4g}"


def _drop_date(name: str) -> str:
    return normalise_band_name(name).partition("_")[0]


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
