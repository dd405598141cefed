"""Each method keeps what it claims, finds the planted truth, and leaves the network as it found it."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from claire.core.bands import Mode
from claire.core.errors import BudgetError, CancelledError, InputError, SensorError, UnknownNameError
from claire.core.settings import Settings
from claire.core.types import Prepared
from claire.data.examples import generate_flood_pair
from claire.data.preparing import prepare
from claire.data.simulator.dataset import SimulatedDataset
from claire.explain.attributions import CAM_STRIDES, METHODS, Options, attribute
from claire.explain.baselines import BASELINES, compute_scene_mean, draw_scene_baselines
from claire.explain.faithfulness import compute_agreement, randomise
from claire.explain.probe import compute_bytes_per_pixel
from claire.explain.segments import build_clusters, build_grid
from claire.explain.targets import Target, build_class_zone, build_target
from claire.explain.watch import Watch
from claire.inference.engine import TorchSegmenter
from claire.inference.predicting import decide
from claire.models.network import NetworkConfig, build_network
from claire.pipeline import analyse, load_model
from claire.pipeline.models import DEFAULT_MODEL
from tests.explain.conftest import HALF, SIDE, Answer, aim, snapshot
from tests.tiny_model import describe_tiny

QUICK = Options(steps=8, samples=4, cells=4, evaluations=80, segments="grid")
EVERY_BAND = replace(QUICK, per_band=True, evaluations=200)
ON_CMAF = [name for name in METHODS if name != "deeplift"]
ON_VALUES = [name for name in ON_CMAF if not name.startswith("gradcam") and name != "occlusion_joint"]


@pytest.mark.parametrize("method", ON_VALUES)
def test_a_method_that_tells_bands_and_places_apart_finds_the_planted_truth(
    planted: TorchSegmenter, prepared: Prepared, method: str
) -> None:
    flood = attribute(planted, prepared, aim(prepared, "flood"), method, EVERY_BAND)
    optical, sar = np.abs(flood.maps["optical"]), np.abs(flood.maps["sar"])
    noise = 1e-5 * optical[3].sum()
    assert sar[0, :, :HALF].sum() > 1000 * noise > 0
    assert optical[[0, 1, 2, 4, 5]].sum() < noise
    assert sar[1].sum() < noise
    reach = SIDE // QUICK.cells if method == "occlusion" else 0  # squares that lie half in the left half
    assert sar[0, :, HALF + reach :].sum() < noise
    background = attribute(planted, prepared, aim(prepared, "background"), method, EVERY_BAND)
    assert np.abs(background.maps["optical"][[1, 2, 3, 4, 5]]).sum() < noise
    assert np.abs(background.maps["sar"]).sum() < noise
    assert np.abs(background.maps["optical"][0]).sum() > 1000 * noise


@pytest.mark.parametrize("method", ["occlusion", "ablation", "kernel_shap"])
def test_the_sign_says_for_or_against(planted: TorchSegmenter, prepared: Prepared, method: str) -> None:
    """What lies above the scene's mean in the band that flood is speaks for it, what lies below against."""
    bright = replace(prepared, optical=np.zeros_like(prepared.optical))
    bright.optical[3, :, :HALF] = 1
    found = attribute(planted, bright, aim(prepared, "flood"), method, QUICK).maps["optical"][0]
    assert found[:, : HALF - 16].min() > 0
    assert found[:, HALF + 16 :].max() < 0


def test_a_joint_method_finds_the_place(planted: TorchSegmenter, prepared: Prepared) -> None:
    found = attribute(planted, prepared, aim(prepared, "flood", (0, 0, 16, 16)), "occlusion_joint", QUICK)
    place = np.abs(found.place("joint"))
    assert place[:32, :32].sum() > 0
    assert place[32:].sum() + place[:, 32:].sum() < 1e-6


@pytest.mark.parametrize("method", ON_CMAF)
def test_maps_are_signed_finite_of_the_tile_and_repeat_themselves(
    model: TorchSegmenter, prepared: Prepared, target: Target, method: str
) -> None:
    first = attribute(model, prepared, target, method, QUICK)
    np.random.default_rng().random()
    torch.rand(1)
    second = attribute(model, prepared, target, method, QUICK)
    assert first.maps.keys() == second.maps.keys()
    for evidence, values in first.maps.items():
        assert values.shape == (len(first.bands[evidence]), *prepared.shape)
        np.testing.assert_array_equal(values, second.maps[evidence])
    if METHODS[method].resolution == "band":
        assert all((values < 0).any() and (values > 0).any() for values in first.maps.values())
    assert first.value == pytest.approx(float(model.segment(prepared).logits["fused"][1][target.zone].mean()), abs=1e-4)


def test_another_seed_draws_another_sample(model: TorchSegmenter, prepared: Prepared, target: Target) -> None:
    for method in ("smoothgrad", "gradient_shap"):
        maps = [
            attribute(model, prepared, target, method, replace(QUICK, seed=seed)).maps["optical"] for seed in (0, 1)
        ]
        assert not np.array_equal(maps[0], maps[1])


def test_the_generators_of_others_are_left_alone(model: TorchSegmenter, prepared: Prepared, target: Target) -> None:
    def draw() -> tuple[float, float]:
        return float(torch.rand(1)), float(np.random.random())  # noqa: NPY002

    draws = []
    for method in ("", "smoothgrad", "gradient_shap"):
        torch.manual_seed(3)
        np.random.seed(3)  # noqa: NPY002
        if method:
            attribute(model, prepared, target, method, QUICK)
        draws.append(draw())
    assert draws[0] == draws[1] == draws[2]


@pytest.mark.parametrize("quantity", ["logit", "log_probability"])
def test_integrated_gradients_are_complete_on_a_tiny_network(
    model: TorchSegmenter, prepared: Prepared, quantity: str
) -> None:
    target = aim(prepared, "flood", (8, 8, 56, 40), quantity)  # type: ignore[arg-type]
    found = attribute(model, prepared, target)
    assert found.passes >= Options().steps
    assert found.completeness_gap < 0.01


@pytest.mark.parametrize("class_name", ["flood", "background"])
@pytest.mark.parametrize(
    ("name", "mode"), [(DEFAULT_MODEL, "fused"), ("flood-optical", "optical"), ("flood-sar", "sar")]
)
def test_integrated_gradients_are_complete_on_the_checkpoint(
    root: Path, name: str, mode: Mode, class_name: str
) -> None:
    own = load_model(name, Settings(checkpoints=root / "checkpoints"))
    pair = generate_flood_pair(seed=41, size=96, cloud_share=0.45)
    prepared, _ = prepare(pair, own.manifest)
    zone = build_class_zone(analyse(pair, own).predictions[mode], class_name)
    found = attribute(own, prepared, build_target(own.manifest, prepared, class_name, zone, mode))
    assert found.completeness_gap < 0.01


def test_nothing_stays_in_memory_after_an_attribution(
    model: TorchSegmenter, prepared: Prepared, target: Target
) -> None:
    def count() -> int:
        gc.collect()
        return sum(type(each) is torch.Tensor for each in gc.get_objects())

    attribute(model, prepared, target, "saliency", QUICK)
    before = count()
    for _ in range(2):
        attribute(model, prepared, target, "saliency", QUICK)
    assert count() <= before + 4


def test_integrated_gradients_are_complete_on_the_land_cover_checkpoint(root: Path) -> None:
    own = load_model("claire-lulc", Settings(checkpoints=root / "checkpoints"))
    scenes = SimulatedDataset(tiles=60, size=64)
    for scene in scenes.ids("val")[:2]:
        prepared, _ = prepare(scenes.read(scene), own.manifest)
        classes = decide(own.segment(prepared), prepared, own.manifest, "fused").classes
        name = own.manifest.class_scheme.names[int(np.bincount(classes[classes < 8]).argmax())]
        zone = classes == own.manifest.class_scheme.names.index(name)
        found = attribute(own, prepared, build_target(own.manifest, prepared, name, zone))
        assert found.completeness_gap < 0.01


def test_kernel_shap_is_complete(model: TorchSegmenter, prepared: Prepared, target: Target) -> None:
    found = attribute(model, prepared, target, "kernel_shap", QUICK)
    assert found.completeness_gap < 1e-3


@pytest.mark.parametrize("segments", ["grid", "clusters"])
def test_feature_ablation_is_the_fall_of_the_target_segment_by_segment(
    model: TorchSegmenter, prepared: Prepared, target: Target, segments: str
) -> None:
    found = attribute(
        model,
        prepared,
        target,
        "ablation",
        replace(QUICK, segments=segments),  # type: ignore[arg-type]
    )
    ids = build_grid(prepared.shape, 4) if segments == "grid" else build_clusters(prepared, 4)
    here = ids == 5
    removed = prepared.sar.copy()
    removed[:, here] = compute_scene_mean(prepared.sar, prepared.sar_valid)[:, here]
    after = model.segment(replace(prepared, sar=removed)).logits["fused"][1][target.zone].mean()
    assert found.maps["sar"][0][here].sum() == pytest.approx(found.value - float(after), abs=1e-4)


def test_clusters_cover_the_tile_and_follow_borders() -> None:
    values = np.zeros((1, 32, 32), np.float32)
    values[:, :, 13:] = 5
    pair = Prepared("p", values, values.copy(), np.ones_like(values, bool), np.ones_like(values, bool))
    ids = build_clusters(pair, 4)
    assert set(np.unique(ids)) == set(range(ids.max() + 1))
    for segment in range(ids.max() + 1):
        assert len(np.unique(values[0][ids == segment])) == 1


def test_a_gradient_is_the_slope_of_the_target(model: TorchSegmenter, prepared: Prepared, target: Target) -> None:
    slope = attribute(model, prepared, target, "saliency").maps["sar"]
    direction = np.sign(slope).astype(np.float32)
    step = 1e-3
    moved = replace(prepared, sar=prepared.sar + step * direction * prepared.sar_valid)
    before, after = (
        float(model.segment(pair).logits["fused"][1][target.zone].mean(dtype=np.float64)) for pair in (prepared, moved)
    )
    assert (after - before) / step == pytest.approx(float(np.abs(slope).sum()), rel=0.05)


@pytest.mark.parametrize("stride", CAM_STRIDES)
def test_grad_cam_looks_at_every_stage(model: TorchSegmenter, prepared: Prepared, target: Target, stride: int) -> None:
    found = attribute(model, prepared, target, "gradcam_optical", replace(QUICK, cam_stride=stride))
    assert set(found.maps) == {"optical"}
    assert np.abs(found.maps["optical"]).sum() > 0


def test_values_that_nobody_measured_have_no_share(model: TorchSegmenter, prepared: Prepared) -> None:
    valid = prepared.sar_valid.copy()
    valid[:, :20] = False
    gap = replace(prepared, sar=np.where(valid, prepared.sar, 0).astype(np.float32), sar_valid=valid)
    for method in ("saliency", "integrated_gradients"):
        found = attribute(model, gap, aim(gap, "flood", (8, 8, 56, 40)), method, QUICK)
        assert np.abs(found.maps["sar"][:, :20]).max() == 0
        assert np.abs(found.maps["sar"][:, 20:]).max() > 0


@pytest.mark.parametrize("method", [*ON_CMAF, "deeplift"])
@pytest.mark.parametrize("ending", ["well", "error", "cancel"])
def test_nothing_stays_behind(
    model: TorchSegmenter, prepared: Prepared, target: Target, method: str, ending: str
) -> None:
    network: nn.Module = model.network  # type: ignore[assignment]
    before = snapshot(network)
    calls = iter(range(10_000))

    def interrupt() -> bool:
        if next(calls) < 1 or ending == "well":
            return False
        if ending == "error":
            raise ArithmeticError
        return True

    expected = {"error": (ArithmeticError, InputError), "cancel": (CancelledError, InputError), "well": (InputError,)}
    try:
        attribute(model, prepared, target, method, QUICK, Watch(cancelled=interrupt))
    except expected[ending]:
        assert ending != "well" or method == "deeplift"
    else:
        assert ending == "well"
    assert snapshot(network) == before
    plain = model.segment(prepared).logits["fused"]
    assert np.isfinite(plain).all()


def test_progress_rises_to_what_was_promised(model: TorchSegmenter, prepared: Prepared, target: Target) -> None:
    for method in ON_CMAF:
        told: list[tuple[int, int]] = []
        watch = Watch(lambda done, total, told=told: told.append((done, total)))  # type: ignore[misc]
        found = attribute(model, prepared, target, method, QUICK, watch)
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert found.passes == watch.done
        assert 0 <= watch.total - watch.done <= 1, method


def test_a_randomised_network_gives_another_attribution(
    model: TorchSegmenter, prepared: Prepared, target: Target
) -> None:
    other = replace(model, network=randomise(model.network, seed=0))  # type: ignore[arg-type]
    for method in ("integrated_gradients", "saliency", "ablation"):
        maps = [attribute(each, prepared, target, method, QUICK).maps for each in (model, other)]
        assert compute_agreement(*maps) < 0.9
        assert compute_agreement(maps[0], maps[0]) == pytest.approx(1)


class Pointwise(nn.Module):
    """Convolutions and ReLUs alone, one module per use, or one shared by two."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Conv2d(8, 6, 3, padding=1), nn.Conv2d(6, 6, 1), nn.Conv2d(6, 2, 1)
        self.relu = nn.ReLU()
        self.other = self.relu if shared else nn.ReLU()

    def forward(self, *tensors: torch.Tensor, inspect: bool = False) -> object:
        optical, sar, optical_valid, sar_valid = tensors
        seen = torch.cat([optical * optical_valid, sar * sar_valid], dim=1)
        return Answer({"fused": self.head(self.other(self.second(self.relu(self.first(seen)))))})


def test_deeplift_is_complete_where_every_step_has_a_rule(
    planted: TorchSegmenter, prepared: Prepared, target: Target
) -> None:
    honest = replace(planted, network=Pointwise(shared=False).eval())
    found = attribute(honest, prepared, target, "deeplift")
    assert found.completeness_gap < 1e-4


def test_deeplift_is_complete_on_a_network_of_one_sensor(prepared: Prepared) -> None:
    torch.manual_seed(0)
    settings = {"fusion": "sar", "encoder": "resnet", "widths": (8, 8, 16, 16), "depths": (1, 1, 1, 1), "decoder": 8}
    network = build_network(NetworkConfig(6, 2, 2, **settings)).eval()  # type: ignore[arg-type]
    target = replace(aim(prepared, "flood", (8, 8, 56, 40)), mode="sar")
    found = attribute(TorchSegmenter(network, describe_tiny("tiny", "sar")), prepared, target, "deeplift")
    assert found.completeness_gap < 1e-3
    assert np.abs(found.maps["optical"]).max() == 0


def test_deeplift_is_refused_where_bands_are_read_relative_to_the_tile(prepared: Prepared, root: Path) -> None:
    own = load_model("flood-sar", Settings(checkpoints=root / "checkpoints"))
    with pytest.raises(InputError, match="no rule for the step"):
        attribute(own, prepared, replace(aim(prepared, "flood", (8, 8, 56, 40)), mode="sar"), "deeplift")


def test_deeplift_is_refused_with_the_reason_elsewhere(
    planted: TorchSegmenter, model: TorchSegmenter, prepared: Prepared, target: Target
) -> None:
    with pytest.raises(InputError, match="activation module of its own"):
        attribute(replace(planted, network=Pointwise(shared=True).eval()), prepared, target, "deeplift")
    for each in (model, planted):
        with pytest.raises(InputError, match="no rule for"):
            attribute(each, prepared, target, "deeplift")


def test_a_map_of_one_sensor_owes_nothing_to_the_other(sar_model: TorchSegmenter, prepared: Prepared) -> None:
    target = replace(aim(prepared, "flood"), mode="sar")
    found = attribute(sar_model, prepared, target, "integrated_gradients", QUICK)
    assert np.abs(found.maps["optical"]).max() == 0
    assert np.abs(found.maps["sar"]).max() > 0


def test_what_cannot_be_done_is_said(
    model: TorchSegmenter, sar_model: TorchSegmenter, prepared: Prepared, target: Target
) -> None:
    with pytest.raises(UnknownNameError, match="method"):
        attribute(model, prepared, target, "magic")
    with pytest.raises(UnknownNameError, match="baseline"):
        attribute(model, prepared, target, options=Options(baseline="white"))
    with pytest.raises(UnknownNameError, match="stride"):
        attribute(model, prepared, target, "gradcam_sar", Options(cam_stride=5))
    with pytest.raises(UnknownNameError, match="fused"):
        attribute(sar_model, prepared, target, "saliency")
    with pytest.raises(InputError, match="Grad-CAM"):
        attribute(sar_model, prepared, replace(target, mode="sar"), "gradcam_optical")
    blind = replace(prepared, sar=np.zeros_like(prepared.sar), sar_valid=np.zeros_like(prepared.sar_valid))
    with pytest.raises(SensorError):
        attribute(model, blind, replace(target, mode="optical"), "gradcam_sar")
    with pytest.raises(BudgetError, match="do not suffice"):
        attribute(replace(model, settings=Settings(explain_memory_mb=1)), prepared, target)


def test_a_zone_in_a_large_tile_is_explained_in_its_window(model: TorchSegmenter, prepared: Prepared) -> None:
    names = ("optical", "sar", "optical_valid", "sar_valid")
    wide = replace(prepared, **{n: np.tile(getattr(prepared, n), (1, 2, 2)) for n in names}, label=None)
    small = replace(model, settings=Settings(window=64, overlap=32))
    found = attribute(small, wide, aim(wide, "flood", (70, 70, 80, 80)), "saliency")
    assert found.maps["sar"].shape == (2, 128, 128)
    assert np.abs(found.maps["sar"][:, 70:80, 70:80]).max() > 0
    assert np.abs(found.maps["sar"][:, :32, :32]).max() == 0
    with pytest.raises(BudgetError, match="64 x 64"):
        attribute(small, wide, aim(wide, "flood"), "saliency")


def test_a_class_over_a_whole_tile_is_explained_though_no_batch_of_it_fits_the_memory(
    model: TorchSegmenter, prepared: Prepared
) -> None:
    megabytes = int(compute_bytes_per_pixel(model) * SIDE**2 / 2 / 1e6)
    tight = replace(model, settings=Settings(explain_memory_mb=megabytes))
    found = attribute(tight, prepared, aim(prepared, "flood"), "saliency")
    wanted = attribute(model, prepared, aim(prepared, "flood"), "saliency")
    np.testing.assert_allclose(found.maps["sar"], wanted.maps["sar"], rtol=1e-4, atol=1e-7)


def test_baselines_are_those_of_the_scene(prepared: Prepared, model: TorchSegmenter) -> None:
    valid = prepared.sar_valid.copy()
    valid[0, :30] = False
    part = replace(prepared, sar=np.where(valid, prepared.sar, 0).astype(np.float32), sar_valid=valid)
    optical, sar = BASELINES["mean"](part, model.manifest)
    assert sar[0, 40, 3] == pytest.approx(prepared.sar[0, 30:].mean(), rel=1e-4)
    assert sar[0, 3, 3] == 0
    assert optical[2, 5, 5] == pytest.approx(prepared.optical[2].mean(), rel=1e-4)
    black, same = BASELINES["black"](part, model.manifest)
    np.testing.assert_allclose(black[1] * 30 + 80, 0, atol=1e-4)
    np.testing.assert_array_equal(same, sar)
    drawn, _ = draw_scene_baselines(part, 5, np.random.default_rng(0))
    assert drawn.shape == (5, 6, 64, 64)
    pixels = {tuple(pixel) for pixel in part.optical.reshape(6, -1).T.tolist()}
    assert all(tuple(flat[:, 0, 0].tolist()) in pixels for flat in drawn)
