"""Statistics of simulated scenes beside those of real tiles: writes docs/simulator.png and prints the numbers.

    CLAIRE_DATA=/path/to/tiles python docs/make_simulator_figure.py

The folder must hold `sen12mscr/` with ID_s1.tif (VV, VH in dB) and ID_s2.tif (13 bands, top of the atmosphere, x 1e4).
Only statistics are drawn, never a picture of a tile.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage

from claire.core.bands import SENTINEL2_L1C
from claire.data.raster import read_raster
from claire.data.simulator.parameters import BANDS, SAR_BANDS
from claire.data.simulator.scene import Options, simulate_scene

NAMES = (*BANDS, *SAR_BANDS)
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
SCENES = 80
FIRST_SEED = 40_000
WINDOW = 9
LOWEST_DB = -26.0
REAL, SIMULATED = "#0072b2", "#d55e00"
Stack = NDArray[np.float64]


def read_real(folder: Path) -> list[Stack]:
    """(8, H, W) of each real place: reflectance of `BANDS`, dB of VV and VH."""
    chosen = [SENTINEL2_L1C.index(band) for band in BANDS]
    stacks = []
    for path in sorted(folder.glob("*_s2.tif")):
        optical = read_raster(path).values[chosen] / 1e4
        sar = read_raster(path.with_name(path.name.replace("_s2", "_s1"))).values
        stacks.append(np.concatenate([optical, sar]).astype(float))
    return stacks


def simulate_like() -> list[Stack]:
    """As many kinds of land as the simulator has, seen as the real tiles are."""
    stacks = []
    for seed in range(FIRST_SEED, FIRST_SEED + SCENES):
        scene = simulate_scene(seed, Options(256, level="toa"))
        stacks.append(np.concatenate([scene.optical / 1e4, scene.sar]).astype(float))
    return stacks


def compute_correlations(stack: Stack) -> NDArray[np.float64]:
    """28 correlations between the 8 bands."""
    return np.corrcoef(stack.reshape(8, -1))[np.triu_indices(8, 1)]


def compute_looks(stack: Stack) -> float:
    """Looks of VV: the most usual ratio of mean squared to variance over small windows of the calmest tenth."""
    power = 10 ** (stack[6] / 10)
    mean = ndimage.uniform_filter(power, WINDOW)
    variance = ndimage.uniform_filter(power**2, WINDOW) - mean**2
    looks = (mean**2 / np.maximum(variance, 1e-12))[WINDOW::WINDOW, WINDOW::WINDOW]
    return float(np.quantile(looks, 0.9))


def compute_autocorrelation(picture: NDArray[np.float64]) -> list[float]:
    """Correlation of a picture with itself, moved sideways and down by each lag."""
    centred = (picture - picture.mean()) / max(float(picture.std()), 1e-9)
    return [
        float(((centred[:, lag:] * centred[:, :-lag]).mean() + (centred[lag:] * centred[:-lag]).mean()) / 2)
        for lag in LAGS
    ]


def compute_residual(stack: Stack) -> list[float]:
    """Autocorrelation of VV after its slow part is taken off, which leaves mostly speckle."""
    return compute_autocorrelation(stack[6] - ndimage.gaussian_filter(stack[6], 6))


def main() -> None:
    """Draw and print."""
    folders = [Path(p) / "sen12mscr" for p in os.environ.get("CLAIRE_DATA", "").split(os.pathsep) if p]
    real = [stack for folder in folders if folder.is_dir() for stack in read_real(folder)]
    if not real:
        sys.exit("No real tiles: set CLAIRE_DATA to a folder that holds sen12mscr/.")
    groups = {"real": (real, REAL), "simulated": (simulate_like(), SIMULATED)}
    figure = Figure(figsize=(11, 7.4), layout="constrained")
    axes = figure.subplots(2, 3)
    for offset, (name, (stacks, color)) in zip((-0.12, 0.12), groups.items(), strict=True):
        means = np.array([stack.mean(axis=(1, 2)) for stack in stacks])
        spreads = np.array([stack.std(axis=(1, 2)) for stack in stacks])
        print(f"\n{name}: {len(stacks)} scenes")
        for band, mean, between, within in zip(
            NAMES, np.median(means, 0), means.std(0), np.median(spreads, 0), strict=True
        ):
            print(f"  {band:4} median mean {mean:8.4f}   between scenes {between:7.4f}   median within {within:7.4f}")
        for axis, part in ((axes[0, 0], slice(0, 6)), (axes[0, 1], slice(6, 8))):
            middle = np.median(means[:, part], 0)
            low, high = np.quantile(means[:, part], [0.1, 0.9], axis=0)
            place = np.arange(len(middle)) + offset
            axis.errorbar(place, middle, [middle - low, high - middle], fmt="o", color=color, capsize=3, label=name)
            inside = np.median(spreads[:, part], 0)
            axis.bar(place, inside, 0.2, color=color, alpha=0.3, bottom=0 if part.start == 0 else LOWEST_DB)
        looks = np.array([compute_looks(stack) for stack in stacks])
        print(
            f"  looks of VV, median and 10 to 90 %: {np.median(looks):.1f}, {np.quantile(looks, [0.1, 0.9]).round(1)}"
        )
        axes[1, 0].hist(looks, np.arange(2, 26, 2) + offset * 4, density=True, color=color, alpha=0.6, rwidth=0.8)
        curves: dict[str, tuple[Callable[[Stack], list[float]], str]] = {
            "B8": (lambda stack: compute_autocorrelation(stack[3]), "-"),
            "VV": (lambda stack: compute_autocorrelation(stack[6]), "--"),
            "VV, fast part": (compute_residual, ":"),
        }
        for (title, (compute, style)), axis in zip(curves.items(), (axes[1, 1], axes[1, 1], axes[1, 2]), strict=True):
            found = np.array([compute(stack) for stack in stacks])
            print(f"  autocorrelation of {title} at {LAGS}: {np.median(found, 0).round(2).tolist()}")
            axis.plot(LAGS, np.median(found, 0), style, color=color, label=f"{name}, {title}")
            axis.fill_between(LAGS, *np.quantile(found, [0.1, 0.9], axis=0), color=color, alpha=0.12)
    pairs = [np.median([compute_correlations(s) for s in stacks], axis=0) for stacks, _ in groups.values()]
    agreement = float(np.corrcoef(*pairs)[0, 1])
    difference = np.mean(pairs[1] - pairs[0])
    print(f"\ncorrelation of the 28 band correlations: {agreement:.2f}; mean difference {difference:.2f}")
    axes[0, 2].plot([-1, 1], [-1, 1], color="#888888", lw=1)
    axes[0, 2].plot(*pairs, "o", color=SIMULATED)
    finish(axes)
    target = Path(__file__).with_name("simulator.png")
    figure.savefig(target, dpi=90)


def finish(axes: NDArray[np.object_]) -> None:
    """Titles and labels."""
    words = (
        ("Reflectance (bars: spread within)", "", "reflectance"),
        ("Backscatter (bars: spread within)", "", "dB"),
        ("Correlations between bands", "real", "simulated"),
        (f"Looks of VV in calm {WINDOW} x {WINDOW} windows", "looks", "share"),
        ("Autocorrelation", "pixels", "correlation"),
        ("Autocorrelation, slow part removed", "pixels", "correlation"),
    )
    for axis, (title, below, beside) in zip(axes.ravel(), words, strict=True):
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(below)
        axis.set_ylabel(beside)
    axes[0, 0].set_xticks(range(6), BANDS)
    axes[0, 1].set_xticks(range(2), SAR_BANDS)
    for axis in (axes[0, 0], axes[0, 1], axes[1, 1], axes[1, 2]):
        axis.legend(fontsize=8)


if __name__ == "__main__":
    main()
