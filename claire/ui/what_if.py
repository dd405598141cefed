"""What-if: sliders that damage the pair, its maps beside the undamaged ones, and a curve over one factor."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import numpy as np
import streamlit as st

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES, Modality, Mode
from claire.core.errors import ClaireError
from claire.core.text import as_line
from claire.core.types import layer_of
from claire.core.whatif import FACTORS, Curve, Factor, Outcome, WhatIf, WhatIfResult
from claire.ui.bands import SENSOR_TITLES
from claire.ui.cache import ReadyModel, compute_curve, what_if
from claire.ui.faults import error_boundary, show_error
from claire.ui.maps import CLASSES_VIEW, CONFIDENCE_VIEW, draw_overlay, show_view_key
from claire.ui.pair import show_notices, show_picture
from claire.ui.scores import PLOTLY_CONFIG
from claire.ui.state import Choice, find_choice, find_curve, find_damage, find_working, remember_curve, remember_damage
from claire.ui.tables import show_table
from claire.ui.text import as_text
from claire.viz.colors import RGBA
from claire.viz.encoding import encode_png, render_enlarged
from claire.viz.ground import render_ground
from claire.viz.pictures import render_hatched, render_overlay
from claire.viz.whatif import (
    build_curve_figure,
    describe_curve,
    describe_damage,
    describe_quantity,
    describe_result,
    format_value,
)
from claire.viz.words import MODE_TITLES, format_score, format_share

OPACITY = 0.65
LOOKS = (math.inf, 64, 32, 16, 8, 4, 2, 1)
START = {"cloud_share": 50, "cloud_thickness": 100, "cloud_shadow": 50}
"""Per cent; a page on which nothing happens explains nothing."""
CURVE_COUNTS = (5, 21, 11)
PREFIX = "claire.whatif."


@st.fragment
def show_what_if(analysis: Analysis) -> None:
    """Sliders, and the maps that follow them above those of the pair as it is; nothing else of the page runs again."""
    choice, model = find_choice(), find_working()
    if choice is None or model is None:
        return
    with error_boundary():
        controls, pictures = st.columns([1, 3], gap="large")
        with controls:
            description = _pick_damage(analysis, model)
            remember_damage(description)
        with pictures:
            _show_outcome(analysis, choice, model, description)


def show_curve(analysis: Analysis) -> None:
    """A curve over one factor, drawn on demand: it can be stopped, and what is drawn can be taken away as a table."""
    choice, model = find_choice(), find_working()
    if choice is None or model is None:
        return
    st.subheader("Where does the radar take over?", anchor=False)
    factor, values, start = _pick_curve()
    about = f"{choice.digest} {model.sha256}"
    slot = st.empty()
    if start:
        with slot.container():
            _draw_curve(analysis, choice, model, factor, values, about)
        slot.empty()
    curve = find_curve(about)
    if curve is None:
        st.caption("Draw a curve to see at which value the fused map begins to side with SAR.")
        return
    _show_drawn(curve)


def _pick_damage(analysis: Analysis, model: ReadyModel) -> WhatIf:
    """All sliders; a sensor that is missing has none that work."""
    there = {modality: layer_of(analysis.tile, modality) is not None for modality in MODALITIES}
    with st.container(horizontal=True):
        on = {
            modality: st.toggle(f"{SENSOR_TITLES[modality]} on", True, key=f"{PREFIX}{modality}_on", disabled=not here)
            for modality, here in there.items()
        }
    optical, sar = there["optical"] and on["optical"], there["sar"] and on["sar"]
    values: dict[str, Any] = {name: _slide(FACTORS[name], optical) for name in START}
    with st.expander("Optical: blur"):
        values["blur"] = _slide(FACTORS["blur"], optical)
    with st.expander("SAR: speckle, offset"):
        values["speckle_looks"] = st.select_slider(
            "Speckle, looks",
            LOOKS,
            key=f"{PREFIX}speckle_looks",
            format_func=lambda looks: format_value(FACTORS["speckle_looks"], looks).removesuffix(" looks"),
            disabled=not sar,
            help="Added to the speckle that is there; one look is the noisiest.",
        )
        values["sar_offset_db"] = _slide(FACTORS["sar_offset_db"], sar)
    with st.expander("Shift of one sensor"):
        both = optical and sar
        shifted = st.segmented_control(
            "Sensor",
            MODALITIES,
            default="sar",
            required=True,
            wrap=True,
            key=f"{PREFIX}shifted",
            disabled=not both,
            format_func=lambda modality: SENSOR_TITLES[modality],
        )
        for name in ("shift_right", "shift_down"):
            values[name] = _slide(FACTORS[name], both)
        st.caption("The other sensor and the label stay where they are.")
    with st.expander("Bands, random draw"):
        bands = [*model.manifest.optical.bands, *model.manifest.sar.bands]
        dropped = st.multiselect("Bands dropped", bands, key=f"{PREFIX}dropped.{model.name}", format_func=as_line)
        seed = st.number_input("Seed of clouds and speckle", 0, 9999, 0, key=f"{PREFIX}seed")
    st.button("Back to no damage", icon=":material/restart_alt:", on_click=_reset, width="stretch")
    usable = {name: value for name, value in values.items() if _is_usable(name, shifted, there)}
    return WhatIf(
        **usable,
        shifted=shifted,
        optical_on=on["optical"],
        sar_on=on["sar"],
        dropped=tuple(dropped),
        seed=int(seed),
    )


def _is_usable(name: str, shifted: Modality, there: dict[Modality, bool]) -> bool:
    return there[FACTORS[name].sensor or shifted]


def _slide(factor: Factor, enabled: bool) -> float:
    """A slider over a factor; shares are shown in per cent."""
    scale = 1 if factor.unit else 100
    low, high, step = factor.low * scale, factor.high * scale, factor.step * scale
    start = float(START.get(factor.name, factor.neutral * scale))
    unit = f", {factor.unit}" if factor.unit else ""
    value = st.slider(
        f"{factor.title}{unit}",
        float(low),
        float(high),
        start,
        float(step),
        format="%g" if factor.unit else "%d %%",
        key=f"{PREFIX}{factor.name}",
        disabled=not enabled,
    )
    return round(value / scale, 6)


def _reset() -> None:
    """Put every slider to where it changes nothing."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        name = str(key).removeprefix(PREFIX)
        if name == "speckle_looks":
            st.session_state[key] = math.inf
        elif name == "cloud_share":
            st.session_state[key] = 0.0
        elif name in FACTORS:
            st.session_state[key] = float(START.get(name, 0))
        elif name.endswith("_on"):
            st.session_state[key] = True
        elif name.startswith("dropped."):
            st.session_state[key] = []


def _show_outcome(analysis: Analysis, choice: Choice, model: ReadyModel, description: WhatIf) -> None:
    try:
        result = what_if(choice, model, description, analysis)
    except ClaireError as error:
        show_error(error)
        return
    st.info(f"**{as_text(describe_result(result), 400)}**", icon=":material/tune:")
    view = st.segmented_control(
        "Show",
        [CLASSES_VIEW, CONFIDENCE_VIEW],
        default=CLASSES_VIEW,
        required=True,
        wrap=True,
        key="claire.whatif_view",
        label_visibility="collapsed",
    )
    shown = view or CLASSES_VIEW
    modes = [mode for mode in MODE_TITLES if mode in result.damaged.predictions]
    for column, mode in zip(st.columns(3, gap="medium"), modes, strict=False):
        with column:
            st.markdown(f"**{MODE_TITLES[mode]}, damaged**")
            picture, words = _draw(result.damaged, mode, shown)
            show_picture(picture, f"Damaged: {words}", quick=True)
            st.caption(_summarise(result, mode))
    for column, mode in zip(st.columns(3, gap="medium"), modes, strict=False):
        with column:
            st.markdown(f"{MODE_TITLES[mode]}, as it was")
            _, words = draw_overlay(analysis, mode, shown)
            png = _encode_undamaged(choice.digest, model.sha256, mode, shown, analysis)
            st.image(png, width="stretch", alt=f"As it was: {words}")
    show_view_key(analysis, shown)
    _show_table(result, modes)
    show_notices(result.damaged.tile.notices)


@st.cache_data(max_entries=24, ttl=3600, show_spinner=False, scope="session")
def _encode_undamaged(digest: str, sha256: str, mode: Mode, view: str, _analysis: Analysis) -> bytes:
    return encode_png(render_enlarged(render_hatched(_draw(_analysis, mode, view)[0])))


def _draw(analysis: Analysis, mode: Mode, view: str) -> tuple[RGBA, str]:
    """What the sensor of a map saw with the map on it; nothing at all where the map says nothing."""
    top, words = draw_overlay(analysis, mode, view)
    base = render_ground(analysis, mode)
    if top is None or not analysis.predictions[mode].valid.any():
        return np.zeros_like(base), f"{MODE_TITLES[mode]} map: nothing, because this sensor sees nothing."
    return render_overlay(base, top, OPACITY), words


def _summarise(result: WhatIfResult, mode: Mode) -> str:
    outcome = result.measure(mode)
    if math.isnan(outcome.changed) or not result.damaged.predictions[mode].valid.any():
        return "no map: this sensor sees nothing"
    words = [f"{format_share(outcome.changed)} changed"]
    if result.damaged.scores:
        words.append(f"**{_score_title(result)} {_format_change(*_find_scores(result, mode, outcome))}**")
    return " · ".join(words)


def _show_table(result: WhatIfResult, modes: list[Mode]) -> None:
    """Areas, confidence and score of every map, before and after."""
    index = len(result.damaged.scheme) - 1
    rows = []
    for mode in modes:
        outcome, before = result.measure(mode), result.undamaged
        sure = before.predictions[mode].confidence[before.predictions[mode].valid]
        confidence = float(sure.mean(dtype=np.float64)) if sure.size else math.nan
        share = before.areas[mode][index].area_share
        cells = [
            MODE_TITLES[mode],
            f"{format_share(share)} → {format_share(outcome.area_shares[index])}",
            _format_change(confidence, outcome.confidence),
            format_share(outcome.changed),
        ]
        if result.damaged.scores:
            cells.append(_format_change(*_find_scores(result, mode, outcome)))
        rows.append(cells)
    name = result.damaged.scheme.names[index]
    head = ["Map", f"{name}, area", "confidence", "changed"]
    show_table([*head, _score_title(result)] if result.damaged.scores else head, rows, "As it was → damaged.")


def _score_title(result: WhatIfResult) -> str:
    scheme = result.damaged.scheme
    return f"{scheme.names[-1]} IoU" if len(scheme) == 2 else "mean IoU"


def _find_scores(result: WhatIfResult, mode: Mode, outcome: Outcome) -> tuple[float, float]:
    scores = result.undamaged.scores[mode]
    return (scores.per_class[-1].iou, outcome.ious[-1]) if len(outcome.ious) == 2 else (scores.miou, outcome.miou)


def _format_change(before: float, after: float) -> str:
    return f"{format_score(before)} → {format_score(after)}"


def _pick_curve() -> tuple[str, tuple[float, ...], bool]:
    """Which factor, over which values, and whether the button was pressed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Factor", list(FACTORS), key="claire.curve.factor", format_func=lambda key: FACTORS[key].title, width=220
        )
        factor = FACTORS[name]
        scale, finest = (1, 0.25) if factor.unit else (100, 5)
        end = factor.low if math.isinf(factor.neutral) else factor.high
        low = factor.low if factor.low < 0 or math.isinf(factor.neutral) else factor.step
        until = st.number_input(
            f"Up to, {factor.unit or '%'}",
            float(low * scale),
            float(factor.high * scale),
            float(end * scale),
            float(finest),
            format="%g",
            key=f"claire.curve.end.{name}",
            width=150,
        )
        least, most, usual = CURVE_COUNTS
        count = st.number_input("Values", least, most, usual, key="claire.curve.count", width=120)
        start = st.button("Draw the curve", type="primary", icon=":material/show_chart:", key="claire.curve.start")
    if not start:
        return name, (), False
    return name, factor.spread(int(count), round(until / scale, 6)), True


def _draw_curve(
    analysis: Analysis, choice: Choice, model: ReadyModel, factor: str, values: tuple[float, ...], about: str
) -> None:
    """One forward per value; the button runs the page again, which ends this at the next step of the bar."""
    bar = st.progress(0.0, "Mapping the damaged pair …")

    def report(done: int, total: int) -> None:
        bar.progress(done / total, f"Mapping the damaged pair: {done} of {total} values")

    st.button("Stop", icon=":material/stop_circle:", key="claire.curve.stop")
    curve = compute_curve(choice, model, factor, values, find_damage(), analysis, report)
    remember_curve(curve, about)


def _show_drawn(curve: Curve) -> None:
    factor = FACTORS[curve.factor]
    st.success(f"**{as_text(describe_curve(curve), 400)}**", icon=":material/satellite_alt:")
    last = describe_damage(curve.what_if.vary(curve.factor, curve.points[-1].value))
    st.caption(as_text(f"At the end of the curve: {last}.", 400))
    name = curve.classes[-1]
    if len(curve.classes) > 2:
        name = st.selectbox("Class", curve.classes, key="claire.curve.class", width=220)
    words = f"{describe_quantity(curve, name)} of each map over {factor.title.lower()}. {describe_curve(curve)}"
    st.plotly_chart(build_curve_figure(curve, name), key="claire.curve.figure", config=PLOTLY_CONFIG, alt=words)
    with st.expander("The numbers"):
        _show_numbers(curve, name)
    st.download_button(
        "Save the table (CSV)", build_csv(curve), f"what_if_{curve.factor}.csv", "text/csv", icon=":material/download:"
    )


def _show_numbers(curve: Curve, name: str) -> None:
    factor, index = FACTORS[curve.factor], curve.classes.index(name)
    modes = [mode for mode in MODE_TITLES if mode in curve.points[0].outcomes]
    rows = [
        (
            format_value(factor, point.value),
            *(
                format_score(point.outcomes[mode].ious[index])
                if curve.scored
                else format_share(point.outcomes[mode].area_shares[index])
                for mode in modes
            ),
            format_share(point.sar_lead),
            format_share(point.sar_trust),
        )
        for point in curve.points
    ]
    head = (factor.title, *(MODE_TITLES[mode] for mode in modes), "fused sides with SAR", "trust in SAR")
    show_table(head, rows, f"Of the maps: {describe_quantity(curve, name)}.")


def build_csv(curve: Curve) -> bytes:
    """The whole curve as a table that spreadsheets open."""
    rows = curve.as_rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
