"""Many narratives judged by a checker that shares no code with the narrators: what is wrong, what is left out.

Run it with `python -m benchmarks.narratives --engine nano --count 1000` where llama-cpp-python is installed, or with
`--engine template`; `--ombria FOLDER` tells every validation chip of that data set as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from claire.core.analysis import Analysis
from claire.core.settings import Settings
from claire.reasoning.narrating import ENGINES, open_narrator
from tests.reasoning.simulated import simulate
from tests.reasoning.tally import Tally

FIRST_SEED = 1000


def draw_simulated(count: int) -> Iterator[Analysis]:
    """Analyses of random maps."""
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        yield simulate(seed)


def draw_chips(folder: Path) -> Iterator[Analysis]:
    """Analyses of every validation chip, by the default checkpoint."""
    from claire.pipeline import analyse, load_model, open_dataset

    dataset, model = open_dataset("ombria", folder), load_model()
    for tile_id in dataset.ids("val"):
        yield analyse(dataset.read(tile_id), model)


def judge(title: str, engine: str, analyses: Iterator[Analysis], samples: int) -> bool:
    """Tell, check and print one line; True when nothing is wrong."""
    settings, tally, seconds = Settings.from_environment(), Tally(), 0.0
    for seed, analysis in enumerate(analyses):
        narrator, notice = open_narrator(engine, settings, seed=seed)
        if notice:
            print(notice)
            return False
        start = time.perf_counter()
        text = tally.add(analysis, narrator)
        seconds += time.perf_counter() - start
        if seed < samples:
            print(f"[{seed}] {text}\n")
    print(
        f"{title}, {engine}: {tally.analyses} narratives, {tally.sentences} sentences, {len(tally.wrong)} problems, "
        f"{tally.covered / max(tally.important, 1):.2%} of the five most important facts told, "
        f"{len(tally.texts)} different texts, {seconds:.0f} s with checking"
    )
    for problem in tally.wrong[:20]:
        print(f"  {problem}")
    return not tally.wrong


def main() -> None:
    """Print what was found; exit code 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="nano")
    parser.add_argument("--count", type=int, default=100, help="simulated analyses")
    parser.add_argument("--ombria", type=Path, help="folder of the data set")
    parser.add_argument("--samples", type=int, default=0, help="texts to print")
    given = parser.parse_args()
    good = judge("simulated", given.engine, draw_simulated(given.count), given.samples)
    if given.ombria:
        good &= judge("OMBRIA, validation", given.engine, draw_chips(given.ombria), given.samples)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
