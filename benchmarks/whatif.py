"""How long the maps of the What-if page take to follow a slider, on one pair of 256 x 256 pixels.

Run it with `make bench`. Each value of a slider is a new one, so nothing comes from a cache but what a user's would.
The page is run as a whole, while a browser runs only the part that holds the sliders, so the last line is an upper
bound; what the browser needs to show the pictures comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from streamlit.testing.v1 import AppTest

from benchmarks.latency import HEADER, PAGE_TIMEOUT, ROOT, format_times, measure, start
from claire import pipeline
from claire.core.whatif import WhatIf
from claire.data.examples import EXAMPLE_SEEDS

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
    repetitions, tile, model = start(__doc__, 15)
    undamaged = pipeline.analyse(tile, model)

    print(HEADER)
    for title, (factor, step) in DAMAGES.items():
        values = iter(step * count for count in range(1, repetitions + 2))

        def follow(factor: str = factor, values: Iterator[float] = values) -> None:
            pipeline.what_if(tile, model, WhatIf().vary(factor, next(values)), undamaged=undamaged)

        print(format_times(f"{title}, to maps and scores", *measure(follow, repetitions)))
    first, later = measure_page(repetitions)
    print(format_times("What-if page after a slider moved", first, later))
    print(f"\nWanted on two cores: at most {WANTED} ms from slider to picture.")


if __name__ == "__main__":
    main()
