"""Notebooks run from top to bottom, on generated tiles, and show what they promise."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def execute(path: Path, replace: dict[str, str] | None = None) -> nbformat.NotebookNode:
    """Run a notebook in a fresh kernel, with some code cells replaced: start of the old source -> new source."""
    notebook = nbformat.read(path, as_version=4)
    for start, source in (replace or {}).items():
        (cell,) = (c for c in notebook.cells if c.cell_type == "code" and c.source.startswith(start))
        cell.source = source
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": path.parent}}).execute()
    return notebook


def read_text(notebook: nbformat.NotebookNode) -> str:
    """Everything that the code cells printed."""
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return "".join(output.text for output in outputs if output.output_type == "stream")


def count_pictures(notebook: nbformat.NotebookNode) -> int:
    outputs = (output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs)
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.slow
def test_compare_shows_three_maps_with_scores() -> None:
    notebook = execute(NOTEBOOKS / "01_compare.ipynb")
    shown = read_text(notebook)
    assert count_pictures(notebook) == 1
    for mode in ("fused", "optical", "sar"):
        assert any(line.startswith(mode) and "flood IoU" in line for line in shown.splitlines())
    assert "The sensors disagree on" in shown


@pytest.mark.slow
def test_why_shows_attributions_their_faithfulness_contributions_and_attention() -> None:
    notebook = execute(NOTEBOOKS / "02_why.ipynb")
    shown = read_text(notebook)
    assert count_pictures(notebook) == 2
    for said in ("tests passed", "Strongest removed first", "flood: optical", "looked in SAR", "looked in optical"):
        assert said in shown
    assert "For flood, the contribution of SAR to the logits is" in shown
    assert len([line for line in shown.splitlines() if line.startswith(("optical B", "sar V"))]) == 8


@pytest.mark.slow
def test_train_names_the_damaged_file_and_ends_with_a_map() -> None:
    notebook = execute(NOTEBOOKS / "03_train.ipynb")
    shown = read_text(notebook)
    assert count_pictures(notebook) == 1
    assert "left out: scene-000001" in shown
    epochs = [line.partition(":")[0] for line in shown.splitlines() if line.startswith("epoch ")]
    assert epochs == ["epoch 10 of 30", "epoch 20 of 30", "epoch 30 of 30"]
    assert "my-fields.safetensors" in shown
    assert any(line.startswith("fused ") and "mean IoU" in line for line in shown.splitlines())
