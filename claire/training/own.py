"""Training on anybody's own folder: one TOML of about twenty lines in, a recipe and a checked data set out.

The TOML is the `dataset.toml` of the folder (see `claire.data.description`), so that the app shows the same tiles, with
a `name` for the checkpoint and, if wanted, any setting of a recipe. recipes/own.toml explains every line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from claire.core.bands import MODALITIES, OFFSETS, UNITS_OF, Modality, Unit, normalise_band_name
from claire.core.classes import OWN_SCHEME, ClassScheme
from claire.core.dataset import Dataset
from claire.core.errors import MissingFileError, RecipeError, UnknownNameError
from claire.core.manifest import PLAIN_NAME, Manifest
from claire.core.types import Tile
from claire.data.checking import TRAIN, VALIDATION, Check, SplitPlan, check_dataset
from claire.data.description import Description, read_toml
from claire.data.folder import EVERYTHING, FolderDataset
from claire.data.pairs import PairsDataset
from claire.data.raster import printable
from claire.training.recipe import Recipe

LAYOUTS: dict[str, Callable[[Path, Description], Dataset]] = {"folder": FolderDataset, "pairs": PairsDataset}

NETWORK = {"encoder": "resnet", "widths": [32, 64, 96, 128], "depths": [2, 2, 2, 2], "relative": True}
"""The network where the TOML names none; small enough for a CPU."""

DAMAGE = {"clear": 0.60, "clouds": 0.15, "ellipses": 0.05, "zero_all": 0.10, "no_sar": 0.10}

STEPS = 1500
"""Optimiser steps that a run takes about, where the TOML gives no epochs."""

SHORTEST, LONGEST, ROUND = 20, 400, 20
"""Epochs of such a run, and of what they are a multiple; there are `ROUND` validations."""

WINDOWS = (64, 256)
"""Smallest and largest side of the windows that tiles are cut into."""

NETWORK_UNITS: dict[Unit, Unit] = {
    **{unit: plain for unit, (plain, _) in OFFSETS.items()},
    "power": "db",
    "amplitude": "db",
}
"""Unit of the files -> unit that the network reads, where they differ."""

KEPT = {"data", "train_split", "validation_split", "start", "repeat"}
"""Settings of a recipe that the TOML does not give."""

DESCRIBING = {"title", "optical", "sar", "scheme", "classes", "ignore", "splits"}
ABOUT_INPUT = {"bands", "unit", "dates", "sensor"}
EXAMPLE = "recipes/own.toml shows the form."

Progress = Callable[[int, int], None]


class SplitDataset:
    """Another data set with other splits.

    Args:
        dataset: Where the tiles come from.
        splits: Split -> tiles.
        scheme: What the label ids mean.
    """

    def __init__(self, dataset: Dataset, splits: Mapping[str, Sequence[str]], scheme: ClassScheme) -> None:
        self.name, self.title, self.root = dataset.name, dataset.title, dataset.root
        self.scheme = scheme
        self._dataset, self._splits = dataset, {name: tuple(tiles) for name, tiles in splits.items()}

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self._splits)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Tiles of one split, or of all.

        Raises:
            UnknownNameError: No such split.
        """
        if split is None:
            return tuple(dict.fromkeys(name for tiles in self._splits.values() for name in tiles))
        if split not in self._splits:
            raise UnknownNameError.among("split", split, self._splits)
        return self._splits[split]

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile."""
        return self._dataset.read(tile_id)


@dataclass(frozen=True)
class OwnRun:
    """A run on somebody's own data.

    Args:
        recipe: Ready for `claire.training.run.train`.
        dataset: The tiles that can be learnt from, in the splits `train` and `val`.
        check: What was found in the data.
    """

    recipe: Recipe
    dataset: SplitDataset
    check: Check


def read_own(path: Path, overrides: Mapping[str, Any] | None = None, *, report: Progress | None = None) -> OwnRun:
    """Read the TOML, open and check the data.

    Args:
        path: The TOML.
        overrides: Values that replace those of the file, such as seed or root.
        report: Receives (tiles read, tiles in all).

    Returns:
        The run; its check may have found too little to train on (see `Check.require_tiles`).

    Raises:
        MissingFileError: No such file.
        RecipeError: A setting that is missing, unknown or impossible.
        DatasetError: Not TOML, or a folder that is laid out otherwise.
        LabelError, UnknownNameError: Classes that are none.
    """
    if not path.is_file():
        raise MissingFileError(f"There is no file {path.name[:60]!r}.", EXAMPLE)
    content = {**read_toml(path), **(overrides or {})}
    layout, root = str(content.pop("layout", "folder")), Path(str(content.pop("root", "") or path.absolute().parent))
    plan = _read_plan(content.pop("split", {}))
    description = Description.build(content, path.name)
    if layout not in LAYOUTS:
        raise UnknownNameError.among("layout", layout, LAYOUTS)
    recipe = _build_recipe(content, description, layout, root)
    dataset = LAYOUTS[layout](root, description)
    given = _name_splits(dataset, description)
    manifest = Manifest(
        recipe.name,
        recipe.title,
        recipe.scheme,
        *recipe.inputs,
        {},
        {},
        own_classes=recipe.class_scheme if recipe.classes else None,
    )
    check = check_dataset(dataset, manifest, given, plan, report=report)
    fitted = replace(_fit(recipe, check, content), limits=(*recipe.limits, *check.limits))
    return OwnRun(fitted, SplitDataset(dataset, check.splits, recipe.class_scheme), check)


def _read_plan(content: Any) -> SplitPlan:
    if not isinstance(content, dict) or set(content) - {item.name for item in fields(SplitPlan)}:
        raise RecipeError("split is no table of share, seed and block.", "Write split = { share = 0.2, seed = 0 }.")
    try:
        plan = SplitPlan(**content)
    except TypeError as error:
        raise RecipeError("split has a value that is no number.", "Write split = { share = 0.2, seed = 0 }.") from error
    return plan


def _name_splits(dataset: Dataset, description: Description) -> dict[str, tuple[str, ...]] | None:
    """Tiles of the splits that were given, whatever the second one is called; None where none were."""
    named = dict(description.splits)
    if dataset.splits != (EVERYTHING,):
        named = {name: dataset.ids(name) for name in dataset.splits}
    elif description.folders:
        raise RecipeError("Splits are folders only in the layout 'folder'.", "Name the tiles of train and val.")
    if not named:
        return None
    for name in ("validation", "valid", VALIDATION):
        if {TRAIN, name} <= set(named):
            return {TRAIN: named[TRAIN], VALIDATION: named[name]}
    raise RecipeError(
        f"The splits are called {', '.join(named)[:80]}, but train and val are wanted.",
        "Name both, or leave splits out: then a share of the tiles is drawn.",
    )


def _build_recipe(content: Mapping[str, Any], description: Description, layout: str, root: Path) -> Recipe:
    """The recipe with what does not depend on the tiles."""
    scheme = _check_settings(content, description)
    own = scheme.name == OWN_SCHEME
    values: dict[str, Any] = {
        "network": NETWORK,
        "damage": DAMAGE,
        "finish_epochs": 0,
        "batch": 8,
        "validate_every": 1,
        "patience": 6,
        **{key: value for key, value in content.items() if key not in DESCRIBING},
        "title": description.title or f"Trained on {printable(root.absolute().name, 40)}",
        "data": layout,
        "root": root.absolute().name,
        "scheme": scheme.name,
        "train_split": TRAIN,
        "validation_split": VALIDATION,
        **{modality: _build_input(content, description, modality) for modality in MODALITIES},
        "classes": [asdict(land_class) for land_class in scheme.classes] if own else (),
        "ignore": list(scheme.ignore_ids) if own else (),
    }
    try:
        return Recipe(**values)
    except (TypeError, AttributeError) as error:
        raise RecipeError("A setting has a value of the wrong kind.", EXAMPLE) from error


def _check_settings(content: Mapping[str, Any], description: Description) -> ClassScheme:
    """The class scheme, after a look at the names of all settings."""
    known = ({item.name for item in fields(Recipe)} | DESCRIBING) - KEPT
    if strange := sorted(set(content) - known):
        raise RecipeError(f"There is no setting {strange[0][:40]!r}.", EXAMPLE)
    name = content.get("name")
    if not isinstance(name, str) or not PLAIN_NAME.fullmatch(name):
        raise RecipeError(
            "The checkpoint has no name, or one that is no file name.",
            'Write name = "my-fields": letters, digits, dots and dashes.',
        )
    if description.scheme is None or len(description.scheme) < 2:
        raise RecipeError(
            "The classes are missing: at least two are wanted.",
            'Write classes = [{ id = 1, name = "water" }, { id = 2, name = "trees" }].',
        )
    return description.scheme


def _build_input(content: Mapping[str, Any], description: Description, modality: Modality) -> dict[str, Any]:
    bands, unit = description.bands.get(modality, ()), description.units.get(modality)
    allowed = tuple(each for each in UNITS_OF[modality] if each != "as_given")
    if not bands or unit not in allowed:
        raise RecipeError(
            f"{modality} lacks its bands, in the order of the files, or a unit: {', '.join(allowed)}.",
            f'Write {modality} = {{ bands = ["{"B4" if modality == "optical" else "VV"}"], unit = "{allowed[-1]}" }}.',
        )
    table = content[modality]
    if strange := sorted(set(table) - ABOUT_INPUT):
        raise RecipeError(
            f"{modality} has no setting {strange[0][:40]!r}.", f"Known: {', '.join(sorted(ABOUT_INPUT))}."
        )
    return {
        "bands": [normalise_band_name(band) for band in bands],
        "unit": NETWORK_UNITS.get(unit, unit),
        "dates": table.get("dates", [list(range(len(bands)))]),
        "sensor": str(table.get("sensor", "sensor not recorded")),
    }


def _fit(recipe: Recipe, check: Check, given: Mapping[str, Any]) -> Recipe:
    """Window, crop, batch and epochs as the tiles want them, where the TOML does not say."""
    if not check.shapes:
        return recipe
    longest = max(side for shape in check.shapes for side in shape)
    smallest, largest = WINDOWS
    window = recipe.window or min(largest, max(smallest, -(-longest // 32) * 32))
    crop = recipe.crop if "crop" in given else min(128, window)
    count = sum(-(-high // window) * -(-wide // window) for high, wide in check.shapes)
    batch = recipe.batch if "batch" in given else max(2, min(recipe.batch, count))
    steps = STEPS // -(-count // batch)
    epochs = recipe.epochs if "epochs" in given else max(SHORTEST, min(LONGEST, steps // ROUND * ROUND))
    whole = epochs + recipe.finish_epochs
    every = next(n for n in range(max(1, whole // ROUND), 0, -1) if whole % n == 0)
    return replace(
        recipe,
        window=window,
        crop=crop,
        batch=batch,
        epochs=epochs,
        validate_every=recipe.validate_every if "validate_every" in given else every,
    )
