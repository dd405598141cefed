"""Analysis -> disk -> Analysis, for every mix of sensors, labels and gates."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claire.core.analysis import ARRAYS_NAME, JSON_NAME, Analysis, ModelSummary, Observation
from claire.core.bands import MODES, Mode
from claire.core.classes import FLOOD, IGNORE_INDEX
from claire.core.errors import AnalysisError
from claire.core.provenance import Provenance
from claire.core.types import ClassArea, ClassScore, GeoReference, Layer, Notice, Prediction, Scores, Tile
from tests.evidence import attention, explained

NAN = float("nan")


def build_analysis(
    seed: int = 0, size: tuple[int, int] = (5, 7), sensors: str = "both", label: bool = True, gates: bool = True
) -> Analysis:
    """An analysis full of random numbers, masked pixels and an absent class."""
    rng = np.random.default_rng(seed)
    layers = {
        role: Layer(
            rng.normal(size=(bands, *size)).astype(kind), rng.random((bands, *size)) > 0.2, names, unit
        )
        for role, bands, names, unit, kind in (
            ("optical", 3, ("B4", "B3", "B2"), "reflectance", np.float64),
            ("sar", 2, ("VV", "VH"), "db", np.float32),
        )
        if sensors in (role, "both")
    }  # fmt: skip
    ids = rng.integers(0, 2, size, np.uint8) if label else None
    tile = Tile(
        "t",
        layers.get("optical"),
        layers.get("sar"),
        ids,
        GeoReference("EPSG:32629", (10.0, 0.5, 1.0, 0.25, -10.0, 2.0), metres=True) if seed % 2 else GeoReference(),
        (Notice("units", "A guess."),),
        {"a.tif": "00ff"},
        {"optical": ("a.tif",), "sar_units": ("db",)} if label else {},
    )
    modes: tuple[Mode, ...] = MODES if sensors == "both" else (sensors,)  # type: ignore[assignment]
    predictions = {mode: predict(mode, rng, size) for mode in modes}
    areas = {
        mode: (ClassArea(0, "background", 7, 0.25, 700.0, 0.9), ClassArea(1, "flood", 0, 0.0, None, NAN))
        for mode in modes
    }
    scores = {
        mode: Scores(
            rng.integers(0, 9, (2, 2)),
            (ClassScore("background", 0.5, 0.6, 0.7, 0.8), ClassScore("flood", NAN, NAN, NAN, NAN)),
            0.5, NAN, 0.75, -0.25, 0.125, 0.25,
        )
        for mode in modes
        if label
    }  # fmt: skip
    return Analysis(
        tile,
        FLOOD,
        predictions,
        areas,
        scores,
        rng.random(size) > 0.5 if sensors == "both" else None,
        rng.random(size).astype(np.float32) if gates else None,
        "Optical won.",
        Provenance("tiny", "ab", {"a.tif": "00ff"}, {"numpy": "2"}, seed, {"window": 256, "mode": "all"}),
        (Notice("warped", "Warped."),),
        ModelSummary(
            "Tiny", {"optical": "S2", "sar": "S1"}, (0.75, 0.25), ("Not for sea.",), ("Misses ponds.",), "ponds",
            "clear", {"fused": {"miou": 0.5}},
        )
        if gates
        else None,
        (Observation("optical", "after", 0.5), Observation("sar", "", 1.0)) if label else (),
    )  # fmt: skip


def predict(mode: Mode, rng: Any, size: tuple[int, int]) -> Prediction:
    probabilities = rng.dirichlet((1.0, 1.0), size).transpose(2, 0, 1).astype(np.float32)
    valid = rng.random(size) > 0.3
    classes = np.where(valid, probabilities.argmax(axis=0), IGNORE_INDEX).astype(np.uint8)
    return Prediction(mode, FLOOD, classes, probabilities, valid, 1.5)


def assert_equal(one: object, other: object) -> None:
    """Equality that looks into dataclasses, arrays and NaN."""
    if isinstance(one, np.ndarray):
        assert isinstance(other, np.ndarray)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key])
    elif isinstance(one, tuple):
        assert isinstance(other, tuple)
        for item, twin in zip(one, other, strict=True):
            assert_equal(item, twin)
    elif hasattr(one, "__dataclass_fields__"):
        assert type(one) is type(other)
        assert_equal(vars(one), vars(other))
    elif isinstance(one, float) and np.isnan(one):
        assert isinstance(other, float)
        assert np.isnan(other)
    else:
        assert one == other


@given(
    seed=st.integers(0, 99),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    sensors=st.sampled_from(["both", "optical", "sar"]),
    label=st.booleans(),
    gates=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_an_analysis_comes_back_from_disk_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: Any, sensors: str, label: bool, gates: bool
) -> None:
    folder = tmp_path_factory.mktemp("analysis")
    analysis = build_analysis(seed, size, sensors, label, gates)
    written = analysis.save(folder)
    assert sorted(folder.iterdir()) == sorted(written)
    assert_equal(Analysis.load(folder), analysis)


def test_evidence_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    more = build_analysis().with_evidence(explained(1), explained(2, whole=False), attention=attention())
    more = more.with_evidence(explained(3))
    more.save(tmp_path)
    assert_equal(Analysis.load(tmp_path), more)
    assert len(more.explained) == 3
    assert more.attention is not None
    rounded, given = more.attention.stages[1].optical_to_sar, attention().stages[1].optical_to_sar
    np.testing.assert_allclose(rounded, given, rtol=1e-3)
    assert_equal(more.with_evidence(attention=more.attention), more)


def test_evidence_whose_arrays_are_gone_or_of_another_shape_is_refused(tmp_path: Path) -> None:
    build_analysis().with_evidence(explained(), attention=attention()).save(tmp_path)
    with np.load(tmp_path / ARRAYS_NAME) as stored:
        arrays = dict(stored)
    for name in ("explained0_zone", "explained0_grid_sar", "explained0_bands_values", "attention1_optical"):
        np.savez(tmp_path / ARRAYS_NAME, allow_pickle=False, **{**arrays, name: np.zeros((1, 1))})
        with pytest.raises(AnalysisError):
            Analysis.load(tmp_path)
        np.savez(tmp_path / ARRAYS_NAME, allow_pickle=False, **{k: v for k, v in arrays.items() if k != name})
        if name != "attention1_optical":
            with pytest.raises(AnalysisError):
                Analysis.load(tmp_path)


def test_the_saved_text_is_strict_json(tmp_path: Path) -> None:
    build_analysis().save(tmp_path)

    def refuse(text: str) -> None:
        raise AssertionError(text)

    content = json.loads((tmp_path / JSON_NAME).read_text(), parse_constant=refuse)
    assert content["modes"]["fused"]["classes"][1]["confidence"] is None


def test_disagreement_is_a_share_of_the_pixels_that_both_sensors_saw() -> None:
    analysis = build_analysis()
    both = agree = 0
    disagreement = analysis.disagreement
    assert disagreement is not None
    for row, col in np.ndindex(disagreement.shape):
        if analysis.predictions["optical"].valid[row, col] and analysis.predictions["sar"].valid[row, col]:
            both += 1
            agree += not disagreement[row, col]
    assert analysis.disagreement_share == pytest.approx(1 - agree / both)
    assert build_analysis(sensors="sar").disagreement_share is None


def test_saving_again_replaces_the_old_one(tmp_path: Path) -> None:
    build_analysis(1).save(tmp_path)
    build_analysis(2).save(tmp_path)
    assert_equal(Analysis.load(tmp_path), build_analysis(2))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_missing_damaged_or_foreign_analysis_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="no saved analysis"):
        Analysis.load(tmp_path)
    for name, content in (
        (JSON_NAME, b"{"),
        (JSON_NAME, b"[]"),
        (JSON_NAME, b'{"version": 99}'),
        (JSON_NAME, b'{"version": 1}'),
        (ARRAYS_NAME, b"no zip"),
        (ARRAYS_NAME, b"PK\x03\x04"),
        (ARRAYS_NAME, b""),
    ):
        build_analysis().save(tmp_path)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AnalysisError) as caught:
            Analysis.load(tmp_path)
        assert caught.value.hint
        assert str(tmp_path.parent) not in caught.value.message


def test_an_analysis_saved_before_models_observations_and_evidence_were_kept_opens(tmp_path: Path) -> None:
    build_analysis().save(tmp_path)
    content = json.loads((tmp_path / JSON_NAME).read_text())
    del content["model"], content["observations"], content["attention"], content["explained"]
    (tmp_path / JSON_NAME).write_text(json.dumps(content))
    opened = Analysis.load(tmp_path)
    assert (opened.model, opened.observations, opened.attention, opened.explained) == (None, (), None, ())


def test_arrays_in_a_compression_that_nobody_here_knows_are_refused(tmp_path: Path) -> None:
    build_analysis().save(tmp_path)
    content = bytearray((tmp_path / ARRAYS_NAME).read_bytes())
    for signature, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.find(signature) + method
        content[start : start + 2] = (99).to_bytes(2, "little")
    (tmp_path / ARRAYS_NAME).write_bytes(content)
    with pytest.raises(AnalysisError) as caught:
        Analysis.load(tmp_path)
    assert isinstance(caught.value.__cause__, NotImplementedError)


def test_a_pickle_among_the_arrays_is_refused(tmp_path: Path) -> None:
    build_analysis().save(tmp_path)
    np.savez(tmp_path / "evil.npz", label=np.array([{"a": 1}], object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "evil.npz") as evil, zipfile.ZipFile(tmp_path / ARRAYS_NAME) as good:
        members = {name: good.read(name) for name in good.namelist()} | {"label.npy": evil.read("label.npy")}
    with zipfile.ZipFile(tmp_path / ARRAYS_NAME, "w") as mixed:
        for name, content in members.items():
            mixed.writestr(name, content)
    with pytest.raises(AnalysisError):
        Analysis.load(tmp_path)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("name",), 3), (("scheme", "classes", 0, "color"), "red"), (("scheme", "classes", 0, "color"), "#12345g;"),
        (("georeference", "transform"), [1.0]), (("modes", "fused", "classes"), []), (("modes",), {}),
        (("provenance", "model"), None), (("attention", "origin"), [9, 0]), (("attention", "shape"), [0, 0]),
        (("attention", "strides"), [10**9, 4]), (("notices", 0, "message"), ["x"]), (("reading",), {"optical": 1}),
        (("modes", "fused", "scores", "confusion"), [[10**30, 0], [0, 0]]),
        (("model", "scores"), {"fused": {"a": "x"}}),
    ],
)  # fmt: skip
def test_values_of_another_type_or_size_are_refused(tmp_path: Path, keys: tuple[Any, ...], value: Any) -> None:
    path, _ = build_analysis(seed=1).with_evidence(explained(), attention=attention()).save(tmp_path)
    Analysis.load(tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(AnalysisError):
        Analysis.load(tmp_path)
