"""What the first bytes of a file declare, read by own code before GDAL sees the file. No rasterio here.

Nothing is decoded and nothing is believed: the parsers never allocate by a number from the file, stop after a fixed
amount of work and give up in silence on damage, which GDAL then judges. What they do find is compared with the limits,
so a file that asks for too much is refused without a decoder having looked at it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from claire.core.errors import BudgetError, FormatError, MissingFileError
from claire.core.settings import Settings
from claire.core.types import Notice

MAGIC_BYTES: dict[bytes, str] = {
    b"II*\x00": "GTiff",
    b"MM\x00*": "GTiff",
    b"II+\x00": "GTiff",
    b"MM\x00+": "GTiff",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\x00\x00\x00\x0cjP  ": "JP2OpenJPEG",
    b"\xff\x4f\xff\x51": "JP2OpenJPEG",
}
"""First bytes of a file -> the one driver that may open it."""

ACCEPTED_FORMATS = "GeoTIFF, PNG, JPEG or JPEG 2000"

ARCHIVES: dict[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "packed with gzip",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\x00": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
}
"""First bytes -> what it is; archives are never opened."""

STRANGERS: dict[bytes, str] = {
    b"\x93NUMPY": "a NumPy array (NPY)",
    b"\x89HDF\r\n\x1a\n": "an HDF5 or netCDF file",
    b"CDF": "a netCDF file",
    b"GIF8": "a GIF",
    b"RIFF": "a WebP, a sound or a film",
    b"%PDF": "a PDF",
    b"<": "text (XML), not pixels",
    b"{": "text (JSON), not pixels",
    b"BM": "a bitmap (BMP)",
    b"NITF": "a NITF file",
    b"GRIB": "a GRIB file",
    b"SQLite": "a database",
}
"""First bytes -> what it is; known formats that are not read."""

HEAD = 512
"""Bytes that tell formats apart."""

MOST_STEPS = 20_000
"""Chunks, segments, boxes or pages that a parser looks at."""

_LONGEST_TEXT = 32_000_000

MOST_PAGES = 1000
"""Pictures of a GeoTIFF that the parser looks at."""


@dataclass(frozen=True)
class Header:
    """What a file declares about itself; 0 where it could not be understood.

    Args:
        width: Pixels.
        height: Pixels.
        bands: Count.
        bits: Of one number of one band.
        block_bytes: One tile, decoded; 0 without tiles.
        metadata_bytes: Texts and profiles, unpacked.
        parts: Code blocks and packets of a JPEG 2000.
        damaged: True where a checksum of the pixels is wrong, which GDAL overlooks.
        notices: What is unusual.
    """

    width: int = 0
    height: int = 0
    bands: int = 0
    bits: int = 8
    block_bytes: int = 0
    metadata_bytes: int = 0
    parts: int = 0
    damaged: bool = False
    notices: tuple[Notice, ...] = ()


@dataclass
class _Findings:
    """What is unusual, one notice per code."""

    notices: dict[str, Notice] = field(default_factory=dict)

    def add(self, code: str, message: str) -> None:
        self.notices.setdefault(code, Notice(code, message))

    def as_tuple(self) -> tuple[Notice, ...]:
        return tuple(self.notices.values())


def quoted_name(path: Path) -> str:
    """The file name between quotes, short and on one line; never its folder. For messages."""
    return repr(printable(path.name, 60))


def printable(text: str, length: int) -> str:
    """Text from a file or a file name on one line, without control characters, at most `length` characters long."""
    clean = "".join(c for c in text if c.isprintable())
    return clean if len(clean) <= length else clean[: length - 3] + "..."


def find_driver(path: Path) -> str:
    """The one driver that the first bytes of a file allow.

    Raises:
        MissingFileError: No such file, a folder, or no permission.
        FormatError: Another format; archives and well-known formats are named.
    """
    try:
        if path.is_dir():
            raise MissingFileError(f"{quoted_name(path)} is a folder, but a file is wanted.", "Give one raster file.")
        if not path.is_file():
            raise MissingFileError(f"There is no file {quoted_name(path)}.", "Check the spelling and the folder.")
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except MissingFileError:
        raise
    except OSError as error:
        raise MissingFileError(f"{quoted_name(path)} may not be read.", "Check its permissions.") from error
    for magic, driver in MAGIC_BYTES.items():
        if head.startswith(magic):
            return driver
    raise _refuse(path, head)


def read_header(path: Path, driver: str) -> Header:
    """Read what a file declares; damage gives a header with zeros, never an error."""
    try:
        with path.open("rb") as stream:
            return _PARSERS[driver](stream, path.stat().st_size)
    except (OSError, struct.error, ValueError, IndexError, OverflowError, ZeroDivisionError):
        return Header()


def check_header(header: Header, path: Path, limits: Settings) -> None:
    """Refuse a file that declares more than the limits.

    Raises:
        BudgetError: Larger than a limit.
    """
    size = (header.bits + 7) // 8
    check_size(path, limits, header.width, header.height, header.bands, header.bands * size)
    check_limits(
        path,
        (
            (header.block_bytes, limits.max_block_bytes, "bytes in one block", "max_block_bytes"),
            (header.metadata_bytes, limits.max_metadata_bytes, "bytes of text and profiles", "max_metadata_bytes"),
            (header.parts, limits.max_jpeg2000_parts, "code blocks and packets", "max_jpeg2000_parts"),
        ),
    )


def check_size(path: Path, limits: Settings, width: int, height: int, bands: int, pixel_bytes: int) -> None:
    """Refuse sides, bands, pixels and bytes over a limit, and arrays that grow out of next to nothing.

    Raises:
        BudgetError: Larger than a limit.
    """
    decoded = width * height * pixel_bytes
    check_limits(
        path,
        (
            (max(width, height), limits.max_side, "pixels on its longest side", "max_side"),
            (bands, limits.max_bands, "bands", "max_bands"),
            (width * height, limits.max_pixels, "pixels", "max_pixels"),
            (decoded, limits.max_decoded_bytes, "bytes when decoded", "max_decoded_bytes"),
        ),
    )
    stored = max(path.stat().st_size, 1)
    if decoded > limits.free_expansion_bytes and decoded > limits.max_expansion * stored:
        raise BudgetError(
            f"{quoted_name(path)} would grow to {decoded // stored:,} times its size, but at most "
            f"{limits.max_expansion:,} times are read.",
            "Cut out a smaller piece, or raise CLAIRE_MAX_EXPANSION.",
        )


def check_limits(path: Path, numbers: tuple[tuple[int, int, str, str], ...]) -> None:
    """Refuse the first number above its limit; each is (given, limit, what is counted, name of the setting).

    Raises:
        BudgetError: A number is above its limit.
    """
    for given, limit, what, name in numbers:
        if given > limit:
            raise BudgetError(
                f"{quoted_name(path)} has {given:,} {what}, but at most {limit:,} are read.",
                f"Cut out a smaller piece, or raise CLAIRE_{name.upper()}.",
            )


def _refuse(path: Path, head: bytes) -> FormatError:
    name = quoted_name(path)
    if head.startswith(b"PK\x03\x04") and b".npy" in head[30:120]:
        return FormatError(f"{name} is a NumPy archive (NPZ), which is not read.", f"Save it as {ACCEPTED_FORMATS}.")
    packed = next((what for magic, what in ARCHIVES.items() if head.startswith(magic)), None)
    if head[257:262] == b"ustar":
        packed = "a TAR archive"
    if packed is not None:
        return FormatError(f"{name} is {packed}; archives are not opened.", f"Unpack it and give {ACCEPTED_FORMATS}.")
    what = next((what for magic, what in STRANGERS.items() if head.lstrip().startswith(magic)), None)
    if what is not None:
        return FormatError(f"{name} is {what}, which CLAIRE does not read.", f"Give {ACCEPTED_FORMATS}.")
    return FormatError(
        f"{name} is {'empty' if not head else 'not a raster that CLAIRE reads'}.", f"Give {ACCEPTED_FORMATS}."
    )


# GeoTIFF

_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_COMPRESSIONS = {
    2: "CCITT", 3: "CCITT fax 3", 4: "CCITT fax 4", 6: "old JPEG", 7: "JPEG", 34712: "JPEG 2000", 34887: "LERC",
    34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 32773: "PackBits", 52546: "JPEG XL",
}  # fmt: skip
_COMMON_COMPRESSIONS = {1, 5, 8, 32946}
_COLOURS = {0: ("white_is_zero", "In this file 0 is white; the numbers are read as they are stored."),
            3: ("palette", "The numbers are indices of a palette."),
            5: ("cmyk", "The bands are print colours (CMYK), which measure nothing."),
            6: ("ycbcr", "The colours are stored as YCbCr and turned into RGB."),
            8: ("lab", "The colours are stored as CIE Lab.")}  # fmt: skip
_LONGEST_TABLE = 1_000_000


class _Tiff:
    """Tags of a TIFF, by number, from untrusted bytes."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream, self.size = stream, size
        head = stream.read(16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = head[2:4] in {b"+\0", b"\0+"}
        self.first = struct.unpack(self.order + "Q", head[8:16])[0] if self.big else self._number(head[4:8])

    def _number(self, content: bytes) -> int:
        return int(struct.unpack(self.order + "I", content)[0])

    def read_tags(self, offset: int) -> tuple[dict[int, tuple[int, int, bytes]], int]:
        """(tag -> (type, count, inline value or offset), offset of the next picture)."""
        self.stream.seek(offset)
        wide, entry = (8, 20) if self.big else (2, 12)
        count = int.from_bytes(self.stream.read(wide), "little" if self.order == "<" else "big")
        content = self.stream.read(entry * min(count, 4096))
        found = {}
        for start in range(0, len(content) - entry + 1, entry):
            tag, kind = struct.unpack_from(self.order + "HH", content, start)
            number = struct.unpack_from(self.order + ("Q" if self.big else "I"), content, start + 4)[0]
            found[tag] = (kind, number, content[start + entry - (8 if self.big else 4) : start + entry])
        self.stream.seek(offset + wide + entry * count)
        rest = self.stream.read(8 if self.big else 4)
        following = struct.unpack(self.order + ("Q" if self.big else "I"), rest)[0] if rest else 0
        return found, int(following)

    def read_numbers(self, entry: tuple[int, int, bytes] | None, most: int = 64) -> tuple[int, ...]:
        """The first whole numbers of a tag."""
        if entry is None or entry[0] not in _WHOLE:
            return ()
        kind, count, inline = entry
        length = _TYPE_SIZES[kind] * min(count, most)
        if _TYPE_SIZES[kind] * count > len(inline):
            self.stream.seek(struct.unpack(self.order + ("Q" if self.big else "I"), inline)[0])
            inline = self.stream.read(length)
        found = min(length, len(inline)) // _TYPE_SIZES[kind]
        return struct.unpack_from(f"{self.order}{found}{_WHOLE[kind]}", inline)

    def read_pages(self) -> Iterator[dict[int, tuple[int, int, bytes]]]:
        """The pictures after the first; ends at a loop by giving an empty one."""
        seen, offset = {self.first}, self.read_tags(self.first)[1]
        while offset and len(seen) < MOST_PAGES:
            if offset in seen:
                yield {}
                return
            seen.add(offset)
            tags, offset = self.read_tags(offset)
            yield tags


def _parse_tiff(stream: BinaryIO, size: int) -> Header:
    tiff = _Tiff(stream, size)
    tags, _ = tiff.read_tags(tiff.first)

    def first(tag: int, default: int = 0) -> int:
        numbers = tiff.read_numbers(tags.get(tag), 1)
        return numbers[0] if numbers else default

    width, height, bands = first(256), first(257), first(277, 1)
    depths = tiff.read_numbers(tags.get(258)) or (1,)
    together = bands if first(284, 1) == 1 else 1
    block = first(322) * first(323) * together * ((max(depths) + 7) // 8)
    found = _Findings()
    if tiff.order == ">":
        found.add("big_endian", "The numbers are stored big-endian.")
    if tiff.big:
        found.add("bigtiff", "The file is a BigTIFF.")
    _note_depths(found, depths, tiff.read_numbers(tags.get(339)) or (1,))
    _note_layout(found, tiff, tags, width, height)
    if (colour := _COLOURS.get(first(262))) and 262 in tags:
        found.add(*colour)
    if first(274, 1) != 1:
        found.add("orientation", "The file asks to be turned or mirrored for display, which is ignored.")
    if first(266, 1) == 2:
        found.add("fill_order", "The bits of each byte are stored in reverse order.")
    compression = first(259, 1)
    if compression not in _COMMON_COMPRESSIONS:
        called = _COMPRESSIONS.get(compression, f"number {compression}")
        found.add("compression", f"The pixels are compressed in an uncommon way: {called}.")
    _note_pages(found, tiff, tags)
    return Header(width, height, bands, max(depths), block, notices=found.as_tuple())


def _note_depths(found: _Findings, depths: tuple[int, ...], formats: tuple[int, ...]) -> None:
    deepest = max(depths)
    if len(set(depths)) > 1:
        found.add("mixed_depths", "The bands have different numbers of bits.")
    if deepest % 8:
        found.add("sub_byte", f"Each number has {deepest} bits only.")
    elif formats[0] == 3 and deepest in {16, 24}:
        found.add("short_floats", f"The numbers are floats of {deepest} bits; they are read as 32 bits.")
    elif deepest == 64 and formats[0] not in {5, 6}:
        found.add("wide_numbers", "The numbers have 64 bits.")


def _note_layout(
    found: _Findings, tiff: _Tiff, tags: dict[int, tuple[int, int, bytes]], width: int, height: int
) -> None:
    counts = tiff.read_numbers(tags.get(325) or tags.get(279), _LONGEST_TABLE)
    if counts and 0 in counts:
        found.add("sparse", f"{counts.count(0):,} of {len(counts):,} blocks are not stored; they are read as empty.")
    tile = [*tiff.read_numbers(tags.get(322), 1), *tiff.read_numbers(tags.get(323), 1)]
    if len(tile) == 2:
        if min(tile) < 64 or max(tile) > 4096 or tile[0] != tile[1]:
            found.add("blocks", f"The tiles are of an unusual size: {tile[0]} x {tile[1]} pixels.")
        return
    rows = tiff.read_numbers(tags.get(278), 1)
    if width * height > 10_000_000 and rows and rows[0] >= height:
        found.add("blocks", "The whole picture is one strip, which is slow to read in parts.")


def _note_pages(found: _Findings, tiff: _Tiff, tags: dict[int, tuple[int, int, bytes]]) -> None:
    if 330 in tags:
        found.add("sub_ifds", "The file holds further pictures inside the first one (sub-IFDs), which are not read.")
    for page in tiff.read_pages():
        if not page:
            found.add("page_loop", "The list of pictures in the file runs in a circle.")
            return
        kind = next(iter(tiff.read_numbers(page.get(254), 1)), 0)
        if kind & 4:
            found.add("internal_mask", "The file holds a mask of its own.")
        elif kind & 1:
            found.add("overviews", "The file holds overviews, which are ignored.")
        else:
            found.add("more_pages", "The file holds several pictures; the first one is read.")


# PNG

_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def _parse_png(stream: BinaryIO, size: int) -> Header:
    stream.seek(8)
    found, metadata, header, damaged = _Findings(), 0, b"", False
    for _ in range(MOST_STEPS):
        frame = stream.read(8)
        if len(frame) < 8:
            break
        length, kind = struct.unpack(">I4s", frame)
        start = stream.tell()
        if kind == b"IHDR":
            header = stream.read(13)
        elif kind in {b"zTXt", b"iTXt", b"iCCP", b"tEXt", b"eXIf"}:
            metadata += max(length, _measure_chunk(kind, stream.read(min(length, _LONGEST_TEXT))))
        elif kind == b"IDAT":
            stream.seek(start - 8)
            damaged = not _has_good_pixels(stream)
            break
        _note_chunk(found, kind)
        stream.seek(start + length + 4)
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if depth == 16:
        found.add("png_16_bit", "The PNG holds 16 bits per band.")
    elif depth < 8:
        found.add("sub_byte", f"Each number has {depth} bits only.")
    if colour == 3:
        found.add("palette", "The numbers are indices of a palette.")
    if interlace:
        found.add("interlaced", "The PNG is interlaced.")
    if damaged:
        found.add("damaged", "The pixels of the PNG are damaged: some of them are wrong or missing.")
    bands = _PNG_CHANNELS.get(colour, 0)
    return Header(width, height, bands, depth, 0, metadata, damaged=damaged, notices=found.as_tuple())


def _has_good_pixels(stream: BinaryIO) -> bool:
    """Whether the chunks of pixels are whole, their checksums right, and an end follows."""
    while True:
        frame = stream.read(8)
        if len(frame) < 8:
            return False
        length, kind = struct.unpack(">I4s", frame)
        if kind == b"IEND":
            return True
        checksum, left = zlib.crc32(kind), length
        while left and (piece := stream.read(min(left, 1 << 20))):
            checksum, left = zlib.crc32(piece, checksum), left - len(piece)
        if kind == b"IDAT" and stream.read(4) != struct.pack(">I", checksum):
            return False
        if kind != b"IDAT":
            stream.seek(4, 1)


def _note_chunk(found: _Findings, kind: bytes) -> None:
    if kind in {b"acTL", b"fcTL"}:
        found.add("animation", "The picture is animated; its first frame is read.")
    elif kind == b"tRNS":
        found.add("transparent_value", "One or more values mean transparency.")
    elif kind in {b"zTXt", b"iTXt", b"tEXt"}:
        found.add("texts", "The file holds texts, which are ignored.")


def _measure_chunk(kind: bytes, content: bytes) -> int:
    """Bytes of a text or profile when unpacked; counting stops at `_LONGEST_TEXT`."""
    packed = content.partition(b"\0")[2][1:]
    if kind == b"iTXt":  # keyword, flag, method, language, translated keyword, text
        packed = packed[1:].partition(b"\0")[2].partition(b"\0")[2]
    elif kind not in {b"zTXt", b"iCCP"}:
        packed = b""
    total, inflater = 0, zlib.decompressobj()
    try:
        while packed and total < _LONGEST_TEXT:
            total += len(inflater.decompress(packed, 1_000_000))
            packed = inflater.unconsumed_tail
    except zlib.error:  # plain text, or damage that nobody unpacks
        return total
    return total


# JPEG


def _parse_jpeg(stream: BinaryIO, size: int) -> Header:
    stream.seek(2)
    found, metadata = _Findings(), 0
    header = Header()
    for _ in range(MOST_STEPS):
        marker = stream.read(2)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] == 0xDA:
            break
        if marker[1] == 0xFF:
            stream.seek(-1, 1)
            continue
        if marker[1] == 0x01 or 0xD0 <= marker[1] <= 0xD8:
            continue
        length = struct.unpack(">H", stream.read(2))[0]
        content = stream.read(max(length - 2, 0))
        if marker[1] in _FRAMES:
            depth, height, width, bands = struct.unpack(">BHHB", content[:6])
            header = Header(width, height, bands, depth)
            _note_frame(found, marker[1], depth, bands)
        elif 0xE1 <= marker[1] <= 0xEF or marker[1] == 0xFE:
            metadata += len(content)
            if content.startswith(b"Exif\0"):
                found.add("exif", "The picture carries notes of a camera (EXIF), which are ignored.")
    return Header(header.width, header.height, header.bands, header.bits, 0, metadata, notices=found.as_tuple())


_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}


def _note_frame(found: _Findings, marker: int, depth: int, bands: int) -> None:
    found.add("lossy", "JPEG is lossy: the numbers are not the measured ones.")
    if marker in {0xC2, 0xC6, 0xCA, 0xCE}:
        found.add("progressive", "The JPEG is progressive.")
    if marker >= 0xC9:
        found.add("arithmetic", "The JPEG uses arithmetic coding.")
    if depth != 8:
        found.add("depth", f"The JPEG holds {depth} bits per band.")
    if bands == 4:
        found.add("cmyk", "The bands are print colours (CMYK), which measure nothing.")


# JPEG 2000

_SIZ, _COD, _COC, _SOT = 0xFF51, 0xFF52, 0xFF53, 0xFF90


def _parse_jpeg2000(stream: BinaryIO, size: int) -> Header:
    found, metadata = _Findings(), 0
    if stream.read(4) == b"\xff\x4f\xff\x51":
        found.add("codestream", "The file is a bare JPEG 2000 codestream, without a header.")
        return _parse_codestream(stream, 2, found, 0)
    offset = 0
    for _ in range(MOST_STEPS):
        stream.seek(offset)
        frame = stream.read(16)
        if len(frame) < 8:
            break
        length, kind = struct.unpack(">I4s", frame[:8])
        start = offset + 8
        if length == 1:
            length, start = struct.unpack(">Q", frame[8:16])[0], offset + 16
        if kind == b"jp2c":
            return _parse_codestream(stream, start + 2, found, metadata)
        if kind in {b"xml ", b"uuid", b"asoc"}:
            metadata += length
        if length < 8:
            break
        offset += length
    return Header(metadata_bytes=metadata, notices=found.as_tuple())


def _parse_codestream(stream: BinaryIO, offset: int, found: _Findings, metadata: int) -> Header:
    stream.seek(offset)
    size: tuple[int, ...] = ()
    components = b""
    styles: list[bytes] = []
    for _ in range(MOST_STEPS):
        frame = stream.read(4)
        if len(frame) < 4:
            break
        marker, length = struct.unpack(">HH", frame)
        if marker == _SOT or length < 2:
            break
        content = stream.read(length - 2)
        if marker == _SIZ:
            size, components = struct.unpack(">HIIIIIIIIH", content[:36]), content[36:]
        elif marker == _COD:
            styles.append(content)
        elif marker == _COC:
            start = 2 if size[9] > 256 else 1
            styles.append(content[start : start + 1] + b"\0\0\1\0" + content[start + 1 :])
    _, right, low, left, top, tile_wide, tile_high, tile_left, tile_top, bands = size
    width, height = right - left, low - top
    depth = max((components[i] & 0x7F) + 1 for i in range(0, len(components) - 2, 3))
    _note_components(found, components, depth)
    tiles = -(-(right - tile_left) // tile_wide) * -(-(low - tile_top) // tile_high)
    most = max((_count_parts(style, min(width, tile_wide), min(height, tile_high)) for style in styles), default=0)
    return Header(width, height, bands, depth, 0, metadata, tiles * bands * most, notices=found.as_tuple())


def _count_parts(style: bytes, width: int, height: int) -> int:
    """Code blocks and packets of one band of one tile."""
    layers, levels = max(int.from_bytes(style[2:4], "big"), 1), style[5]
    block = 1 << ((style[6] & 15) + (style[7] & 15) + 4)
    precincts = list(style[10 : 11 + levels]) if style[0] & 1 else []
    packets: int = 0
    for level in range(min(levels, 32) + 1):
        shrink = 1 << (levels - level)
        exponents = precincts[level] if level < len(precincts) else 0xFF
        across = -(-width // (shrink << (exponents & 15)))
        packets += max(across, 1) * max(-(-height // (shrink << (exponents >> 4))), 1)
    return packets * layers + 4 * width * height // (3 * block)


def _note_components(found: _Findings, components: bytes, depth: int) -> None:
    if any(components[i + 1] != 1 or components[i + 2] != 1 for i in range(0, len(components) - 2, 3)):
        found.add("subsampled", "Some bands are stored at a coarser resolution than others.")
    if depth not in {8, 16}:
        found.add("sub_byte" if depth < 8 else "depth", f"Each number has {depth} bits.")


_PARSERS = {"GTiff": _parse_tiff, "PNG": _parse_png, "JPEG": _parse_jpeg, "JP2OpenJPEG": _parse_jpeg2000}
