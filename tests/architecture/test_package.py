"""What the outside world relies on: public names, extras, the command, docstrings whose examples run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

import claire

ROOT = Path(__file__).resolve().parents[2]
PUBLIC_NAMES = [
    "Analysis",
    "ClaireError",
    "__version__",
    "analyse",
    "evaluate",
    "find_datasets",
    "list_models",
    "load_model",
    "read_tile",
]
PACKAGES = sorted(path.parent.name for path in (ROOT / "claire").glob("*/__init__.py"))
EXTRAS = {"app", "reasoning", "train", "scale", "dev", "all"}
NEEDS_TORCHVISION = {"torchvision", "timm", "segmentation-models-pytorch", "torchgeo", "grad-cam"}


def project() -> dict[str, object]:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        content: dict[str, object] = tomllib.load(stream)["project"]
    return content


def walk_modules() -> list[str]:
    return sorted(module.name for module in pkgutil.walk_packages(claire.__path__, "claire."))


def import_or_skip(name: str) -> ModuleType:
    """Import a module; one that belongs to an extra that is not installed is skipped."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("claire"):
            raise
        pytest.skip(f"{name} needs {error.name}")


def test_public_names_are_these() -> None:
    assert sorted(claire.__all__) == PUBLIC_NAMES


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_name_resolves_and_is_listed(name: str) -> None:
    assert getattr(claire, name) is not None
    assert name in dir(claire)


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        _ = claire.analyze  # type: ignore[attr-defined]


def test_version_is_that_of_the_distribution() -> None:
    assert claire.__version__ == metadata.version("claire-eo") == project()["version"]


@pytest.mark.parametrize("package", PACKAGES)
def test_package_says_what_it_is_for(package: str) -> None:
    assert import_or_skip(f"claire.{package}").__doc__


def test_extras_are_these_and_all_holds_the_others() -> None:
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    assert set(extras) == EXTRAS
    assert extras["all"] == ["claire-eo[app,reasoning,train,scale,dev]"]


def test_no_dependency_brings_torchvision() -> None:
    extras = project()["optional-dependencies"]
    core = project()["dependencies"]
    assert isinstance(extras, dict)
    assert isinstance(core, list)
    wanted = [*core, *(line for lines in extras.values() for line in lines)]
    names = {"".join(c if c.isalnum() or c in "-_" else " " for c in line).split()[0].lower() for line in wanted}
    assert names.isdisjoint(NEEDS_TORCHVISION)


def test_command_claire_leads_to_the_command_line() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="claire")
    assert command.value == "claire.cli.app:main"
    assert callable(command.load())


@pytest.mark.parametrize("name", walk_modules())
def test_examples_in_docstrings_run(name: str) -> None:
    failed, _ = doctest.testmod(import_or_skip(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0
