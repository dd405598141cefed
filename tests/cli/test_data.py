"""`claire data`: where to get published data sets, their licence and what to cite."""

from __future__ import annotations

import json

import pytest

from claire.cli.app import main
from claire.data.sets.catalogue import ADAPTERS


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["data", *arguments])
    return int(stopped.value.code or 0), capsys.readouterr().out


def test_list_names_every_data_set(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = ask(capsys, "list", "--json")
    assert status == 0
    assert [entry["name"] for entry in json.loads(out)] == list(ADAPTERS)
    _, text = ask(capsys, "list")
    assert all(line.startswith(name) for name, line in zip(ADAPTERS, text.splitlines(), strict=True))


@pytest.mark.parametrize("name", [*ADAPTERS, "dfc2025"])
def test_info_says_where_to_get_it_its_licence_and_what_to_cite(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = ask(capsys, "info", name, "--json")
    document = json.loads(out)
    assert status == 0
    assert all(address.startswith(("https://", "gs://")) for address in document["get"])
    assert document["licence"]
    assert all("doi:" in paper or "arXiv:" in paper for paper in document["cite"])
    assert document["layout"]
    assert {"id", "name", "color"} == set(document["classes"][0])
    _, text = ask(capsys, "info", name)
    assert all(part in text for part in (*document["get"], *document["cite"], document["licence"], "was not run"))


def test_an_unknown_name_lists_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = ask(capsys, "info", "moon", "--json")
    error = json.loads(out)["error"]
    assert (status, error["code"]) == (2, "unknown_name")
    assert "whu-opt-sar" in error["hint"]
