"""Seeded damage to good files: each mutant is read in a child process and must give a raster or a sentence.

Run it with `make fuzz N=10000`, which gives every mutant a process of its own; `--warm` reads them as the program does,
up to 1000 in one process, which is much faster. A mutant that brings the program down, that takes too long, or whose
refusal is not a short sentence with a next step is a failure; the exit status is then 1 and the mutants are kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from claire.core.errors import InputError
from claire.core.settings import Settings
from claire.data import raster as door
from claire.data.raster import describe_raster, read_raster

LONGEST_SECONDS = 5.0
STOPPED = ", stopped"
"""Added to an outcome when the process that read had to be replaced."""

INTERESTING = (
    b"\0",
    b"\xff",
    b"\0\0",
    b"\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\1\0\0\0",
)
PLACE = {"crs": "EPSG:32633", "transform": (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)}

PROFILES: dict[str, dict[str, Any]] = {
    "plain.tif": {"shape": (3, 33, 40), "dtype": "uint16", **PLACE},
    "tiled.tif": {"shape": (4, 64, 64), "dtype": "float32", "tiled": True, "blockxsize": 32, "blockysize": 32,
                  "compress": "deflate", "predictor": 3, "nodata": -9999, **PLACE},
    "lzw.tif": {"shape": (2, 40, 40), "dtype": "int16", "compress": "lzw", "predictor": 2, "ENDIANNESS": "BIG"},
    "big.tif": {"shape": (1, 30, 30), "dtype": "float64", "BIGTIFF": "YES", "compress": "zstd"},
    "jpeg.tif": {"shape": (3, 64, 64), "dtype": "uint8", "compress": "jpeg", "photometric": "YCBCR", "tiled": True,
                 "blockxsize": 32, "blockysize": 32},
    "lerc.tif": {"shape": (1, 40, 40), "dtype": "float32", "compress": "lerc", "MAX_Z_ERROR": 0.1},
    "packbits.tif": {"shape": (1, 40, 41), "dtype": "uint8", "compress": "packbits", "nbits": 4},
    "fax.tif": {"shape": (1, 40, 41), "dtype": "uint8", "compress": "ccittfax4", "nbits": 1},
    "complex.tif": {"shape": (1, 20, 20), "dtype": "complex64"},
    "rgba.png": {"shape": (4, 32, 32), "dtype": "uint8", "driver": "PNG"},
    "deep.png": {"shape": (1, 32, 32), "dtype": "uint16", "driver": "PNG"},
    "grey.jpg": {"shape": (1, 40, 40), "dtype": "uint8", "driver": "JPEG"},
    "progressive.jpg": {"shape": (3, 40, 40), "dtype": "uint8", "driver": "JPEG", "PROGRESSIVE": "YES"},
    "lossless.jp2": {"shape": (3, 40, 40), "dtype": "uint8", "driver": "JP2OpenJPEG", "QUALITY": "100",
                     "REVERSIBLE": "YES", **PLACE},
    "deep.j2k": {"shape": (1, 64, 64), "dtype": "uint16", "driver": "JP2OpenJPEG", "CODEC": "J2K"},
}  # fmt: skip
"""Good files: name -> what they hold and how they are written."""


@dataclass
class Report:
    """What became of the mutants.

    Args:
        outcomes: "read" or the code of the refusal -> count.
        stopped: Mutants whose reading process had to be replaced.
        slowest: Longest reading, seconds.
        failures: Descriptions of what must not happen.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    stopped: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)


def write_seeds(folder: Path) -> list[Path]:
    """Write the good files; a codec that this GDAL lacks is left out."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    door.check_environment()
    written = []
    for name, given in PROFILES.items():
        profile = {"driver": "GTiff", **given}
        count, height, width = profile.pop("shape")
        values = np.random.default_rng(5).integers(0, 2 if "fax" in name else 15, (count, height, width))
        if "transform" in profile:
            profile["transform"] = rasterio.Affine(*profile["transform"])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                with rasterio.open(folder / name, "w", count=count, height=height, width=width, **profile) as target:
                    target.write(values.astype(profile["dtype"]))
        except RasterioError:
            continue
        written.append(folder / name)
    return written


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """One to eight wounds: bits, interesting numbers, cuts, copies; half of them among the first 600 bytes."""
    mutant = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        reach = min(len(mutant), 600) if rng.random() < 0.5 else len(mutant)
        place = int(rng.integers(0, max(reach, 1)))
        kind = rng.integers(0, 10)
        if kind < 4:
            mutant[place : place + 1] = bytes([int(rng.integers(0, 256))])
        elif kind < 7:
            number = INTERESTING[int(rng.integers(0, len(INTERESTING)))]
            mutant[place : place + len(number)] = number
        elif kind == 7:
            del mutant[place : place + int(rng.integers(1, 40))]
        elif kind == 8:
            piece = mutant[place : place + int(rng.integers(1, 200))]
            mutant[place:place] = piece
        elif rng.random() < 0.3:
            del mutant[place:]
    return bytes(mutant)


def run(count: int, seed: int, folder: Path, *, warm: bool = True) -> Report:
    """Read `count` mutants; those that fail stay in the folder.

    Args:
        count: Number of mutants.
        seed: Of the damage.
        folder: An empty folder.
        warm: Whether a process reads many mutants, as the program does, or one.
    """
    seeds = [path.read_bytes() for path in write_seeds(folder)]
    limits = Settings.from_environment()
    if not warm:
        limits = replace(limits, files_per_reader=1)
    report = Report()

    def try_one(numbered: tuple[int, bytes]) -> tuple[Path, str, float, str]:
        number, content = numbered
        path = folder / f"mutant_{number}"
        path.write_bytes(content)
        return path, *_try(path, number, limits)

    with ThreadPoolExecutor(limits.readers) as pool:
        for path, outcome, seconds, failure in pool.map(try_one, islice(enumerate(_mutants(seeds, seed)), count)):
            report.outcomes[outcome.removesuffix(STOPPED)] += 1
            report.stopped += outcome.endswith(STOPPED)
            report.slowest = max(report.slowest, seconds)
            failure = failure or (f"{seconds:.1f} s" if seconds > LONGEST_SECONDS else "")
            if failure:
                report.failures.append(f"{path.name}: {failure}")
            else:
                path.unlink()
    return report


def _mutants(seeds: list[bytes], seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    while True:
        yield mutate(seeds[int(rng.integers(0, len(seeds)))], rng)


def _try(path: Path, number: int, limits: Settings) -> tuple[str, float, str]:
    """What became of one mutant, in how many seconds, and what is wrong with that."""
    start = time.perf_counter()
    outcome, failure = "read", ""
    try:
        if number % 2:
            read_raster(path, limits)
        else:
            describe_raster(path, settings=limits, pixels_sha256=True)
    except InputError as error:
        outcome = error.code + (STOPPED if "had to be stopped" in error.message else "")
        failure = judge_sentence(error, path)
    return outcome, time.perf_counter() - start, failure


def judge_sentence(error: InputError, path: Path) -> str:
    """What is wrong with a refusal; empty when nothing is."""
    message = error.message + error.hint
    if len(error.message) > 200 or len(error.hint) > 200:
        return "too long"
    if not error.hint or not message.isprintable():
        return "no hint, or not on one line"
    if str(path.parent) in message or "Traceback" in message or "Error" in message:
        return "a path or a class name"
    return ""


def main() -> None:
    """Fuzz and print what became of the mutants."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--warm", action="store_true", help="many mutants in one process")
    given = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    start = time.perf_counter()
    report = run(given.count, given.seed, folder, warm=given.warm)
    said = ", ".join(f"{count:,} {what}" for what, count in report.outcomes.most_common())
    print(f"{given.count:,} mutants with seed {given.seed} in {time.perf_counter() - start:.0f} s: {said}.")
    print(f"{report.stopped} ended their reading process; the slowest took {report.slowest:.2f} s.")
    print(f"{len(report.failures)} failures", *report.failures, sep="\n  ")
    if report.failures:
        print(f"The mutants are kept in {folder}.")
        sys.exit(1)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    main()
