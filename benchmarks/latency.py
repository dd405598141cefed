"""How long one pair of 256 x 256 pixels takes: in the predictor, from tile to analysis, and on the Compare page.

Run it with `make bench`. Medians over warm repetitions; the first, cold one is given apart.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import torch
from streamlit.testing.v1 import AppTest

from benchmarks.machine import describe_machine
from claire import pipeline
from claire.core.bands import MODES
from claire.core.errors import ClaireError
from claire.core.types import Prediction, Prepared, Tile
from claire.data.examples import EXAMPLE_SEEDS, generate_flood_pair
from claire.data.preparing import prepare
from claire.inference.engine import TorchSegmenter
from claire.inference.predicting import decide

ROOT = Path(__file__).resolve().parents[1]
PAGE_TIMEOUT = 120
HEADER = f"\n{'one pair, 256 x 256, milliseconds':34} {'median':>8} {'p95':>8} {'least':>8} {'most':>8} {'first':>8}"


def measure(action: Callable[[], object], repetitions: int) -> tuple[float, list[float]]:
    """Milliseconds of the first call, and of each later one."""
    times = []
    for _ in range(repetitions + 1):
        start = time.perf_counter()
        action()
        times.append(1000 * (time.perf_counter() - start))
    return times[0], times[1:]


def format_times(title: str, first: float, later: list[float]) -> str:
    """One line of the table."""
    slow = compute_p95(later)
    return f"{title:34} {statistics.median(later):8.0f} {slow:8.0f} {min(later):8.0f} {max(later):8.0f} {first:8.0f}"


def compute_p95(times: list[float]) -> float:
    """The time that 95 of 100 calls stay below, interpolated."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def predict(model: TorchSegmenter, prepared: Prepared) -> list[Prediction]:
    """The predictor: one forward, then the map of every mode."""
    output = model.segment(prepared)
    return [decide(output, prepared, model.manifest, mode) for mode in MODES if mode in output.logits]


def measure_page(repetitions: int) -> tuple[float, list[float], int]:
    """The Compare page: first run, reruns after a slider moved, and how often the network ran in all of them."""
    with patch("claire.pipeline.analyse", wraps=pipeline.analyse) as analyse:
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PAGE_TIMEOUT).run()
        page.query_params["dataset"] = "examples"
        page.query_params["tile"] = next(iter(EXAMPLE_SEEDS))
        page.switch_page("pages/compare.py")
        opacities = iter(range(1, repetitions + 1))

        def show() -> None:
            if analyse.call_count:
                page.slider(key="claire.opacity").set_value(next(opacities))
            page.run()

        first, later = measure(show, repetitions)
        return first, later, analyse.call_count


def start(about: str | None, repetitions: int) -> tuple[int, Tile, TorchSegmenter]:
    """Read the command line and describe the machine; repetitions, the pair to measure with, and the model."""
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("--model", default="claire-flood")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repetitions", type=int, default=repetitions)
    given = arguments.parse_args()

    logging.disable(logging.WARNING)  # Streamlit warns that no server runs
    torch.set_num_threads(given.threads)
    print(describe_machine(given.threads))
    try:
        model = pipeline.load_model(given.model)
    except ClaireError as error:
        sys.exit(f"\nNothing was measured. {error.message} {error.hint}")
    return given.repetitions, generate_flood_pair(seed=7, size=256), model


def main() -> None:
    """Print the table."""
    repetitions, tile, model = start(__doc__, 30)
    prepared, _ = prepare(tile, model.manifest)

    print(HEADER)
    print(format_times("predictor, three maps", *measure(lambda: predict(model, prepared), repetitions)))
    print(format_times("tile to analysis with scores", *measure(lambda: pipeline.analyse(tile, model), repetitions)))
    first, later, runs = measure_page(max(3, repetitions // 5))
    print(format_times("Compare page after a slider moved", first, later))
    print(f"\nThe network ran {runs} time(s) for {len(later) + 1} runs of the Compare page.")


if __name__ == "__main__":
    main()
