"""Time and memory of reading, beside plain rasterio in the same run: a pair of 256 x 256 and files of 10,000 x 10,000.

Run it with `make bench`. CLAIRE reads in a child process and gives a mask with the numbers; plain rasterio gives the
numbers alone. Both are measured in fresh processes, in turns, warm; memory is the highest resident memory of all
processes together, memory that they share counted in each, beyond that for a small file. The last column is what the
hash of the files costs, which a tile records as its source, beyond reading.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_machine
from claire.core.provenance import compute_sha256
from claire.core.types import GeoReference
from claire.data.examples import generate_flood_pair
from claire.data.raster import write_geotiff

ROOT = Path(__file__).resolve().parents[1]
PLACE = GeoReference("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0), metres=True)
SIDE = 10_000

MEASURE = """
import json, sys, time
from pathlib import Path
repetitions, files = int(sys.argv[1]), [Path(name) for name in sys.argv[3:]]

def read_peak(*children):
    lines = [line for number in ("self", *children) for line in open(f"/proc/{number}/status") if "VmHWM" in line]
    return sum(int(line.split()[1]) for line in lines) / 1024

READ
times = []
start = time.perf_counter()
read(Path(sys.argv[2]))
first = time.perf_counter() - start
before = END()
read(Path(sys.argv[2]))
for number in range(repetitions + 1):
    start = time.perf_counter()
    kept = [read(path) for path in files]
    times.append(time.perf_counter() - start)
    del kept
print(json.dumps({"first": first, "times": times[1:], "peak": END() - before}))
"""

PLAIN = """
import rasterio
def read(path):
    with rasterio.open(path) as source:
        return source.read()
END = read_peak
"""

CLAIRE = """
from claire.data import isolation
from claire.data.raster import read_raster as read
def END():
    return read_peak(*(child.process.pid for child in isolation._POOL.idle))
"""


def measure(program: str, small: Path, files: list[Path], repetitions: int) -> dict[str, float]:
    """Seconds of the first small and the median later reading, and MiB beyond the small one, in a fresh process."""
    code = MEASURE.replace("READ", program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", code, str(repetitions), str(small), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    return {"first": found["first"], "median": statistics.median(found["times"]), "peak": found["peak"]}


def write_pair(folder: Path) -> list[Path]:
    """Optical and SAR of one place, 256 x 256 pixels."""
    tile = generate_flood_pair(seed=7, size=256)
    written = []
    for name, layer in (("optical", tile.optical), ("sar", tile.sar)):
        if layer is not None:
            write_geotiff(folder / f"{name}.tif", layer.values, PLACE, descriptions=layer.bands)
            written.append(folder / f"{name}.tif")
    return written


def write_large(folder: Path, dtype: str, compress: str) -> Path:
    """One band of 10,000 x 10,000 with the smoothness and noise of a picture."""
    import rasterio

    rng = np.random.default_rng(3)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    smooth = 60 + 40 * np.sin(rows / 300.0) * np.cos(columns / 500.0)
    scale = 1 if dtype == "uint8" else 40
    values = (scale * smooth).astype(dtype) + rng.integers(0, 8 * scale, (SIDE, SIDE)).astype(dtype)
    path = folder / f"{dtype}_{compress}.tif"
    profile = {"driver": "GTiff", "count": 1, "height": SIDE, "width": SIDE, "dtype": dtype, "crs": PLACE.crs}
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": compress}
    transform = rasterio.Affine(*(PLACE.transform or ()))
    with rasterio.open(path, "w", **profile, **tiles, transform=transform) as target:
        target.write(values, 1)
    return path


def measure_hash(files: list[Path], repetitions: int) -> float:
    """Median seconds for the hashes of files."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        for path in files:
            compute_sha256(path)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def format_line(title: str, plain: dict[str, float], ours: dict[str, float], hashed: float) -> str:
    """One line of the table."""
    times = f"{1000 * plain['median']:9.1f} {1000 * ours['median']:9.1f} {ours['median'] / plain['median']:7.2f}"
    memory = f"{plain['peak']:9.0f} {ours['peak']:9.0f}"
    return f"{title:30} {times} {memory} {1000 * ours['first']:9.0f} {1000 * hashed:9.1f}"


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5, help="fresh processes for each line and reader")
    given = arguments.parse_args()
    print(describe_machine(1))
    columns = ("plain ms", "CLAIRE ms", "ratio", "plain MiB", "our MiB", "first ms", "sha256 ms")
    print("\n{:30} {:>9} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9}".format("reading", *columns))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, _ = pair = write_pair(folder)
        cases = [("pair of 256 x 256", pair, 30)]
        for dtype in ("uint8", "uint16"):
            cases += [
                (f"10,000 x 10,000 {dtype} {compress}", [write_large(folder, dtype, compress)], 2)
                for compress in ("deflate", "none")
            ]
        for title, files, repetitions in cases:
            rounds = [
                [measure(program, small, files, repetitions) for program in (PLAIN, CLAIRE)]
                for _ in range(given.rounds)
            ]
            plain, ours = (
                {key: statistics.median(pair[side][key] for pair in rounds) for key in rounds[0][side]}
                for side in (0, 1)
            )
            print(format_line(title, plain, ours, measure_hash(files, 3)), flush=True)


if __name__ == "__main__":
    main()
