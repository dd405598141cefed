"""A TOML of one's own becomes a recipe; what is wrong with it is said in a sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from claire.core.errors import DatasetError, InputError, MissingFileError, RecipeError
from claire.training.own import STEPS, read_own
from tests.sentences import check_sentences
from tests.training.own_folder import CLASSES, CORRUPT, OPTICAL, PAIRS, SHIFTED, TOML, write_folder


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stranger; tests do not change its rasters."""
    return write_folder(tmp_path_factory.mktemp("stranger") / "valley").parent


def write_toml(valley: Path, tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(f"root = {str(valley)!r}\n{text}", encoding="utf-8")
    return path


def test_a_strangers_folder_becomes_a_recipe_and_the_corrupt_file_is_named(valley: Path) -> None:
    own = read_own(valley / "dataset.toml")
    (left_out,) = own.check.left_out
    assert (left_out.tile, left_out.code) == (CORRUPT, "format")
    assert CORRUPT in left_out.message
    assert [finding.tile for finding in own.check.findings if finding.code == "grid"] == [SHIFTED]
    assert own.dataset.splits == ("train", "val")
    assert len(own.dataset.ids()) == PAIRS - 1
    assert len(own.dataset.ids("val")) == 2
    recipe = own.recipe
    assert recipe.class_scheme.names == tuple(CLASSES.values())
    assert recipe.class_scheme.ignore_ids == (99,)
    assert len({land_class.color for land_class in recipe.class_scheme.classes}) == 5
    optical, _ = recipe.inputs
    assert (optical.bands, optical.dates) == (OPTICAL, ((0, 1, 2, 3),))
    assert (recipe.window, recipe.crop, recipe.epochs) == (64, 64, 16)
    assert "1 tile could not be used" in recipe.limits[0]


def test_where_the_toml_says_nothing_the_tiles_decide(valley: Path, tmp_path: Path) -> None:
    own = read_own(write_toml(valley, tmp_path, TOML), {"seed": 3, "name": "other"})
    recipe = own.recipe
    steps = recipe.epochs * -(-len(own.dataset.ids("train")) // recipe.batch)
    assert recipe.epochs % recipe.validate_every == 0
    assert STEPS / 2 < steps <= STEPS
    assert (recipe.seed, recipe.name, recipe.window, recipe.crop) == (3, "other", 64, 64)


def test_splits_may_be_lists_or_folders(valley: Path, tmp_path: Path) -> None:
    lists = 'splits = { train = ["place-00", "place-01"], validation = ["place-02", "place-03"] }'
    own = read_own(write_toml(valley, tmp_path, TOML + lists))
    assert (own.dataset.ids("train"), own.dataset.ids("val")) == (("place-00", "place-01"), ("place-02",))
    for folder, number in (("spring", "00"), ("autumn", "01")):
        for role in ("optical", "sar", "label"):
            (tmp_path / "seasons" / folder / role).mkdir(parents=True)
            file = valley / role / f"place-{number}.tif"
            (tmp_path / "seasons" / folder / role / file.name).write_bytes(file.read_bytes())
    text = TOML + 'splits = { train = "spring", val = "autumn" }'
    own = read_own(write_toml(tmp_path / "seasons", tmp_path, text))
    assert (own.dataset.ids("train"), own.dataset.ids("val")) == (("spring/place-00",), ("autumn/place-01",))
    assert own.dataset.read("autumn/place-01").label is not None


def test_one_flat_folder_of_pairs_is_read_too(valley: Path, tmp_path: Path) -> None:
    endings = {"optical": "s2", "sar": "s1", "label": "label"}
    (tmp_path / "flat").mkdir()
    for number in (0, 1, 2, 4):
        for role, ending in endings.items():
            content = (valley / role / f"place-{number:02d}.tif").read_bytes()
            (tmp_path / "flat" / f"p{number}_{ending}.tif").write_bytes(content)
    own = read_own(write_toml(tmp_path / "flat", tmp_path, 'layout = "pairs"\n' + TOML))
    assert set(own.dataset.ids()) == {"p0", "p1", "p2", "p4"}
    assert own.check.left_out == ()
    lists = 'layout = "pairs"\nsplits = { train = ["p0", "p9"], val = ["p1"] }\n'
    own = read_own(write_toml(tmp_path / "flat", tmp_path, lists + TOML))
    assert (own.dataset.ids("train"), own.dataset.ids("val")) == (("p0",), ("p1",))
    assert [(finding.tile, finding.code) for finding in own.check.left_out] == [("p9", "unknown_name")]
    with pytest.raises(RecipeError, match="folders"):
        read_own(
            write_toml(tmp_path / "flat", tmp_path, 'layout = "pairs"\nsplits = { train = "a", val = "b" }' + TOML)
        )


def test_units_that_no_network_reads_are_converted(valley: Path, tmp_path: Path) -> None:
    text = TOML.replace('"db"', '"power"').replace('"reflectance_x1e4"', '"reflectance_x1e4_offset"')
    recipe = read_own(write_toml(valley, tmp_path, text)).recipe
    assert [spec.unit for spec in recipe.inputs] == ["reflectance_x1e4", "db"]


WRONG: dict[str, tuple[str, type[InputError]]] = {
    TOML.replace('name = "my-valley"', ""): ("no name", RecipeError),
    TOML.replace("my-valley", "../valley"): ("no name", RecipeError),
    TOML.split("ignore")[0]: ("classes", RecipeError),
    TOML.replace(', unit = "db"', ""): ("sar", RecipeError),
    TOML.replace('unit = "db"', 'unit = "as_given"'): ("sar", RecipeError),
    TOML.replace('unit = "db"', 'unit = "furlong"'): ("sar.unit", DatasetError),
    TOML.replace('unit = "db"', 'unit = "db", speckle = 3'): ("speckle", RecipeError),
    TOML.replace("id = 20", "id = 10"): ("id twice", InputError),
    TOML.replace('"wood"', '"lake"'): ("name twice", InputError),
    TOML.replace("id = 20", 'id = "x"'): ("classes", DatasetError),
    TOML + "colour = 1": ("colour", RecipeError),
    TOML + "epochs = 0": ("epochs", RecipeError),
    TOML + 'epochs = "many"': ("kind", RecipeError),
    TOML + "crop = 50": ("crop", RecipeError),
    TOML + "split = 0.3": ("split", RecipeError),
    TOML + "split = { share = 2 }": ("share", DatasetError),
    TOML + 'split = { share = "half" }': ("split", RecipeError),
    TOML + 'layout = "heap"': ("layout", InputError),
    TOML + 'splits = { train = ["place-00"] }': ("train and val", RecipeError),
    TOML + 'splits = { train = "../up", val = "b" }': ("splits.train", DatasetError),
    TOML + 'splits = { train = "up", val = "down" }': ("No rasters", DatasetError),
    TOML + "a = [": ("TOML", DatasetError),
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: str(list(WRONG).index(text)))
def test_what_is_wrong_is_said_before_any_tile_is_read(valley: Path, tmp_path: Path, text: str) -> None:
    words, kind = WRONG[text]
    path = write_toml(valley, tmp_path, text)

    def read(done: int, total: int) -> None:
        pytest.fail("a tile was read")

    with pytest.raises(kind, match=words) as caught:
        read_own(path, report=read)
    check_sentences(caught.value.message, caught.value.hint, tmp_path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_own(tmp_path / "none.toml")


def test_the_example_is_about_twenty_lines_and_describes_a_folder(root: Path, valley: Path, tmp_path: Path) -> None:
    text = (root / "recipes" / "own.toml").read_text(encoding="utf-8")
    said = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(said) <= 20
    content: dict[str, Any] = tomllib.loads(text)
    renamed = [{**row, "id": number} for row, number in zip(content["classes"], CLASSES, strict=True)]
    own = read_own(root / "recipes" / "own.toml", {"root": str(valley), "classes": renamed, "ignore": [99], "crop": 64})
    assert own.recipe.name == content["name"]
    assert own.check.require_tiles() is None  # type: ignore[func-returns-value]
