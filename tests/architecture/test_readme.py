"""What the README tells a stranger to do works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"\bmake (\w+)", README))
    assert targets >= {"run", "test"}
    for target in targets:
        done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_make_help_lists_run_and_test() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "make run" in shown
    assert "make test" in shown


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^\| `claire (\w+)", README, re.MULTILINE))))
def test_command_of_the_readme_explains_itself(command: str) -> None:
    claire = Path(sys.executable).with_name("claire")
    done = subprocess.run([claire, command, "--help"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_prediction_of_the_readme_runs(tmp_path: Path, written_pair: dict[str, Path]) -> None:
    (line,) = re.findall(r"^\.venv/bin/claire (predict .*)$", README, re.MULTILINE)
    for role in ("optical", "sar"):
        shutil.copy(written_pair[role], tmp_path / f"{role}.tif")
    claire = Path(sys.executable).with_name("claire")
    done = subprocess.run([claire, *line.split()], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result" / "class_fused.tif").exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
