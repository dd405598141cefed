"""The golden tile: rounding passes, another network does not."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from claire.core.manifest import GoldenTile, InputSpec, Manifest
from claire.models.checkpoint import load_checkpoint
from claire.models.golden import compute_answer, compute_gap, record_golden
from claire.models.network import Network
from tests.tiny_model import describe_tiny, save_tiny

MEANS = (60.0, 70.0, 80.0, 90.0, 100.0, 110.0)


def vary(spec: InputSpec) -> InputSpec:
    """Means and spreads that differ from band to band, as real ones do."""
    return replace(spec, mean=MEANS[: len(spec.bands)], std=tuple(20.0 + i for i in range(len(spec.bands))))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Manifest]:
    folder = tmp_path_factory.mktemp("golden")
    save_tiny(folder)
    network, manifest = load_checkpoint("tiny", folder)
    manifest = replace(manifest, optical=vary(manifest.optical), sar=vary(manifest.sar))
    return network, replace(manifest, golden=record_golden(network, manifest))


def exchange(spec: InputSpec, **fields: Callable[..., tuple[object, ...]]) -> InputSpec:
    return replace(spec, **{name: turn(getattr(spec, name)) for name, turn in fields.items()})


def turn(values: tuple[object, ...]) -> tuple[object, ...]:
    return values[::-1]


def test_the_network_that_was_recorded_passes_and_takes_a_moment(saved: tuple[Network, Manifest]) -> None:
    compute_gap(*saved)
    started = time.perf_counter()
    assert compute_gap(*saved) < 0.05
    assert time.perf_counter() - started < 1  # 5 to 15 ms on an idle core; 100 are allowed


def test_the_answer_is_the_mean_of_the_logits_over_cells(saved: tuple[Network, Manifest]) -> None:
    network, manifest = saved
    assert manifest.golden is not None
    heard: list[torch.Tensor] = []

    class Listening(torch.nn.Module):
        def forward(self, *inputs: torch.Tensor) -> object:
            heard.extend(inputs)
            return network(*inputs)

    answer = compute_answer(Listening(), manifest, manifest.golden)
    assert [tuple(each.shape) for each in heard] == [(1, 6, 64, 64), (1, 2, 64, 64)] * 2
    with torch.inference_mode():
        logits = network(*heard).logits["fused"][0].numpy()
    cells = [logits[:, r : r + 16, c : c + 16].mean(axis=(1, 2)) for r in range(0, 64, 16) for c in range(0, 64, 16)]
    np.testing.assert_allclose(answer["fused"], np.stack(cells, axis=1), atol=1e-6)


def test_the_input_spans_what_the_sensors_see(saved: tuple[Network, Manifest]) -> None:
    network, manifest = saved
    heard: list[torch.Tensor] = []
    hook = network.register_forward_pre_hook(lambda module, inputs: heard.extend(inputs))
    compute_gap(network, manifest)
    hook.remove()
    for modality in heard[:2]:
        assert abs(float(modality.mean())) < 0.3
        assert 0.5 < float(modality.std()) < 1.5
    bands = heard[0][0].flatten(1).numpy()
    assert np.abs(np.corrcoef(bands) - np.eye(6)).max() < 0.5  # no band stands in for another


@pytest.mark.parametrize(
    "change",
    [
        lambda m: replace(m, optical=exchange(m.optical, mean=turn)),
        lambda m: replace(m, optical=exchange(m.optical, std=turn)),
        lambda m: replace(m, sar=exchange(m.sar, mean=turn, std=turn)),
        lambda m: replace(m, optical=exchange(m.optical, bands=turn)),
        lambda m: replace(m, sar=exchange(m.sar, bands=turn)),
        lambda m: replace(m, optical=replace(m.optical, mean=tuple(x / 255 for x in m.optical.mean))),
    ],
    ids=["means", "spreads", "both of SAR", "optical bands", "SAR bands", "scale"],
)
def test_exchanged_bands_or_normalisation_fail(
    saved: tuple[Network, Manifest], change: Callable[[Manifest], Manifest]
) -> None:
    network, manifest = saved
    assert compute_gap(network, change(manifest)) > 1


@pytest.mark.parametrize("sensor", ["optical", "sar"])
@pytest.mark.parametrize("axis", [0, 1])
def test_two_exchanged_channels_fail(saved: tuple[Network, Manifest], sensor: str, axis: int) -> None:
    network, manifest = saved
    other = copy.deepcopy(network)
    weight = other.get_parameter(f"{sensor}.full_stem.0.weight")
    order = [1, 0, *range(2, weight.shape[axis])]
    weight.data = weight.data.index_select(axis, torch.tensor(order))
    assert compute_gap(other, manifest) > 1


def test_every_head_and_every_stem_counts(saved: tuple[Network, Manifest]) -> None:
    network, manifest = saved
    keys = [key for key, _ in network.named_parameters() if key.endswith(("head.weight", "full_stem.0.weight"))]
    assert len(keys) == 5
    for key in keys:
        other = copy.deepcopy(network)
        other.get_parameter(key).data.neg_()
        assert compute_gap(other, manifest) > 1, key


def test_numbers_that_are_none_fail(saved: tuple[Network, Manifest]) -> None:
    network, manifest = saved
    other = copy.deepcopy(network)
    next(other.parameters()).data.fill_(float("nan"))
    assert compute_gap(other, manifest) == float("inf")


@pytest.mark.parametrize(
    "change",
    [
        lambda g: replace(g, size=32),
        lambda g: replace(g, levels={**g.levels, "sar": {"VV": (0.0, 1.0)}}),
        lambda g: replace(g, logits={"fused": g.logits["fused"]}),
        lambda g: replace(g, logits={mode: rows[:1] for mode, rows in g.logits.items()}),
    ],
    ids=["size", "bands", "modes", "classes"],
)
def test_a_record_that_cannot_be_compared_fails(
    saved: tuple[Network, Manifest], change: Callable[[GoldenTile], GoldenTile]
) -> None:
    network, manifest = saved
    assert manifest.golden is not None
    assert compute_gap(network, replace(manifest, golden=change(manifest.golden))) == float("inf")


@pytest.mark.parametrize("name", ["claire-flood", "flood-optical", "flood-sar"])
def test_weights_in_bfloat16_are_still_the_committed_network(root: Path, name: str) -> None:
    network, manifest = load_checkpoint(name, root / "checkpoints")
    manifest = replace(manifest, golden=record_golden(network, manifest))
    other = copy.deepcopy(network)
    for parameter in other.parameters():
        parameter.data = parameter.data.bfloat16().float()
    assert compute_gap(other, manifest) < 1.5
    spec = manifest.optical if name != "flood-sar" else manifest.sar
    turned = exchange(spec, mean=turn, std=turn)
    role = "sar" if name == "flood-sar" else "optical"
    assert compute_gap(network, replace(manifest, **{role: turned})) > 10


def test_a_manifest_without_a_golden_tile_is_not_compared_to_anything(saved: tuple[Network, Manifest]) -> None:
    assert compute_gap(saved[0], describe_tiny()) == float("inf")
