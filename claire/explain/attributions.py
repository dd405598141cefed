"""Attributions: how much each value of both sensors moved one number, the target. Signed, per sensor and per band.

Legend: C bands, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from claire.core.bands import MODALITIES, Modality
from claire.core.errors import InputError, UnknownNameError
from claire.core.evidence import METHOD_TITLES
from claire.core.manifest import Manifest
from claire.core.segmenter import OpenSegmenter
from claire.core.types import Attribution, Evidence, Prepared
from claire.explain import captum_methods
from claire.explain.baselines import build_baseline, draw_scene_baselines
from claire.explain.path import LEGS, integrate
from claire.explain.pieces import Piece, find_piece
from claire.explain.probe import SINGLE, Pair, Probe, compute_bytes_per_pixel, find_batch, find_side
from claire.explain.segments import SegmentKind, build_segments
from claire.explain.targets import Target, check_sensors
from claire.explain.tensors import as_tensor
from claire.explain.watch import Watch

ALL_BANDS = ("all bands",)

CAM_LAYERS: dict[Evidence, str] = {
    "optical": "optical_head.lateral",
    "sar": "sar_head.lateral",
    "joint": "decoder.lateral",
}
"""Submodules that read the four stages of the encoders and of the fusion, from stride 4 to 32."""

CAM_STRIDES = (4, 8, 16, 32)


@dataclass(frozen=True)
class Options:
    """How finely a method looks.

    Args:
        steps: Points on the way from the baseline (Integrated Gradients), at least 1.
        most_steps: Points that it may get where the attribution does not sum to the change; `steps` to refine nothing.
        samples: Draws of noise or of a baseline (SmoothGrad, GradientShap).
        noise: Spread of the noise, in spreads of the training split.
        cells: Segments, or places of an occluding square, along the longer side; KernelShap takes half as many.
        segments: "clusters" follow borders in the data, "grid" does not.
        per_band: Remove bands one by one where a method removes segments; costs as many times more.
        evaluations: Coalitions that KernelShap asks about.
        cam_stride: Stage on which Grad-CAM looks: 4, 8, 16 or 32.
        baseline: Key of `claire.explain.baselines.BASELINES`.
        seed: Of everything random.
    """

    steps: int = 32
    most_steps: int = 512
    samples: int = 16
    noise: float = 0.1
    cells: int = 8
    segments: SegmentKind = "clusters"
    per_band: bool = False
    evaluations: int = 192
    cam_stride: int = 8
    baseline: str = "mean"
    seed: int = 0


@dataclass(frozen=True)
class Job:
    """What a method is given: the probe and its baseline, how many pairs go through at once, the piece of the tile."""

    probe: Probe
    baseline: Pair
    options: Options
    batch: int
    manifest: Manifest
    piece: Piece


Found: TypeAlias = "dict[Evidence, Tensor]"
"""Evidence -> (1, C, H, W)."""


@dataclass(frozen=True)
class Method:
    """One way to attribute.

    Args:
        title: For people.
        claim: What its numbers mean, in one sentence.
        cost: Forward passes for some options and so many bands; a gradient method runs backward as often.
        run: Gives the maps.
        resolution: What it tells apart: "band", "sensor", or "joint" for places alone.
        complete: Claims that its maps sum to the target less that of the baseline.
        removal: Its values are effects of removing something; otherwise they are slopes.
        baseline: Compares with the baseline; a slope does not.
        needs: Sensors that must be there.
    """

    title: str
    claim: str
    cost: Callable[[Options, int], int]
    run: Callable[[Job], Found]
    resolution: Literal["band", "sensor", "joint"] = "band"
    complete: bool = False
    removal: bool = True
    baseline: bool = True
    needs: tuple[Modality, ...] = ()


def attribute(
    model: OpenSegmenter,
    prepared: Prepared,
    target: Target,
    method: str = "integrated_gradients",
    options: Options | None = None,
    watch: Watch | None = None,
) -> Attribution:
    """Attribute a target to the values of both sensors; the masks stay as they are.

    The network is only read: no parameter, mode, hook or gradient of it changes. It must not be used by two threads at
    once.

    Args:
        model: Whose network is asked.
        prepared: The pair.
        target: From `build_target`, for this pair.
        method: Key of `METHODS`.
        options: How finely to look.
        watch: Progress and cancel.

    Returns:
        Maps of the size of the tile.

    Raises:
        UnknownNameError: No such method, baseline or stage.
        SensorError: A sensor that the method looks at is missing.
        BudgetError: The zone is larger than what goes through the network at once.
        InputError: The method is not honest for this network, with the reason.
        CancelledError: Somebody asked to stop.
    """
    chosen, options, watch = find_method(method), options or Options(), watch or Watch()
    check_sensors(prepared, chosen.needs)
    job = build_job(model, prepared, target, options, watch)
    expected = chosen.cost(options, len(prepared.optical) + len(prepared.sar)) + 1 + chosen.baseline
    watch.total = max(watch.total, watch.done + expected)
    start = watch.done
    found = run_method(method, job)
    with torch.inference_mode():
        value = float(job.probe(*job.probe.inputs)[0])
        against = compute_baseline_value(job, method)
    maps = {evidence: _place(tensor, job.piece, prepared.shape) for evidence, tensor in found.items()}
    return Attribution(
        method=method,
        class_name=target.class_name,
        mode=target.mode,
        quantity=target.quantity,
        zone=target.zone,
        maps=maps,
        bands={evidence: _name_bands(evidence, len(values), model.manifest) for evidence, values in maps.items()},
        value=value,
        baseline_value=against,
        complete=chosen.complete,
        passes=watch.done - start,
        seed=options.seed,
        baseline=_name_baseline(method, chosen, options),
    )


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        UnknownNameError: No such method; lists the right names.
    """
    if name not in METHODS:
        raise UnknownNameError.among("method", name, METHODS)
    return METHODS[name]


def build_job(
    model: OpenSegmenter, prepared: Prepared, target: Target, options: Options, watch: Watch | None = None
) -> Job:
    """What methods work on: the piece of the tile around the zone, and its baseline.

    Raises:
        UnknownNameError: No such baseline.
        BudgetError: The zone is larger than what goes through the network at once.
    """
    weight = compute_bytes_per_pixel(model)
    side, most = find_side(model, weight), find_side(model, weight / SINGLE)
    piece = find_piece(target.zone, side, model.stride, most)
    inside = replace(target, zone=target.zone[piece.rows, piece.columns])
    probe = Probe(model, piece.cut(prepared), inside, watch)
    optical, sar = build_baseline(options.baseline, probe.prepared, model.manifest)
    return Job(
        probe,
        (as_tensor(optical, model), as_tensor(sar, model)),
        options,
        find_batch(model, weight, probe.shape),
        model.manifest,
        piece,
    )


def run_method(name: str, job: Job) -> Found:
    """Maps of a method over the piece of a job, with the seed of its options."""
    with captum_methods.seeded(job.options.seed):
        return METHODS[name].run(job)


def compute_baseline_value(job: Job, method: str) -> float:
    """The target for the baseline of a method; NaN for one without."""
    if method == "gradient_shap":
        drawn = _draw(job)
        values = [float(job.probe(optical[None], sar[None])[0]) for optical, sar in zip(*drawn, strict=True)]
        return float(np.mean(values))
    return float(job.probe(*job.baseline)[0]) if METHODS[method].baseline else float("nan")


def _saliency(job: Job) -> Found:
    return _both(captum_methods.run_saliency(job.probe))


def _input_x_gradient(job: Job) -> Found:
    return _both(captum_methods.run_input_x_gradient(job.probe))


def _integrated_gradients(job: Job) -> Found:
    options = job.options
    return _both(integrate(job.probe, job.baseline, options.steps, options.most_steps, job.batch))


def _smoothgrad(job: Job) -> Found:
    return _both(captum_methods.run_smoothgrad(job.probe, job.options.samples, job.options.noise, job.batch))


def _gradient_shap(job: Job) -> Found:
    return _both(captum_methods.run_gradient_shap(job.probe, _draw(job)))


def _deeplift(job: Job) -> Found:
    return _both(captum_methods.run_deeplift(job.probe, job.baseline))


def _occlusion(job: Job) -> Found:
    window, step = _squares(job)
    per_band = job.options.per_band
    found = captum_methods.run_occlusion(job.probe, job.baseline, window, step, job.batch, per_band)
    return {evidence: (values if per_band else values[:, :1]) / window**2 for evidence, values in _both(found).items()}


def _joint_occlusion(job: Job) -> Found:
    window, step = _squares(job)
    found = captum_methods.run_joint_occlusion(job.probe, job.baseline, window, step, job.batch)
    return {"joint": found[:, :1] / window**2}


def _feature_ablation(job: Job) -> Found:
    features, sizes = _build_features(job, job.options.cells)
    found = captum_methods.run_feature_ablation(job.probe, job.baseline, features, job.batch)
    return _share_out(found, sizes, job.options.per_band)


def _kernel_shap(job: Job) -> Found:
    features, sizes = _build_features(job, max(1, job.options.cells // 2))
    evaluations = job.options.evaluations
    found = captum_methods.run_kernel_shap(job.probe, job.baseline, features, evaluations, job.batch)
    return _share_out(found, sizes, job.options.per_band)


def _gradcam(evidence: Evidence) -> Callable[[Job], Found]:
    def run(job: Job) -> Found:
        if job.options.cam_stride not in CAM_STRIDES:
            known = [str(stride) for stride in CAM_STRIDES]
            raise UnknownNameError.among("stage with the stride", str(job.options.cam_stride), known)
        name = f"{CAM_LAYERS[evidence]}.{CAM_STRIDES.index(job.options.cam_stride)}"
        members = getattr(job.probe.network, "members", None)  # an ensemble: its first member speaks for it
        try:
            layer = (members[0] if members else job.probe.network).get_submodule(name)
        except AttributeError as error:
            raise InputError(
                f"This model has no {evidence} stages that Grad-CAM could look at.",
                "Choose another method, or a model whose fusion is cmaf.",
            ) from error
        return {evidence: captum_methods.run_gradcam(job.probe, layer)}

    return run


METHODS: dict[str, Method] = {
    "saliency": Method(
        METHOD_TITLES["saliency"],
        "The slope of the target at this pair: which values a small change of would move it, and which way.",
        lambda options, bands: 1,
        _saliency,
        removal=False,
        baseline=False,
    ),
    "input_x_gradient": Method(
        METHOD_TITLES["input_x_gradient"],
        "The slope times the distance from the training mean: a first guess of the effect of each value.",
        lambda options, bands: 1,
        _input_x_gradient,
        baseline=False,
    ),
    "integrated_gradients": Method(
        METHOD_TITLES["integrated_gradients"],
        "What each value adds on the way from the baseline to this pair; everything sums to the whole difference.",
        lambda options, bands: options.steps + LEGS + 1,
        _integrated_gradients,
        complete=True,
    ),
    "smoothgrad": Method(
        METHOD_TITLES["smoothgrad"],
        "The mean slope under a little noise: saliency without what depends on single values by chance.",
        lambda options, bands: options.samples,
        _smoothgrad,
        removal=False,
        baseline=False,
    ),
    "gradient_shap": Method(
        METHOD_TITLES["gradient_shap"],
        "What each value adds compared with other ground of the same scene; sums to the difference on average.",
        lambda options, bands: 2 * options.samples - 1,
        _gradient_shap,
    ),
    "occlusion": Method(
        METHOD_TITLES["occlusion"],
        "How far the target falls when a square of one sensor takes its baseline while the other stays.",
        lambda options, bands: 1 + (bands if options.per_band else 2) * (options.cells - 1) ** 2,
        _occlusion,
        resolution="sensor",
    ),
    "occlusion_joint": Method(
        METHOD_TITLES["occlusion_joint"],
        "How far the target falls when a square of both sensors takes its baseline at once.",
        lambda options, bands: 1 + (options.cells - 1) ** 2,
        _joint_occlusion,
        resolution="joint",
    ),
    "gradcam_optical": Method(
        METHOD_TITLES["gradcam_optical"],
        "Which places of the optical features speak for the class at one stage of the encoder; coarse.",
        lambda options, bands: 1,
        _gradcam("optical"),
        resolution="sensor",
        baseline=False,
        needs=("optical",),
    ),
    "gradcam_sar": Method(
        METHOD_TITLES["gradcam_sar"],
        "Which places of the SAR features speak for the class at one stage of the encoder; coarse.",
        lambda options, bands: 1,
        _gradcam("sar"),
        resolution="sensor",
        baseline=False,
        needs=("sar",),
    ),
    "gradcam_fused": Method(
        METHOD_TITLES["gradcam_fused"],
        "Which places of the fused features speak for the class; it cannot tell the sensors apart.",
        lambda options, bands: 1,
        _gradcam("joint"),
        resolution="joint",
        baseline=False,
    ),
    "ablation": Method(
        METHOD_TITLES["ablation"],
        "How far the target falls when a segment of one sensor takes its baseline.",
        lambda options, bands: 1 + (bands if options.per_band else 2) * options.cells**2,
        _feature_ablation,
        resolution="sensor",
    ),
    "kernel_shap": Method(
        METHOD_TITLES["kernel_shap"],
        "Shapley values of the segments of both sensors, estimated from random coalitions; they sum to the difference.",
        lambda options, bands: options.evaluations,
        _kernel_shap,
        resolution="sensor",
        complete=True,
    ),
    "deeplift": Method(
        METHOD_TITLES["deeplift"],
        "Differences from the baseline handed back activation by activation; only where every step has a rule.",
        lambda options, bands: 2,
        _deeplift,
        complete=True,
    ),
}
"""Every way to attribute, by name."""


def _both(pair: Pair) -> Found:
    return {"optical": pair[0], "sar": pair[1]}


def _draw(job: Job) -> Pair:
    """The baselines of GradientShap, the same whenever they are asked for."""
    rng = np.random.default_rng(job.options.seed)
    optical, sar = draw_scene_baselines(job.probe.prepared, job.options.samples, rng)
    device = job.probe.inputs[0].device
    return torch.from_numpy(optical).to(device), torch.from_numpy(sar).to(device)


def _squares(job: Job) -> tuple[int, int]:
    """Side of the occluding square and its step: squares overlap by half."""
    step = max(1, -(-max(job.probe.shape) // job.options.cells))
    return min(2 * step, *job.probe.shape), step


def _build_features(job: Job, cells: int) -> tuple[Pair, Pair]:
    """Feature ids shaped like the inputs, and how many pixels the feature of each element has."""
    segments = build_segments(job.probe.prepared, job.options.segments, cells)
    pixels = np.bincount(segments.ravel())[segments]
    count, first, ids = int(segments.max()) + 1, 0, []
    for values in job.probe.inputs:
        groups = values.shape[1] if job.options.per_band else 1
        offsets = first + count * np.arange(groups)
        ids.append(np.broadcast_to(segments[None] + offsets[:, None, None], values.shape[1:]))
        first += count * groups
    device = job.probe.inputs[0].device
    features = [torch.from_numpy(part.copy())[None].to(device) for part in ids]
    size = torch.from_numpy(pixels)[None, None].to(device)
    return (features[0], features[1]), (size, size)


def _share_out(found: Pair, sizes: Pair, per_band: bool) -> Found:
    """The effect of a feature, shared out evenly over its pixels, so that maps can be summed."""
    return {
        evidence: (values if per_band else values[:, :1]) / size
        for (evidence, values), size in zip(_both(found).items(), sizes, strict=True)
    }


def _place(tensor: Tensor, piece: Piece, shape: tuple[int, int]) -> NDArray[np.float32]:
    """(C, H, W) of the tile, 0 outside the piece."""
    values = tensor[0].float().cpu().numpy()
    whole = np.zeros((len(values), *shape), np.float32)
    whole[:, piece.rows, piece.columns] = values
    return whole


def _name_bands(evidence: Evidence, count: int, manifest: Manifest) -> tuple[str, ...]:
    if evidence in MODALITIES:
        names: tuple[str, ...] = getattr(manifest, evidence).bands
        return names if count == len(names) else ALL_BANDS
    return ALL_BANDS


def _name_baseline(name: str, method: Method, options: Options) -> str:
    if name == "gradient_shap":
        return "pixels of the scene"
    return options.baseline if method.baseline else "none"
