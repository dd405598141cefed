"""A pixel network that learns from trees: these learn from simulated scenes and from places, and it what both say.

The trees of scenes know every class and season, and no place; those of places know the few that are labelled. The
network learns the mean of both, at pixels of places without the classes of which no place has any. Its fused map alone
learns at pixels of scenes what the trees of scenes say: that costs it nothing on places, as it costs the maps of single
sensors, and keeps what it knows of scenes. Of scenes trees and network know the insides of segments alone (`INSIDE`).
At mixed pixels, which are of no place (`MIXES`), it learns what the trees say of ground that is unlike any of these.

A forest on band ratios and smoothed backscatter is what one would use without a network. It errs in other pixels than
one, and is never as sure of itself, so that the two are better together than either. But no slope leads through a
forest, and nothing could explain it; a network that repeats it can be explained, and learns offsets and gains besides
(distillation: Hinton et al. 2015, arXiv 1503.02531).
Legend: N tiles, C bands, P pixels, K classes, F features.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from claire.core.bands import MODES, OFFSETS, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import RecipeError
from claire.core.manifest import InputSpec, Manifest
from claire.data.landcover import SIMULATED
from claire.data.preparing import compute_valid, normalise, select_bands
from claire.models.network import PixelNetwork
from claire.training.recipe import Recipe
from claire.training.scales import Scales, list_heads, read_map

TREES, LEAF = 100, 5
"""Trees of a forest, and pixels of a leaf at least."""
LABELLED, PLACED = 100, 800
"""Pixels of a class that are taken of a scene and of a place at most, to grow the trees."""
INSIDE = 9
"""Side of the window around a pixel of a scene in which there is no other class: places have labels inside of segments
alone, and what trees learn of mixtures at edges they would find in the middle of fields."""
OF_SCENES: Mapping[Mode, float] = {"fused": 0.9, "optical": 0.7, "sar": 0.7}
"""How much the trees of scenes count at pixels of places; those of places have the rest."""
DRAWN, DREAMT = 6000, 400
"""Pixels that are taken at most of a real tile, and of a simulated scene, to repeat the trees."""
MIXES, BEYOND, CUT = 2.5, 0.3, 1 / 3
"""Mixed pixels for each drawn one, at which the trees are asked, too: pixels of no place, so that the network follows
the trees where its places have nothing alike (function matching: Beyer et al. 2022, arXiv 2106.05237). Most lie on the
line through a pixel of a place and another, and up to a share of the way `BEYOND` both; the share `CUT` takes each
window from either of the two."""
STEPS, PIXELS = 12_000, 768
"""Steps of the network, and pixels of one."""


@dataclass(frozen=True)
class Pixels:
    """Pixels side by side.

    Args:
        optical: What is seen of them.
        sar: The same of SAR.
        classes: (P,) uint8 class indices, or `IGNORE_INDEX`.
        real: (P,) bool, those of places; the others are of simulated scenes.
    """

    optical: Scales
    sar: Scales
    classes: NDArray[np.uint8]
    real: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.classes)

    @classmethod
    def join(cls, parts: Sequence[Pixels]) -> Pixels:
        """One after the other."""
        optical, sar = _line_up([part.optical for part in parts]), _line_up([part.sar for part in parts])
        return cls(optical, sar, *(np.concatenate([getattr(p, name) for p in parts]) for name in ("classes", "real")))

    def at(self, places: NDArray[np.int64]) -> Pixels:
        """Some of them."""
        optical, sar = _gather(self.optical, places), _gather(self.sar, places)
        return Pixels(optical, sar, self.classes[places], self.real[places])


def learn_trees(
    network: PixelNetwork, dataset: Dataset, recipe: Recipe, manifest: Manifest, report: Callable[[str], None]
) -> NDArray[np.int64]:
    """Teach a network of pixels what trees say.

    Args:
        network: To change.
        dataset: Labelled pairs with the recipe's training split, places and simulated scenes.
        recipe: The run; of the samples' damage only jitter and offset count here.
        manifest: Bands, units and classes.
        report: Receives one line per forest.

    Returns:
        Pixels of each class that trees learnt from.

    Raises:
        RecipeError: The network reads bands relative to their tile or coarse windows, or there are no scenes or no
            places.
    """
    if network.config.relative:
        raise RecipeError("Trees teach networks that read no bands relative to their tile.", "Give relative false.")
    if network.config.coarse:
        raise RecipeError("Trees teach networks that read every window at every pixel.", "Give smooth, not coarse.")
    rng = np.random.default_rng(recipe.seed)
    classes = len(manifest.class_scheme)
    labelled, seen = _collect(network, dataset, recipe, manifest, rng)
    drawn = Pixels.join([seen, _mix(seen, round(MIXES * len(seen)), rng)])
    scenes, places = (labelled.at(np.flatnonzero(labelled.real == real)) for real in (False, True))
    absent = np.setdiff1d(np.arange(classes), places.classes)
    said = {}
    for mode in MODES:
        of_scenes, of_places = (_ask_forest(network, mode, each, drawn, recipe.seed) for each in (scenes, places))
        mean = OF_SCENES[mode] * _leave_out(of_scenes, absent, drawn.real) + (1 - OF_SCENES[mode]) * of_places
        heard = drawn.real if mode == "fused" else np.ones(len(drawn), bool)
        said[mode] = torch.where(torch.from_numpy(heard)[:, None], mean, of_scenes)
        report(json.dumps({"forest": mode, "scenes": len(scenes), "places": len(places)}))
    _repeat(network, drawn, said, manifest, recipe)
    report(json.dumps({"steps": STEPS, "pixels": len(said["fused"])}))
    return np.bincount(labelled.classes, minlength=classes)


def _collect(
    network: PixelNetwork, dataset: Dataset, recipe: Recipe, manifest: Manifest, rng: np.random.Generator
) -> tuple[Pixels, Pixels]:
    """Labelled pixels to grow trees from, and pixels of all tiles to repeat them at."""
    labelled: list[Pixels] = []
    drawn: list[Pixels] = []
    for tile_id in dataset.ids(recipe.train_split):
        tile, _ = select_bands(dataset.read(tile_id), manifest)
        if tile.optical is None or tile.sar is None or tile.label is None:
            continue
        real = not tile_id.startswith(f"{SIMULATED}/")
        inputs = []
        for layer, spec in ((tile.optical, manifest.optical), (tile.sar, manifest.sar)):
            valid = compute_valid(layer.values, layer.valid, spec)
            inputs += [torch.from_numpy(part)[None].float() for part in normalise(layer.values, valid, spec)]
        label = manifest.class_scheme.to_index(tile.label).ravel().astype(np.uint8)
        every = Pixels(
            network.heads.optical.look(*inputs[:2]),
            network.heads.sar.look(*inputs[2:]),
            label,
            np.full(len(label), real),
        )
        both = np.flatnonzero((inputs[1].amin(1) * inputs[3].amin(1)).numpy().ravel() > 0)
        known = both if real else both[_find_insides(tile.label).ravel()[both]]
        drawn.append(every.at(_draw_some(known, DRAWN if real else DREAMT, rng)))
        most = PLACED if real else LABELLED
        classes = np.setdiff1d(label[known], [IGNORE_INDEX])
        labelled.extend(every.at(_draw_some(known[label[known] == each], most, rng)) for each in classes)
    of_places = {int(part.classes[0]) for part in labelled if part.real[0]}
    if len(of_places) < 2 or all(part.real[0] for part in labelled):
        raise RecipeError(
            "There are no simulated scenes, or no labelled real places of two classes, to learn from.",
            "Give --root a folder of places, and a split that has scenes, too.",
        )
    return Pixels.join(labelled), Pixels.join(drawn)


def _find_insides(label: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """(H, W) where all pixels around are of one class."""
    return np.asarray(ndimage.maximum_filter(label, INSIDE) == ndimage.minimum_filter(label, INSIDE))


def _draw_some(places: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(places, min(len(places), most), replace=False)


def _mix(drawn: Pixels, count: int, rng: np.random.Generator) -> Pixels:
    """Pixels between pairs, or beyond, of which one is of a place; they count as what they have more of."""
    ours, others = drawn.at(rng.choice(np.flatnonzero(drawn.real), count)), drawn.at(rng.choice(len(drawn), count))
    along = rng.uniform(-BEYOND, 1 + BEYOND, count)
    cut = rng.random(count) < CUT
    drawn_shares: list[NDArray[np.float32]] = []

    def mix(one: Scales, other: Scales) -> Scales:
        mixed = []
        for (v, m, s), (w, n, t) in zip(one, other, strict=True):
            drawn_shares.append(np.where(cut, rng.random(count) < 0.5, along).astype(np.float32))
            share = torch.from_numpy(drawn_shares[-1])[None, None, :, None]
            mixed.append((torch.lerp(w, v, share), torch.lerp(n, m, share), torch.lerp(t, s, share).clamp_min(0)))
        return mixed

    optical, sar = mix(ours.optical, others.optical), mix(ours.sar, others.sar)
    return Pixels(optical, sar, ours.classes, others.real | (np.mean(drawn_shares, axis=0) > 0.5))


def _leave_out(said: Tensor, absent: NDArray[np.integer[Any]], where: NDArray[np.bool_]) -> Tensor:
    """(P, K) probabilities without those classes at some pixels; none where nothing else was said."""
    kept = said.clone()
    kept[np.ix_(where, absent)] = 0
    return kept / kept.sum(dim=1, keepdim=True).clamp_min(1e-6)


def _gather(scales: Scales, places: NDArray[np.int64]) -> Scales:
    index = torch.from_numpy(places)
    return [
        (v.flatten(2)[..., index, None], m.flatten(2)[..., index, None], s.flatten(2)[..., index, None])
        for v, m, s in scales
    ]


def _line_up(scales: Sequence[Scales]) -> Scales:
    """Pixels of several tiles one after the other."""
    return [
        (torch.cat(v, 2), torch.cat(m, 2), torch.cat(s, 2))
        for v, m, s in (zip(*same, strict=True) for same in zip(*scales, strict=True))
    ]


def _ask_forest(network: PixelNetwork, mode: Mode, labelled: Pixels, drawn: Pixels, seed: int) -> Tensor:
    """(P, K) what trees that know the labelled pixels say of the drawn ones."""
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=seed, n_jobs=-1)
    forest.fit(_as_rows(read_map(network, mode, labelled.optical, labelled.sar)), labelled.classes)
    said = forest.predict_proba(_as_rows(read_map(network, mode, drawn.optical, drawn.sar)))
    probabilities = torch.zeros(len(said), network.config.classes)
    probabilities[:, torch.from_numpy(forest.classes_.astype(np.int64))] = torch.from_numpy(said).float()
    return probabilities


def _as_rows(features: Tensor) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = features[0, :, :, 0].T.numpy()
    return rows


def _repeat(
    network: PixelNetwork,
    drawn: Pixels,
    said: Mapping[Mode, Tensor],
    manifest: Manifest,
    recipe: Recipe,
) -> None:
    """Teach the network to say what the trees say, whatever the level."""
    heads = list_heads(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    network.train()
    for _ in range(STEPS):
        chosen = torch.randint(len(said["fused"]), (PIXELS,))
        places = chosen.numpy()
        optical, sar = _gather(drawn.optical, places), _gather(drawn.sar, places)
        optical = _jitter(optical, manifest.optical, recipe.jitter_of("optical"), recipe.offset_share)
        sar = _jitter(sar, manifest.sar, recipe.jitter_of("sar"), 0.0)
        loss = torch.zeros(())
        for mode, head in heads.items():
            logits = head(read_map(network, mode, optical, sar))[0, :, :, 0].T
            loss = loss - (said[mode][chosen] * F.log_softmax(logits, dim=1)).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


def _jitter(scales: Scales, spec: InputSpec, strength: float, offset_share: float) -> Scales:
    """Gain and offset as in `claire.training.samples`, of each pixel anew; the same for it and the means around it."""
    mean, std = (torch.tensor(numbers)[None, :, None, None] for numbers in (spec.mean, spec.std))
    shape = scales[0][0].shape
    gain, offset = (limit * (_draw((1, 1, *shape[2:])) + _draw(shape) / 2) for limit in (strength, strength * 4 / 3))
    step = OFFSETS["reflectance_x1e4_offset"][1] * (torch.rand(1, 1, *shape[2:]) < offset_share)
    return [
        ((((v * std + mean) * (1 + gain) + step - mean) / std + offset) * m, m, s * (1 + gain) if s.shape[1] else s)
        for v, m, s in scales
    ]


def _draw(shape: Any) -> Tensor:
    return 2 * torch.rand(shape) - 1
