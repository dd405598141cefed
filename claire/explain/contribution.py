"""Contribution: what each sensor, or each band, adds to the fused map: Shapley values by masking.

A sensor is taken away as the network was trained to miss it: its mask says that it saw nothing. The sensors are two
players, so four forwards give the exact values for every class and every pixel. With both masked, the network says what
it expects before looking; that prior is the baseline. Legend: H height, W width, K classes, N players.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODALITIES, Modality
from claire.core.errors import GridError, UnknownNameError, ZoneError
from claire.core.evidence import BandContribution, ContributionGrid
from claire.core.segmenter import Segmenter
from claire.core.types import Contribution, Prepared, Share
from claire.explain.targets import QUANTITIES, Quantity, check_sensors
from claire.explain.watch import Watch

EXACT_PLAYERS = 8
"""Up to this many bands all coalitions are asked (256 forwards); beyond, permutations are sampled."""

Coalition = frozenset[int]


def compute_contribution(
    model: Segmenter, prepared: Prepared, quantity: Quantity = "logit", watch: Watch | None = None
) -> Contribution:
    """Exact contribution of optical and SAR, from four forwards.

    Args:
        model: Any segmenter with a fused map; a tile larger than its window is fine.
        prepared: The pair; both sensors saw something.
        quantity: Logit, or (log) probability after temperature.
        watch: Progress and cancel.

    Raises:
        SensorError: A sensor is missing.
        UnknownNameError: The network makes no fused map, or there is no such quantity.
    """
    check_sensors(prepared, MODALITIES)
    watch = watch or Watch()
    watch.total = max(watch.total, watch.done + 4)
    both, optical, sar, neither = (
        _answer(model, _keep_sensors(prepared, kept), quantity, watch)
        for kept in (("optical", "sar"), ("optical",), ("sar",), ())
    )
    interaction = both - optical - sar + neither
    return Contribution(
        scheme=model.manifest.class_scheme,
        quantity=quantity,
        valid=prepared.valid("fused"),
        optical=optical - neither + interaction / 2,
        sar=sar - neither + interaction / 2,
        interaction=interaction,
        value=both,
        baseline=neither,
    )


def compute_shares(contribution: Contribution, zone: NDArray[np.bool_]) -> tuple[Share, ...]:
    """The contribution over a zone, one share per class in index order.

    Args:
        contribution: Of the tile.
        zone: (H, W) bool.

    Raises:
        ZoneError: No valid pixel lies in the zone.
    """
    if zone.shape != contribution.valid.shape or not (zone & contribution.valid).any():
        raise ZoneError("The zone holds no pixel that the map says anything about.", "Choose a zone with valid pixels.")
    here = zone & contribution.valid
    parts = (
        contribution.optical,
        contribution.sar,
        contribution.interaction,
        contribution.value,
        contribution.baseline,
    )
    means = np.stack([values[:, here].mean(axis=1) for values in parts])
    names = contribution.scheme.names
    return tuple(Share(name, *map(float, means[:, index])) for index, name in enumerate(names))


def compute_grid(contribution: Contribution, class_name: str, cell: int = 16) -> ContributionGrid:
    """The contribution as a map: each cell of a grid is a zone of its own.

    Args:
        contribution: Of the tile.
        class_name: Which class.
        cell: Side of a cell, pixels.

    Raises:
        UnknownNameError: No such class.
        GridError: A cell without pixels.
    """
    names = contribution.scheme.names
    if class_name not in names:
        raise UnknownNameError.among("class", class_name, names)
    if cell < 1:
        raise GridError(f"A cell of {cell} pixels is too small.", "Give at least 1.")
    index = names.index(class_name)
    optical, sar, interaction = (
        _average(values[index], contribution.valid, cell)
        for values in (contribution.optical, contribution.sar, contribution.interaction)
    )
    return ContributionGrid(class_name, optical, sar, interaction, cell)


def compute_band_contribution(
    model: Segmenter,
    prepared: Prepared,
    zone: NDArray[np.bool_],
    quantity: Quantity = "logit",
    *,
    permutations: int = 16,
    seed: int = 0,
    watch: Watch | None = None,
) -> BandContribution:
    """Contribution of every band: exact up to `EXACT_PLAYERS` bands, sampled with a seed beyond.

    A band is masked as a whole. Networks are trained with whole dates and sensors missing, so a single missing band is
    something that they have hardly seen.

    Args:
        model: Any segmenter with a fused map.
        prepared: The pair.
        zone: (H, W) bool.
        quantity: What is averaged over the zone.
        permutations: Orders in which bands are added where sampled; each is used forwards and backwards.
        seed: Of the orders.
        watch: Progress and cancel.

    Raises:
        ZoneError: No valid pixel lies in the zone.
        SensorError: A sensor is missing.
        UnknownNameError: The network makes no fused map, or there is no such quantity.
    """
    check_sensors(prepared, MODALITIES)
    here = zone & prepared.valid("fused")
    if not here.any():
        raise ZoneError("The zone holds no pixel that the map says anything about.", "Choose a zone with valid pixels.")
    manifest, watch = model.manifest, watch or Watch()
    players: list[tuple[Modality, int]] = [
        (modality, band) for modality in MODALITIES for band in range(len(getattr(manifest, modality).bands))
    ]
    known: dict[Coalition, NDArray[np.float64]] = {}

    def ask(coalition: Coalition) -> NDArray[np.float64]:
        if coalition not in known:
            kept = {players[player] for player in coalition}
            known[coalition] = _answer(model, _keep_bands(prepared, kept), quantity, watch)[:, here].mean(axis=1)
        return known[coalition]

    count, exact = len(players), len(players) <= EXACT_PLAYERS
    if exact:
        watch.total = max(watch.total, watch.done + 2**count)
        values = compute_exact_shapley(count, ask)
        spread = np.zeros_like(values)
    else:
        watch.total = max(watch.total, watch.done + 2 * permutations * (count - 1) + 2)
        values, spread = compute_sampled_shapley(count, ask, permutations, np.random.default_rng(seed))
    titles = tuple(f"{modality} {getattr(manifest, modality).bands[band]}" for modality, band in players)
    everyone = frozenset(range(count))
    return BandContribution(
        manifest.class_scheme.names,
        titles,
        values,
        spread,
        ask(everyone),
        ask(frozenset()),
        exact,
        len(known),
    )


def compute_exact_shapley(players: int, ask: Callable[[Coalition], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Shapley values from all 2^N coalitions.

    Args:
        players: N.
        ask: Worth of a coalition, an array of any shape.

    Returns:
        (N, ...) float64; they sum to the worth of all less the worth of none.
    """
    weights = [factorial(size) * factorial(players - size - 1) / factorial(players) for size in range(players)]
    values = []
    for player in range(players):
        others = [other for other in range(players) if other != player]
        terms = [
            weights[size] * (ask(frozenset((*chosen, player))) - ask(frozenset(chosen)))
            for size in range(players)
            for chosen in combinations(others, size)
        ]
        values.append(np.sum(terms, axis=0))
    return np.stack(values)


def compute_sampled_shapley(
    players: int, ask: Callable[[Coalition], NDArray[np.float64]], permutations: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shapley values from random orders, each walked forwards and backwards, so that they sum up exactly all the same.

    Args:
        players: N.
        ask: Worth of a coalition.
        permutations: Orders.
        rng: Draws them.

    Returns:
        (N, ...) values, and their standard error over the orders.
    """
    rounds = []
    for _ in range(permutations):
        order = rng.permutation(players).tolist()
        gains = [_walk(direction, ask) for direction in (order, order[::-1])]
        rounds.append((gains[0] + gains[1]) / 2)
    samples = np.stack(rounds)
    error = samples.std(axis=0, ddof=1) / np.sqrt(permutations) if permutations > 1 else np.zeros_like(samples[0])
    return samples.mean(axis=0), error


def _walk(order: list[int], ask: Callable[[Coalition], NDArray[np.float64]]) -> NDArray[np.float64]:
    """What each player adds when they come in this order."""
    worth = [ask(frozenset(order[:size])) for size in range(len(order) + 1)]
    gains: NDArray[np.float64] = np.stack(worth[1:]) - np.stack(worth[:-1])
    return gains[np.argsort(order)]


def _answer(model: Segmenter, prepared: Prepared, quantity: Quantity, watch: Watch) -> NDArray[np.float64]:
    """(K, H, W) of the fused map."""
    watch.check()
    logits = model.segment(prepared).logits
    watch.count(1)
    if "fused" not in logits:
        raise UnknownNameError.among("map of this model", "fused", logits)
    if quantity not in QUANTITIES:
        raise UnknownNameError.among("quantity", quantity, QUANTITIES)
    values = logits["fused"].astype(np.float64)
    if quantity == "logit":
        return values
    scaled = values / model.manifest.temperature.get("fused", 1.0)
    scaled = scaled - scaled.max(axis=0)
    logarithms: NDArray[np.float64] = scaled - np.log(np.exp(scaled).sum(axis=0))
    return logarithms if quantity == "log_probability" else np.exp(logarithms)


def _keep_sensors(prepared: Prepared, kept: Iterable[str]) -> Prepared:
    bands = {"optical": len(prepared.optical), "sar": len(prepared.sar)}
    return _keep_bands(prepared, {(modality, band) for modality in kept for band in range(bands[modality])})


def _keep_bands(prepared: Prepared, kept: Iterable[tuple[str, int]]) -> Prepared:
    """The pair with every other band masked out."""
    keep: Mapping[str, list[int]] = {
        modality: [band for owner, band in kept if owner == modality] for modality in MODALITIES
    }
    optical_valid, sar_valid = np.zeros_like(prepared.optical_valid), np.zeros_like(prepared.sar_valid)
    optical_valid[keep["optical"]] = prepared.optical_valid[keep["optical"]]
    sar_valid[keep["sar"]] = prepared.sar_valid[keep["sar"]]
    return replace(
        prepared,
        optical=np.where(optical_valid, prepared.optical, np.float32(0)),
        sar=np.where(sar_valid, prepared.sar, np.float32(0)),
        optical_valid=optical_valid,
        sar_valid=sar_valid,
    )


def _average(values: NDArray[np.float64], valid: NDArray[np.bool_], cell: int) -> NDArray[np.float64]:
    """(h, w) mean over the valid pixels of each cell."""
    starts = [np.arange(0, size, cell) for size in values.shape]
    sums, counts = (
        np.add.reduceat(np.add.reduceat(part, starts[0], axis=0), starts[1], axis=1)
        for part in (np.where(valid, values, 0.0), valid.astype(np.float64))
    )
    return np.asarray(np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0))
