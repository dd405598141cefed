"""`claire benchmark accuracy` from the command line, tiny: runs, goes on, prints a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("torch")

from claire.cli.app import main
from tests.training.generated import TINY


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command: exit status, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["benchmark", "accuracy", *map(str, arguments)])
        out, err = capsys.readouterr()
        return int(str(ended.value.code)), out, err

    return run


@pytest.mark.slow
def test_networks_are_compared_on_simulated_scenes_and_a_second_call_only_reads(
    ask: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAIRE_SIMULATED_TILES", "4")
    monkeypatch.setenv("CLAIRE_SIMULATED_SIDE", "64")
    recipe = yaml.safe_load((root / "recipes" / "lulc-simulated.yaml").read_text(encoding="utf-8"))
    tiny = {**recipe, "network": TINY, "batch": 2, "precision": "32-true"}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny), encoding="utf-8")
    given = ["--data", "simulated", "--config", tmp_path / "tiny.yaml", "--state", tmp_path / "state", "--crop", 32]
    given += ["--steps", 2, "--models", "claire,optical", "--seeds", "0"]
    status, out, err = ask(*given, "--json")
    assert status == 0, err
    results = json.loads(out)
    assert [(r["variant"], r["steps"], r["mode"]) for r in results] == [
        ("claire", 2, "fused"),
        ("optical", 2, "optical"),
    ]
    for result in results:
        assert result["scores"][result["mode"]]["clear"]["n_tiles"] == 1
        assert {"parameters", "gflop", "latency_ms", "machine", "seconds"} <= result.keys()
    status, out, err = ask(*given)
    assert (status, err.count("done before")) == (0, 2)
    assert out.startswith("### simulated: mean IoU, 2 steps of 32-pixel crops")
    assert ask("--table", "--state", tmp_path / "state")[1] == out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "heap"], "heap"),
        (["--data", "simulated", "--seeds", "one"], "seeds"),
        (["--data", "simulated", "--models", "unet", "--steps", "2"], "unet"),
        (["--data", "ombria", "--root", "nowhere"], "nowhere"),
        (["--data", "simulated", "--crop", "100"], "multiple of 32"),
    ],
)
def test_wrong_usage_is_a_sentence(ask: Any, arguments: list[str], words: str) -> None:
    status, out, err = ask(*arguments)
    assert status == 2
    assert words in err
    assert "Traceback" not in out + err
