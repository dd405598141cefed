"""Recipes: everything that decides a training run, in one YAML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from claire.core.bands import MODES, Modality, Mode
from claire.core.classes import SCHEMES, ClassScheme, find_scheme, read_scheme
from claire.core.errors import LabelError, MissingFileError, RecipeError, UnknownNameError
from claire.core.manifest import InputSpec

DAMAGE_SHARES: Mapping[str, float] = {
    "clear": 0.42,
    "clouds": 0.10,
    "patch_after": 0.05,
    "ellipses": 0.10,
    "noise_after": 0.05,
    "zero_after": 0.08,
    "zero_all": 0.12,
    "no_sar": 0.08,
    "gaps": 0.0,
    "grain": 0.0,
}
"""How often a training sample is damaged in which way; `clouds` are bright with shadows, `ellipses` are opaque gaps;
`gaps` are single values missing anywhere, `grain` is noise on all values, both in either sensor."""


CLASSES_HINT = 'Write each as { id = 1, name = "water", color = "#0072b2" }.'

PRECISIONS = ("32-true", "bf16-mixed")
"""What `precision` may be."""

TEACHERS = ("trees", "labels")
"""What `teacher` may be."""


@dataclass(frozen=True)
class Recipe:
    """One training run.

    Args:
        name: Checkpoint name.
        title: One line for people.
        data: Name of the data set adapter.
        root: Folder of the data set; relative paths are taken from the current folder.
        start: Another recipe in the same folder whose weights this run starts from; empty for random weights.
        soup: How many runs there are from that start, with one seed after the other; the checkpoint is the mean of
            their weights (Wortsman et al. 2022, arXiv 2203.05482), which costs no more to use than one of them.
        members: Other recipes in the same folder, each of which is trained by itself; this one then trains nothing, but
            joins their networks to an ensemble.
        teacher: Of a network of pixels: `trees` where few pixels of places are labelled and scenes are simulated, or
            `labels` where every pixel of many tiles is.
        train_split: Split to learn from.
        validation_split: Split that chooses the epoch and the temperature.
        scheme: Class scheme.
        optical: Bands, unit, dates and sensor of the optical input, as in `InputSpec` without means and spreads.
        sar: The same of the SAR input.
        network: Arguments of `NetworkConfig` besides bands and classes.
        loss: `kind` (rift, ce, focal or tversky) and arguments of `RIFTLoss` besides weights.
        epochs: Epochs at `crop`; with `labels` as the teacher how often pixels are drawn from every tile.
        crop: Side of the training crops, pixels, a multiple of 32.
        finish_epochs: Further epochs on whole tiles, so that the network has seen the size it is used at.
        batch: Samples per step.
        finish_batch: Samples per step on whole tiles; 0 reduces `batch` to the same number of pixels.
        learning_rate: Peak of the one-cycle schedule (AdamW).
        weight_decay: Of AdamW.
        auxiliary_weight: Weight of the loss of each single-sensor head.
        ema: Decay of the averaged weights.
        damage: Name -> share of the samples, sums to 1.
        jitter: Largest relative change of the SAR gain that all bands of a date share; each band adds up to half of
            it. Offsets reach 4 / 3 of that, in spreads of the band.
        optical_jitter: The same of the optical; smaller where ratios of bands are evidence. -1 takes `jitter`.
        offset_share: Share of the samples to whose optical numbers the 1000 of newer Sentinel-2 products is added.
        window: Side of the windows that tiles are cut into, pixels, so that tiles of several sizes can be learnt from;
            0 leaves tiles whole.
        repeat: First part of a tile's name -> how often its windows are drawn in an epoch; 1 for the others.
        prior: Map (fused, optical, sar) -> class name -> what is added to its logits after training, for classes that
            training shows more or less often than the world does; natural logarithm. With `experts` the fused map takes
            over what is added to the maps of single sensors, where these see anything; that of an ensemble has the
            shift of a single sensor where this alone sees anything.
        screen_clouds: The finished checkpoint leaves out what looks like cloud (`InputSpec.screen_clouds`). Training
            does not, so that a cloud that is missed is nothing new.
        screen_noise: The same of what is noise in all optical bands of a date (`InputSpec.screen_noise`).
        zoom: Largest factor by which a crop is magnified or shrunk; 1 leaves its scale.
        precision: Of the arithmetic, as Lightning names it; `bf16-mixed` is the faster one where the CPU or GPU has it,
            and `32-true` is taken where neither does.
        validate_every: Epochs between validations.
        patience: Validations without improvement before training stops early.
        devices: Processes that share the work: GPUs where torch sees any, else processes on the CPU; each takes `batch`
            samples a step.
        threads: CPU threads; 0 leaves torch's choice.
        seed: Of weights, order, crops and damage.
        limits: Sentences for the model card: what the checkpoint is not for.
        extent: Where the training data lie, in words, for the model card.
        bbox: West, south, east, north of the training data, degrees; empty when not known.
        classes: `id`, `name` and `color` of every class where `scheme` names no class scheme of CLAIRE.
        ignore: Label ids of such a scheme that mean "not labelled".
    """

    name: str
    title: str
    data: str
    root: str
    scheme: str
    optical: Mapping[str, Any]
    sar: Mapping[str, Any]
    start: str = ""
    soup: int = 1
    members: Sequence[str] = ()
    teacher: str = "trees"
    train_split: str = "train"
    validation_split: str = "val"
    network: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 40
    crop: int = 128
    finish_epochs: int = 3
    batch: int = 16
    finish_batch: int = 0
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    auxiliary_weight: float = 0.4
    ema: float = 0.99
    damage: Mapping[str, float] = field(default_factory=lambda: dict(DAMAGE_SHARES))
    jitter: float = 0.15
    optical_jitter: float = -1.0
    offset_share: float = 0.0
    window: int = 0
    repeat: Mapping[str, int] = field(default_factory=dict)
    prior: Mapping[Mode, Mapping[str, float]] = field(default_factory=dict)
    screen_clouds: bool = False
    screen_noise: bool = False
    zoom: float = 1.0
    precision: str = "32-true"
    validate_every: int = 5
    patience: int = 8
    devices: int = 1
    threads: int = 0
    seed: int = 0
    limits: Sequence[str] = ()
    extent: str = ""
    bbox: Sequence[float] = ()
    classes: Sequence[Mapping[str, Any]] = ()
    ignore: Sequence[int] = ()

    def __post_init__(self) -> None:
        given: tuple[Any, Any] = self.network, self.members
        listed = isinstance(given[1], list | tuple) and all(isinstance(each, str) for each in given[1])
        if not isinstance(given[0], Mapping) or not listed:
            raise RecipeError(
                "network is no mapping, or members is no list of recipes.", "Compare it with recipes/lulc.yaml."
            )
        if self.crop % 32 or self.crop <= 0:
            raise RecipeError(f"crop is {self.crop}, but a positive multiple of 32 is wanted.", "Use 128 or 256.")
        unknown = set(self.damage) - set(DAMAGE_SHARES)
        if unknown or abs(sum(self.damage.values()) - 1) > 1e-6:
            raise RecipeError(
                f"damage has the shares {dict(self.damage)}, but known names that sum to 1 are wanted.",
                f"Names: {', '.join(DAMAGE_SHARES)}.",
            )
        if self.has_epochs and (self.epochs + self.finish_epochs) % self.validate_every:
            raise RecipeError(
                f"{self.epochs} + {self.finish_epochs} epochs are no multiple of validate_every {self.validate_every}.",
                "Choose numbers with which the last epoch is validated.",
            )
        strengths = (self.jitter, self.jitter_of("optical"))
        if self.zoom < 1 or not all(0 <= strength < 1 for strength in strengths):
            raise RecipeError(
                f"zoom is {self.zoom} and jitter {max(strengths)}, but at least 1 and 0 to 1 are wanted.",
                "zoom 1 and jitter 0 leave the tiles as they are.",
            )
        if self.precision not in PRECISIONS:
            raise RecipeError(
                f"precision is {self.precision!r}, which is not known here.", f"Use {' or '.join(PRECISIONS)}."
            )
        if self.teacher not in TEACHERS:
            raise UnknownNameError.among("teacher", str(self.teacher), TEACHERS)
        self._check_switches()
        if strange := set(self.prior) - set(MODES):
            raise UnknownNameError.among("map", sorted(strange)[0], MODES)
        for item in ("epochs", "batch", "validate_every", "patience", "devices", "soup"):
            if getattr(self, item) <= 0:
                raise RecipeError(f"{item} is {getattr(self, item)}, but a positive number is wanted.", "Correct it.")
        if self.soup > 1 and not (self.start and self.has_epochs):
            raise RecipeError(
                f"soup is {self.soup}, but only runs from one start have weights whose mean is a network.",
                "Name the recipe to start from, or leave soup out.",
            )

    def _check_switches(self) -> None:
        for switch in ("screen_clouds", "screen_noise"):
            if not isinstance(value := getattr(self, switch), bool):
                raise RecipeError(f"{switch} is {value!r}, but true or false is wanted.", "Correct it.")

    @classmethod
    def read(cls, path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
        """Read a YAML file.

        Args:
            path: The recipe.
            overrides: Values that replace those of the file, such as seed.

        Raises:
            MissingFileError: No such file.
            RecipeError: Not YAML, unknown or missing names, values of another type.
        """
        content = read_settings(path)
        values = {**content, **(overrides or {})}
        known = {item.name for item in fields(cls)}
        if strange := set(values) - known:
            raise RecipeError(
                f"The recipe has no setting {', '.join(sorted(strange))}.", f"Known: {', '.join(sorted(known))}."
            )
        try:
            return cls(**values)
        except TypeError as error:
            raise RecipeError(
                f"The recipe {path.name!r} is incomplete: {error}.", "Compare it with one in recipes."
            ) from error

    @property
    def inputs(self) -> tuple[InputSpec, InputSpec]:
        """(optical, SAR) with means 0 and spreads 1, to be measured on the training split."""
        return _read_input(self.optical, "optical"), _read_input(self.sar, "sar")

    @property
    def class_scheme(self) -> ClassScheme:
        """What the label ids mean.

        Raises:
            UnknownNameError: `scheme` is none of CLAIRE's, and there are no classes.
            RecipeError: Classes that are none, or that are to replace those of a scheme of CLAIRE.
            LabelError: An id or a name that is used twice.
        """
        if not self.classes:
            return find_scheme(self.scheme)
        if self.scheme in SCHEMES:
            raise RecipeError(
                f"The recipe has classes of its own under the name {self.scheme!r}, which CLAIRE knows otherwise.",
                "Choose another name for the scheme.",
            )
        try:
            return read_scheme(self.classes, self.ignore, self.scheme)
        except LabelError:
            raise
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise RecipeError("The classes of the recipe are no list of id, name and color.", CLASSES_HINT) from error

    @property
    def has_epochs(self) -> bool:
        """Whether this run goes through its samples in epochs; neither an ensemble nor a network of pixels does."""
        return not self.members and self.network.get("fusion") != "pixels"

    @property
    def shifts(self) -> dict[Mode, dict[int, float]]:
        """`prior` with the index of each class.

        Raises:
            UnknownNameError: A class that the scheme does not have.
        """
        names = self.class_scheme.names
        if strange := {name for shifts in self.prior.values() for name in shifts} - set(names):
            raise UnknownNameError.among("class", sorted(strange)[0], names)
        return {mode: {names.index(name): by for name, by in shifts.items()} for mode, shifts in self.prior.items()}

    def jitter_of(self, modality: Modality) -> float:
        """Strength of the jitter of one sensor."""
        return self.jitter if modality == "sar" or self.optical_jitter == -1 else self.optical_jitter

    def with_fusion(self, fusion: str) -> Recipe:
        """The same run of another network of the family, for comparison."""
        return replace(self, network={**self.network, "fusion": fusion})

    def without_fold(self, fold: int) -> Recipe:
        """The same run without the places of one fold, which become its validation split (`landcover` only)."""
        without = f"{self.train_split}-{fold}"
        return replace(self, name=f"{self.name}-{fold}", train_split=without, validation_split=f"places-{fold}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest."""
        return asdict(self)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a YAML file.

    Raises:
        MissingFileError: No such file.
        RecipeError: It is not YAML, or holds no settings.
    """
    if not path.is_file():
        raise MissingFileError(f"There is no recipe {path.name!r}.", "Recipes lie in the folder recipes.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {path.name!r} is not YAML.", "Compare it with one in recipes.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"The recipe {path.name!r} has no settings.", "Compare it with one in recipes.")
    return content


def _read_input(values: Mapping[str, Any], modality: str) -> InputSpec:
    try:
        bands = tuple(values["bands"])
        dates = tuple(tuple(date) for date in values["dates"])
        return InputSpec(
            bands, values["unit"], (0.0,) * len(bands), (1.0,) * len(bands), dates, str(values.get("sensor", ""))
        )
    except (KeyError, TypeError) as error:
        raise RecipeError(
            f"The {modality} input of the recipe is incomplete.",
            "Give bands, unit and dates, as in recipes/flood.yaml.",
        ) from error
