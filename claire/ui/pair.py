"""The chosen pair as it came: pictures of both sensors, what the files are, notices."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from claire.core.bands import Modality
from claire.core.classes import SCHEMES, ClassScheme
from claire.core.errors import LabelError
from claire.core.types import Layer, Notice, Tile
from claire.ui.bands import UNIT_TITLES
from claire.ui.cache import find_label_scheme
from claire.ui.faults import error_boundary
from claire.ui.state import find_choice
from claire.ui.tables import show_key, show_table
from claire.ui.text import as_html, as_text, without_options
from claire.viz.colors import RGBA
from claire.viz.composites import Composite, build_composites
from claire.viz.encoding import encode_png, render_enlarged, thin_layer, thin_map
from claire.viz.pictures import SAR_STEPS, Stretch, render_composite, render_hatched, render_label, render_sar
from claire.viz.words import describe_label, describe_layer, format_area, format_share

OWN_BANDS = "Other bands …"


def show_picture(picture: RGBA, alt: str, *, quick: bool = False) -> None:
    """A picture as wide as its column, masked pixels hatched, with words for those who do not see it.

    Args:
        picture: (H, W, 4) uint8.
        alt: What it shows, in words.
        quick: Encode in a hurry, for what follows a slider.
    """
    st.image(encode_png(render_enlarged(render_hatched(picture)), quick=quick), width="stretch", alt=alt)


@st.fragment
def show_pair(scheme: ClassScheme | None = None) -> None:
    """Pictures of the chosen pair with the choice of bands and contrast.

    Args:
        scheme: Class scheme of the model, for a label whose data set does not say what it holds; the first that fits
            without one.
    """
    choice = find_choice()
    if choice is None:
        return
    tile = choice.tile
    with error_boundary():
        low, high = st.session_state.get("claire.stretch", (2, 98))
        stretch = Stretch(low, high)
        columns = st.columns(3 if tile.label is not None else 2, gap="medium", vertical_alignment="bottom")
        with columns[0]:
            _show_optical(tile.optical, stretch)
        with columns[1]:
            _show_sar(tile.sar, stretch)
        if tile.label is not None:
            with columns[2]:
                _show_label(tile, find_label_scheme(choice.dataset) or scheme)
        st.slider(
            "Contrast: percentiles shown as black and white",
            0,
            100,
            (2, 98),
            key="claire.stretch",
            persist_state="session",
            help="2 and 98 hide the extremes; 0 and 100 show the full range of the valid pixels.",
        )


def show_facts(tile: Tile) -> None:
    """What the files are: size, bands, units, place."""
    high, wide = tile.shape
    place = tile.georeference
    rows = [("Size", f"{wide} × {high} pixels")]
    for title, layer in (("Optical", tile.optical), ("SAR", tile.sar)):
        if layer is None:
            rows.append((title, "missing"))
            continue
        words = f"{len(layer.bands)} bands: {as_html(', '.join(layer.bands))}<br>{UNIT_TITLES[layer.unit]}"
        rows.append((title, f"{words}, {layer.values.dtype}, {format_share(float(layer.valid.mean()))} valid"))
    rows.append(("Label", "yes" if tile.label is not None else "none: maps without scores"))
    rows.append(("Place", as_html(place.crs, 60) if place.crs else "no coordinates: areas are in pixels"))
    if place.pixel_area_m2 is not None:
        rows.append(("Pixel", f"{place.pixel_area_m2**0.5:.4g} m, {format_area(place.pixel_area_m2 * wide * high, 0)}"))
    show_table((), [(f"<strong>{key}</strong>", value) for key, value in rows], words=True)


def show_notices(notices: Sequence[Notice]) -> None:
    """What reading and pairing found, one line each, nothing when there is nothing to say."""
    unique = list(dict.fromkeys(without_options(notice.message) for notice in notices))
    bullet = "- " if len(unique) > 1 else ""
    if unique:
        st.info("\n".join(bullet + as_text(message) for message in unique), icon=":material/info:")


def _show_optical(layer: Layer | None, stretch: Stretch) -> None:
    st.markdown("**Optical**")
    if layer is None:
        st.caption("This pair has no optical file.")
        return
    shown = thin_layer(layer)
    composite = _pick_composite(shown.bands, "optical")
    picture = render_composite(shown, composite.bands, stretch)
    show_picture(picture, describe_layer(layer, "Optical", composite.bands))


def _show_sar(layer: Layer | None, stretch: Stretch) -> None:
    st.markdown("**SAR**")
    if layer is None:
        st.caption("This pair has no SAR file.")
        return
    shown = thin_layer(layer)
    order = list(dict.fromkeys([build_composites(layer.bands)[0].bands[0], *layer.bands]))
    left, right = st.columns([3, 2], vertical_alignment="bottom", wrap=False)
    band = left.selectbox("Band", order, key="claire.band.sar")
    convertible = layer.unit in SAR_STEPS
    decibel = right.toggle(
        "in dB",
        value=convertible,
        disabled=not convertible,
        key=f"claire.decibel.{layer.unit}",
        help="Power and amplitude can be shown in decibel; other units are shown as given.",
    )
    alt = describe_layer(layer, "SAR in dB" if decibel else "SAR as given", [band])
    show_picture(render_sar(shown, band, decibel=decibel, stretch=stretch), alt)


def _show_label(tile: Tile, scheme: ClassScheme | None) -> None:
    st.markdown("**Label**")
    if tile.label is None:
        return
    label = thin_map(tile.label)
    for candidate in (scheme, *SCHEMES.values()):
        try:
            index = candidate.to_index(label) if candidate else None
        except LabelError:
            continue
        if candidate is not None and index is not None:
            show_key((c.color, c.name) for i, c in enumerate(candidate.classes) if (index == i).any())
            show_picture(render_label(label, candidate), describe_label(index, candidate))
            return
    st.warning("The label holds ids that no class scheme knows, so it cannot be shown.", icon=":material/help:")


def _pick_composite(bands: Sequence[str], role: Modality) -> Composite:
    composites = {composite.title: composite for composite in build_composites(bands)}
    title = st.selectbox("Bands as red, green, blue", [*composites, OWN_BANDS], key=f"claire.composite.{role}")
    if title in composites:
        return composites[title]
    picked = []
    for index, (column, color) in enumerate(zip(st.columns(3, wrap=False), ("Red", "Green", "Blue"), strict=True)):
        start = min(index, len(bands) - 1)
        picked.append(column.selectbox(color, list(bands), index=start, key=f"claire.own.{role}.{color}"))
    return Composite(OWN_BANDS, (picked[0], picked[1], picked[2]))
