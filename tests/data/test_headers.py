"""Own parsers agree with GDAL on good files, give up quietly on damage, and name what is no raster."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz import mutate, write_seeds
from claire.core.errors import BudgetError, FormatError
from claire.core.settings import Settings
from claire.data.headers import Header, check_header, check_size, find_driver, read_header
from claire.data.raster import describe_raster
from tests.data.attacks import chunk
from tests.data.bombs import build_tiff, plain_tags


def test_sizes_are_those_that_gdal_finds(tmp_path: Path) -> None:
    for path in write_seeds(tmp_path):
        header = read_header(path, find_driver(path))
        described = describe_raster(path)
        bands = len(described["bands"]) + ("alpha" in {n["code"] for n in described["notices"]})
        assert (header.width, header.height, header.bands) == (described["width"], described["height"], bands)
        assert not header.damaged


def test_damaged_headers_give_numbers_or_zeros_quickly_and_no_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    seeds = [(path, path.read_bytes()) for path in write_seeds(tmp_path)]
    drivers = {path: find_driver(path) for path, _ in seeds}
    start = time.process_time()
    for number in range(600):
        path, content = seeds[number % len(seeds)]
        (tmp_path / "mutant").write_bytes(mutate(content, rng))
        header = read_header(tmp_path / "mutant", drivers[path])
        assert min(header.width, header.height, header.bands, header.block_bytes, header.parts) >= 0
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04" + bytes(40), "ZIP"),
        (b"PK\x03\x04" + bytes(26) + b"a.npy" + bytes(20), "NPZ"),
        (b"\x93NUMPY\1\0", "NPY"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\1", "RAR"),
        (bytes(257) + b"ustar", "TAR"),
        (b"BZh9", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "Zstandard"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"CDF\1", "netCDF"),
        (b"%PDF-1.7", "PDF"),
        (b"GIF89a", "GIF"),
        (b"  <VRTDataset>", "XML"),
        (b'{"type": 1}', "JSON"),
    ],
)
def test_other_formats_are_refused_by_name(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=what) as caught:
        find_driver(path)
    assert "GeoTIFF" in caught.value.hint
    assert len(caught.value.message) <= 200


def test_growth_is_limited_for_large_arrays_only(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(1000))
    limits = Settings(free_expansion_bytes=1_000_000, max_expansion=2000)
    check_size(path, limits, 1000, 1000, 1, 1)
    check_size(path, limits, 2000, 1000, 1, 1)
    with pytest.raises(BudgetError, match="times its size"):
        check_size(path, limits, 2001, 1000, 1, 1)


def test_texts_of_a_png_are_counted_unpacked(tmp_path: Path) -> None:
    import zlib

    packed = zlib.compress(bytes(1_000_000))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    path = tmp_path / "a.png"
    for kind, content in ((b"zTXt", b"a\0\0" + packed), (b"iTXt", b"a\0\1\0en\0b\0" + packed), (b"tEXt", bytes(700))):
        path.write_bytes(start + chunk(kind, content))
        header = read_header(path, "PNG")
        assert header.metadata_bytes == (700 if kind == b"tEXt" else 1_000_000)
        assert (header.width, header.height, header.bands) == (1, 1, 1)


def test_pixels_of_a_png_are_checked(tmp_path: Path) -> None:
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
    pixels, end = chunk(b"IDAT", b"12345678"), chunk(b"IEND", b"")
    cases = {
        start + pixels + pixels + chunk(b"tEXt", b"a\0b") + end: False,
        start + pixels[:-1] + b"\0" + end: True,
        start + pixels: True,
        start + pixels[:10]: True,
    }
    for content, damaged in cases.items():
        (tmp_path / "a.png").write_bytes(content)
        assert read_header(tmp_path / "a.png", "PNG").damaged is damaged


def test_a_block_over_the_limit_is_refused_before_gdal_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tags = plain_tags(64, 64) | {322: (4, 1, 4096), 323: (4, 1, 4096)}
    path.write_bytes(build_tiff(tags))
    header = read_header(path, "GTiff")
    assert header.block_bytes == 4096 * 4096
    with pytest.raises(BudgetError, match="one block"):
        check_header(header, path, Settings(max_block_bytes=4096 * 4096 - 1))
    check_header(header, path, Settings(max_block_bytes=4096 * 4096))


def test_a_header_of_nothing_is_within_every_limit(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    header = read_header(tmp_path / "a.tif", "GTiff")
    assert header == Header()
    check_header(header, tmp_path / "a.tif", Settings())


@pytest.mark.parametrize("big", [False, True])
def test_small_and_big_tiffs_are_understood(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(build_tiff(plain_tags(70_000, 3, 5), big=big))
    header = read_header(path, "GTiff")
    assert (header.width, header.height, header.bands, header.bits) == (70_000, 3, 5, 8)
