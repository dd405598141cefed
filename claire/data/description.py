"""`dataset.toml`: what the numbers of a folder of tiles are. Every line is optional.

    title = "Floods of our valley"
    optical = { bands = ["B4", "B3", "B2"], unit = "reflectance_x1e4" }
    sar = { bands = ["VV", "VH"], unit = "db" }
    scheme = "flood"                # a class scheme of CLAIRE, or:
    classes = [{ id = 0, name = "dry", color = "#d9d2c5" }, { id = 1, name = "flood" }]
    ignore = [255]
    splits = { train = ["a"], test = ["b"] }

Instead of lists of tiles, `splits = { train = "spring", test = "autumn" }` names folders, each with `optical/`, `sar/`
and `label/` of its own. What is beside these lines decides a training run (see `claire.training.own`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claire.core.bands import MODALITIES, UNITS, Modality, Unit
from claire.core.classes import ClassScheme, find_scheme, read_scheme
from claire.core.errors import DatasetError, LabelError
from claire.data.raster import printable

TOML_NAME = "dataset.toml"
MOST_TOML_BYTES = 1_000_000
FORM = "recipes/own.toml shows the form."


@dataclass(frozen=True)
class Description:
    """What `dataset.toml` says, checked.

    Args:
        title: One line for people; empty when not given.
        bands: Modality -> band names in order.
        units: Modality -> unit.
        scheme: What the label ids mean; None when not given.
        splits: Name of the split -> tile names.
        folders: Name of the split -> folder of its tiles, where splits are folders.
    """

    title: str = ""
    bands: Mapping[Modality, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[Modality, Unit] = field(default_factory=dict)
    scheme: ClassScheme | None = None
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Description:
        """Read `dataset.toml`; an absent file says nothing.

        Raises:
            DatasetError: Not TOML, or a value of the wrong kind; says which.
        """
        return cls.build(read_toml(path), path.name) if path.is_file() else cls()

    @classmethod
    def build(cls, content: Mapping[str, Any], called: str = TOML_NAME) -> Description:
        """The description in parsed TOML; other keys are left alone.

        Args:
            content: As `read_toml` gives it.
            called: Name of the file, for errors.

        Raises:
            DatasetError: A value of the wrong kind; says which.
            UnknownNameError: No such class scheme.
            LabelError: An id or a name that two classes share.
        """
        tables = {m: _table(content, m, called) for m in MODALITIES}
        lists, folders = _splits(_table(content, "splits", called), called)
        return cls(
            printable(str(content.get("title", "")), 80),
            {m: _words(t["bands"], f"{m}.bands", called) for m, t in tables.items() if "bands" in t},
            {m: _unit(t["unit"], m, called) for m, t in tables.items() if "unit" in t},
            _scheme(content, called),
            lists,
            folders,
        )


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        DatasetError: Too large, or not TOML.
    """
    try:
        if path.stat().st_size > MOST_TOML_BYTES:
            raise DatasetError(f"{path.name} is larger than 1 MB.", "Keep the description short.")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DatasetError(f"{printable(path.name, 60)} cannot be read as TOML.", FORM) from error


def _wrong(what: str, wanted: str, called: str) -> DatasetError:
    return DatasetError(f"In {printable(called, 60)}, {printable(what, 60)} is not {wanted}.", FORM)


def _table(content: Mapping[str, Any], key: str, called: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise _wrong(key, "a table", called)
    return table


def _words(value: object, what: str, called: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _wrong(what, "a list of names", called)
    return tuple(value)


def _unit(value: object, modality: Modality, called: str) -> Unit:
    if value not in UNITS:
        raise _wrong(f"{modality}.unit", f"one of {', '.join(UNITS)}", called)
    return value


def _splits(table: Mapping[str, Any], called: str) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """(split -> tiles, split -> folder), of which one is empty."""
    named = {printable(name, 40): value for name, value in table.items()}
    if not named or not all(isinstance(value, str) for value in named.values()):
        return {name: _words(value, f"splits.{name}", called) for name, value in named.items()}, {}
    for name, folder in named.items():
        if folder != Path(folder).name or folder in {"", ".."}:
            raise _wrong(f"splits.{name}", "the name of a folder beside it", called)
    return {}, named


def _scheme(content: Mapping[str, Any], called: str) -> ClassScheme | None:
    if "scheme" in content:
        return find_scheme(str(content["scheme"]))
    if "classes" not in content:
        return None
    try:
        return read_scheme(content["classes"], content.get("ignore", ()))
    except LabelError:
        raise
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise _wrong("classes", "a list of { id, name, color }", called) from error
