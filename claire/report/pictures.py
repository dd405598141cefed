"""The pictures of a report: what went in, the maps, where the sensors differ, and why the maps are as they are.

Pictures are opaque: what is unknown is hatched, so that it looks the same on a light page, on a dark one and on paper.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES, MODES, Modality, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.evidence import METHOD_TITLES, Explained
from claire.core.text import as_line
from claire.core.types import Attention, layer_of
from claire.report.content import Key, Picture
from claire.report.recipe import is_whole
from claire.viz.colors import BOTH_WRONG_COLOR, CONFIDENCE_COLORMAP, OPTICAL_COLOR, RGBA, SAR_COLOR, TRUST_COLORMAP
from claire.viz.composites import build_composites
from claire.viz.encoding import encode_png, render_thumbnail, thin_map, thin_prediction
from claire.viz.evidence import (
    EVIDENCE_TITLES,
    LOOK_COLORMAP,
    SENSOR_WORDS,
    SIGNED_COLORMAP,
    compute_scale,
    describe_attribution,
    render_look,
    render_outlined,
    render_signed_veil,
)
from claire.viz.ground import render_ground
from claire.viz.pictures import (
    render_classes,
    render_confidence,
    render_disagreement,
    render_hatched,
    render_overlay,
    render_trust,
)
from claire.viz.words import (
    MODE_TITLES,
    describe_confidence,
    describe_disagreement,
    describe_label,
    describe_layer,
    describe_map,
    describe_trust,
    format_share,
)

RAMP_STEPS = 9
VEIL_OPACITY = 0.8
THUMBNAIL_SIDE = 144
SENSOR_TITLES: dict[Modality, str] = {"optical": "Optical", "sar": "SAR"}


def find_main_mode(analysis: Analysis) -> Mode:
    """The first map that says something: fused, optical, SAR; the first at all where none does."""
    filled = [mode for mode in MODES if mode in analysis.predictions and analysis.predictions[mode].valid.any()]
    return filled[0] if filled else next(iter(analysis.predictions))


def draw_inputs(analysis: Analysis) -> tuple[Picture, ...]:
    """What each sensor saw, and the label."""
    pictures = []
    for modality in MODALITIES:
        if (layer := layer_of(analysis.tile, modality)) is not None:
            composite = build_composites(layer.bands)[0]
            shown = composite.bands[:1] if modality == "sar" else composite.bands
            words = describe_layer(layer, SENSOR_TITLES[modality], [as_line(band, 40) for band in shown])
            pictures.append(_make(SENSOR_TITLES[modality], words, render_ground(analysis, modality)))
    if (label := _index_label(analysis)) is not None:
        words = describe_label(label, analysis.scheme)
        pictures.append(_make("Label", words, render_classes(thin_map(label), analysis.scheme), _key_classes(analysis)))
    return tuple(pictures)


def draw_maps(analysis: Analysis) -> tuple[Picture, ...]:
    """The class map of every mode."""
    return tuple(
        _make(
            f"{MODE_TITLES[mode]} map",
            describe_map(analysis.predictions[mode], analysis.areas[mode]),
            render_classes(thin_map(analysis.predictions[mode].classes), analysis.scheme),
            _key_classes(analysis),
        )
        for mode in MODE_TITLES
        if mode in analysis.predictions
    )


def draw_doubts(analysis: Analysis) -> tuple[Picture, ...]:
    """How sure the main map is, where the sensors differ, and which one was trusted."""
    mode = find_main_mode(analysis)
    main = analysis.predictions[mode]
    sure = Key(
        ramp=_sample(CONFIDENCE_COLORMAP), low=f"by chance ({1 / max(len(analysis.scheme), 2):.2f})", high="certain (1)"
    )
    pictures = [
        _make(
            f"Confidence, {MODE_TITLES[mode].lower()}", describe_confidence(main),
            render_confidence(thin_prediction(main)), sure,
        )
    ]  # fmt: skip
    if analysis.disagreement is not None:
        pictures.append(_draw_disagreement(analysis))
    if analysis.trust is not None:
        key = Key(ramp=_sample(TRUST_COLORMAP), low="SAR", high="optical")
        picture = render_trust(thin_map(analysis.trust), thin_map(main.valid))
        pictures.append(
            _make("Which sensor the fusion trusted", describe_trust(analysis.trust, main.valid), picture, key)
        )
    return tuple(pictures)


def draw_explained(analysis: Analysis, answer: Explained) -> tuple[Picture, ...]:
    """Signed maps of an attribution over what each sensor saw; the zone is outlined unless it is the whole class."""
    found = answer.attribution
    scale, title = compute_scale(found), METHOD_TITLES.get(found.method, found.method)
    key = Key(
        ramp=_sample(SIGNED_COLORMAP),
        low=f"speaks against {as_line(found.class_name, 60)}",
        high=f"speaks for {as_line(found.class_name, 60)}",
    )
    pictures = []
    for evidence in found.maps:
        ground = render_ground(analysis, "sar" if evidence == "sar" else "optical")
        veil = render_signed_veil(thin_map(found.place(evidence)), scale)
        picture = render_overlay(ground, veil, VEIL_OPACITY)
        if not is_whole(analysis, answer):
            picture = render_outlined(picture, thin_map(found.zone))
        heading = EVIDENCE_TITLES[evidence]
        words = describe_attribution(found, evidence, title)
        pictures.append(_make(heading[0].upper() + heading[1:], words, picture, key))
    return tuple(pictures)


def draw_attention(analysis: Analysis, attention: Attention) -> tuple[Picture, ...]:
    """Where the pixels of each sensor looked in the other on average, over all stages that have attention."""
    pictures = []
    for asking in MODALITIES:
        seen: Modality = "sar" if asking == "optical" else "optical"
        received = compute_received(attention, asking)
        if received is None:
            continue
        whole = np.full(analysis.tile.shape, np.nan, np.float32)
        (row, column), (height, width) = attention.origin, attention.shape
        whole[row : row + height, column : column + width] = received
        picture = render_overlay(render_ground(analysis, seen), render_look(thin_map(whole)), VEIL_OPACITY)
        title = f"{SENSOR_WORDS[asking]} looks in {SENSOR_WORDS[seen]}"
        key = Key(ramp=_sample(LOOK_COLORMAP), low="no attention", high="most attention")
        pictures.append(_make(title[0].upper() + title[1:], _describe_received(whole, asking, seen), picture, key))
    return tuple(pictures)


def draw_thumbnail(analysis: Analysis) -> Picture:
    """The main map, small and square."""
    mode = find_main_mode(analysis)
    picture = render_hatched(render_classes(thin_map(analysis.predictions[mode].classes), analysis.scheme))
    words = describe_map(analysis.predictions[mode], analysis.areas[mode])
    return _make(f"{MODE_TITLES[mode]} map", words, render_thumbnail(picture, THUMBNAIL_SIDE))


def compute_received(attention: Attention, asking: Modality) -> NDArray[np.float32] | None:
    """How much attention each place of the other sensor received from all pixels that asked.

    Args:
        attention: Of a piece.
        asking: The sensor whose pixels look.

    Returns:
        (H, W) float32 over the piece, >= 0, mean over the stages of their mean attention, as a share of an even one
        (1 is what each place gets when nobody looks anywhere in particular); None without attention.
    """
    maps = []
    for stage in attention.stages:
        if (weights := stage.looking(asking)) is None:
            continue
        received = weights.mean(axis=(0, 1), dtype=np.float64)
        rows, columns = (side * stage.stride for side in stage.trust.shape)
        at_row = np.arange(rows) * received.shape[0] // rows
        at_column = np.arange(columns) * received.shape[1] // columns
        spread = received[at_row][:, at_column] * received.size
        maps.append(spread[: attention.shape[0], : attention.shape[1]])
    return np.asarray(np.mean(maps, axis=0), np.float32) if maps else None


def _draw_disagreement(analysis: Analysis) -> Picture:
    label = _index_label(analysis)
    optical, sar = (thin_prediction(analysis.predictions[mode]) for mode in MODALITIES)
    index = None if label is None else thin_map(label)
    picture = render_disagreement(optical, sar, index, render_ground(analysis, "fused"))
    entries: tuple[tuple[str, str], ...] = ((BOTH_WRONG_COLOR, "differ"),)
    if label is not None:
        entries = ((OPTICAL_COLOR, "optical is right"), (SAR_COLOR, "SAR is right"), (BOTH_WRONG_COLOR, "neither"))
    words = describe_disagreement(analysis.disagreement_share)
    return _make("Where the two sensors differ", words, picture, Key(entries))


def _describe_received(received: NDArray[np.float32], asking: Modality, seen: Modality) -> str:
    row, column = np.unravel_index(np.nan_to_num(received).argmax(), received.shape)
    known = received[np.isfinite(received)].astype(np.float64)
    ordered = np.sort(known)[::-1]
    half = int(np.searchsorted(ordered.cumsum(), ordered.sum() / 2)) + 1
    return (
        f"Where the {SENSOR_WORDS[asking]} pixels looked in {SENSOR_WORDS[seen]} on average: most around row {row}, "
        f"column {column}; half of all attention lies on {format_share(half / max(known.size, 1))} of the ground."
    )


def _key_classes(analysis: Analysis) -> Key:
    return Key(tuple((c.color, as_line(c.name, 60)) for c in analysis.scheme.classes))


def _index_label(analysis: Analysis) -> NDArray[np.uint8] | None:
    """Class indices of the label; None without a label or where nothing is labelled."""
    if analysis.tile.label is None:
        return None
    index = analysis.scheme.to_index(analysis.tile.label)
    return index if (index != IGNORE_INDEX).any() else None


def _sample(colormap: str) -> tuple[str, ...]:
    return tuple(to_hex(mpl.colormaps[colormap](step / (RAMP_STEPS - 1))) for step in range(RAMP_STEPS))


def _make(title: str, words: str, picture: RGBA, key: Key | None = None) -> Picture:
    solid = render_hatched(picture)[..., :3]
    return Picture(title, words, encode_png(solid), (solid.shape[1], solid.shape[0]), key)
