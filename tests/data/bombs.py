"""Small files that ask for much: memory, time, bands, blocks, texts. None may cost more than a refusal."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.data.attacks import chunk

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
SHORT, LONG, ASCII, LONG8 = 3, 4, 2, 16
TYPE_SIZES = {ASCII: 1, SHORT: 2, LONG: 4, LONG8: 8}
Tags = dict[int, tuple[int, int, int]]
"""Tag -> (type, count, value or offset)."""


def write_bombs(folder: Path) -> list[Path]:
    """Write every bomb into a folder; names say what each one tries."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in [*_tiffs(), *_pngs(), *_jpegs(), *_jpeg2000s(), *_archives()]:
        path = folder / name
        path.write_bytes(content)
        written.append(path)
    return written


def build_tiff(tags: Tags, data: bytes = b"", big: bool = False, following: int = 0) -> bytes:
    """A little-endian TIFF of one picture; `data` lies at the end and its offset stands where a value is -1."""
    wide, entry, word = ("<Q", 20, "<Q") if big else ("<H", 12, "<I")
    first = 16 if big else 8
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", first) if big else b"II*\0" + struct.pack("<I", first)
    place = first + struct.calcsize(wide) + entry * len(tags) + struct.calcsize(word)
    body = struct.pack(wide, len(tags))
    for tag, (kind, count, value) in sorted(tags.items()):
        number = place if value == -1 else value
        field = number.to_bytes(struct.calcsize(word), "little")
        body += struct.pack("<HH", tag, kind) + struct.pack(word, count) + field
    return head + body + struct.pack(word, following) + data


def plain_tags(width: int, height: int, bands: int = 1, compression: int = 1) -> Tags:
    """What a TIFF needs to be opened; the pixels are nowhere."""
    return {
        256: (LONG, 1, width),
        257: (LONG, 1, height),
        258: (SHORT, 1, 8),
        259: (SHORT, 1, compression),
        262: (SHORT, 1, 1),
        273: (LONG, 1, 8),
        277: (SHORT, 1, bands),
        278: (LONG, 1, height),
        279: (LONG, 1, 8),
        284: (SHORT, 1, 1),
    }


def _tiffs() -> Iterator[tuple[str, bytes]]:
    deflate, lerc, zstd, lzw = 8, 34887, 50000, 5
    tile: Tags = {322: (LONG, 1, 2**30), 323: (LONG, 1, 2**30), 324: (LONG, 1, 8), 325: (LONG, 1, 8)}
    tiled = {tag: entry for tag, entry in plain_tags(64, 64).items() if tag not in {273, 278, 279}}
    zeros = zlib.compress(bytes(99_000_000), 9)
    packed = plain_tags(33_000, 3_000, 10, deflate) | {273: (LONG, 1, -1), 279: (LONG, 1, len(zeros))}
    yield "sides_100000.tif", build_tiff(plain_tags(100_000, 100_000))
    yield "sides_4_billion.tif", build_tiff(plain_tags(2**32 - 1, 2**32 - 1))
    yield "sides_65536.tif", build_tiff(plain_tags(65_536, 65_536))
    yield "one_row_4_billion.tif", build_tiff(plain_tags(2**32 - 1, 1))
    yield "big_sides.tif", build_tiff(plain_tags(2**31, 2**31), big=True)
    yield "bands_65535.tif", build_tiff(plain_tags(64, 64, 65_535))
    yield "bands_and_sides.tif", build_tiff(plain_tags(10_000, 10_000, 65_535))
    yield "tile_2_30.tif", build_tiff(tiled | tile)
    yield "deflate.tif", build_tiff(packed, zeros)
    yield "lerc.tif", build_tiff(plain_tags(33_000, 3_000, 10, lerc), b"Lerc2 " + bytes(100))
    yield "zstd.tif", build_tiff(plain_tags(33_000, 3_000, 10, zstd), b"\x28\xb5\x2f\xfd" + bytes(100))
    yield "lzw.tif", build_tiff(plain_tags(33_000, 3_000, 10, lzw), bytes(100))
    yield "bits.tif", build_tiff(plain_tags(65_536, 65_536) | {258: (SHORT, 1, 1)})
    yield "doubles.tif", build_tiff(plain_tags(11_000, 9_000, 2) | {258: (SHORT, 1, 64), 339: (SHORT, 1, 3)})
    yield "tag_count.tif", build_tiff(plain_tags(64, 64) | {42112: (ASCII, 2**31, 8)})
    yield "strip_beyond.tif", build_tiff(plain_tags(64, 64) | {279: (LONG, 1, 2**31)})
    yield "sparse_64_bands.tif", build_tiff(plain_tags(10_000, 9_000, 64) | {273: (LONG, 1, 0), 279: (LONG, 1, 0)})
    yield "loop.tif", build_tiff({256: (LONG, 1, 100_000), 257: (LONG, 1, 100_000)}, following=8)


def _png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return PNG_MAGIC + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def _pngs() -> Iterator[tuple[str, bytes]]:
    zeros = zlib.compress(bytes(64_000_000), 9)
    rows = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    yield "sides_2_billion.png", _png_header(2**31 - 1, 2**31 - 1) + rows
    yield "sides_65536.png", _png_header(65_536, 65_536) + rows
    yield "sides_20000.png", _png_header(20_000, 20_000) + chunk(b"IDAT", zeros) + chunk(b"IEND", b"")
    yield "deep.png", _png_header(10_000, 9_900, 16, 6) + chunk(b"IDAT", zeros) + chunk(b"IEND", b"")
    yield "ztxt.png", _png_header(8, 8) + chunk(b"zTXt", b"a\0\0" + zeros) + rows
    yield "itxt.png", _png_header(8, 8) + chunk(b"iTXt", b"a\0\1\0\0\0" + zeros) + rows
    yield "iccp.png", _png_header(8, 8) + chunk(b"iCCP", b"a\0\0" + zeros) + rows
    small = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9))
    yield "many_texts.png", _png_header(8, 8) + small * 400 + rows


def _jpeg(width: int, height: int, kind: int, scans: int = 1) -> bytes:
    parts = b"\1\x11\0\2\x11\0\3\x11\0"
    frame = b"\xff" + bytes([kind]) + struct.pack(">HBHHB", 17, 8, height, width, 3) + parts
    scan = b"\xff\xda" + struct.pack(">HB", 12, 3) + b"\1\0\2\0\3\0\0\x3f\0" + b"\0" * 8
    table = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\1" * 64
    return b"\xff\xd8" + table + frame + scan * scans + b"\xff\xd9"


def _jpegs() -> Iterator[tuple[str, bytes]]:
    yield "sides_65535.jpg", _jpeg(65_535, 65_535, 0xC0)
    yield "out_of_nothing.jpg", _jpeg(33_000, 3_000, 0xC0)
    yield "scans.jpg", _jpeg(10_000, 9_900, 0xC2, 2000)


def _codestream(width: int, height: int, tile: tuple[int, int], *, bands: int = 1, style: bytes = b"") -> bytes:
    numbers = struct.pack(">HIIIIIIIIH", 0, width, height, 0, 0, *tile, 0, 0, bands)
    size = numbers + b"\x07\1\1" * bands
    code = style or b"\0\0\0\1\0\5\4\4\0\1"
    return (
        b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size
        + b"\xff\x52" + struct.pack(">H", len(code) + 2) + code
        + b"\xff\x5c\0\x13\x40" + bytes(16) + b"\xff\x90\0\x0a\0\0\0\0\0\0\0\1\xff\x93" + bytes(64) + b"\xff\xd9"
    )  # fmt: skip


def _jpeg2000s() -> Iterator[tuple[str, bytes]]:
    side, whole = 9_900, (9_900, 9_900)
    yield "sides_4_billion.j2k", _codestream(2**32 - 1, 2**32 - 1, (2**32 - 1, 2**32 - 1))
    yield "components.j2k", _codestream(64, 64, (64, 64), bands=16_384)
    yield "tiny_code_blocks.j2k", _codestream(side, side, whole, style=b"\0\0\0\1\0\5\0\0\0\1")
    yield "tiny_precincts.j2k", _codestream(side, side, whole, style=b"\1\0\0\1\0\5\4\4\0\1" + bytes(6))
    yield "layers.j2k", _codestream(side, side, whole, style=b"\1\0\xff\xff\0\5\4\4\0\1" + b"\x88" * 6)
    yield "tiny_tiles.j2k", _codestream(side, side, (1, 1))
    yield "giant_code_block.j2k", _codestream(side, side, whole, style=b"\0\0\0\1\0\0\xff\xff\0\1")
    yield "levels.j2k", _codestream(side, side, whole, style=b"\0\0\0\1\0\xff\4\4\0\1")
    boxed = b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 \0\0\0\0jp2 "
    yield "text_box.jp2", boxed + struct.pack(">I", 2**31 - 1) + b"xml " + bytes(100)
    stream = _codestream(2**32 - 1, 2**32 - 1, (2**32 - 1, 2**32 - 1))
    yield "sides_4_billion.jp2", boxed + struct.pack(">I", len(stream) + 8) + b"jp2c" + stream


def _archives() -> Iterator[tuple[str, bytes]]:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117) + b"\n"
    array = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", array)
    yield "eight_tebibytes.npz", packed.getvalue()
    yield "eight_tebibytes.npy", array
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.tif", bytes(30_000_000))
    yield "zip.tif", bomb.getvalue()
    yield "gzip.tif", gzip.compress(bytes(10_000_000))
    yield "7z.tif", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(100)
