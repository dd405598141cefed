"""The card of a model on a page: key numbers, what clouds do to it, whether its confidence holds, its faults."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from matplotlib.figure import Figure

from claire import pipeline
from claire.core.analysis import Analysis
from claire.core.manifest import Manifest
from claire.metrics.adjusted import compute_adjusted_areas
from claire.metrics.robustness import EMM_PREFIX
from claire.ui.home import show_models
from claire.ui.shell import find_model
from claire.ui.tables import show_table
from claire.ui.text import as_html, as_text
from claire.viz.cards import (
    INK,
    build_cloud_figure,
    build_reliability_figure,
    build_risk_figure,
    describe_clouds,
    describe_reliability,
    describe_risk,
    encode_figure,
)
from claire.viz.words import MODE_TITLES, format_area, format_score, format_share

INK_ON_DARK = "#dddddd"
CLOUD_KINDS = {
    "after": ("Masked", "The model is told which pixels it cannot see."),
    "thick": ("Thick", "Nobody tells the model: it takes thick white clouds and their shadows for ground."),
    "thin": ("Thin", "Nobody tells the model: it sees the ground through thin clouds and their shadows."),
}
"""Kind of cloud -> its name and what the model knows of it."""
CLEAR = "clear"
IOU_WORDS = "Pixels that are of a class in both map and label, over those that are in either. 1 is perfect."
RELIABILITY_WORDS = "**On the diagonal confidence means what it says**: of the pixels at 0.8, 8 in 10 are right."
RISK_WORDS = "**Leave the least certain pixels out, and the rest is right more often**: how much, by the share kept."


def show_model_card() -> None:
    """The card of the model that is picked in the sidebar."""
    entry = find_model()
    if entry is None:
        st.info("**No model is ready.** `claire models list` says why.", icon=":material/block:")
        return
    manifest = entry.manifest
    st.header(as_text(manifest.name, 60), anchor=False)
    names = ", ".join(manifest.class_scheme.names)
    st.markdown(f"{as_text(manifest.title)}. It tells apart: {as_text(names)}.")
    _show_numbers(manifest)
    with st.container(border=True):
        _show_clouds(manifest)
    with st.container(border=True):
        _show_calibration(manifest)
    _show_classes(manifest)
    limits, failures = st.columns(2, gap="large")
    with limits:
        _show_sentences("What it is not for", manifest.limits)
    with failures:
        _show_sentences("What it is known to get wrong", manifest.failures)
    _show_details(manifest)


def show_adjusted_areas(analysis: Analysis) -> None:
    """Areas corrected for the errors that the model made on validation; nothing where those were not counted."""
    entry = find_model()
    if entry is None or entry.sha256 != analysis.provenance.model_sha256:
        return
    rows = []
    for mode in MODE_TITLES:
        if mode not in analysis.predictions or mode not in entry.manifest.measured:
            continue
        areas, measured = analysis.areas[mode], entry.manifest.measured[mode]
        pixel_area = analysis.tile.georeference.pixel_area_m2
        adjusted = compute_adjusted_areas(
            [area.pixels for area in areas], measured.agreement, analysis.scheme.names, pixel_area
        )
        for area in adjusted:
            ground = ""
            if area.area_m2 is not None and area.margin_m2 is not None:
                ground = f"<br><small>{format_area(area.area_m2, 0)} ± {format_area(area.margin_m2, 0)}</small>"
            estimate = f"{format_share(area.share)} ± {format_share(area.margin)}{ground}"
            rows.append((MODE_TITLES[mode], as_html(area.name), format_share(area.mapped_share), estimate))
    if not rows:
        return
    with st.expander("Areas corrected for the usual errors of the model", icon=":material/straighten:"):
        show_table(
            ("Map", "Class", "Mapped", "Corrected, 95 %"),
            rows,
            "Estimate of Olofsson et al. 2014 from the errors on the model's validation tiles, not on this pair: it "
            "holds as far as this place is like those. The interval takes tiles as the samples, not pixels.",
        )


def _show_numbers(manifest: Manifest) -> None:
    key, title = pipeline.find_headline(manifest)
    clear = {mode: manifest.scores.get(mode, {}).get(CLEAR, {}) for mode in MODE_TITLES}
    known = [mode for mode in reversed(MODE_TITLES) if key in clear[mode]]
    if not known:
        st.info("This model was not scored: `claire models score` does it.", icon=":material/info:")
        return
    columns = iter(st.columns(len(known) + (manifest.cost is not None), gap="medium"))
    for mode, column in zip(known, columns, strict=False):
        entry = clear[mode]
        label = f"{MODE_TITLES[mode]}: {as_text(title)}"
        column.metric(label, format_score(entry[key]), border=True, help=IOU_WORDS)
        words = [_find_range(manifest, mode, key)]
        words += [f"accuracy {format_share(entry['oa'])}"] if "oa" in entry else []
        words += [f"confidence off by {format_score(entry['ece'])}"] if "ece" in entry else []
        column.caption(" · ".join(word for word in words if word))
    if (cost := manifest.cost) is not None:
        column = next(columns)
        column.metric("Parameters", f"{cost.parameters / 1e6:.1f} million", border=True)
        column.caption(f"{cost.gflop:.1f} GFLOP and {cost.latency_ms:.0f} ms for {cost.side} × {cost.side} pixels")
    split = as_text(str(manifest.training.get("recipe", {}).get("validation_split", "validation")))
    tiles = next((entry["n_tiles"] for entry in clear.values() if "n_tiles" in entry), 0)
    count = f" of {tiles:.0f} tiles that it did not learn from" if tiles else ""
    st.caption(f"Measured in clear sky on the split {split}{count}, counted over all pixels together.")


def _find_range(manifest: Manifest, mode: str, key: str) -> str:
    runs = (manifest.scores, *manifest.replicas.values())
    values = [run[mode][CLEAR][key] for run in runs if key in run.get(mode, {}).get(CLEAR, {})]
    if len(values) < 2:
        return ""
    return f"{format_score(min(values))} to {format_score(max(values))} over {len(values)} seeds"


@st.fragment
def _show_clouds(manifest: Manifest) -> None:
    st.subheader("What clouds do to it", anchor=False)
    curves = {kind: found for kind in CLOUD_KINDS if (found := pipeline.collect_curves(manifest, kind))}
    if not curves:
        st.caption("Its scores under clouds were not measured: `claire models score NAME --add cloud` does it.")
        return
    kind = next(iter(curves))
    if len(curves) > 1:
        picked = st.segmented_control(
            "Clouds",
            list(curves),
            default=kind,
            required=True,
            wrap=True,
            format_func=lambda each: CLOUD_KINDS[each][0],
            key="claire.clouds",
        )
        kind = picked if picked in curves else kind
    _, title = pipeline.find_headline(manifest)
    words = describe_clouds(curves[kind], title)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="center")
    with left:
        _show_figure(build_cloud_figure(curves[kind], title, _ink()), words)
    with right:
        st.markdown(f"**{CLOUD_KINDS[kind][1]}** {as_text(words)}")
        _show_missing(manifest)


def _show_missing(manifest: Manifest) -> None:
    fused = manifest.scores.get("fused", {})
    key, title = pipeline.find_headline(manifest)
    rows = [
        (words, format_score(fused[name][key]))
        for name, words in (
            (CLEAR, "both sensors"),
            ("no_sar", "without SAR"),
            ("no_optical" if "no_optical" in fused else "zero_all", "without optical"),
            (f"{EMM_PREFIX}p10", "expected, each fails one time in ten"),
        )
        if key in fused.get(name, {})
    ]
    if len(rows) > 1:
        show_table(("Fused map", title), rows)


def _show_calibration(manifest: Manifest) -> None:
    st.subheader("Does it know when it is wrong?", anchor=False)
    if not manifest.measured:
        st.caption("Its calibration was not measured in detail: `claire models score` does it.")
        return
    left, right = st.columns(2, gap="large")
    for column, build, lead, words in (
        (left, build_reliability_figure, RELIABILITY_WORDS, describe_reliability(manifest.measured)),
        (right, build_risk_figure, RISK_WORDS, describe_risk(manifest.measured)),
    ):
        with column:
            st.markdown(lead)
            _show_figure(build(manifest.measured, _ink()), words)
            st.caption(as_text(words, 500))


def _show_classes(manifest: Manifest) -> None:
    """IoU of every class in clear sky, where one number does not say it all."""
    names = manifest.class_scheme.names
    clear = {mode: manifest.scores.get(mode, {}).get(CLEAR, {}) for mode in reversed(MODE_TITLES)}
    modes = [mode for mode, entry in clear.items() if entry]
    if len(names) < 3 or not modes:
        return
    rows = [
        (as_html(name), *(format_score(clear[mode].get(f"iou {name}", float("nan"))) for mode in modes))
        for name in names
    ]
    with st.container(border=True):
        st.subheader("How well it maps each class", anchor=False)
        show_table(("IoU, clear sky", *(MODE_TITLES[mode] for mode in modes)), rows, "n/a: no such pixel was seen.")


def _show_sentences(title: str, sentences: Sequence[str]) -> None:
    st.subheader(title, anchor=False)
    if not sentences:
        st.caption("The card names nothing.")
    st.markdown("\n".join(f"- {as_text(sentence, 600)}" for sentence in sentences))


def _show_details(manifest: Manifest) -> None:
    with st.expander("What it reads", icon=":material/input:"):
        rows = [
            (as_html(spec.sensor or title), as_html(band), f"{mean:.4g}", f"{std:.4g}", as_html(spec.unit))
            for title, spec in (("optical", manifest.optical), ("SAR", manifest.sar))
            for band, mean, std in zip(spec.bands, spec.mean, spec.std, strict=True)
        ]
        show_table(("Sensor", "Band", "Mean", "Spread", "Unit"), rows, "Mean and spread over the training split.")
        if left_out := pipeline.describe_screening(manifest):
            st.caption(f"In the optical picture {left_out}, before it is read.")
        st.caption(f"Training data: {as_text(pipeline.describe_extent(manifest))}.")
        st.caption(f"Cost of one forward: {as_text(pipeline.describe_cost(manifest))}.")
    with st.expander("All scores", icon=":material/table:"):
        _show_scores(manifest)
    with st.expander("All models", icon=":material/list:"):
        show_models()
    st.download_button(
        "Save the card",
        pipeline.render_card(manifest),
        f"{manifest.name}.md",
        "text/markdown",
        icon=":material/download:",
    )


def _show_scores(manifest: Manifest) -> None:
    names = manifest.class_scheme.names
    keys = {"mean IoU": "miou", **{f"{name} IoU": f"iou {name}" for name in names}, "accuracy": "oa", "ECE": "ece"}
    rows = [
        (MODE_TITLES[mode], as_html(condition), *(format_score(entry.get(key, float("nan"))) for key in keys.values()))
        for mode in reversed(MODE_TITLES)
        for condition, entry in manifest.scores.get(mode, {}).items()
    ]
    show_table(("Map", "Condition", *keys), rows, "n/a: the map says nothing under this condition.")


def _show_figure(figure: Figure, words: str) -> None:
    st.image(encode_figure(figure), width="stretch", alt=words)


def _ink() -> str:
    return INK_ON_DARK if st.context.theme.type == "dark" else INK
