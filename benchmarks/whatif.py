"""How long the maps of the What-if page take to follow a slider, on one pair of 256 x 256 pixels.

Run it with `make bench`. Each value of a slider is a new one, so nothing comes from a cache but what a user's would.
The page is run as a whole, while a browser runs only the part that holds the sliders, so the last line is an upper
bound; what the browser needs to show the pictures comes on top.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from streamlit.testing.v1 import AppTest

from benchmarks.latency import PAGE_TIMEOUT, ROOT, format_times, measure
from benchmarks.machine import describe_machine
from claire import pipeline
from claire.core.errors import ClaireError
from claire.core.whatif import WhatIf
from claire.data.examples import EXAMPLE_SEEDS, generate_flood_pair

WANTED = 400
PAGE = Path("pages") / "what_if.py"
DAMAGES = {
    "cloud cover": ("cloud_share", 0.01),
    "optical blur": ("blur", 0.1),
    "SAR offset": ("sar_offset_db", 0.1),
    "shift": ("shift_right", 0.1),
}
"""What is measured -> the factor and its step."""


def measure_page(repetitions: int) -> tuple[float, list[float]]:
    """The page: its first run, and its reruns after the cloud slider moved."""
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PAGE_TIMEOUT).run()
    page.query_params["dataset"] = "examples"
    page.query_params["tile"] = next(iter(EXAMPLE_SEEDS))
    page.switch_page(str(PAGE))
    shares = iter(range(5, 100, 5))

    def show() -> None:
        if page.slider:
            page.slider(key="claire.whatif.cloud_share").set_value(float(next(shares)))
        page.run()

    return measure(show, repetitions)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="claire-flood")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repetitions", type=int, default=15)
    given = arguments.parse_args()

    logging.disable(logging.WARNING)  # Streamlit warns that no server runs
    torch.set_num_threads(given.threads)
    print(describe_machine(given.threads))
    tile = generate_flood_pair(seed=7, size=256)
    try:
        model = pipeline.load_model(given.model)
    except ClaireError as error:
        sys.exit(f"\nNothing was measured. {error.message} {error.hint}")
    undamaged = pipeline.analyse(tile, model)

    print(f"\n{'one pair, 256 x 256, milliseconds':34} {'median':>8} {'p95':>8} {'least':>8} {'most':>8} {'first':>8}")
    for title, (factor, step) in DAMAGES.items():
        values = iter(step * count for count in range(1, given.repetitions + 2))

        def follow(factor: str = factor, values: Iterator[float] = values) -> None:
            pipeline.what_if(tile, model, WhatIf().vary(factor, next(values)), undamaged=undamaged)

        print(format_times(f"{title}, to maps and scores", *measure(follow, given.repetitions)))
    first, later = measure_page(given.repetitions)
    print(format_times("What-if page after a slider moved", first, later))
    print(f"\nWanted on two cores: at most {WANTED} ms from slider to picture.")


if __name__ == "__main__":
    main()
