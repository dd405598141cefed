"""The commands of a report are those that made it."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

import numpy as np
import pytest
import typer

from claire.cli.app import app
from claire.core.analysis import Analysis
from claire.report.recipe import build_recipe, describe_limits
from tests.evidence import explained
from tests.reasoning.test_injection import PAYLOADS
from tests.report.reading import build_whole

READING = {
    "optical": ("a.tif", "b c.tif"),
    "sar": ("-s.tif",),
    "label": ("l.tif",),
    "bands": ("B2", "B3"),
    "sar_units": ("db",),
}


def read_from_files(**reading: Any) -> Analysis:
    made = build_whole()
    return dataclasses.replace(made, tile=dataclasses.replace(made.tile, reading={**READING, **reading}))


def parse(parts: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """What the command line makes of a command: its name and its parameters."""
    program, name, *words = shlex.split(" ".join(parts))
    assert program == "claire"
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    context = command.make_context(name, words)
    return name, context.params


def test_the_commands_say_what_was_read_and_asked() -> None:
    (_, predict), (_, whole), (_, part), (_, report) = map(
        parse, build_recipe(read_from_files(), "nano", ["How much? 'x' \"y\""], seed=4)
    )
    assert [str(path) for path in predict["optical"]] == ["a.tif", "b c.tif"]
    assert [str(path) for path in predict["sar"]] == ["-s.tif"]
    assert (str(predict["label"]), predict["bands"], predict["sar_units"]) == ("l.tif", "B2,B3", "db")
    assert (predict["model"], predict["mode"]) == ("simulated", "all")
    assert (whole["class_name"], whole["method"], whole["region"], whole["quick"]) == ("flood", "ablation", "", True)
    assert (part["region"], part["seed"], str(part["out"])) == ("4,3,12,10", 1, "why-2")
    assert (str(report["folder"]), report["engine"], report["seed"]) == ("why-2", "nano", 4)
    assert report["question"] == ["How much? 'x' \"y\""]


def test_a_zone_that_is_no_rectangle_is_said() -> None:
    zone = np.zeros((24, 20), bool)
    zone[2, 2] = zone[5, 7] = True
    analysis = dataclasses.replace(read_from_files(), explained=(explained(0, zone),))
    assert parse(build_recipe(analysis, "template")[1])[1]["region"] == "2,2,8,6"
    assert any("rectangle" in sentence for sentence in describe_limits(analysis))
    assert not any("rectangle" in sentence for sentence in describe_limits(read_from_files()))


def test_a_pair_that_comes_from_no_files_has_no_commands() -> None:
    assert build_recipe(build_whole(), "template") == ()
    assert "not read from files" in describe_limits(build_whole())[0]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_hostile_name_stays_one_argument(payload: str) -> None:
    analysis = read_from_files(optical=(payload,), bands=(payload,))
    commands = build_recipe(analysis, "template", [payload])
    assert [parse(parts)[0] for parts in commands] == ["predict", "explain", "explain", "report"]
    assert len(parse(commands[0])[1]["optical"]) == 1
