"""Wrong regions as a picture to click and as sentences."""

from __future__ import annotations

import base64

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from claire.core.bands import MODALITIES, Modality
from claire.core.mistakes import Mistakes, WrongRegion
from claire.viz.colors import CHOSEN_COLOR, RGBA, WRONG_COLOR, parse_rgb
from claire.viz.encoding import MIN_SIDE, compute_step, encode_png, render_enlarged
from claire.viz.pictures import render_hatched, render_overlay, render_washed
from claire.viz.words import MODE_TITLES, format_area, format_score, format_share

FILL_OPACITY = 0.45
SPOTS = 40
"""Most places of one region that can be clicked."""
NUMBERED = 9
"""Regions whose number is written on the picture."""
CLOSE_SIDE = 64
"""Least side of a close picture, pixels of the tile; a larger region gets half its longer side more."""
CLOSE = 0.1
"""Difference of confidence and accuracy up to which the two fit."""

SENSOR_WORDS: dict[Modality, str] = {"optical": "optical", "sar": "SAR"}


def render_regions(base: RGBA, ids: NDArray[np.int32], chosen: int) -> RGBA:
    """Wrong regions outlined and tinted over a pale ground; the chosen one in another colour, without gaps.

    Args:
        base: (H, W, 4) uint8.
        ids: (H, W) int32, number of the region, 0 for none.
        chosen: Number of the chosen one; 0 for none.

    Returns:
        (h, w, 4) uint8, enlarged like other pictures of a page, so that an outline is a thin line.
    """
    ground = render_enlarged(render_washed(render_hatched(base)))
    times = ground.shape[0] // base.shape[0]
    large = ids.repeat(times, axis=0).repeat(times, axis=1)
    outline = _find_outline(large)
    for here, color in ((large > 0, WRONG_COLOR), ((large == chosen) & (large > 0), CHOSEN_COLOR)):
        tint = np.zeros_like(ground)
        tint[here] = (*parse_rgb(color), 255)
        ground = render_overlay(ground, tint, FILL_OPACITY)
        ground[here & outline, :3] = parse_rgb(color)
    return ground


def render_close(base: RGBA, ids: NDArray[np.int32], region: WrongRegion) -> RGBA:
    """A region and what is around it in a square, enlarged, with its outline alone.

    Args:
        base: (h, w, 4) uint8 of the tile, or of every n-th pixel of it.
        ids: (H, W) int32 of the tile.
        region: Which one.
    """
    step = compute_step((ids.shape[0], ids.shape[1]))
    edges = [(region.box[at] // step, -(-region.box[at + 1] // step)) for at in (0, 2)]
    side = max(CLOSE_SIDE, *(round(1.5 * (stop - start)) for start, stop in edges))
    rows, columns = (_frame(*edges[axis], side, base.shape[axis]) for axis in (0, 1))
    close = render_enlarged(render_hatched(base[rows, columns]))
    times = close.shape[0] // (rows.stop - rows.start)
    here = ids[::step, ::step][rows, columns] == region.number
    large = here.repeat(times, axis=0).repeat(times, axis=1).astype(np.int32)
    close[_find_outline(large), :3] = parse_rgb(CHOSEN_COLOR)
    return close


def build_regions_figure(base: RGBA, mistakes: Mistakes, chosen: int) -> go.Figure:
    """The picture with places to click: the custom data of a point is the number of its region.

    Args:
        base: (h, w, 4) uint8 of the tile, or of every n-th pixel of it.
        mistakes: Regions of the tile.
        chosen: Number of the chosen one.
    """
    high, wide = mistakes.ids.shape
    step = compute_step(mistakes.ids.shape)
    picture = render_regions(base, mistakes.ids[::step, ::step], chosen)
    figure = go.Figure()
    figure.add_layout_image(
        source="data:image/png;base64," + base64.b64encode(encode_png(picture, quick=True)).decode("ascii"),
        x=0,
        y=0,
        sizex=wide,
        sizey=high,
        xref="x",
        yref="y",
        sizing="stretch",
        layer="below",
    )
    rows, columns, numbers = _place_spots(mistakes)
    hidden = {"marker": {"opacity": 0}}
    figure.add_scatter(
        x=columns + 0.5,
        y=rows + 0.5,
        customdata=numbers,
        mode="markers",
        marker={"size": 14, "opacity": 0},
        selected=hidden,
        unselected=hidden,
        hovertemplate="region %{customdata}<extra></extra>",
    )
    for region in mistakes.regions[:NUMBERED]:
        row, column = region.spot
        figure.add_annotation(
            x=column,
            y=row,
            text=f"<b>{region.number}</b>",
            showarrow=False,
            font={"size": 13, "color": "#000000"},
            bgcolor="rgba(255,255,255,0.75)",
            borderpad=1,
        )
    figure.update_xaxes(range=[0, wide], visible=False, constrain="domain", fixedrange=True)
    figure.update_yaxes(range=[high, 0], visible=False, scaleanchor="x", constrain="domain", fixedrange=True)
    figure.update_layout(
        height=MIN_SIDE,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        dragmode=False,
        clickmode="event+select",
    )
    return figure


def title_region(region: WrongRegion) -> str:
    """A region in a list."""
    size = format_area(region.area_m2, region.pixels)
    return f"{region.number}. {size}: {region.predicted} instead of {region.labelled}"


def describe_mistakes(mistakes: Mistakes) -> str:
    """How much of a map is wrong."""
    title = f"The {MODE_TITLES[mistakes.mode].lower()} map"
    if not mistakes.known:
        return f"{title} and the label have no pixel in common, so nobody can say where it is wrong."
    if not mistakes.wrong:
        return f"{title} is right on every labelled pixel."
    share = format_share(mistakes.wrong / mistakes.known)
    regions = "1 region" if mistakes.count == 1 else f"{mistakes.count:,} regions"
    told = sum(region.pixels for region in mistakes.regions)
    rest = ""
    if mistakes.count > len(mistakes.regions):
        rest = f"; the {len(mistakes.regions)} largest, listed here, hold {format_share(told / mistakes.wrong)} of that"
    return f"{title} is wrong on {share} of the labelled pixels, in {regions}{rest}."


def describe_region(region: WrongRegion, mistakes: Mistakes) -> str:
    """One sentence: what is wrong, and which sensor argued for what."""
    says = f"The label says {region.labelled}, the {MODE_TITLES[mistakes.mode].lower()} map says {region.predicted}"
    return f"{says}: {_describe_argument(region, mistakes)}."


def describe_calibration(region: WrongRegion) -> str:
    """How sure the map was, and how often it is right when it is that sure."""
    sure, right = format_share(region.confidence), format_share(region.observed)
    gap = region.confidence - region.observed
    verdict = "too sure" if gap > CLOSE else "not sure enough" if gap < -CLOSE else "about as sure as it may be"
    return f"The map is {sure} sure here. Where it is that sure on this tile it is right on {right}: {verdict}."


def describe_confusion(region: WrongRegion) -> str:
    """How usual this mistake is on the tile."""
    return (
        f"On this tile {format_share(region.usual)} of the pixels labelled {region.labelled} are mapped as "
        f"{region.predicted}. Next to {region.predicted}, the map held {region.nearest} for most likely."
    )


def describe_trust_share(region: WrongRegion) -> str:
    """Whom the fusion trusted over a region."""
    if region.trust is None:
        return "This model has no gates, so nobody can say which sensor it trusted."
    leader, share = ("the optical sensor", region.trust) if region.trust >= 0.5 else ("SAR", 1 - region.trust)
    return f"The fusion trusted {leader} with {format_share(share)} here."


def _describe_argument(region: WrongRegion, mistakes: Mistakes) -> str:
    argued = {
        modality: (name, max(region.probabilities[modality]))
        for modality in MODALITIES
        if (name := mistakes.argue(region, modality)) is not None
    }
    if not argued:
        return "no map of a single sensor says anything here"
    words = {
        modality: f"{SENSOR_WORDS[modality]} argued for {name} ({format_score(sure)})"
        for modality, (name, sure) in argued.items()
    }
    if len(argued) == 1:
        return f"only {next(iter(words.values()))}"
    names = {name for name, _ in argued.values()}
    if names == {region.predicted}:
        return f"both sensors argued for {region.predicted}"
    if names == {region.labelled}:
        return f"each sensor alone argued for {region.labelled}, but together they did not"
    return f"{words['optical']}, {words['sar']}"


def _frame(start: int, stop: int, wanted: int, size: int) -> slice:
    """A stretch of the given length around a region, moved and cut to lie within the tile."""
    wanted = min(size, wanted)
    first = min(max(0, (start + stop - wanted) // 2), size - wanted)
    return slice(first, first + wanted)


def _find_outline(ids: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels two deep at the border of a region, inside it."""
    edge = np.zeros(ids.shape, bool)
    for distance in (1, 2):
        for axis in (0, 1):
            for step in (-distance, distance):
                edge |= np.roll(ids, step, axis) != ids
    border = np.ones(ids.shape, bool)
    border[2:-2, 2:-2] = False
    found: NDArray[np.bool_] = (edge | border) & (ids > 0)
    return found


def _place_spots(mistakes: Mistakes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows, columns and region numbers of the places to click, spread over each region."""
    rows, columns, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for region in mistakes.regions:
        top, bottom, left, right = region.box
        down, across = np.nonzero(mistakes.ids[top:bottom, left:right] == region.number)
        every = max(1, -(-len(down) // SPOTS))
        rows.append(top + down[::every])
        columns.append(left + across[::every])
        numbers.append(np.full(len(down[::every]), region.number))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(numbers)
