"""A picture to click or draw on: a small component of our own, so that it works without a network.

What comes back from the browser is checked like any input: numbers inside the tile, and not too many.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from claire.viz.colors import RGBA
from claire.viz.encoding import encode_png, render_enlarged
from claire.viz.pictures import render_hatched

Tool = Literal["point", "box", "lasso", "none"]
Points = tuple[tuple[float, float], ...]
"""(x, y) in pixels of the tile from the outer corner of its first pixel."""

MOST_POINTS = 2000

HTML = """
<div class="frame">
  <img draggable="false">
  <svg preserveAspectRatio="none" aria-hidden="true">
    <path class="halo"></path><path class="line"></path>
  </svg>
</div>
"""
CSS = """
.frame {position: relative; line-height: 0; user-select: none; -webkit-user-select: none;}
.frame img {width: 100%; height: auto; border-radius: 4px;}
.frame svg {position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none;}
.frame[data-tool="point"] {cursor: crosshair;}
.frame[data-tool="box"], .frame[data-tool="lasso"] {cursor: crosshair; touch-action: none;}
path {fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round;}
.halo {stroke: #ffffff; stroke-width: 5;}
.line {stroke: #000000; stroke-width: 2;}
"""
JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame");
  const picture = frame.querySelector("img");
  const { width, height, tool, mark } = data;
  if (picture.getAttribute("src") !== data.src) picture.src = data.src;
  picture.alt = data.alt;
  frame.dataset.tool = tool;
  frame.querySelector("svg").setAttribute("viewBox", `0 0 ${width} ${height}`);
  const draw = (path) => frame.querySelectorAll("path").forEach((each) => each.setAttribute("d", path));
  const rest = () => {
    if (!mark) return draw("");
    const [x, y] = [mark[0] + 0.5, mark[1] + 0.5];
    const [near, far] = [Math.max(width, height) / 80, Math.max(width, height) / 25];
    draw([[0, -1], [0, 1], [-1, 0], [1, 0]].map(
      ([a, b]) => `M${x + a * near},${y + b * near}L${x + a * far},${y + b * far}`).join(""));
  };
  const locate = (event) => {
    const box = picture.getBoundingClientRect();
    const clamp = (share) => Math.min(Math.max(share, 0), 1);
    return [clamp((event.clientX - box.left) / box.width) * width,
            clamp((event.clientY - box.top) / box.height) * height];
  };
  const outline = ([a, b]) => [a, [b[0], a[1]], b, [a[0], b[1]]];
  const trace = (points) => draw("M" + points.map((point) => point.join(",")).join("L") + "Z");
  let points = null;
  rest();
  frame.onclick = tool === "point" ? (event) => setTriggerValue("picked", { tool, points: [locate(event)] }) : null;
  if (tool !== "box" && tool !== "lasso") {
    frame.onpointerdown = frame.onpointermove = frame.onpointerup = frame.onpointercancel = null;
    return;
  }
  frame.onpointerdown = (event) => {
    if (event.button) return;
    frame.setPointerCapture(event.pointerId);
    points = [locate(event)];
    event.preventDefault();
  };
  frame.onpointermove = (event) => {
    if (!points) return;
    points = tool === "box" ? [points[0], locate(event)] : [...points, locate(event)];
    trace(tool === "box" ? outline(points) : points);
  };
  frame.onpointerup = () => {
    if (points && points.length > 1) setTriggerValue("picked", { tool, points: points.slice(0, MOST) });
    else rest();
    points = null;
  };
  frame.onpointercancel = () => { points = null; rest(); };
}
""".replace("MOST", str(MOST_POINTS))


def show_picker(
    key: str,
    picture: RGBA,
    alt: str,
    tool: Tool,
    on_pick: Callable[[Points], None],
    *,
    shape: tuple[int, int] | None = None,
    mark: tuple[int, int] | None = None,
) -> None:
    """A picture that can be clicked or drawn on; whoever cannot needs boxes for the same numbers beside it.

    Args:
        key: Unique on the page.
        picture: What is shown, masked pixels hatched.
        alt: Words for those who do not see it.
        tool: "point" gives one point, "box" two opposite corners, "lasso" many corners.
        on_pick: Called before the page is drawn anew.
        shape: (H, W) of the tile, where the picture is thinned.
        mark: (row, column) of the tile under a crosshair.
    """
    height, width = shape or picture.shape[:2]
    mount = st.components.v2.component("claire_picker", html=HTML, css=CSS, js=JS)

    def take() -> None:
        points = parse_points(st.session_state[key].get("picked"), tool, (height, width))
        if points:
            on_pick(points)

    source = base64.b64encode(encode_png(render_enlarged(render_hatched(picture)))).decode()
    mount(
        key=key,
        data={
            "src": f"data:image/png;base64,{source}",
            "alt": alt,
            "width": width,
            "height": height,
            "tool": tool,
            "mark": None if mark is None else [mark[1], mark[0]],
        },
        on_picked_change=take,
    )


def parse_points(sent: Any, tool: Tool, shape: tuple[int, int]) -> Points:
    """What a browser sent, if it is what the tool gives; empty otherwise.

    Args:
        sent: Anything.
        tool: That was offered.
        shape: (H, W) of the tile.

    Example:
        >>> parse_points({"tool": "point", "points": [[3.2, 8]]}, "point", (10, 10))
        ((3.2, 8.0),)
        >>> parse_points({"tool": "point", "points": [[3.2, 80]]}, "point", (10, 10))
        ()
    """
    listed = sent.get("points") if isinstance(sent, dict) and sent.get("tool") == tool else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_POINTS:
        return ()
    points = []
    for point in listed:
        if not isinstance(point, list) or len(point) != 2 or not all(type(n) in (int, float) for n in point):
            return ()
        x, y = float(point[0]), float(point[1])
        if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= shape[1] and 0 <= y <= shape[0]):
            return ()
        points.append((x, y))
    wanted = {"point": 1, "box": 2}.get(tool)
    return tuple(points) if wanted in (None, len(points)) else ()


def to_pixel(point: tuple[float, float], shape: tuple[int, int]) -> tuple[int, int]:
    """(row, column) of the pixel under a point (x, y); the far edge belongs to the last pixel."""
    return min(int(point[1]), shape[0] - 1), min(int(point[0]), shape[1] - 1)
