"""What-if in words and as a chart: what was done to a pair, what it did to the maps, where the radar takes over."""

from __future__ import annotations

import math

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from claire.core.bands import Mode
from claire.core.whatif import FACTORS, Curve, Factor, Outcome, WhatIf, WhatIfResult
from claire.viz.colors import FUSED_COLOR, OPTICAL_COLOR, SAR_COLOR
from claire.viz.words import MODE_TITLES, format_score, format_share

MODE_COLORS: dict[Mode, str] = {"optical": OPTICAL_COLOR, "sar": SAR_COLOR, "fused": FUSED_COLOR}
MODE_DASHES: dict[Mode, str] = {"optical": "dot", "sar": "dash", "fused": "solid"}
SAME = 0.0005
"""Share of changed pixels below which a map counts as the same."""


def format_value(factor: Factor, value: float) -> str:
    """The value of a factor with its unit.

    Example:
        >>> format_value(FACTORS["cloud_share"], 0.35), format_value(FACTORS["blur"], 1.5)
        ('35 %', '1.5 px')
    """
    if math.isinf(value):
        return "none"
    return f"{value:g} {factor.unit}" if factor.unit else f"{100 * value:.3g} %"


def describe_damage(what_if: WhatIf) -> str:
    """What is done to the pair, as a list; "nothing" when it stays as it is.

    Example:
        >>> describe_damage(WhatIf(cloud_share=0.5, sar_on=False))
        'cloud over 50 % (100 % thick, shadow 50 %), SAR off'
    """
    parts = []
    if what_if.clouded and what_if.optical_on:
        shares = (what_if.cloud_share, what_if.cloud_thickness, what_if.cloud_shadow)
        share, thick, shadow = (f"{100 * each:.3g} %" for each in shares)
        parts.append(f"cloud over {share} ({thick} thick, shadow {shadow})")
    if what_if.blur and what_if.optical_on:
        parts.append(f"optical blurred by {what_if.blur:g} px")
    if math.isfinite(what_if.speckle_looks) and what_if.sar_on:
        parts.append(f"speckle of {what_if.speckle_looks:g} looks")
    if what_if.sar_offset_db and what_if.sar_on:
        parts.append(f"SAR {what_if.sar_offset_db:+g} dB")
    if what_if.moved and what_if.is_on(what_if.shifted):
        sensor = "optical" if what_if.shifted == "optical" else "SAR"
        parts.append(f"{sensor} shifted by {what_if.shift_right:g} px right and {what_if.shift_down:g} px down")
    if what_if.dropped:
        parts.append(f"without {', '.join(what_if.dropped)}")
    parts += [f"{title} off" for title, on in (("optical", what_if.optical_on), ("SAR", what_if.sar_on)) if not on]
    return ", ".join(parts) or "nothing"


def describe_result(result: WhatIfResult) -> str:
    """One sentence: the damage, how much of the main map it changed, and what that did to its score."""
    damage, mode = describe_damage(result.what_if), find_main_mode(result)
    title = f"the {MODE_TITLES[mode].lower()} map"
    if damage == "nothing":
        return f"Nothing is damaged: move a slider and watch {title}."
    outcome = result.measure(mode)
    if math.isnan(outcome.changed):
        return f"With {damage}, {title} says nothing."
    changed = "stays as it was" if outcome.changed < SAME else f"changes on {format_share(outcome.changed)} of its area"
    return f"With {damage}, {title} {changed}{_describe_score(result, mode, outcome)}."


def find_main_mode(result: WhatIfResult) -> Mode:
    """The fused map, or the only one that there is."""
    return "fused" if "fused" in result.damaged.predictions else next(iter(result.damaged.predictions))


def describe_curve(curve: Curve) -> str:
    """Where the radar takes over, or that it leads all along, or never."""
    factor = FACTORS[curve.factor]
    first, last = (format_value(factor, curve.points[place].value) for place in (0, -1))
    way = f"{factor.title.lower()} from {first} to {last}"
    if all(math.isnan(point.sar_lead) for point in curve.points):
        return f"Over {way} the two sensors never differ, so neither leads."
    takeover, handover = curve.takeover, curve.handover
    start = find_start(curve)
    if takeover == start:
        return f"The radar leads all along: {way}."
    if handover == start:
        return f"The radar never takes over: the fused map sides with optical over {way}."
    if takeover is not None:
        return f"The radar takes over at {format_value(factor, takeover)}: {way}."
    if handover is not None:
        return f"The radar leads at first and hands over to optical at {format_value(factor, handover)}: {way}."
    return f"Neither sensor leads clearly at the end of {way}."


def find_start(curve: Curve) -> float | None:
    """The first value at which the two sensors differ at all; None if they never do."""
    return next((point.value for point in curve.points if not math.isnan(point.sar_lead)), None)


def describe_quantity(curve: Curve, class_name: str) -> str:
    """What the upper half of the chart shows."""
    return f"IoU of {class_name}" if curve.scored else f"share mapped as {class_name}"


def build_curve_figure(curve: Curve, class_name: str) -> go.Figure:
    """Two panels over the values of a factor: how the maps fare, and which sensor the fused map sides with.

    Args:
        curve: At least two values.
        class_name: Whose IoU (without a label: share) is drawn.
    """
    factor, index = FACTORS[curve.factor], curve.classes.index(class_name)
    percent = not factor.unit
    xs = [100 * point.value if percent else point.value for point in curve.points]
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.6, 0.4])
    for mode in [mode for mode in MODE_TITLES if mode in curve.points[0].outcomes]:
        outcomes = [point.outcomes[mode] for point in curve.points]
        ys = [outcome.ious[index] if curve.scored else outcome.area_shares[index] for outcome in outcomes]
        line = {"color": MODE_COLORS[mode], "dash": MODE_DASHES[mode], "width": 3 if mode == "fused" else 2}
        figure.add_scatter(x=xs, y=ys, name=MODE_TITLES[mode], mode="lines+markers", line=line, row=1, col=1)
    for title, values, dash in (
        ("fused sides with SAR", [point.sar_lead for point in curve.points], "solid"),
        ("trust in SAR", [point.sar_trust for point in curve.points], "dot"),
    ):
        line = {"color": SAR_COLOR, "dash": dash, "width": 2}
        figure.add_scatter(x=xs, y=values, name=title, mode="lines+markers", line=line, row=2, col=1)
    figure.add_hline(0.5, line={"color": "#888888", "width": 1}, row=2, col=1)
    if curve.takeover is not None and curve.takeover != find_start(curve):
        figure.add_vline(
            _on_axis(factor, curve.takeover), line={"color": SAR_COLOR, "width": 3}, opacity=0.6, row="all", col=1
        )
        figure.add_annotation(
            x=_on_axis(factor, curve.takeover),
            y=1,
            yref="paper",
            yanchor="bottom",
            text="the radar takes over",
            showarrow=False,
            font={"color": SAR_COLOR},
        )
    unit = "%" if percent else factor.unit
    axis = {"type": "log" if factor.mildest is not None else "linear"}
    figure.update_xaxes(**axis, autorange="reversed" if xs[0] > xs[-1] else True)
    if factor.mildest is not None:
        figure.update_xaxes(tickvals=xs, ticktext=[f"{x:.3g}" for x in xs])
    figure.update_xaxes(title=f"{factor.title}, {unit}", row=2, col=1)
    figure.update_yaxes(title=describe_quantity(curve, class_name), rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="towards SAR", range=[-0.03, 1.03], tickformat=".0%", row=2, col=1)
    figure.update_layout(
        height=520,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "yanchor": "top", "y": -0.16, "x": 0},
        hovermode="x unified",
    )
    return figure


def _on_axis(factor: Factor, value: float) -> float:
    """Where a value lies on the axis; plotly wants the logarithm for lines and notes on a logarithmic one."""
    shown = value if factor.unit else 100 * value
    return shown if factor.mildest is None else math.log10(shown)


def _describe_score(result: WhatIfResult, mode: Mode, outcome: Outcome) -> str:
    if mode not in result.undamaged.scores or mode not in result.damaged.scores:
        return ""
    if len(result.damaged.scheme) != 2:
        return f"; mean IoU {format_score(result.undamaged.scores[mode].miou)} → {format_score(outcome.miou)}"
    before = result.undamaged.scores[mode].per_class[-1]
    return f"; {before.name} IoU {format_score(before.iou)} → {format_score(outcome.ious[-1])}"
