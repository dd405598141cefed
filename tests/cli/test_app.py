"""The command line: keys of its JSON, and one sentence with a hint for whatever is wrong."""

from __future__ import annotations

import hashlib
import html
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from claire.cli.app import main
from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import FLOOD
from claire.core.errors import EnvironmentUnsafeError
from claire.core.types import GeoReference
from claire.data import raster
from claire.data.examples import generate_flood_pair
from claire.data.raster import read_raster, write_geotiff
from tests.reasoning.simulated import simulate
from tests.sentences import all_kinds, check_sentences
from tests.tiny_model import save_tiny

SCORES = {"miou", "oa", "kappa", "f1", "per_class", "confusion", "ece", "n_tiles"}


@dataclass(frozen=True)
class Answer:
    """What one call left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def place(tiny_checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tiny checkpoints, and a working folder of its own."""
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tiny_checkpoints))
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def claire(capsys: pytest.CaptureFixture[str]) -> Any:
    """`claire("predict", ...)` as a shell would run it."""

    def run(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(int(caught.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def pair(written_pair: dict[str, Path]) -> list[object]:
    """Arguments that name a good pair and the tiny model."""
    return ["--optical", written_pair["optical"], "--sar", written_pair["sar"], "--model", "tiny"]


def write(name: str, values: Any) -> Path:
    path = Path(name).absolute()
    write_geotiff(path, np.asarray(values), GeoReference())
    return path


def wrong_missing(pair: dict[str, Path]) -> list[object]:
    return ["predict", "--optical", "nowhere.tif", "--sar", pair["sar"], "--model", "tiny"]


def wrong_text(pair: dict[str, Path]) -> list[object]:
    text = Path("hello.tif").absolute()
    text.write_text("hello, I am text", encoding="utf-8")
    return ["predict", "--optical", text, "--sar", pair["sar"], "--model", "tiny"]


def wrong_one_band(pair: dict[str, Path]) -> list[object]:
    one = write("one.tif", np.ones((1, 64, 64), np.uint8))
    return ["predict", "--optical", one, "--model", "tiny"]


def wrong_label_size(pair: dict[str, Path]) -> list[object]:
    label = write("label.tif", np.ones((1, 60, 64), np.uint8))
    return ["predict", "--optical", pair["optical"], "--label", label, "--model", "tiny"]


def wrong_label_ids(pair: dict[str, Path]) -> list[object]:
    label = write("label.tif", np.arange(64 * 64).reshape(1, 64, 64) % 50)
    return ["predict", "--optical", pair["optical"], "--label", label, "--model", "tiny"]


def wrong_nan_sar(pair: dict[str, Path]) -> list[object]:
    sar = write("nan.tif", np.full((2, 64, 64), np.nan, np.float32))
    return ["predict", "--optical", pair["optical"], "--sar", sar, "--model", "tiny"]


def wrong_size(pair: dict[str, Path]) -> list[object]:
    sar = write("small.tif", np.ones((2, 30, 30), np.uint8))
    return ["predict", "--optical", pair["optical"], "--sar", sar, "--model", "tiny"]


def wrong_sar_unit(pair: dict[str, Path]) -> list[object]:
    return ["predict", "--sar", pair["sar"], "--sar-units", "db", "--model", "tiny"]


def wrong_budget(pair: dict[str, Path]) -> list[object]:
    return ["inspect", write("many.tif", np.ones((65, 8, 8), np.uint8))]


def wrong_cut(pair: dict[str, Path]) -> list[object]:
    cut = Path("cut.tif").absolute()
    cut.write_bytes(pair["optical"].read_bytes()[:400])
    return ["inspect", cut]


def wrong_recipe(pair: dict[str, Path]) -> list[object]:
    Path("recipe.yaml").write_text("epochs: many\nstrange: [1, 2]\n", encoding="utf-8")
    return ["train", "--config", "recipe.yaml"]


def wrong_manifest(pair: dict[str, Path]) -> list[object]:
    folder = Path("own").absolute()
    save_tiny(folder)
    (folder / "tiny.json").write_text("{", encoding="utf-8")
    os.environ["CLAIRE_CHECKPOINTS"] = str(folder)  # the fixture `place` puts it back
    return ["models", "verify"]


def wrong_import(pair: dict[str, Path]) -> list[object]:
    Path("bad.json").write_text("[" * 1000, encoding="utf-8")
    Path("w.safetensors").write_bytes(b"x" * 100)
    return ["models", "import", "w.safetensors", "--manifest", "bad.json"]


def wrong_pickle(pair: dict[str, Path]) -> list[object]:
    weights = Path("weights.pt").absolute()
    torch.save({"a": torch.ones(1)}, weights)
    return ["models", "import", weights, "--manifest", "m.json"]


def wrong_swapped(pair: dict[str, Path], *more: object) -> list[object]:
    return ["predict", "--optical", pair["sar"], "--sar", pair["optical"], "--model", "tiny", *more]


def wrong_decibels(pair: dict[str, Path]) -> list[object]:
    sar = write("db.tif", np.random.default_rng(0).normal(-12, 3, (2, 64, 64)).astype(np.float32))
    return ["predict", "--optical", sar, "--model", "tiny"]


def build_saved() -> Path:
    folder = Path("saved")
    simulate(1, scheme=FLOOD, size=(16, 16), label=1.0, modes=MODES, gone="").save(folder)
    return folder


def good(pair: dict[str, Path], *more: object) -> list[object]:
    return ["predict", "--optical", pair["optical"], "--sar", pair["sar"], "--model", "tiny", *more]


def why(pair: dict[str, Path], *more: object) -> list[object]:
    given = ["--optical", pair["optical"], "--sar", pair["sar"], "--model", "tiny"]
    return ["explain", *given, "--class", "flood", "--method", "saliency", *more]


def wrong_data(pair: dict[str, Path], *more: object) -> list[object]:
    return ["evaluate", "--data", "ombria", "--root", ".", "--model", "tiny", *more]


WRONG: dict[str, tuple[str, Any]] = {
    "missing file": ("missing_file", wrong_missing),
    "text named .tif": ("format", wrong_text),
    "one band where six are wanted": ("bands", wrong_one_band),
    "label of another size": ("grid", wrong_label_size),
    "label of other classes": ("label", wrong_label_ids),
    "SAR of another size": ("grid", wrong_size),
    "NaN-only SAR": ("empty", wrong_nan_sar),
    "SAR in another unit": ("bands", wrong_sar_unit),
    "no file at all": ("grid", lambda pair: ["predict", "--model", "tiny"]),
    "unknown model": ("unknown_name", lambda pair: [*good(pair), "--model", "nano"]),
    "model with a path": ("unknown_name", lambda pair: [*good(pair), "--model", "../../etc/passwd"]),
    "model with a very long name": ("unknown_name", lambda pair: [*good(pair), "--model", "x" * 5000]),
    "unknown mode": ("unknown_name", lambda pair: good(pair, "--mode", "both")),
    "mode that the model has not": ("unknown_name", lambda p: [*good(p), "--model", "tiny-sar", "--mode", "fused"]),
    "unknown unit": ("unknown_name", lambda pair: good(pair, "--sar-units", "volts")),
    "unit of the other sensor": ("unknown_name", lambda pair: good(pair, "--sar-units", "reflectance")),
    "files swapped": ("swapped", wrong_swapped),
    "files swapped, units stated": (
        "swapped",
        lambda pair: wrong_swapped(pair, "--optical-units", "uint8", "--sar-units", "uint8"),
    ),
    "SAR in dB as optical": ("swapped", wrong_decibels),
    "too few band names": ("bands", lambda pair: good(pair, "--bands", "B2,B3")),
    "a band name twice": ("bands", lambda pair: good(pair, "--bands", "B2,B2,B2,B2,B2,B2")),
    "results into a file": ("input", lambda pair: good(pair, "--out", pair["label"])),
    "unknown option": ("input", lambda pair: good(pair, "--fast")),
    "unknown option, very long": ("input", lambda pair: good(pair, "--" + "x" * 5000)),
    "unknown command": ("input", lambda pair: ["paint"]),
    "argument too many": ("input", lambda pair: good(pair, "extra.tif")),
    "too many bands": ("budget", wrong_budget),
    "a folder": ("missing_file", lambda pair: ["inspect", pair["sar"].parent]),
    "cut off": ("format", wrong_cut),
    "a hostile name": ("missing_file", lambda pair: ["inspect", "/etc/\u202e<|system|>\n" + "x" * 200 + ".tif"]),
    "evaluate: data set without files": ("dataset", wrong_data),
    "train: recipe that is no recipe": ("recipe", wrong_recipe),
    "verify: manifest that cannot be read": ("checkpoint", wrong_manifest),
    "import: manifest that cannot be read": ("checkpoint", wrong_import),
    "report: no analysis": ("analysis", lambda pair: ["report", "nowhere", "--out", "r.html"]),
    "report: other ending": ("input", lambda pair: ["report", build_saved(), "--out", "r.docx"]),
    "report: no folder to write to": ("input", lambda pair: ["report", build_saved(), "--out", "nowhere/r.html"]),
    "report: unknown narrator": ("engine", lambda p: ["report", build_saved(), "--out", "r.html", "--engine", "gpt"]),
    "report: empty question": ("input", lambda p: ["report", build_saved(), "--out", "r.html", "--question", " "]),
    "report: unknown format": ("unknown_name", lambda p: ["report", ".", "--out", "r", "--format", "docx"]),
    "inspect: missing": ("missing_file", lambda pair: ["inspect", "nowhere.tif"]),
    "inspect: no argument": ("input", lambda pair: ["inspect"]),
    "inspect: role": ("unknown_name", lambda pair: ["inspect", pair["sar"], "--role", "radar"]),
    "import: missing": (
        "missing_file",
        lambda pair: ["models", "import", "nowhere.safetensors", "--manifest", "m.json"],
    ),
    "import: other kind": ("format", lambda pair: ["models", "import", pair["sar"], "--manifest", "m.json"]),
    "import: pickle": ("format", wrong_pickle),
    "verify: unknown": ("unknown_name", lambda pair: ["models", "verify", "nano"]),
    "card: unknown": ("unknown_name", lambda pair: ["models", "card", "nano"]),
    "export: unknown format": ("unknown_name", lambda p: ["models", "export", "tiny", "--out", "x", "--format", "pdf"]),
    "export: folder that is not there": ("input", lambda pair: ["models", "export", "tiny", "--out", "nowhere/x.json"]),
    "evaluate: unknown layout": ("unknown_name", lambda p: ["evaluate", "--data", "moon", "--root", "."]),
    "evaluate: missing folder": ("dataset", lambda p: ["evaluate", "--data", "ombria", "--root", "nowhere"]),
    "evaluate: other folder": ("dataset", wrong_data),
    "evaluate: seed": ("input", lambda pair: wrong_data(pair, "--seed", -1)),
    "reason: missing folder": ("analysis", lambda pair: ["reason", "nowhere"]),
    "reason: unknown engine": ("engine", lambda pair: ["reason", build_saved(), "--engine", "nano"]),
    "reason: a path as engine": ("engine", lambda pair: ["reason", build_saved(), "--engine", "/srv/secret/m.gguf"]),
    "reason: empty question": ("input", lambda pair: ["reason", build_saved(), "--question", " "]),
    "reason: long question": ("input", lambda pair: ["reason", build_saved(), "--question", "why? " * 200]),
    "explain: no class": ("input", lambda pair: ["explain", "--model", "tiny"]),
    "explain: unknown class": ("unknown_name", lambda pair: why(pair, "--class", "lava")),
    "explain: unknown method": ("unknown_name", lambda pair: why(pair, "--method", "magic")),
    "explain: unknown mode": ("unknown_name", lambda pair: why(pair, "--mode", "all")),
    "explain: region of words": ("zone", lambda pair: why(pair, "--region", "here")),
    "explain: region without area": ("zone", lambda pair: why(pair, "--region", "5,5,5,9")),
    "explain: region outside": ("zone", lambda pair: why(pair, "--region", "500,500,600,600")),
    "explain: a sensor missing": ("sensor", lambda pair: [*why(pair)[:3], *why(pair)[5:]]),
    "explain: DeepLift on attention": ("input", lambda pair: why(pair, "--method", "deeplift")),
    "explain: results into a file": ("input", lambda pair: why(pair, "--quick", "--out", pair["label"])),
    "train: missing recipe": ("missing_file", lambda pair: ["train", "--config", "nowhere.yaml"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_one_sentence_with_a_hint(claire: Any, written_pair: dict[str, Path], case: str) -> None:
    code, build = WRONG[case]
    arguments = build(written_pair)
    answer = claire(*arguments, "--json")
    assert answer.status == 2, answer
    assert set(answer.document) == {"error"}
    error = answer.document["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code, error
    assert answer.err == ""
    check_sentences(error["message"], error["hint"], Path.cwd(), Path.cwd().parent)
    assert not Path("prediction").exists()
    assert not Path("attribution").exists()

    plain = claire(*arguments)
    assert plain.status == 2
    assert plain.out == ""
    assert plain.err == f"{error['message']}\n{error['hint']}\n"


def test_every_kind_of_error_that_the_command_line_can_meet_is_provoked() -> None:
    elsewhere = {"claire", "unsafe", "cancelled"}  # the root; the next test; only the app cancels
    assert {code for code, _ in WRONG.values()} == {kind.code for kind in all_kinds()} - elsewhere


def test_an_unsafe_machine_is_a_sentence(
    claire: Any, written_pair: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise EnvironmentUnsafeError("GDAL has 3 drivers too many.", "Start again.")

    monkeypatch.setattr(raster, "check_environment", refuse)
    answer = claire("predict", "--optical", written_pair["optical"], "--model", "tiny", "--out", "results", "--json")
    assert (answer.status, answer.document["error"]["code"]) == (2, "unsafe")


def test_notices_are_in_the_document_or_on_stderr(claire: Any, written_pair: dict[str, Path]) -> None:
    arguments = ["predict", "--sar", written_pair["sar"], "--model", "tiny"]
    messages = [notice["message"] for notice in claire(*arguments, "--json").document["notices"]]
    assert messages
    plain = claire(*arguments)
    assert plain.err.splitlines() == [f"note: {message}" for message in messages]
    assert "note:" not in plain.out
    for unit in ("uint8", "reflectance_x1e4_offset", "amplitude"):
        assert unit in claire("predict", "--help").out


def test_hints_name_what_can_be_done(claire: Any, written_pair: dict[str, Path]) -> None:
    def hint(case: str) -> str:
        return str(claire(*WRONG[case][1](written_pair), "--json").document["error"]["hint"])

    assert "tiny, tiny-sar" in hint("unknown model")
    assert "fused" in hint("unknown mode")
    assert "--bands" in hint("one band where six are wanted")
    assert "--help" in hint("unknown option")


def test_altered_weights_end_verify_with_two(claire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = save_tiny(tmp_path / "own")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0\1")
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tmp_path / "own"))
    answer = claire("models", "verify", "--json")
    assert answer.status == 2
    assert answer.document["error"]["code"] == "checkpoint"
    listed = claire("models", "list", "--json")
    assert listed.status == 0
    assert [entry["status"] for entry in listed.document] == ["altered"]


def test_windows_that_no_network_takes_are_said(
    claire: Any, pair: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIRE_WINDOW", "100")
    answer = claire("predict", *pair, "--json")
    assert (answer.status, answer.document["error"]["code"]) == (2, "input")
    assert "CLAIRE_WINDOW" in answer.document["error"]["hint"]


def test_inspect_has_the_promised_keys(claire: Any, written_pair: dict[str, Path]) -> None:
    answer = claire("inspect", written_pair["sar"], "--role", "sar", "--json")
    keys = {"width", "height", "bands", "dtype", "crs", "transform", "nodata", "units", "stats", "notices"}
    assert answer.status == 0
    assert keys <= set(answer.document)
    assert (answer.document["width"], answer.document["crs"]) == (64, "EPSG:32633")
    text = claire("inspect", written_pair["sar"], "--role", "sar")
    assert text.status == 0
    assert "64 x 64" in text.out


@pytest.mark.parametrize("command", [["models", "list"], ["models", "verify"], ["models", "verify", "tiny"]])
def test_models_have_the_promised_keys(claire: Any, command: list[str]) -> None:
    answer = claire(*command, "--json")
    assert answer.status == 0
    names = ["tiny"] if command[-1] == "tiny" else ["tiny", "tiny-sar"]
    assert [entry["name"] for entry in answer.document] == names
    for entry in answer.document:
        assert {"name", "kind", "status", "sha256", "bands", "classes", "scores"} <= set(entry)
        assert (entry["status"], entry["classes"]) == ("ready", ["background", "flood"])
        assert len(entry["sha256"]) == 64
        assert entry["bands"]["sar"] == ["VV_before", "VV_after"]
    assert all(name in claire(*command).out for name in names)


def test_weights_from_elsewhere_become_a_checkpoint(
    claire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = save_tiny(tmp_path / "given")
    torch.save(load_file(weights), weights.with_suffix(".pth"))
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tmp_path / "own"))
    command = ["models", "import", weights.with_suffix(".pth"), "--manifest", weights.with_suffix(".json")]
    assert claire(*command, "--json").document["error"]["code"] == "format"
    (entry,) = claire(*command, "--allow-pickle", "--json").document
    assert (entry["name"], entry["status"], entry["self_test"]) == ("tiny", "ready", True)
    assert claire("models", "verify").status == 0
    assert claire(*command, "--allow-pickle", "--json").document["error"]["code"] == "input"


def test_verify_asks_the_network_and_not_the_hash_alone(
    claire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = save_tiny(tmp_path / "own")
    manifest = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    manifest["sar"]["mean"] = [13.0, 13.0]
    weights.with_suffix(".json").write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tmp_path / "own"))
    assert [entry["status"] for entry in claire("models", "list", "--json").document] == ["ready"]
    error = claire("models", "verify", "--json").document["error"]
    assert error["code"] == "checkpoint"
    assert "normalisation" in error["message"]


def test_an_empty_checkpoints_folder_is_an_empty_list(
    claire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tmp_path / "none"))
    assert claire("models", "list", "--json").document == []
    assert claire("models", "list").out.strip() == "There are no checkpoints."


def test_predict_has_the_promised_keys_and_files(
    claire: Any, pair: list[object], written_pair: dict[str, Path]
) -> None:
    answer = claire("predict", *pair, "--label", written_pair["label"], "--out", "results", "--json")
    assert answer.status == 0, answer.err
    content = answer.document
    assert {"modes", "disagreement", "files", "notices"} <= set(content)
    assert set(content["modes"]) == set(MODES)
    for mode in MODES:
        entry = content["modes"][mode]
        assert [c["name"] for c in entry["classes"]] == ["background", "flood"]
        assert all({"id", "name", "area_share", "area_m2", "confidence"} <= set(c) for c in entry["classes"])
        assert sum(c["area_share"] for c in entry["classes"]) == pytest.approx(1)
        assert sum(c["area_m2"] for c in entry["classes"]) == pytest.approx(64 * 64 * 100)
        assert set(entry["scores"]["per_class"]) == {"background", "flood"}
        raster = read_raster(Path("results") / f"class_{mode}.tif")
        shares = [float((raster.values[0] == c["id"]).mean()) for c in entry["classes"]]
        assert shares == pytest.approx([c["area_share"] for c in entry["classes"]])
        assert raster.georeference.crs == "EPSG:32633"
    assert all((Path("results") / name).is_file() for name in content["files"].values())
    assert Analysis.load(Path("results")).as_dict()["modes"] == content["modes"]


def test_predict_without_json_is_a_table(claire: Any, pair: list[object]) -> None:
    answer = claire("predict", *pair, "--out", "results")
    assert answer.status == 0
    assert all(mode in answer.out for mode in MODES)
    assert "mIoU" not in answer.out
    assert answer.out.rstrip().endswith("Written to results.")


def test_one_mode_and_one_sensor(claire: Any, written_pair: dict[str, Path]) -> None:
    answer = claire("predict", "--sar", written_pair["sar"], "--model", "tiny", "--mode", "sar", "--json")
    assert list(answer.document["modes"]) == ["sar"]
    assert answer.document["disagreement"] is None
    assert "scores" not in answer.document["modes"]["sar"]
    assert "missing_sensor" in [notice["code"] for notice in answer.document["notices"]]
    assert Path("prediction/class_sar.tif").is_file()


def test_files_are_stacked_and_named_in_the_order_given(claire: Any, written_pair: dict[str, Path]) -> None:
    optical = read_raster(written_pair["optical"]).values
    parts = [write(f"part{i}.tif", optical[i : i + 1]) for i in range(6)]
    names = "B11_before,B8_before,B3_before,B11_after,B8_after,B3_after"
    order = [3, 0, 5, 1, 4, 2]
    stacked = [item for i in order for item in ("--optical", parts[i])]
    shuffled = ",".join(names.split(",")[i] for i in order)
    found = claire("predict", *stacked, "--bands", shuffled, "--model", "tiny", "--json").document
    whole = write("whole.tif", optical)
    wanted = claire("predict", "--optical", whole, "--bands", names, "--model", "tiny", "--json").document
    assert found["modes"] == wanted["modes"]


def test_reason_has_the_promised_keys_and_every_sentence_is_grounded(claire: Any) -> None:
    answer = claire("reason", build_saved(), "--json")
    assert answer.status == 0, answer.err
    assert set(answer.document) == {"engine", "text", "sentences", "facts", "tokens_per_second", "notice"}
    assert answer.document["engine"] == "template"
    assert answer.document["tokens_per_second"] > 0
    known = {fact["id"] for fact in answer.document["facts"]}
    for sentence in answer.document["sentences"]:
        assert {"text", "facts", "grounded"} <= set(sentence)
        assert sentence["grounded"]
        assert set(sentence["facts"]) <= known
    assert answer.document["text"] == " ".join(sentence["text"] for sentence in answer.document["sentences"])
    assert claire("reason", "saved").out.strip() == answer.document["text"]


def test_reason_answers_a_question_and_the_seed_changes_the_wording_only(claire: Any) -> None:
    def ask(seed: int) -> Any:
        return claire("reason", build_saved(), "--question", "How much flood?", "--seed", seed, "--json").document

    answers = [ask(seed) for seed in range(4)]
    assert len({answer["text"] for answer in answers}) > 1
    assert {len(answer["sentences"]) for answer in answers} == {1}
    assert all("flood" in answer["text"].casefold() for answer in answers)
    assert answers[0]["facts"] == answers[1]["facts"]


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_report_writes_one_file_and_gives_its_hash(claire: Any, kind: str) -> None:
    answer = claire("report", build_saved(), "--out", f"r.{kind}", "--question", "How sure are you?", "--json")
    assert answer.status == 0, answer.err
    content = Path(f"r.{kind}").read_bytes()
    assert answer.document == {"file": f"r.{kind}", "sha256": hashlib.sha256(content).hexdigest()}
    assert content.startswith({"html": b"<!doctype html>", "pdf": b"%PDF-"}[kind])
    assert f"r.{kind}" in claire("report", "saved", "--out", f"r.{kind}").out


def test_reason_and_report_measure_first_what_a_question_needs(claire: Any, pair: list[object]) -> None:
    assert claire("predict", *pair, "--out", "one").status == 0
    without = claire("report", "one", "--out", "plain.html", "--question", "How much flood?")
    asked = claire("report", "one", "--out", "asked.html", "--question", "Why is there flood?")
    told = claire("reason", "one", "--question", "Why is there flood?", "--json")
    assert [answer.status for answer in (without, asked, told)] == [0, 0, 0]
    assert ["Measuring what" in answer.err for answer in (without, asked, told)] == [False, True, True]
    texts = [Path(name).read_text(encoding="utf-8") for name in ("plain.html", "asked.html")]
    assert ["Integrated Gradients" in text for text in texts] == [False, True]
    sentences = [html.escape(sentence["text"]) for sentence in told.document["sentences"]]
    assert [sentence in texts[1] for sentence in sentences] == [True] * len(sentences)
    refused = claire("reason", "one", "--question", "Why is there flood?", "--engine", "parrot")
    assert refused.status == 2
    assert "Measuring what" not in refused.err, "a wrong name is said before anything is measured"


def test_report_of_a_folder_names_what_is_broken_and_writes_the_rest(claire: Any) -> None:
    build_saved().rename("all-saved")
    Path("all").mkdir()
    Path("all-saved").rename("all/good")
    Path("all/bad").mkdir()
    Path("all/bad/analysis.json").write_text("{", encoding="utf-8")
    answer = claire("report", "all", "--out", "out", "--format", "pdf", "--json")
    assert answer.status == 0, answer.err
    assert [each["file"] for each in answer.document["files"]] == ["good.pdf"]
    assert [each["name"] for each in answer.document["failed"]] == ["bad"]
    assert sorted(each.name for each in Path("out").iterdir()) == ["good.pdf", "index.html"]
    assert "not reported: bad" in claire("report", "all", "--out", "out").out
    Path("all/good/arrays.npz").write_bytes(b"")
    assert claire("report", "all", "--out", "out").status == 2


def test_what_predict_wrote_is_reported_with_the_command_that_makes_it_again(claire: Any, pair: list[object]) -> None:
    assert claire("predict", *pair, "--out", "one").status == 0
    assert claire("report", "one", "--out", "r.html").status == 0
    text = Path("r.html").read_text(encoding="utf-8")
    recipe = text.partition("<pre>")[2].partition("</pre>")[0].replace("\\\n", " ")
    _, *words = shlex.split(html.unescape(recipe).strip().splitlines()[0])
    folder = Path(str(pair[1])).parent
    again = [str(folder / word) if (folder / word).is_file() else word for word in words]
    assert claire(*again).status == 0
    maps = [(Path(place) / "class_fused.tif").read_bytes() for place in ("one", "result")]
    assert maps[0] == maps[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two labelled pairs in a flat folder."""
    root = tmp_path / "set"
    root.mkdir()
    for number in (1, 2):
        tile = generate_flood_pair(number, 32)
        assert tile.optical is not None
        assert tile.sar is not None
        assert tile.label is not None
        parts = {"s2": tile.optical.values, "s1": tile.sar.values, "label": tile.label}
        bands = {"s2": tile.optical.bands, "s1": tile.sar.bands, "label": ()}
        for ending, values in parts.items():
            write_geotiff(root / f"p{number}_{ending}.tif", values, GeoReference(), descriptions=bands[ending])
    return root


def test_explain_has_the_promised_keys_and_files(claire: Any, written_pair: dict[str, Path]) -> None:
    region = ["--region", "8,8,40,40", "--out", "results"]
    answer = claire(*why(written_pair, "--quick", *region), "--json")
    assert answer.status == 0, answer.err
    content = answer.document
    scores = ("infidelity", "sensitivity", "deletion_auc", "insertion_auc", "random_auc")
    assert all(isinstance(content[key], float) for key in scores)
    assert content["completeness_gap"] is None
    share = content["contribution"]
    assert share["optical"] + share["sar"] == pytest.approx(share["value"] - share["baseline"], abs=1e-5)
    assert all((Path("results") / name).is_file() for name in content["files"].values())
    with np.load(Path("results") / content["files"]["arrays"], allow_pickle=False) as arrays:
        assert arrays["explained0_sar"].shape == (2, 64, 64)
        assert arrays["explained0_zone"].sum() == 32 * 32 == content["zone_pixels"]
        total = sum(content["attribution"]["optical"].values())
        assert float(arrays["explained0_optical"].sum()) == pytest.approx(total, abs=1e-4)
    told = claire("reason", "results", "--json").document
    assert {"trust", "attention"} <= {fact["kind"] for fact in told["facts"]}
    assert all(sentence["grounded"] for sentence in told["sentences"])
    text = claire(*why(written_pair, "--quick", *region))
    assert text.status == 0
    assert "flood over 1024 pixels" in text.out
    assert text.out.rstrip().endswith("Written to results.")


def test_evaluate_has_the_promised_keys_and_reports_on_stderr(claire: Any, folder: Path) -> None:
    data = ["evaluate", "--data", "pairs", "--root", folder, "--model", "tiny"]
    answer = claire(*data, "--condition", "all", "--json")
    assert answer.status == 0, answer.err
    assert answer.err.endswith("2/2\n")
    assert set(answer.document) == set(MODES)
    for conditions in answer.document.values():
        assert {"clear", "cloud_after_30", "zero_all", "no_sar"} <= set(conditions)
        for entry in conditions.values():
            assert set(entry) >= SCORES
            assert entry["n_tiles"] == 2
            assert set(entry["per_class"]["flood"]) == {"iou", "f1", "precision", "recall"}
    assert answer.document["optical"]["zero_all"]["miou"] is None
    assert np.sum(answer.document["fused"]["clear"]["confusion"]) == 2 * 32 * 32
    text = claire(*data, "--condition", "clear,zero_all", "--mode", "optical")
    assert [line.split()[:2] for line in text.out.splitlines()] == [["optical", "clear"], ["optical", "zero_all"]]


def test_evaluate_names_what_it_cannot_read_and_scores_the_rest(claire: Any, folder: Path) -> None:
    data = ["evaluate", "--data", "pairs", "--root", folder, "--model", "tiny", "--mode", "fused", "--json"]
    (folder / "p2_s1.tif").write_bytes(b"II*\0 and no more")
    answer = claire(*data)
    assert answer.status == 0, answer.err
    assert answer.document["fused"]["clear"]["n_tiles"] == 1
    notes = [line for line in answer.err.splitlines() if "left out" in line]
    assert len(notes) == 1
    assert "p2" in notes[0]
    (folder / "p1_s1.tif").write_bytes(b"nor here")
    answer = claire(*data)
    assert (answer.status, answer.document["error"]["code"]) == (2, "format")


@pytest.mark.parametrize("condition", ["fog", "clear,fog", ""])
def test_an_unknown_condition_lists_the_right_ones(claire: Any, folder: Path, condition: str) -> None:
    data = ["evaluate", "--data", "pairs", "--root", folder, "--model", "tiny"]
    answer = claire(*data, "--condition", condition, "--json")
    assert (answer.status, answer.document["error"]["code"]) == (2, "unknown_name")
    assert "cloud_after_30" in answer.document["error"]["hint"]


def test_evaluate_takes_protocols_and_its_help_names_what_they_hold(claire: Any, folder: Path) -> None:
    data = ["evaluate", "--data", "pairs", "--root", folder, "--model", "tiny", "--mode", "fused"]
    answer = claire(*data, "--condition", "emm,speckle_1", "--json")
    names = ["clear", "no_optical", "no_sar", "speckle_1", "emm_average", "emm_p20", "emm_p10", "emm_p05"]
    assert list(answer.document["fused"]) == names
    asked = claire("evaluate", "--help").out
    assert all(name in asked for name in ("emm", "rmm_25", "nm_1", "cloud_thick_90", "shift_0.5"))


def test_a_card_is_shown_and_exported(claire: Any, tmp_path: Path) -> None:
    assert claire("models", "card", "tiny").out.startswith("# tiny")
    shown = claire("models", "card", "tiny", "--json").document
    assert shown["optical"]["bands"][0] == "B11_before"
    answer = claire("models", "export", "tiny", "--out", tmp_path / "item.json", "--json")
    written = (tmp_path / "item.json").read_bytes()
    assert answer.document == {"file": "item.json", "format": "stac", "sha256": hashlib.sha256(written).hexdigest()}
    assert json.loads(written)["properties"]["mlm:name"] == "tiny"
    claire("models", "export", "tiny", "--format", "huggingface", "--out", tmp_path / "README.md")
    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith("---\n")


def test_help_is_an_answer_and_no_command_shows_it(claire: Any) -> None:
    asked = claire("--help")
    assert asked.status == 0
    assert all(command in asked.out for command in ("inspect", "predict", "evaluate", "models", "train"))
    unasked = claire()
    assert unasked.status == 2
    assert "Usage" in unasked.out + unasked.err


@pytest.mark.slow
def test_the_installed_command_prints_json_alone_and_no_traceback(written_pair: dict[str, Path]) -> None:
    command = [Path(sys.executable).with_name("claire"), "predict", "--optical", written_pair["optical"]]
    done = subprocess.run(
        [*command, "--model", "nano", "--json"], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "unknown_name"
    assert "Traceback" not in done.stderr


def test_simulate_writes_scenes_that_can_be_evaluated_and_lists_them(claire: Any, tmp_path: Path) -> None:
    answer = claire("simulate", "--seed", 7, "--size", 32, "--count", 2, "--out", tmp_path / "scenes", "--json")
    assert answer.status == 0
    files = answer.document["files"]
    assert len(files) == 1 + 2 * 6
    assert all((tmp_path / "scenes" / name).is_file() for name in files)
    again = claire("simulate", "--seed", 7, "--size", 32, "--out", tmp_path / "again", "--json")
    assert again.status == 0
    names = ("optical/scene-000007.tif", "sar/scene-000007.tif", "label/scene-000007.tif")
    for name in names:
        one, other = (read_raster(tmp_path / folder / name).values for folder in ("scenes", "again"))
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--size", "8"],
        ["--size", "big"],
        ["--count", "0"],
        ["--seed", "-3"],
        ["--landscape", "moon"],
        ["--level", "l9"],
        ["--clouds", "fog"],
        ["--looks", "0"],
    ],
)
def test_wrong_wishes_of_simulate_are_told(claire: Any, wrong: list[str]) -> None:
    answer = claire("simulate", *wrong, "--out", "scenes", "--json")
    assert answer.status == 2
    error = answer.document["error"]
    check_sentences(error["message"], error["hint"])
