"""Faithfulness: how far an attribution may be believed, measured on the pair and the network that it is about.

What is removed takes the scene's mean, segment by segment and sensor by sensor, and the mean probability of the class
over the zone is what must fall. Legend: C bands, H height, W width, N players (a segment of one sensor, or of both).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from claire.core.bands import MODALITIES, Modality
from claire.core.segmenter import OpenSegmenter
from claire.core.types import Attribution, Evidence, Faithfulness, Prepared
from claire.explain import captum_methods
from claire.explain.attributions import METHODS, Job, Options, build_job, run_method
from claire.explain.probe import Pair
from claire.explain.segments import build_grid
from claire.explain.targets import Target
from claire.explain.watch import Watch

ROUNDING = 1e-5
"""Share of the largest value of a map below which a value is 0 but for the order of additions."""
NOISE_RADIUS = 0.02
"""Of the noise of max-sensitivity, in spreads of the training split (Yeh et al. 2019)."""

LEAST_REMOVED, MOST_REMOVED = 0.1, 0.5
"""Shares of the players that one removal of infidelity takes."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Args:
        orders: Random orders.
        points: Parts into which a curve is cut.
        removals: Random removals of infidelity.
        noises: Noisy pairs of max-sensitivity.
        cells: Segments along the longer side.
        dearest: Methods that cost more forward passes than this are not run again, so that sensitivity and
            randomisation stay unmeasured.
    """

    orders: int
    points: int
    removals: int
    noises: int
    cells: int
    dearest: int


QUICK = Effort(orders=3, points=4, removals=6, noises=1, cells=8, dearest=1)
"""About 25 forward passes, whatever the method costs."""

FULL = Effort(orders=20, points=8, removals=32, noises=2, cells=8, dearest=10_000)


def measure_faithfulness(
    model: OpenSegmenter,
    prepared: Prepared,
    target: Target,
    attribution: Attribution,
    options: Options | None = None,
    *,
    full: bool = False,
    watch: Watch | None = None,
) -> Faithfulness:
    """Measure an attribution.

    Args:
        model: Of the attribution.
        prepared: Of the attribution.
        target: Of the attribution.
        attribution: From `attribute`.
        options: Those that it was made with.
        full: Measure everything with 20 random orders; otherwise what takes about 25 passes.
        watch: Progress and cancel.

    Raises:
        CancelledError: Somebody asked to stop.
    """
    options, watch, effort = options or Options(), watch or Watch(), FULL if full else QUICK
    job = build_job(model, prepared, target, replace(options, most_steps=options.steps), watch)
    start, bands = watch.done, len(prepared.optical) + len(prepared.sar)
    again = METHODS[attribution.method].cost(options, bands) <= effort.dearest
    watch.total = max(watch.total, start + count_passes(attribution.method, options, bands, full=full))
    here = (slice(None), job.piece.rows, job.piece.columns)
    maps = {evidence: values[here] for evidence, values in attribution.maps.items()}
    players = Players(job, maps, attribution.method, effort.cells)
    deletion, insertion, random = measure_curves(job, players, effort)
    return Faithfulness(
        completeness_gap=attribution.completeness_gap,
        infidelity=_measure_infidelity(job, players, attribution, effort),
        sensitivity=_measure_sensitivity(job, maps, attribution.method, effort) if again else float("nan"),
        deletion_auc=deletion,
        insertion_auc=insertion,
        random_auc=float(np.mean(random)),
        random_spread=float(np.std(random, ddof=1)),
        random_orders=effort.orders,
        agreement=_measure_agreement(job, maps, attribution.method) if again else float("nan"),
        passes=watch.done - start,
        full=full,
    )


def count_passes(method: str, options: Options, bands: int, *, full: bool) -> int:
    """Forward passes that a measurement is expected to cost.

    Args:
        method: Key of `claire.explain.attributions.METHODS`.
        options: Of the attribution.
        bands: Of both sensors.
        full: As for `measure_faithfulness`.
    """
    effort, cost = FULL if full else QUICK, METHODS[method].cost(options, bands)
    curves = 2 + (effort.orders + 2) * (effort.points - 1)
    again = cost <= effort.dearest
    return curves + effort.removals + 1 + again * cost * (effort.noises + 1)


class Players:
    """The segments that are removed and added, and what an attribution says each is worth.

    An attribution of one sensor is asked about that sensor alone, a joint one about both at once.

    Args:
        job: Of the attribution.
        maps: Evidence -> (C, H, W) over the piece.
        method: That made them.
        cells: Segments along the longer side.
    """

    def __init__(self, job: Job, maps: Mapping[Evidence, NDArray[np.float32]], method: str, cells: int) -> None:
        self.job = job
        self.segments = build_grid(job.probe.shape, cells)
        self.segment_count = int(self.segments.max()) + 1
        self.sensors: tuple[Modality, ...] = tuple(m for m in MODALITIES if m in maps) or MODALITIES
        self.joint = "joint" in maps
        self.effects = compute_effects(job, maps, METHODS[method].removal)
        self.ids = torch.from_numpy(self.segments).to(job.probe.inputs[0].device)

    @property
    def count(self) -> int:
        """N."""
        return self.segment_count * (1 if self.joint else len(self.sensors))

    def worths(self) -> NDArray[np.float64]:
        """(N,) what removing each player should cost, according to the attribution."""
        sums = [
            np.bincount(self.segments.ravel(), weights=self.effects[sensor].sum(axis=0).ravel())
            for sensor in self.sensors
        ]
        return np.asarray(np.sum(sums, axis=0)) if self.joint else np.concatenate(sums)

    def masks(self, removed: NDArray[np.bool_]) -> dict[Modality, Tensor]:
        """Sensor -> (1, 1, H, W) bool, True where removed; a sensor that is not asked about is absent."""
        parts = [removed] * len(self.sensors) if self.joint else np.split(removed, len(self.sensors))
        return {
            sensor: torch.from_numpy(part).to(self.ids.device)[self.ids][None, None]
            for sensor, part in zip(self.sensors, parts, strict=True)
        }

    def remove(self, removed: NDArray[np.bool_]) -> Pair:
        """The pair without some players, each replaced by its baseline."""
        masks = self.masks(removed)
        optical, sar = (
            torch.where(masks[sensor], baseline, values) if sensor in masks else values
            for sensor, values, baseline in zip(MODALITIES, self.job.probe.inputs, self.job.baseline, strict=True)
        )
        return optical, sar


def compute_effects(
    job: Job, maps: Mapping[Evidence, NDArray[np.float32]], removal: bool
) -> dict[Modality, NDArray[np.float64]]:
    """Sensor -> (C, H, W): what an attribution says that taking away each value costs.

    A map without bands is shared out over the bands of its sensor, a joint one over those of both. A slope is
    multiplied with the way to the baseline.
    """
    effects: dict[Modality, NDArray[np.float64]] = {}
    everything = sum(values.shape[1] for values in job.probe.inputs)
    for sensor, values, baseline in zip(MODALITIES, job.probe.inputs, job.baseline, strict=True):
        bands = values.shape[1]
        shape = (bands, *job.probe.shape)
        if "joint" in maps:
            effects[sensor] = np.broadcast_to(maps["joint"].astype(np.float64) / everything, shape)
        elif sensor in maps:
            given = maps[sensor].astype(np.float64)
            effects[sensor] = given if len(given) == bands else np.broadcast_to(given / bands, shape)
        else:
            effects[sensor] = np.zeros(shape)
        if not removal:
            effects[sensor] = effects[sensor] * (values - baseline)[0].cpu().numpy()
    return effects


def measure_curves(job: Job, players: Players, effort: Effort) -> tuple[float, float, NDArray[np.float64]]:
    """Areas under the probability of the class: strongest evidence removed first, added first, and in random orders.

    Adding in one order is removing in the opposite one seen backwards, so random orders serve both.

    Returns:
        Deletion, insertion, and (orders,) random.
    """
    count = players.count
    best_first = np.argsort(-players.worths(), kind="stable")
    rng = np.random.default_rng(job.options.seed)
    orders = [best_first, best_first[::-1], *(rng.permutation(count) for _ in range(effort.orders))]
    cuts = np.unique(np.linspace(0, count, effort.points + 1).round().astype(int))
    ends = [_measure(job, players, np.full(count, gone)) for gone in (False, True)]
    areas = []
    for order in orders:
        inner = []
        for cut in cuts[1:-1]:
            removed = np.zeros(count, bool)
            removed[order[:cut]] = True
            inner.append(_measure(job, players, removed))
        areas.append(float(np.trapezoid([ends[0], *inner, ends[1]], cuts / count)))
    return areas[0], areas[1], np.array(areas[2:])


def randomise(network: nn.Module, seed: int) -> nn.Module:
    """A copy in which the values of every parameter are shuffled: the same layers and spreads, nothing learnt."""
    other = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in other.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return other


def compute_agreement(
    first: Mapping[Evidence, NDArray[np.float32]], second: Mapping[Evidence, NDArray[np.float32]]
) -> float:
    """Rank correlation (Spearman) of absolute values over places and sensors, -1..1; NaN where one is flat.

    Where both are 0, as in gaps and in a sensor that the map does not see, there is nothing to agree on.
    """
    values = [
        np.concatenate([np.abs(maps[evidence].sum(axis=0)).ravel() for evidence in sorted(first)])
        for maps in (first, second)
    ]
    told = np.logical_or(*(each > ROUNDING * each.max() for each in values))
    ranks = [rankdata(each[told]) for each in values]
    if not told.any() or min(rank.std() for rank in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _measure(job: Job, players: Players, removed: NDArray[np.bool_]) -> float:
    with torch.inference_mode():
        return float(job.probe.read(*players.remove(removed), "probability")[0])


def _measure_infidelity(job: Job, players: Players, attribution: Attribution, effort: Effort) -> float:
    """Error of the predicted change over the change itself, both squared: 0 perfect, 1 useless."""
    rng = np.random.default_rng(job.options.seed)
    changes: list[float] = []

    def perturb(repeated: Pair) -> tuple[Pair, Pair]:
        """Masks of what is removed, and the pairs without it."""
        masks: list[Pair] = []
        pairs: list[Pair] = []
        for _ in range(len(repeated[0])):
            removed = rng.random(players.count) < rng.uniform(LEAST_REMOVED, MOST_REMOVED)
            found = players.masks(removed)
            blank = torch.zeros_like(players.ids, dtype=torch.bool)[None, None]
            shapes = [values.shape for values in job.probe.inputs]
            expanded = [
                found.get(sensor, blank).expand(shape).float() for sensor, shape in zip(MODALITIES, shapes, strict=True)
            ]
            masks.append((expanded[0], expanded[1]))
            pairs.append(players.remove(removed))
        return _stack(masks), _stack(pairs)

    def forward(optical: Tensor, sar: Tensor) -> Tensor:
        """The target; that of the pair itself is known."""
        if torch.equal(optical, job.probe.inputs[0].expand_as(optical)) and torch.equal(
            sar, job.probe.inputs[1].expand_as(sar)
        ):
            return torch.full((len(optical),), attribution.value, device=optical.device)
        answer = job.probe(optical, sar)
        changes.extend((attribution.value - answer).tolist())
        return answer

    effects = [torch.from_numpy(np.array(players.effects[sensor], np.float32))[None] for sensor in MODALITIES]
    on_device = [effect.to(job.probe.inputs[0].device) for effect in effects]
    error = captum_methods.measure_infidelity(
        forward,
        perturb,
        job.probe.inputs,
        (on_device[0], on_device[1]),
        effort.removals,
        min(job.batch, effort.removals),
    )
    size = float(np.mean(np.square(changes))) if changes else 0.0
    return max(0.0, error / size) if size > 0 else float("nan")


def _measure_sensitivity(job: Job, maps: Mapping[Evidence, NDArray[np.float32]], method: str, effort: Effort) -> float:
    known = [tuple(torch.from_numpy(np.ascontiguousarray(values))[None] for values in maps.values())]

    def explain(inputs: Pair) -> tuple[Tensor, ...]:
        """The attribution of the pair itself is known, and captum asks for it first."""
        if known:
            return known.pop()
        with torch.enable_grad():
            found = run_method(method, replace(job, probe=job.probe.at(inputs)))
        return tuple(found[evidence].detach().cpu().contiguous() for evidence in maps)

    with captum_methods.seeded(job.options.seed):
        return captum_methods.measure_sensitivity(explain, job.probe.inputs, NOISE_RADIUS, effort.noises)


def _measure_agreement(job: Job, maps: Mapping[Evidence, NDArray[np.float32]], method: str) -> float:
    network = randomise(job.probe.network, job.options.seed)
    found = run_method(method, replace(job, probe=job.probe.through(network)))
    return compute_agreement(maps, {evidence: values[0].cpu().numpy() for evidence, values in found.items()})


def _stack(pairs: list[Pair]) -> Pair:
    return torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])
