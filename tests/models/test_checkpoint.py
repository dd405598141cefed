"""Checkpoint files: what goes in comes out, and nothing else is let in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from claire.core.errors import CheckpointError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.provenance import compute_sha256
from claire.core.settings import Settings
from claire.models.catalogue import list_checkpoints
from claire.models.checkpoint import load_checkpoint, save_checkpoint
from claire.models.network import Network, NetworkConfig, build_network
from tests.tiny_model import describe_tiny, save_tiny


def run(network: Network) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    optical, sar = (torch.randn(1, bands, 32, 32, generator=generator) for bands in (6, 2))
    with torch.inference_mode():
        return dict(network(optical, sar, torch.ones_like(optical), torch.ones_like(sar)).logits)


def adopt(folder: Path, name: str = "tiny") -> None:
    """Make the manifest vouch for the weights as they are now."""
    path = folder / f"{name}.json"
    replace(Manifest.read(path), sha256=compute_sha256(folder / f"{name}.safetensors")).write(path)


@pytest.mark.parametrize("fusion", ["cmaf", "optical", "sar", "concat", "late"])
def test_a_loaded_network_gives_the_logits_of_the_saved_one_up_to_half_precision(tmp_path: Path, fusion: str) -> None:
    manifest = describe_tiny("tiny", fusion)
    torch.manual_seed(1)
    network = build_network(NetworkConfig.from_mapping(manifest.network)).eval()
    save_checkpoint(network, manifest, tmp_path)
    loaded, _ = load_checkpoint("tiny", tmp_path)
    assert not loaded.training
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    expected, found = run(network), run(loaded)
    assert found.keys() == expected.keys()
    for mode, logits in expected.items():
        torch.testing.assert_close(found[mode], logits, rtol=2e-2, atol=2e-2)
    network.load_state_dict({k: v.half().to(v.dtype) for k, v in network.state_dict().items()})
    for mode, logits in run(network).items():
        torch.testing.assert_close(found[mode], logits, rtol=1e-5, atol=1e-6)


def test_the_manifest_comes_back_with_the_hash_of_the_weights(tmp_path: Path) -> None:
    weights = save_tiny(tmp_path)
    _, manifest = load_checkpoint("tiny", tmp_path)
    assert manifest.sha256 == compute_sha256(weights)
    assert manifest.golden is not None
    assert {key: text.split()[0] for key, text in manifest.tensors.items()} == {
        key: "F16" if value.is_floating_point() else "I64" for key, value in load_file(weights).items()
    }
    restored = replace(manifest, sha256="", network={**manifest.network}, tensors={}, golden=None)
    wanted = describe_tiny()
    assert restored.network == json.loads(json.dumps(dict(wanted.network)))
    assert replace(restored, network=wanted.network) == wanted
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.json", "tiny.safetensors"]
    assert weights.stat().st_mode & 0o777 == 0o644


def test_weights_are_stored_in_half_precision(tmp_path: Path) -> None:
    assert {t.dtype for t in load_file(save_tiny(tmp_path)).values() if t.is_floating_point()} == {torch.float16}


@pytest.mark.parametrize("place", [0, 200, -1])
def test_altered_weights_are_refused_and_listed_as_altered(tmp_path: Path, place: int) -> None:
    weights = save_tiny(tmp_path)
    content = bytearray(weights.read_bytes())
    content[place] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CheckpointError, match="'tiny'") as caught:
        load_checkpoint("tiny", tmp_path)
    assert str(tmp_path) not in caught.value.message + caught.value.hint
    assert [entry.status for entry in list_checkpoints(tmp_path)] == ["altered"]


def test_missing_weights_are_named(tmp_path: Path) -> None:
    save_tiny(tmp_path).unlink()
    with pytest.raises(CheckpointError, match="missing") as caught:
        load_checkpoint("tiny", tmp_path)
    assert "tiny.safetensors" in caught.value.hint
    (entry,) = list_checkpoints(tmp_path)
    assert (entry.status, entry.sha256) == ("missing weights", "")


def test_an_unknown_name_lists_the_right_ones(tiny_checkpoints: Path) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_checkpoint("../tiny", tiny_checkpoints)
    assert "tiny, tiny-sar" in caught.value.hint


def test_weights_of_another_network_do_not_fit(tmp_path: Path) -> None:
    save_tiny(tmp_path)
    save_tiny(tmp_path, "other", fusion="sar")
    (tmp_path / "other.safetensors").replace(tmp_path / "tiny.safetensors")
    adopt(tmp_path)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_checkpoint("tiny", tmp_path)


def test_weights_that_are_not_finite_do_not_fit(tmp_path: Path) -> None:
    weights = save_tiny(tmp_path)
    tensors = load_file(weights)
    name = next(k for k, v in tensors.items() if v.is_floating_point())
    tensors[name].view(-1)[0] = float("nan")
    save_file(tensors, weights)
    adopt(tmp_path)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_checkpoint("tiny", tmp_path)


def test_damaged_weights_that_the_manifest_vouches_for_are_refused(tmp_path: Path) -> None:
    weights = save_tiny(tmp_path)
    weights.write_bytes(weights.read_bytes()[:100])
    adopt(tmp_path)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint("tiny", tmp_path)


def test_the_list_shows_good_and_bad_ones_in_order(tmp_path: Path) -> None:
    save_tiny(tmp_path, "b-good")
    (tmp_path / "a-bad.json").write_text("{", encoding="utf-8")
    save_tiny(tmp_path, "c-strange")
    strange = json.loads((tmp_path / "c-strange.json").read_text(encoding="utf-8"))
    (tmp_path / "c-strange.json").write_text(json.dumps({**strange, "scheme": "moon"}), encoding="utf-8")
    found = [(entry.name, entry.status, entry.manifest is None) for entry in list_checkpoints(tmp_path)]
    assert found == [
        ("a-bad", "unreadable manifest", True),
        ("b-good", "ready", False),
        ("c-strange", "unreadable manifest", True),
    ]
    assert list_checkpoints(tmp_path / "absent") == ()


def edit_manifest(folder: Path, change: dict[str, object], name: str = "tiny") -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")


def test_a_manifest_from_before_self_tests_loads_with_its_hash_checked(tmp_path: Path) -> None:
    weights = save_tiny(tmp_path)
    path = tmp_path / "tiny.json"
    old = json.loads(path.read_text(encoding="utf-8"))
    del old["tensors"], old["golden"]
    path.write_text(json.dumps(old), encoding="utf-8")
    _, manifest = load_checkpoint("tiny", tmp_path)
    assert (dict(manifest.tensors), manifest.golden) == ({}, None)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(CheckpointError, match="not those"):
        load_checkpoint("tiny", tmp_path)


def test_recorded_keys_shapes_and_dtypes_must_be_those_of_the_file(tmp_path: Path) -> None:
    save_tiny(tmp_path)
    recorded = dict(Manifest.read(tmp_path / "tiny.json").tensors)
    name = next(iter(recorded))
    for other in ({**recorded, name: "F32 1"}, {**recorded, "more": "F16 1"}, dict(list(recorded.items())[1:])):
        edit_manifest(tmp_path, {"tensors": other})
        with pytest.raises(CheckpointError, match="do not fit"):
            load_checkpoint("tiny", tmp_path)


def test_other_weights_of_the_same_shape_give_another_map(tmp_path: Path) -> None:
    save_tiny(tmp_path)
    save_tiny(tmp_path, "other", seed=1)
    (tmp_path / "other.safetensors").replace(tmp_path / "tiny.safetensors")
    adopt(tmp_path)
    with pytest.raises(CheckpointError, match="map that its manifest records"):
        load_checkpoint("tiny", tmp_path)


@pytest.mark.parametrize(
    "network",
    [
        {"widths": [4096, 4096, 4096, 4096], "depths": [64, 64, 64, 64]},
        {"widths": [10**9, 8, 16, 16]},
        {"depths": [10**9, 1, 1, 1]},
        {"depths": [1, 1]},
        {"fusion": "moon"},
        {"encoder": "moon"},
        {"encoder": 3},
        {"stem": -1},
        {"stem": 1.5},
        {"classes": 3},
        {"groups": 3},
        {"strange": 1},
    ],
)
def test_a_network_that_the_manifest_makes_up_is_refused_before_it_is_built(tmp_path: Path, network: object) -> None:
    save_tiny(tmp_path)
    edit_manifest(tmp_path, {"network": {**describe_tiny().network, **network}})  # type: ignore[dict-item]
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint("tiny", tmp_path)
    assert caught.value.hint


def test_an_unknown_class_scheme_is_the_manifests_fault(tmp_path: Path) -> None:
    save_tiny(tmp_path)
    edit_manifest(tmp_path, {"scheme": "moon"})
    with pytest.raises(CheckpointError, match="classes"):
        load_checkpoint("tiny", tmp_path)


def test_weights_above_the_limit_are_not_read(tmp_path: Path) -> None:
    save_tiny(tmp_path)
    with pytest.raises(CheckpointError, match="more than 1,000 bytes") as caught:
        load_checkpoint("tiny", tmp_path, Settings(max_weights_bytes=1000))
    assert "CLAIRE_MAX_WEIGHTS_BYTES" in caught.value.hint


def test_nothing_is_written_of_weights_that_are_not_finite_in_half_precision(tmp_path: Path) -> None:
    manifest = describe_tiny()
    network = build_network(NetworkConfig.from_mapping(manifest.network))
    next(network.parameters()).data.fill_(1e6)
    with pytest.raises(CheckpointError, match="finite"):
        save_checkpoint(network, manifest, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_saving_leaves_the_network_as_it_was(tmp_path: Path) -> None:
    manifest = describe_tiny()
    network = build_network(NetworkConfig.from_mapping(manifest.network)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    save_checkpoint(network, manifest, tmp_path)
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
