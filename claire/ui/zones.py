"""Which pixels a question is about: a class, a region, a rectangle, a polygon or a pixel, drawn or typed."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import Mode
from claire.core.errors import ZoneError
from claire.core.types import Prediction
from claire.explain.targets import (
    build_class_zone,
    build_pixel_zone,
    build_polygon_zone,
    build_rectangle_zone,
    build_region_zone,
)
from claire.ui.maps import HIDDEN_CLASSES
from claire.ui.picker import MOST_POINTS, Points, Tool, show_picker, to_pixel
from claire.viz.encoding import thin_map
from claire.viz.evidence import render_outlined
from claire.viz.ground import render_ground
from claire.viz.pictures import render_classes, render_overlay
from claire.viz.words import format_share

Zone = NDArray[np.bool_]

CLASS, REGION, RECTANGLE, POLYGON, PIXEL = "Whole class", "Region", "Rectangle", "Polygon", "Pixel"
TOOLS: dict[str, Tool] = {CLASS: "none", REGION: "point", RECTANGLE: "box", POLYGON: "lasso", PIXEL: "point"}
HELP = {
    CLASS: "Every pixel that the map gives to the class.",
    REGION: "Click a pixel: the connected region of its class is asked about.",
    RECTANGLE: "Drag from corner to corner.",
    POLYGON: "Draw round a place in one stroke.",
    PIXEL: "Click a pixel.",
}
CORNERS = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")
LONGEST_TEXT = 20_000
"""Characters of typed corners."""
CLASS_OPACITY = 0.35
KEPT_CORNERS = 120
"""Corners of a drawn polygon that are kept; a stroke has hundreds that say no more."""


def pick_zone(analysis: Analysis, class_name: str, mode: Mode) -> Zone:
    """Ask for a zone, draw it on the picture of the map, and give boxes for the same numbers.

    Raises:
        ZoneError: The class is absent, or the zone holds no pixel.
    """
    kind = st.segmented_control(
        "Asked about",
        list(TOOLS),
        default=CLASS,
        required=True,
        key="claire.why.zone",
        persist_state="session",
        wrap=True,
    )
    kind = kind if kind in TOOLS else CLASS
    st.caption(HELP[kind])
    build = _type_zone(kind, analysis, analysis.predictions[mode], class_name)
    try:
        zone = build()
    except ZoneError:
        _show_zone(analysis, mode, kind, None)
        raise
    _show_zone(analysis, mode, kind, zone)
    share = format_share(float(zone.mean()))
    st.caption(f"**{zone.sum():,} pixels**, {share} of the tile.")
    return zone


def parse_corners(text: str) -> Points:
    """Corners as typed.

    Args:
        text: `x,y` pairs between blanks or semicolons.

    Raises:
        ZoneError: Something else stands there, or it is too long.

    Example:
        >>> parse_corners("0,0; 10,0 5,8.5")
        ((0.0, 0.0), (10.0, 0.0), (5.0, 8.5))
    """
    parts = re.sub(r"\s*,\s*", ",", text[: LONGEST_TEXT + 1]).replace(";", " ").split()
    found = [CORNERS.fullmatch(part) for part in parts]
    if not all(found) or len(found) > MOST_POINTS or len(text) > LONGEST_TEXT:
        raise ZoneError(
            "The corners of the polygon cannot be read.", "Type x,y pairs with blanks between them: 10,10 80,10 40,60."
        )
    return tuple((float(match[1]), float(match[2])) for match in found if match)


def thin_corners(points: Points) -> Points:
    """Every n-th corner of a stroke."""
    return points[:: -(-len(points) // KEPT_CORNERS)]


def _type_zone(kind: str, analysis: Analysis, prediction: Prediction, class_name: str) -> Callable[[], Zone]:
    """Boxes for the numbers of a zone, and what builds it from them."""
    height, width = shape = analysis.tile.shape
    if kind == CLASS:
        return lambda: build_class_zone(prediction, class_name)
    with st.container(horizontal=True):
        if kind == POLYGON:
            start = f"{width // 4},{height // 4} {3 * width // 4},{height // 4} {width // 2},{3 * height // 4}"
            st.session_state.setdefault(_key(shape, "corners"), start)
            text = st.text_input("Corners as x,y", key=_key(shape, "corners"))
            return lambda: build_polygon_zone(shape, parse_corners(text))
        if kind == RECTANGLE:
            x0 = _type("left", width, width // 4, shape)
            y0 = _type("top", height, height // 4, shape)
            x1 = _type("right", width, 3 * width // 4, shape)
            y1 = _type("bottom", height, 3 * height // 4, shape)
            return lambda: build_rectangle_zone(shape, x0, y0, x1, y1)
        column, row = _type("x", width - 1, width // 2, shape), _type("y", height - 1, height // 2, shape)
    if kind == REGION:
        return lambda: build_region_zone(prediction, row, column)
    return lambda: build_pixel_zone(shape, row, column)


def _type(name: str, most: int, start: int, shape: tuple[int, int]) -> int:
    st.session_state.setdefault(_key(shape, name), start)
    return int(st.number_input(name, 0, most, key=_key(shape, name), width=110))


def _key(shape: tuple[int, int], name: str) -> str:
    return f"claire.why.{name}.{shape[0]}.{shape[1]}"


def _show_zone(analysis: Analysis, mode: Mode, kind: str, zone: Zone | None) -> None:
    shape = analysis.tile.shape
    classes = render_classes(thin_map(analysis.predictions[mode].classes), analysis.scheme, hidden=HIDDEN_CLASSES)
    picture = render_overlay(render_ground(analysis, mode), classes, CLASS_OPACITY)
    if zone is not None:
        picture = render_outlined(picture, thin_map(zone))

    def pick(points: Points) -> None:
        _store(kind, points, shape)

    pixels = 0 if zone is None else int(zone.sum())
    alt = f"The map with the zone asked about outlined: {kind.lower()}, {pixels:,} pixels."
    mark = None
    if kind in (PIXEL, REGION):
        mark = st.session_state[_key(shape, "y")], st.session_state[_key(shape, "x")]
    show_picker(f"claire.why.picker.{kind}", picture, alt, TOOLS[kind], pick, shape=shape, mark=mark)


def _store(kind: str, points: Points, shape: tuple[int, int]) -> None:
    """What was drawn, into the boxes."""
    if kind == POLYGON:
        st.session_state[_key(shape, "corners")] = " ".join(f"{x:.1f},{y:.1f}" for x, y in thin_corners(points))
        return
    if kind == RECTANGLE:
        (x0, x1), (y0, y1) = (sorted(round(point[axis]) for point in points) for axis in (0, 1))
        values = {"left": x0, "top": y0, "right": x1, "bottom": y1}
    else:
        row, column = to_pixel(points[0], shape)
        values = {"x": column, "y": row}
    for name, value in values.items():
        st.session_state[_key(shape, name)] = value
