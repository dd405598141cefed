"""Where the sensors looked in each other, and which of them was believed, for one pair."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES, Modality
from claire.core.errors import InputError, SensorError
from claire.core.types import Attention, AttentionStage, layer_of
from claire.explain.attention import compute_look, compute_trust, compute_trust_by_class
from claire.ui.bands import SENSOR_TITLES
from claire.ui.cache import read_attention
from claire.ui.faults import error_boundary
from claire.ui.flow import Subject
from claire.ui.pair import show_picture
from claire.ui.picker import Points, show_picker, to_pixel
from claire.ui.scores import PLOTLY_CONFIG
from claire.ui.tables import show_ramp
from claire.ui.text import as_text
from claire.viz.charts import build_trust_figure
from claire.viz.colors import TRUST_COLORMAP
from claire.viz.encoding import thin_map
from claire.viz.evidence import LOOK_COLORMAP, describe_look, render_look
from claire.viz.ground import render_ground
from claire.viz.pictures import render_overlay, render_trust
from claire.viz.words import describe_trust, format_share

MEAN, FINEST = "mean", "finest"
ASKING_KEY = "claire.attention.asking"
OTHER: dict[Modality, Modality] = {"optical": "sar", "sar": "optical"}
NOTE = (
    "**What this shows, and what it does not.** Attention and trust are weights that the network itself computed for "
    "this pair; nothing is estimated. They say where one sensor looked in the other and how the two were mixed. They "
    "do not prove that the map depends on it: a path round the attention stays open, and what is mixed has already "
    "seen its neighbourhood. What the map rests on is measured on the page *Why*, by taking values and sensors away."
)


@st.fragment
def show_attention(subject: Subject) -> None:
    """Click a pixel of one sensor, see where it looked in the other and which of them was believed.

    Another pixel draws pictures anew; the network runs once per piece of the pair.
    """
    with error_boundary():
        _require_fusion(subject.analysis)
        at = _find_pixel(subject.analysis)
        attention = read_attention(subject.choice, subject.model, *at)
        st.subheader("Where did a pixel look in the other sensor?", anchor=False)
        _show_looks(subject.analysis, attention, at)
        st.subheader("Which sensor did it believe?", anchor=False)
        _show_trust(subject.analysis, attention, at)


def show_attention_note() -> None:
    """What attention proves, and what it does not."""
    st.info(NOTE, icon=":material/balance:")


def _show_looks(analysis: Analysis, attention: Attention, at: tuple[int, int]) -> None:
    st.caption("Click a pixel in either picture, or type it. Yellow is where it looked most in the other sensor.")
    st.session_state.setdefault(ASKING_KEY, "optical")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        _type_pixel(analysis)
        asking = st.segmented_control(
            "The pixel belongs to",
            MODALITIES,
            required=True,
            wrap=True,
            format_func=lambda modality: f"{SENSOR_TITLES[modality]}, looking in {SENSOR_TITLES[OTHER[modality]]}",
            key=ASKING_KEY,
        )
        stage = _pick_stage(attention, "Stage of the network", [MEAN], lambda stage: stage.looking("sar") is not None)
        opacity = st.slider("Opacity of the attention", 0, 100, 80, format="%d %%", key="claire.look", width=280)
    chosen: Modality = asking if asking in MODALITIES else "optical"
    look = _place(compute_look(attention, *at, chosen, None if stage == MEAN else int(stage)), attention, analysis)
    words = describe_look(look, chosen, at)
    for place, modality in zip(st.columns(2, gap="medium"), MODALITIES, strict=True):
        with place:
            _show_side(analysis, modality, chosen, at, look, words, opacity / 100)
    show_ramp(LOOK_COLORMAP, "no attention", "most attention")


def _show_trust(analysis: Analysis, attention: Attention, at: tuple[int, int]) -> None:
    """Trust per stage over the pair, and its share over the pixels of each class of the fused map."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
        options = [MEAN] if analysis.trust is None else [FINEST, MEAN]
        stage = _pick_stage(attention, "Gate", options, lambda stage: True)
        opacity = st.slider("Opacity of the trust", 0, 100, 85, format="%d %%", key="claire.trust", width=280)
    if stage == FINEST and analysis.trust is not None:
        trust = analysis.trust
    else:
        trust = _place(compute_trust(attention, None if stage == MEAN else int(stage)), attention, analysis)
    fused = analysis.predictions["fused"]
    known = fused.valid & np.isfinite(trust)
    left, right = st.columns(2, gap="medium")
    with left:
        words = describe_trust(trust, known)
        picture = render_trust(thin_map(trust), thin_map(known))
        show_picture(render_overlay(render_ground(analysis, "fused"), picture, opacity / 100), words)
        show_ramp(TRUST_COLORMAP, "SAR was believed", "optical was believed")
        st.caption(_describe_pixel(trust, *at))
    with right:
        st.markdown("**By class of the fused map**")
        shares = compute_trust_by_class(trust, fused)
        alt = "Share of trust given to optical: " + ", ".join(f"{k} {format_share(v)}" for k, v in shares.items())
        st.plotly_chart(build_trust_figure(shares), key="claire.trust.classes", config=PLOTLY_CONFIG, alt=alt + ".")
        absent = [as_text(name) for name, share in shares.items() if not np.isfinite(share)]
        st.caption(words + (f" The map shows no {', '.join(absent)}." if absent else ""))


def _require_fusion(analysis: Analysis) -> None:
    """Both sensors and a map of both must be there for one to look in the other.

    Raises:
        SensorError: A sensor is missing.
        InputError: The model makes no fused map.
    """
    if "fused" not in analysis.predictions:
        raise InputError("This model reads one sensor, so there is no other to look in.", "Choose one that fuses both.")
    for modality in MODALITIES:
        if layer_of(analysis.tile, modality) is None:
            title = "optical" if modality == "optical" else "SAR"
            raise SensorError(
                f"This pair has no {title} file, so the sensors cannot look in each other.", "Choose a pair with both."
            )


def _type_pixel(analysis: Analysis) -> None:
    """Boxes for the chosen pixel, for those who do not click."""
    for label, name, size in zip(("x, column", "y, row"), ("column", "row"), analysis.tile.shape[::-1], strict=True):
        st.number_input(label, 0, size - 1, key=_key(analysis, name), width=130)


def _find_pixel(analysis: Analysis) -> tuple[int, int]:
    """(row, column) of the chosen pixel; at first the middle one of the last class that the fused map shows."""
    keys = [_key(analysis, name) for name in ("row", "column")]
    if any(key not in st.session_state for key in keys):
        classes = analysis.predictions["fused"].classes
        shown = classes[classes < len(analysis.scheme)]
        places = np.argwhere(classes == (shown.max() if shown.size else classes))
        for key, number in zip(keys, places[len(places) // 2].tolist(), strict=True):
            st.session_state[key] = number
    row, column = (int(st.session_state[key]) for key in keys)
    return row, column


def _key(analysis: Analysis, name: str) -> str:
    """One pixel per size of tile, so that a smaller tile is not asked about a pixel outside of it."""
    height, width = analysis.tile.shape
    return f"claire.attention.{name}.{height}.{width}"


def _pick_stage(attention: Attention, label: str, first: list[str], usable: Callable[[AttentionStage], bool]) -> str:
    """`MEAN`, `FINEST` or the index of a stage."""
    titles = {MEAN: "mean of all", FINEST: "finest"}
    for index, stage in enumerate(attention.stages):
        if usable(stage):
            titles[str(index)] = f"1/{stage.stride}"
    options = [*first, *(index for index in titles if index.isdecimal())]
    picked = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        wrap=True,
        format_func=lambda option: titles.get(option, option),
        key=f"claire.stage.{label}.{len(options)}",
        help="The network fuses the sensors several times, from every pixel (1/1) to one cell per 32 pixels (1/32).",
    )
    return picked if picked in options else options[0]


def _show_side(
    analysis: Analysis,
    modality: Modality,
    asking: Modality,
    at: tuple[int, int],
    look: NDArray[np.float32],
    words: str,
    opacity: float,
) -> None:
    title, base = SENSOR_TITLES[modality], render_ground(analysis, modality)
    asked = modality == asking
    st.markdown(f"**{title}**: " + ("the pixel that asks" if asked else "where it looked"))
    picture = base if asked else render_overlay(base, render_look(thin_map(look)), opacity)
    alt = f"{title} with the chosen pixel at row {at[0]}, column {at[1]} under a crosshair." if asked else words

    def pick(points: Points) -> None:
        row, column = to_pixel(points[0], analysis.tile.shape)
        st.session_state[_key(analysis, "row")], st.session_state[_key(analysis, "column")] = row, column
        st.session_state[ASKING_KEY] = modality

    show_picker(f"claire.attention.{modality}", picture, alt, "point", pick, shape=analysis.tile.shape, mark=at)
    st.caption(f"Row {at[0]}, column {at[1]}." if asked else words)


def _place(values: NDArray[np.float32], attention: Attention, analysis: Analysis) -> NDArray[np.float32]:
    """A map of the piece on the pixels of the tile; NaN outside the piece."""
    whole = np.full(analysis.tile.shape, np.nan, np.float32)
    (row, column), (height, width) = attention.origin, attention.shape
    whole[row : row + height, column : column + width] = values
    return whole


def _describe_pixel(trust: NDArray[np.float32], row: int, column: int) -> str:
    share = float(trust[row, column])
    return (
        f"At the chosen pixel (row {row}, column {column}): optical {format_share(share)}, "
        f"SAR {format_share(1 - share)}."
    )
