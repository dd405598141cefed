"""How long a simulated scene takes, what its classes cover, and whether it takes both sensors to tell them apart.

The last is answered by the plainest classifier there is: one Gaussian per class over the pixels of some seeds, scored
on other seeds, from optical alone, SAR alone and both. Run it with `python -m benchmarks.simulate`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from claire.core.classes import GLOBAL_10M
from claire.data.simulator.parameters import SETTINGS
from claire.data.simulator.scene import Options, simulate_scene

FEATURES = {"optical": slice(0, 6), "sar": slice(6, 8), "both": slice(0, 8)}
PIXELS = 1200
"""Pixels drawn from each scene."""


def draw_pixels(seeds: Iterable[int], size: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """(n, 8) log reflectance and dB, (n,) ids, from random pixels of scenes."""
    features, labels = [], []
    for seed in seeds:
        scene = simulate_scene(seed, Options(size))
        chosen = np.random.default_rng(seed).choice(size * size, min(PIXELS, size * size), replace=False)
        optical, sar = (layer.reshape(len(layer), -1)[:, chosen] for layer in (scene.optical, scene.sar))
        features.append(np.concatenate([np.log(optical), sar]).T)
        labels.append(scene.label.ravel()[chosen])
    return np.concatenate(features), np.concatenate(labels)


def classify(known: NDArray[np.float64], labels: NDArray[np.uint8], unknown: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The most likely class of each row under one Gaussian per class, classes weighed by how often they occur."""
    ids, scores = np.unique(labels), []
    for each in ids:
        own = known[labels == each]
        spread = np.atleast_2d(np.cov(own.T)) + 1e-4 * np.eye(known.shape[1])
        away = unknown - own.mean(axis=0)
        distance = np.einsum("ni,ij,nj->n", away, np.linalg.inv(spread), away)
        scores.append(2 * np.log(len(own)) - distance - np.linalg.slogdet(spread)[1])
    return ids[np.argmax(scores, axis=0)]


def measure_accuracies(known: Iterable[int], unknown: Iterable[int], size: int = 128) -> dict[str, float]:
    """Sensor -> overall accuracy 0..1 on the seeds that the classifier has not seen."""
    features, labels = draw_pixels(known, size)
    others, truth = draw_pixels(unknown, size)
    return {
        name: float((classify(features[:, part], labels, others[:, part]) == truth).mean())
        for name, part in FEATURES.items()
    }


def measure_times(size: int, repetitions: int) -> dict[str, list[float]]:
    """Kind of landscape -> seconds of processor time of each scene."""
    simulate_scene(0, Options(size))
    times: dict[str, list[float]] = {}
    for setting in SETTINGS:
        for seed in range(repetitions):
            start = time.process_time()
            simulate_scene(seed, Options(size, setting=setting))
            times.setdefault(setting, []).append(time.process_time() - start)
    return times


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=256)
    arguments.add_argument("--repetitions", type=int, default=5)
    arguments.add_argument("--scenes", type=int, default=120)
    given = arguments.parse_args()
    print(describe_machine(1))

    print(f"\nseconds of one core for a scene of {given.size} x {given.size}        median     most")
    times = measure_times(given.size, given.repetitions)
    for setting, each in times.items():
        print(f"{setting:44} {statistics.median(each):12.2f} {max(each):8.2f}")
    every = [value for each in times.values() for value in each]
    print(f"{'all':44} {statistics.median(every):12.2f} {max(every):8.2f}")

    known, unknown = range(10_000, 10_000 + given.scenes), range(20_000, 20_000 + given.scenes // 2)
    print(f"\none Gaussian per class, {len(known)} scenes known, overall accuracy on {len(unknown)} others")
    for name, accuracy in measure_accuracies(known, unknown).items():
        print(f"{name:44} {accuracy:12.3f}")
    _, labels = draw_pixels(known, 96)
    print("\nshare of the pixels")
    for land_class in GLOBAL_10M.classes:
        print(f"{land_class.name:44} {(labels == land_class.id).mean():12.3f}")


if __name__ == "__main__":
    main()
