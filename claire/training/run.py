"""A training run: recipe in, checkpoint with its first manifest out; resumable, stops early."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from torch.utils.data import DataLoader

from claire.core.dataset import Dataset
from claire.core.errors import RecipeError
from claire.core.manifest import InputSpec, Manifest
from claire.data.discovery import open_dataset
from claire.data.landcover import SIMULATED
from claire.data.preparing import compute_valid, normalise
from claire.models.checkpoint import load_checkpoint, save_checkpoint
from claire.models.network import (
    ENSEMBLE,
    MEMBERS,
    OF_PIXELS,
    OF_VOTES,
    VOTES,
    Network,
    NetworkConfig,
    build_network,
    set_levels,
    shift_classes,
)
from claire.training.losses import build_loss
from claire.training.module import MONITOR, SegmentationModule
from claire.training.pixels import train_pixels
from claire.training.recipe import PRECISIONS, Recipe
from claire.training.samples import CropSamples, Sample, TileStack, as_sample, measure_bands, read_stack

Progress = Callable[[str], None]

OWN_DATA = ("folder", "pairs")
"""Layouts of anybody's own data."""

MOST_REMEMBERED = 2000
"""Training tiles whose names go into a manifest at most."""


def train(
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    runs: Path,
    *,
    start: tuple[Network, Manifest] | None = None,
    resume: bool = False,
    report: Progress = print,
) -> Path:
    """Train a checkpoint; of several runs whose weights are averaged, where the recipe asks for a soup.

    Args:
        recipe: The run.
        dataset: Labelled pairs with the recipe's splits.
        folder: Where the checkpoint goes.
        runs: Where the resumable state and the log go.
        start: Network and manifest of a checkpoint to start from; its weights fit its means and spreads only, so that
            these are kept. Random weights when not given.
        resume: Go on from the last state, where that is of this very recipe.
        report: Receives one line per validation.

    Returns:
        Path of the weights.

    Raises:
        RecipeError: The checkpoint to start from has another network or other bands, or the network is none that is
            trained by itself.
        UnknownNameError: A prior for a class that the scheme does not have.
    """
    if recipe.soup > 1:
        return _train_soup(recipe, dataset, folder, runs, start=start, resume=resume, report=report)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    lightning.seed_everything(recipe.seed, verbose=False)
    if not recipe.has_epochs:
        raise RecipeError(
            f"The recipe {recipe.name!r} is trained as a member of an ensemble, or is one, not by itself.",
            "Train recipes/lulc.yaml, or choose another fusion.",
        )
    scheme, inputs = recipe.class_scheme, recipe.inputs
    own = scheme if recipe.classes else None
    _ = _screen(inputs[0], recipe)  # bands without clouds are refused now
    shifts = recipe.shifts
    config = NetworkConfig.from_mapping(
        {
            **recipe.network,
            "optical_bands": len(inputs[0].bands),
            "sar_bands": len(inputs[1].bands),
            "classes": len(scheme),
        }
    )
    manifest = Manifest(recipe.name, recipe.title, recipe.scheme, *inputs, config.as_dict(), {}, own_classes=own)
    training = read_stack(
        dataset, dataset.ids(recipe.train_split), manifest, window=recipe.window, repeat=recipe.repeat
    )
    validation = read_stack(dataset, dataset.ids(recipe.validation_split), manifest, window=recipe.window)
    network = build_network(config)
    if start is None:
        measured = (
            measure_bands(training.optical, training.optical_valid, inputs[0]),
            measure_bands(training.sar, training.sar_valid, inputs[1]),
        )
    else:
        measured = _start_from(network, manifest, *start)
    set_levels(network, (measured[0].mean, measured[0].std))
    counts = np.bincount(training.labels.ravel(), minlength=256)[: len(scheme)].tolist()
    facts = {
        "recipe": recipe.as_dict(),
        "train_tiles": len(training),
        "validation_tiles": len(validation),
        "class_pixels": counts,
        **_remember(recipe, dataset),
    }
    manifest = Manifest(
        recipe.name,
        recipe.title,
        recipe.scheme,
        *measured,
        config.as_dict(),
        {},
        training=facts,
        limits=tuple(recipe.limits),
        extent=recipe.extent,
        bbox=tuple(recipe.bbox),
        own_classes=own,
    )
    module = SegmentationModule(
        network,
        build_loss(counts, recipe.loss),
        recipe,
        _count_steps(recipe, len(training.drawn)),
    )
    state = runs / recipe.name
    best = ModelCheckpoint(state, "best", monitor=MONITOR, mode="max", enable_version_counter=False)
    # Of its own: `save_last` would only follow the best, and a resume would repeat all epochs since.
    last = ModelCheckpoint(state, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    callbacks: list[Callback] = [
        EMAWeightAveraging(decay=recipe.ema),
        best,
        last,
        EarlyStopping(MONITOR, patience=recipe.patience, mode="max"),
        _Reporter(report),
    ]
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs + recipe.finish_epochs,
        callbacks=callbacks,
        logger=False,
        accelerator="auto",
        precision=choose_precision(recipe.precision),  # type: ignore[arg-type]
        devices=recipe.devices,
        strategy="ddp_find_unused_parameters_true" if recipe.devices > 1 else "auto",
        sync_batchnorm=recipe.devices > 1 and torch.cuda.is_available(),
        enable_progress_bar=False,
        enable_model_summary=False,
        check_val_every_n_epoch=recipe.validate_every,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        gradient_clip_val=1.0,
    )
    data = _Loaders(training, validation, manifest, recipe)
    stopped, of_run = state / "last.ckpt", state / "recipe.json"
    go_on = resume and stopped.is_file() and of_run.is_file() and _is_run_of(json.loads(of_run.read_text()), recipe)
    if not go_on:
        stopped.unlink(missing_ok=True)  # else a run that dies before its first epoch would leave it as its own
    state.mkdir(parents=True, exist_ok=True)
    of_run.write_text(json.dumps(recipe.as_dict()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*num_workers.*")
        trainer.fit(module, datamodule=data, ckpt_path=str(stopped) if go_on else None)
    if not trainer.is_global_zero:
        raise SystemExit  # the weights are one file, and the first process writes and scores it
    stored: dict[str, Any] = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
    weights = {k.removeprefix("network."): v for k, v in stored["state_dict"].items() if k.startswith("network.")}
    network.load_state_dict(weights)
    shift_classes(network, shifts)
    manifest = replace(manifest, optical=_screen(manifest.optical, recipe))
    return save_checkpoint(network, manifest, folder)


def _train_soup(
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    runs: Path,
    *,
    start: tuple[Network, Manifest] | None,
    resume: bool,
    report: Progress,
) -> Path:
    """The mean of the weights of runs from one start; those that the folder of runs has are not repeated."""
    kept = runs / "soup"
    found: list[tuple[Network, Manifest]] = []
    for number in range(recipe.soup):
        one = replace(recipe, name=f"{recipe.name}-run{number + 1}", soup=1, seed=recipe.seed + number, prior={})
        if not _is_known(one, kept):
            train(one, dataset, kept, runs, start=start, resume=resume, report=report)
        found.append(load_checkpoint(one.name, kept))
    network, known = found[0]
    states = [each.state_dict() for each, _ in found]
    network.load_state_dict(
        {
            key: torch.stack([state[key] for state in states]).mean(0) if value.is_floating_point() else value
            for key, value in states[0].items()
        }
    )
    shift_classes(network, recipe.shifts)
    training = {**known.training, "recipe": recipe.as_dict()}
    return save_checkpoint(network, replace(known, name=recipe.name, training=training), folder)


def choose_precision(wanted: str) -> str:
    """The arithmetic to train in: bfloat16 where the machine has it, else what is ten times faster there.

    Args:
        wanted: One of `PRECISIONS`.
    """
    native = any(has for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)
    return wanted if native or torch.cuda.is_available() else PRECISIONS[0]


def find_start(
    recipe: Recipe,
    recipes: Path,
    dataset: Dataset,
    runs: Path,
    *,
    resume: bool = False,
    report: Progress = print,
    before: tuple[str, ...] = (),
) -> tuple[Network, Manifest] | None:
    """The checkpoint that a recipe starts from; trained now where the folder of runs has none of that recipe.

    Args:
        recipe: The run; None is returned when it starts from random weights.
        recipes: Folder of the recipe that `recipe.start` names, which may start from another in turn.
        dataset: For this run, and for those before it that learn from the same data set.
        runs: Where the checkpoint is kept.
        resume: Go on from the last state of that recipe.
        report: Receives one line per validation.
        before: Recipes that led here.

    Raises:
        RecipeError: The recipes start from each other in a circle.
    """
    if not recipe.start:
        return None
    if recipe.start in before:
        raise RecipeError(
            f"The recipe {recipe.start!r} starts, in the end, from itself.", "Let one recipe start from nothing."
        )
    overrides = {"root": recipe.root, "seed": recipe.seed, "devices": recipe.devices}
    first = replace(Recipe.read(recipes / recipe.start, overrides), network=recipe.network)
    data = dataset if first.data == recipe.data else open_dataset(first.data, Path(first.root))
    folder = runs / "start"
    if not _is_known(first, folder):
        start = find_start(first, recipes, data, runs, resume=resume, report=report, before=(*before, recipe.start))
        train(first, data, folder, runs, start=start, resume=resume, report=report)
    return load_checkpoint(first.name, folder)


def train_members(
    recipe: Recipe,
    recipes: Path,
    dataset: Dataset,
    folder: Path,
    runs: Path,
    *,
    fold: int | None = None,
    resume: bool = False,
    report: Progress = print,
) -> Path:
    """Train the networks of an ensemble one after the other, where the folder of runs has none, and join them.

    One that another has started from is there already.

    Args:
        recipe: With members; its splits are those of the fold, where one is left out.
        recipes: Folder of the members' recipes.
        dataset: For all runs.
        folder: Where the checkpoint goes.
        runs: Where the members are kept.
        fold: Places that no member may see.
        resume: Go on from the last state of a member.
        report: Receives one line per validation.

    Returns:
        Path of the weights.

    Raises:
        RecipeError: A member is an ensemble, the first is a network of pixels, or they do not fit each other.
    """
    found: list[tuple[Network, Manifest]] = []
    kept = runs / "members"
    for member in _read_members(recipe, recipes, dataset, fold):
        levels = (found[0][1].optical, found[0][1].sar) if found else None
        known = [each for each in (kept, runs / "start") if _is_known(member, each, levels)]
        if known:
            report(json.dumps({"member": member.name, "known": str(known[0])}))
        elif levels is not None and member.network.get("fusion") == "pixels":
            train_pixels(member, dataset, kept, levels, report=report)
        else:
            start = find_start(member, recipes, dataset, runs, resume=resume, report=report)
            train(member, dataset, kept, runs, start=start, resume=resume, report=report)
        found.append(load_checkpoint(member.name, known[0] if known else kept))
    return join(recipe, found, folder)


def _read_members(recipe: Recipe, recipes: Path, dataset: Dataset, fold: int | None) -> list[Recipe]:
    """The recipes of the members; what would fail at the end of all training fails here."""
    _ = recipe.shifts
    if recipe.network.get("fusion") != ENSEMBLE or recipe.network.keys() - {"fusion", *OF_VOTES}:
        raise RecipeError(
            f"The recipe {recipe.name!r} has members, but its network is {dict(recipe.network)}.",
            f"Give it fusion ensemble, {', '.join(OF_VOTES)}; all else stands in the recipes of its members.",
        )
    overrides = {"root": recipe.root, "seed": recipe.seed, "devices": recipe.devices}
    members = [Recipe.read(recipes / title, overrides) for title in recipe.members]
    for number, member in enumerate(members):
        fusion = member.network.get("fusion", "cmaf")
        if member.members or fusion not in MEMBERS or (number == 0 and fusion == "pixels"):
            raise RecipeError(
                f"The member {member.name!r} is an ensemble itself, of another fusion, or of pixels and the first.",
                f"Name recipes whose fusion is {' or '.join(MEMBERS)}; the first must have levels of its own.",
            )
    for votes in (recipe.network.get(name, ()) for name in VOTES):
        if votes and len(votes) != len(members):
            raise RecipeError(f"There are {len(votes)} votes for {len(members)} members.", "Give as many, or none.")
    if fold is not None:  # scenes show no place, so that what learnt from them alone is the same without any
        members = [member if member.train_split == SIMULATED else member.without_fold(fold) for member in members]
    for member in members:
        dataset.ids(member.train_split)
    return members


def join(recipe: Recipe, members: Sequence[tuple[Network, Manifest]], folder: Path) -> Path:
    """Write the ensemble of trained networks.

    Args:
        recipe: Its name, prior, clouds and limits.
        members: Networks and manifests; all must read the same inputs, normalised alike.
        folder: Where the checkpoint goes.

    Returns:
        Path of the weights.

    Raises:
        RecipeError: The members do not fit each other.
    """
    known = members[0][1]
    alike = [(each.optical, each.sar, each.scheme, each.own_classes) for _, each in members]
    if any(each != alike[0] for each in alike):
        raise RecipeError(
            "The members of the ensemble read other inputs, or normalise them otherwise.",
            "Let all of them start from the same recipe, with the same bands and classes, and train those that do not "
            "anew: delete them from the folder members of the runs.",
        )
    first = members[0][0].config
    changes = [
        {"fusion": network.config.fusion}
        | {
            key: value
            for key, value in network.config.as_dict().items()
            if value != getattr(first, key) and (network.config.fusion != "pixels" or key in OF_PIXELS)
        }
        for network, _ in members
    ]
    config = NetworkConfig.from_mapping({**first.as_dict(), **recipe.network, "members": tuple(changes)})
    ensemble = build_network(config)
    weights = {
        f"members.{number}.{key}": value
        for number, (network, _) in enumerate(members)
        for key, value in network.state_dict().items()
    }
    ensemble.load_state_dict({**ensemble.state_dict(), **weights})
    shift_classes(ensemble, recipe.shifts)
    manifest = replace(
        known,
        name=recipe.name,
        title=recipe.title,
        optical=_screen(known.optical, recipe),
        network=config.as_dict(),
        training={**known.training, "recipe": recipe.as_dict(), "members": [each.training for _, each in members]},
        limits=tuple(recipe.limits),
        extent=recipe.extent,
        bbox=tuple(recipe.bbox),
        scores={},
        temperature={},
    )
    return save_checkpoint(ensemble, manifest, folder)


def _is_known(recipe: Recipe, folder: Path, levels: tuple[InputSpec, InputSpec] | None = None) -> bool:
    """Whether the folder holds the checkpoint of this very recipe, normalised by these levels."""
    known = folder / f"{recipe.name}.json"
    if not known.is_file():
        return False
    manifest = Manifest.read(known)
    same = levels is None or (manifest.optical, manifest.sar) == levels
    return same and _is_run_of(manifest.training.get("recipe", {}), recipe)


def _screen(spec: InputSpec, recipe: Recipe) -> InputSpec:
    """The optical input of the finished checkpoint."""
    return replace(spec, screen_clouds=recipe.screen_clouds, screen_noise=recipe.screen_noise)


def _remember(recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    """Names of the training tiles of somebody's own folder, whose split no program knows later; none of a huge one."""
    tiles = dataset.ids(recipe.train_split) if recipe.data in OWN_DATA else ()
    return {"tiles": list(tiles)} if 0 < len(tiles) <= MOST_REMEMBERED else {}


def _is_run_of(recorded: Mapping[str, Any], recipe: Recipe) -> bool:
    """Whether a manifest records this recipe; settings that are newer than the record had their defaults then."""
    defaults = {item.name: item.default for item in fields(Recipe) if item.default is not MISSING}
    wanted, before = (json.loads(json.dumps(part)) for part in (recipe.as_dict(), {**defaults, **recorded}))
    return bool(recorded) and wanted == before


def _start_from(network: Network, manifest: Manifest, other: Network, known: Manifest) -> tuple[InputSpec, InputSpec]:
    """Give a network the weights of another; returns the inputs that these weights fit."""
    pairs = ((manifest.optical, known.optical), (manifest.sar, known.sar))
    same = all((a.bands, a.unit, a.dates) == (b.bands, b.unit, b.dates) for a, b in pairs)
    if not same or network.config != other.config:
        raise RecipeError(
            f"{known.name!r}, which {manifest.name!r} starts from, has another network or other inputs.",
            "Give both recipes the same network, optical and sar.",
        )
    network.load_state_dict(other.state_dict())
    return known.optical, known.sar


def _count_steps(recipe: Recipe, tiles: int) -> int:
    share = -(-tiles // recipe.devices)
    return sum(-(-share // _batch(recipe, epoch, 256)) for epoch in range(recipe.epochs + recipe.finish_epochs))


def _batch(recipe: Recipe, epoch: int, side: int) -> int:
    if epoch < recipe.epochs:
        return recipe.batch
    return recipe.finish_batch or max(2, recipe.batch * recipe.crop**2 // side**2)


class _Loaders(lightning.LightningDataModule):
    """Loaders of the epoch at hand: crops first, whole tiles at the end."""

    def __init__(self, training: TileStack, validation: TileStack, manifest: Manifest, recipe: Recipe) -> None:
        super().__init__()
        self._training, self._validation, self._manifest, self._recipe = training, validation, manifest, recipe

    def train_dataloader(self) -> DataLoader[Sample]:
        epoch = self.trainer.current_epoch if self.trainer else 0
        whole = epoch >= self._recipe.epochs
        crop = max(self._training.labels.shape[1:]) if whole else self._recipe.crop
        samples = CropSamples(self._training, self._manifest, self._recipe, crop, epoch)
        order = torch.Generator().manual_seed(self._recipe.seed * 100_003 + epoch)
        return DataLoader(samples, batch_size=_batch(self._recipe, epoch, 256), shuffle=True, generator=order)

    def val_dataloader(self) -> DataLoader[Sample]:
        stack, manifest = self._validation, self._manifest
        samples = [
            as_sample(
                normalise(optical, compute_valid(optical, seen_o, manifest.optical), manifest.optical),
                normalise(sar, compute_valid(sar, seen_s, manifest.sar), manifest.sar),
                label,
            )
            for optical, sar, seen_o, seen_s, label in zip(
                stack.optical, stack.sar, stack.optical_valid, stack.sar_valid, stack.labels, strict=True
            )
        ]
        return DataLoader(samples, batch_size=4)  # type: ignore[arg-type]


class _Reporter(Callback):
    def __init__(self, report: Progress) -> None:
        self._report = report

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        # Later than on_validation_epoch_end, where the module has not logged its scores yet.
        if not trainer.is_global_zero:
            return
        values = {name: round(float(value), 4) for name, value in trainer.callback_metrics.items()}
        self._report(json.dumps({"epoch": trainer.current_epoch + 1, "of": trainer.max_epochs, **values}))
