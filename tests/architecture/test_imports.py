"""The house keeps its shape: contracts, gateways, a light front door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claire.data.examples import generate_flood_pair
from tests.app.fake_pipeline import FakeEntry, FakePipeline

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "transformers", "lightning", "streamlit", "captum", "llama_cpp", "rasterio", "matplotlib")

GATEWAYS = {
    "rasterio": ("claire/data/raster.py",),
    "safetensors": ("claire/models/checkpoint.py",),
    "captum": ("claire/explain/captum_methods.py",),
    "llama_cpp": ("claire/reasoning/llama.py",),
    "reportlab": ("claire/report/paper.py",),
    "gguf": ("claire/training/nano/export.py",),
    "lightning": ("claire/training/",),
    "sklearn": ("claire/training/forest.py",),
    "streamlit": ("claire/ui/", "pages/", "app.py"),
    "torch": ("claire/data/", "claire/models/", "claire/inference/", "claire/explain/", "claire/training/"),
    "transformers": ("claire/models/", "claire/training/nano/"),
}
"""Package -> the only places that import it."""

CORE_MAY_IMPORT = {"numpy", "claire"}


def read_imports(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere, also inside functions and through `import_module`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.args[0].value


def program_files() -> list[Path]:
    pages = [path for path in (ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))) if path.exists()]
    return [*sorted((ROOT / "claire").rglob("*.py")), *pages]


def strangers(package: str, homes: tuple[str, ...]) -> list[str]:
    """Files outside the homes of a package that import it."""
    found = []
    for path in program_files():
        name = path.relative_to(ROOT).as_posix()
        if any(imported.split(".")[0] == package for imported in read_imports(path)) and not name.startswith(homes):
            found.append(name)
    return found


def read_loaded(statement: str) -> set[str]:
    """Which heavy packages a fresh interpreter holds after a statement."""
    code = f"import sys; {statement}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def run_import_linter(folder: Path) -> str:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([linter, "--no-cache"], capture_output=True, text=True, cwd=folder, check=False).stdout


def test_import_contracts_hold() -> None:
    report = run_import_linter(ROOT)
    assert " 0 broken" in report, report


def test_import_contracts_see_broken_rules(tmp_path: Path) -> None:
    """A bare copy of the house with forbidden imports must fail, or the contracts watch nothing."""
    for path in (ROOT / "claire").rglob("__init__.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert " 0 broken" in run_import_linter(tmp_path)
    for package, line in (
        ("core", "import claire.pipeline"),
        ("viz", "import torch"),
        ("pipeline", "import streamlit, captum, llama_cpp"),
        ("data", "import rasterio"),
        ("inference", "import safetensors"),
        ("training", "import gguf"),
        ("report", "import reportlab"),
    ):
        (tmp_path / "claire" / package / "__init__.py").write_text(line + "\n", encoding="utf-8")
    (tmp_path / "claire" / "data" / "first.py").write_text("import claire.data.second\n", encoding="utf-8")
    (tmp_path / "claire" / "data" / "second.py").write_text("import claire.data.first\n", encoding="utf-8")
    report = run_import_linter(tmp_path)
    assert " 0 kept" in report, report


@pytest.mark.parametrize("package", GATEWAYS)
def test_heavy_package_enters_through_its_gateway_only(package: str) -> None:
    assert strangers(package, GATEWAYS[package]) == []


def test_pages_import_streamlit_and_the_ui_package_only() -> None:
    for path in program_files():
        if path.parent.name == "pages" or (path.name == "app.py" and path.parent == ROOT):
            outside = {
                name
                for name in read_imports(path)
                if name.split(".")[0] not in {"streamlit", "__future__"} and not f"{name}.".startswith("claire.ui.")
            }
            assert outside == set(), f"{path.name} imports {sorted(outside)}"


def test_core_needs_numpy_and_the_standard_library_only() -> None:
    for path in (ROOT / "claire" / "core").glob("*.py"):
        packages = {name.split(".")[0] for name in read_imports(path)}
        assert packages <= CORE_MAY_IMPORT | sys.stdlib_module_names, path.name


def test_import_claire_is_light() -> None:
    assert read_loaded("import claire") == set()


def test_a_saved_analysis_opens_without_the_heavy_packages(tmp_path: Path) -> None:
    FakePipeline().analyse(generate_flood_pair(seed=7, size=32), FakeEntry()).save(tmp_path)
    opened = f"import claire, pathlib; claire.Analysis.load(pathlib.Path({str(tmp_path)!r}))"
    assert read_loaded(opened) == set()


def test_command_line_is_light_until_a_command_runs() -> None:
    assert read_loaded("import claire.cli.app") == set()
