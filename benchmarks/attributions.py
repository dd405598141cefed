"""Which attribution is most faithful, and what does it cost? Every method on many tiles: one table for a checkpoint.

Run it with `python -m benchmarks.attributions --root data/ombria`. For a model of floods, half of the tiles are
generated pairs and half are validation chips of OMBRIA; for one of land cover, the labelled places of the data set
`landcover` come first, as many as there are up to half, and simulated scenes after them. Without a root all are
generated. The middle of each is explained: the flood of the fused map (a model of one sensor has its own map only), or
its most frequent class, over all pixels that the map gives to it. Tiles with less than a hundredth of the class are
passed over. What is measured goes line by line into the file `--keep`, from where a run that was cut off goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import describe_machine
from claire import pipeline
from claire.core.bands import Mode
from claire.core.classes import FLOOD
from claire.core.dataset import Dataset
from claire.core.errors import InputError
from claire.core.types import Prepared, Tile
from claire.data.examples import generate_flood_pair
from claire.data.landcover import LandCoverDataset
from claire.data.ombria import OmbriaDataset
from claire.data.preparing import prepare
from claire.data.simulator.dataset import SimulatedDataset
from claire.explain.attributions import METHODS, Options, attribute
from claire.explain.faithfulness import measure_faithfulness
from claire.explain.pieces import Piece
from claire.explain.targets import Target, build_class_zone, build_target
from claire.explain.watch import Watch
from claire.inference.engine import TorchSegmenter
from claire.inference.predicting import decide

SIDE = 128
"""Pixels of the middle that is explained, unless `--side` says otherwise."""

FIRST_SEED = 5000
"""Of the generated pairs."""

MOST_SCENES = 600
"""Simulated scenes to draw from."""

LEAST_SHARE = 0.01
"""Of the class in the middle."""

COLUMNS = {
    "insertion": "insertion above random",
    "deletion": "deletion below random",
    "infidelity": "infidelity",
    "gap": "completeness gap",
    "passes": "passes",
    "seconds": "seconds",
}


def iterate_middles(
    model: TorchSegmenter, root: Path | None, wanted: int, side: int
) -> Iterator[tuple[str, Prepared, Target]]:
    """Name, middle and target of each tile."""
    floods = model.manifest.scheme == FLOOD.name
    dataset: Dataset | None = None
    if root is not None:
        dataset = OmbriaDataset(root) if floods else LandCoverDataset(root)
    split = "val" if floods else "places"
    real = [] if dataset is None else list(dataset.ids(split))
    chips = min(wanted // 2, len(real))
    generated = _generate_floods() if floods else _generate_scenes(side)
    labelled = ((name, dataset.read(name)) for name in real if dataset is not None)
    for tiles, part in ((labelled, chips), (generated, wanted - chips)):
        found = ((name, *_aim(model, prepare(tile, model.manifest)[0], side)) for name, tile in tiles)
        yield from islice(((name, middle, target) for name, middle, target in found if target is not None), part)


def _generate_floods() -> Iterator[tuple[str, Tile]]:
    return ((f"generated {seed}", generate_flood_pair(seed)) for seed in count(FIRST_SEED))


def _generate_scenes(side: int) -> Iterator[tuple[str, Tile]]:
    scenes = SimulatedDataset(tiles=MOST_SCENES, size=side)
    return ((f"simulated {scene}", scenes.read(scene)) for scene in scenes.ids("val"))


def _aim(model: TorchSegmenter, prepared: Prepared, side: int) -> tuple[Prepared, Target | None]:
    top, left = (max(0, (size - side) // 2) for size in prepared.shape)
    bottom, right = (min(size, start + side) for size, start in zip(prepared.shape, (top, left), strict=True))
    middle = Piece(slice(top, bottom), slice(left, right)).cut(prepared)
    output = model.segment(middle)
    mode: Mode = "fused" if "fused" in output.logits else next(iter(output.logits))
    found = decide(output, middle, model.manifest, mode)
    names = model.manifest.class_scheme.names
    class_name = names[-1]
    if model.manifest.scheme != FLOOD.name:
        class_name = names[int(np.bincount(found.classes[found.valid], minlength=len(names))[: len(names)].argmax())]
    try:
        zone = build_class_zone(found, class_name)
    except InputError:  # the class is absent
        return middle, None
    target = build_target(model.manifest, middle, class_name, zone, mode)
    return middle, target if zone.mean() >= LEAST_SHARE else None


def measure(model: TorchSegmenter, middle: Prepared, target: Target, method: str) -> dict[str, float | str]:
    """Faithfulness and cost of one method on one middle."""
    options, watch, start = Options(), Watch(), time.perf_counter()
    found = attribute(model, middle, target, method, options, watch)
    seconds, passes = time.perf_counter() - start, watch.done
    faith = measure_faithfulness(model, middle, target, found, options, watch=watch)
    return {
        "insertion": faith.insertion_auc - faith.random_auc,
        "deletion": faith.random_auc - faith.deletion_auc,
        "infidelity": faith.infidelity,
        "gap": faith.completeness_gap,
        "passes": passes,
        "seconds": seconds,
        "badge": faith.badge,
    }


def format_table(kept: list[dict[str, Any]]) -> str:
    """Markdown, one row per method, best mean of insertion and deletion first; these two with standard errors."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in kept:
        rows[entry["method"]].append(entry)

    def find(method: str, column: str) -> list[float]:
        return [entry[column] for entry in rows[method] if entry[column] == entry[column]]

    def rank(method: str) -> float:
        return -statistics.fmean(find(method, "insertion") + find(method, "deletion"))

    def cell(method: str, column: str) -> str:
        values = find(method, column)
        if not values:
            return "–"
        mean = statistics.fmean(values)
        if column in {"insertion", "deletion"} and len(values) > 1:
            return f"{mean:.3f} ± {statistics.stdev(values) / len(values) ** 0.5:.3f}"
        return f"{mean:.0f}" if column == "passes" else f"{mean:.3f}"

    def share(method: str, badge: str) -> str:
        return f"{100 * statistics.fmean(entry['badge'] == badge for entry in rows[method]):.0f} %"

    badges = ("faithful", "partly", "doubtful")
    lines = [
        f"| method | {' | '.join(chain(COLUMNS.values(), badges))} | tiles |",
        f"|---|{'---:|' * (len(COLUMNS) + len(badges) + 1)}",
    ]
    for method in sorted(rows, key=rank):
        cells = [*(cell(method, column) for column in COLUMNS), *(share(method, badge) for badge in badges)]
        lines.append(f"| {METHODS[method].title} | {' | '.join(cells)} | {len(rows[method])} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="claire-flood")
    arguments.add_argument("--root", type=Path, help="folder of OMBRIA, or of labelled places")
    arguments.add_argument("--tiles", type=int, default=60)
    arguments.add_argument("--side", type=int, default=SIDE, help="pixels of the middle")
    arguments.add_argument(
        "--part", default="1/1", help="such as 2/3: the second of three processes that share the tiles"
    )
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--keep", type=Path, help="file of what was measured; a second run goes on from it")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    model = pipeline.load_model(given.model)
    keep: Path | None = given.keep
    lines = keep.read_text(encoding="utf-8").splitlines() if keep and keep.is_file() else []
    kept = [json.loads(line) for line in lines]
    known = {(entry["tile"], entry["method"]) for entry in kept}
    refused: dict[str, str] = {}
    part, parts = (int(number) for number in given.part.split("/"))
    middles = iterate_middles(model, given.root, given.tiles, given.side)
    for tile, middle, target in islice(middles, part - 1, None, parts):
        for method in METHODS:
            if method in refused or (tile, method) in known:
                continue
            try:
                entry = {"tile": tile, "method": method, **measure(model, middle, target, method)}
            except InputError as error:
                refused[method] = f"{error.message} {error.hint}"
                continue
            kept.append(entry)
            if keep:
                with keep.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(entry) + "\n")
    print(describe_machine(given.threads), format_table(kept), *refused.values(), sep="\n\n")


if __name__ == "__main__":
    main()
