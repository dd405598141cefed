"""What attention and attributions cost beside the plain passes they are made of, on one pair of 256 x 256 pixels.

Run it with `make bench`. Each pair of lines is measured in turns, so that a busy machine slows both alike; the ratio is
that of the medians. The last line is the highest memory of this process when every method has explained a zone of a
tile of 1024 x 1024.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.machine import describe_machine
from claire import pipeline
from claire.core.errors import ClaireError, InputError
from claire.data.examples import generate_flood_pair
from claire.data.preparing import prepare
from claire.explain.attention import read_attention
from claire.explain.attributions import METHODS, Job, Options, attribute, build_job, run_method
from claire.explain.faithfulness import measure_faithfulness
from claire.explain.targets import build_rectangle_zone, build_target
from claire.inference.engine import TorchSegmenter

STEPS = 32
LARGE = 1024


def compare(first: Callable[[], object], second: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """Median seconds of two actions, taken in turns after one warm run of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repetitions + 1):
        for action, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            action()
            if turn:
                taken.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def differentiate(job: Job, steps: int) -> None:
    """As many plain forward and backward passes as Integrated Gradients has steps, in the same batches."""
    for begin in range(0, steps, job.batch):
        count = min(job.batch, steps - begin)
        inputs = [values.repeat(count, 1, 1, 1).requires_grad_() for values in job.probe.inputs]
        torch.autograd.grad(job.probe(*inputs).sum(), inputs)


def format_pair(title: str, plain: float, ours: float, wanted: float) -> str:
    """One line of the table."""
    return f"{title:44} {1000 * plain:9.0f} {1000 * ours:9.0f} {ours / plain:7.2f} {wanted:7.2f}"


def explain_large(model: TorchSegmenter) -> list[str]:
    """Explain a zone of a large tile by every method that takes the network; the names of those.

    Few steps and draws, but as many at once as the memory budget allows, because memory does not depend on the rest.
    """
    prepared, _ = prepare(generate_flood_pair(seed=7, size=LARGE), model.manifest)
    zone = build_rectangle_zone(prepared.shape, 300, 300, 540, 540)
    target = build_target(model.manifest, prepared, "flood", zone)
    options = Options(steps=16, most_steps=16, samples=16, cells=4, evaluations=16)
    done = []
    for name in METHODS:
        try:
            found = attribute(model, prepared, target, name, options)
        except InputError as error:
            print(f"{name}: {error.message}")
            continue
        measure_faithfulness(model, prepared, target, found, options)
        done.append(name)
    return done


def read_peak() -> float:
    """Highest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", default="claire-flood")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--repetitions", type=int, default=15)
    given = arguments.parse_args()

    torch.set_num_threads(given.threads)
    print(describe_machine(given.threads))
    try:
        model = pipeline.load_model(given.model)
    except ClaireError as error:
        sys.exit(f"\nNothing was measured. {error.message} {error.hint}")
    prepared, _ = prepare(generate_flood_pair(seed=7, size=256), model.manifest)
    target = build_target(model.manifest, prepared, "flood", np.ones(prepared.shape, bool))
    job = build_job(model, prepared, target, Options(steps=STEPS, most_steps=STEPS))

    print(f"\n{'one pair, 256 x 256, milliseconds':44} {'plain':>9} {'ours':>9} {'ratio':>7} {'wanted':>7}")
    plain, ours = compare(lambda: model.segment(prepared), lambda: read_attention(model, prepared), given.repetitions)
    print(format_pair("attention beside a forward", plain, ours, 1.3))
    plain, ours = compare(
        lambda: differentiate(job, STEPS),
        lambda: run_method("integrated_gradients", job),
        max(1, given.repetitions // 2),
    )
    print(format_pair(f"Integrated Gradients, {STEPS} steps, batches of {job.batch}", plain, ours, 1.15))

    before, done = read_peak(), explain_large(model)
    print(f"\n{len(done)} methods over a zone of {LARGE} x {LARGE} pixels: at most {read_peak():.0f} MB", end=" ")
    print(f"in all, {before:.0f} MB of them before (wanted: 3000).")


if __name__ == "__main__":
    main()
