"""Files and texts that try to make a reader open another file, call an address or write something.

Every one lies in a folder of its own with its sidecars. A reader is safe when it either refuses the file or gives the
pixels that the file itself holds (`OWN_VALUES`), never `CANARY_VALUE` or `CANARY_TEXT`, calls nobody and leaves nothing
behind.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from claire.data import raster as door  # before rasterio: it locks GDAL down

CANARY_TEXT = "canary-5d1f0c"
CANARY_VALUE = 167
OWN_VALUES = (np.arange(64 * 64, dtype=np.uint8) % 60 + 1).reshape(1, 64, 64)
ENDINGS = (".tif", ".png", ".jp2", ".jpg")
DRIVERS = {".tif": "GTiff", ".png": "PNG", ".jp2": "JP2OpenJPEG", ".jpg": "JPEG"}


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Args:
        name: `vector-container`, unique.
        vector: What it tries.
        path: The file to give to the reader; for `typed` attempts a text that is no file, as a path.
        sidecars: Files beside it.
        typed: True when there is no file, only a text typed where a path is asked for.
    """

    name: str
    vector: str
    path: Path
    sidecars: tuple[Path, ...] = ()
    typed: bool = False


def write_canary(path: Path) -> Path:
    """A raster nobody may see: every pixel is `CANARY_VALUE`, its description `CANARY_TEXT`."""
    values = np.full((1, 64, 64), CANARY_VALUE, np.uint8)
    _write_raster(path, values, "GTiff", lambda target: target.set_band_description(1, CANARY_TEXT))
    return path


@contextmanager
def count_calls() -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback device: its address and the list of everything that it was asked for."""
    calls: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_GET
        do_POST = do_GET

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            calls.append(format)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_attacks(folder: Path, canary: Path, url: str) -> list[Attack]:
    """Write every attack below a folder.

    Args:
        folder: An empty folder.
        canary: The file that they try to read, made by `write_canary`.
        url: The address that they try to call, as `count_calls` gives it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = [
        *_write_disguises(folder, canary, url),
        *_write_metadata(folder, canary, url),
        *_write_sidecars(folder, canary, url),
        *_write_boxes(folder, canary, url),
        *_write_archives(folder, canary),
        *_write_places(folder, canary),
        *_type_texts(canary, url),
    ]
    names = [attack.name for attack in found]
    if len(set(names)) != len(names):
        raise ValueError("Two attacks have one name.")
    return found


def render_vrt(source: str) -> str:
    """A virtual raster that shows another file."""
    return (
        '<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{escape(source)}</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )


def _render_raw_vrt(source: str) -> str:
    return (
        '<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1" '
        f'subClass="VRTRawRasterBand"><SourceFilename relativeToVRT="0">{escape(source)}</SourceFilename>'
        "</VRTRasterBand></VRTDataset>"
    )


def _render_wms(url: str) -> str:
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}/${{x}}/${{y}}</ServerUrl></Service><DataWindow>'
        "<UpperLeftX>0</UpperLeftX><UpperLeftY>1</UpperLeftY><LowerRightX>1</LowerRightX><LowerRightY>0</LowerRightY>"
        "<SizeX>64</SizeX><SizeY>64</SizeY></DataWindow><Projection>EPSG:4326</Projection><BandsCount>1</BandsCount>"
        "</GDAL_WMS>"
    )


def _render_mrf(source: str) -> str:
    return (
        '<MRF_META><Raster><Size x="64" y="64" c="1"/><PageSize x="64" y="64" c="1"/><Compression>NONE</Compression>'
        f"<DataFile>{escape(source)}</DataFile><IndexFile>{escape(source)}</IndexFile></Raster></MRF_META>"
    )


def _render_item(domain: str, key: str, text: str) -> str:
    return f'<Metadata domain="{domain}"><MDI key="{key}">{escape(text)}</MDI></Metadata>'


def _write_disguises(folder: Path, canary: Path, url: str) -> Iterator[Attack]:
    """Formats that point elsewhere, under the ending of one that is read."""
    contents = {
        "vrt": render_vrt(str(canary)),
        "vrt-url": render_vrt(f"/vsicurl/{url}/a.tif"),
        "vrt-raw": _render_raw_vrt(str(canary)),
        "wms": _render_wms(url),
        "mrf": _render_mrf(str(canary)),
        "wcs": f"<WCS_GDAL><ServiceURL>{url}/wcs</ServiceURL><CoverageName>a</CoverageName></WCS_GDAL>",
        "gti": f"<GDALTileIndexDataset><IndexDataset>{escape(str(canary))}</IndexDataset></GDALTileIndexDataset>",
        "stac": json.dumps({"type": "Feature", "stac_version": "1.0.0", "assets": {"a": {"href": f"{url}/a.tif"}}}),
        "gdalg": json.dumps({"type": "gdal_streamed_alg", "command_line": f"gdal raster read {canary}"}),
        "svg": f'<svg xmlns:x="http://www.w3.org/1999/xlink"><image x:href="file://{canary}"/></svg>',
        "xxe": f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{canary}">]><VRTDataset>&b;</VRTDataset>',
    }
    for vector, content in contents.items():
        for ending in ENDINGS if vector.startswith(("vrt", "wms", "mrf")) else (".tif",):
            yield _place(folder, vector, ending, content.encode())
    for ending in ENDINGS:  # the first bytes of the right format, then a virtual raster
        magic = {".tif": b"II*\0", ".png": b"\x89PNG\r\n\x1a\n", ".jp2": b"\xff\x4f\xff\x51", ".jpg": b"\xff\xd8\xff"}
        yield _place(folder, "vrt-after-magic", ending, magic[ending] + render_vrt(str(canary)).encode())


def _write_metadata(folder: Path, canary: Path, url: str) -> Iterator[Attack]:
    """Valid GeoTIFFs whose metadata name other files or addresses."""
    overview = {
        "inline-vrt": render_vrt(str(canary)),
        "url": f"/vsicurl/{url}/a.ovr",
        "plain-url": f"{url}/a.ovr",
        "file": str(canary),
        "relative": f":::BASE:::../../{canary.name}",
        "vsi": f"/vsisubfile/0_9999,{canary}",
        "wms": _render_wms(url),
    }
    located = {
        "url": {"X_DATASET": f"/vsicurl/{url}/x.tif", "Y_DATASET": f"/vsicurl/{url}/y.tif", "X_BAND": "1"},
        "vrt": {"X_DATASET": render_vrt(str(canary)), "Y_DATASET": str(canary), "X_BAND": "1", "Y_BAND": "1"},
        "srs": {"SRS": f"{url}/crs", "X_DATASET": str(canary), "Y_DATASET": str(canary)},
    }
    for kind, text in overview.items():
        yield _place_tags(folder, f"overview-file-{kind}", "OVERVIEWS", {"OVERVIEW_FILE": text})
    for kind, tags in located.items():
        yield _place_tags(folder, f"geolocation-{kind}", "GEOLOCATION", tags)
    rpc = {"LINE_OFF": "1", "SAMP_OFF": "1", "RPC_DEM": f"/vsicurl/{url}/dem.tif"}
    yield _place_tags(folder, "rpc-dem", "RPC", rpc)
    yield _place_tags(folder, "overview-file-default-domain", None, {"OVERVIEW_FILE": str(canary)})
    yield _place_tags(folder, "subdatasets", "SUBDATASETS", {"SUBDATASET_1_NAME": str(canary)})
    for kind, text in {"url": f"{url}/crs", "file": str(canary), "init": f"+init={canary}:1"}.items():
        yield _place_citation(folder, f"crs-{kind}", text)


def _write_sidecars(folder: Path, canary: Path, url: str) -> Iterator[Attack]:
    """Good files with bad neighbours."""
    inline, remote = render_vrt(str(canary)), render_vrt(f"/vsicurl/{url}/a.tif")
    for ending in ENDINGS:
        for vector, pam in {
            "aux-overview-file": _render_item("OVERVIEWS", "OVERVIEW_FILE", str(canary)),
            "aux-overview-vrt": _render_item("OVERVIEWS", "OVERVIEW_FILE", inline),
            "aux-overview-url": _render_item("OVERVIEWS", "OVERVIEW_FILE", f"/vsicurl/{url}"),
            "aux-mask": _render_item("MASK", "MASK_FILE", inline),
            "aux-srs": f"<SRS>{url}/crs</SRS><GCPList Projection='{url}/crs'/>",
        }.items():
            yield _place_beside(folder, vector, ending, {".aux.xml": f"<PAMDataset>{pam}</PAMDataset>".encode()})
        for vector, suffix in {"ovr-vrt": ".ovr", "msk-vrt": ".msk"}.items():
            yield _place_beside(folder, vector, ending, {suffix: remote.encode()})
    coordinates = {".aux": b"HFA", "_RPC.TXT": b"LINE_OFF: 1\n", "_rpc.txt": b"x", ".RPB": b"x", ".IMD": b"x"}
    yield _place_beside(folder, "satellite-headers", ".tif", coordinates)
    yield _place_beside(folder, "ovr-canary", ".tif", {".ovr": canary.read_bytes(), ".msk": canary.read_bytes()})


def _write_boxes(folder: Path, canary: Path, url: str) -> Iterator[Attack]:
    """Good pictures with text chunks and boxes that name other places."""
    entity = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file://{canary}">]><a>&b;</a>'
    gml = (
        '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xmlns:x="http://www.w3.org/1999/xlink" '
        f'x:schemaLocation="{url}/gml.xsd"><gml:RectifiedGrid dimension="2" srsName="{url}/crs"><gml:origin>'
        f'<gml:Point srsName="{url}/crs"><gml:coordinates>1,2</gml:coordinates></gml:Point></gml:origin>'
        "<gml:offsetVector>1,0</gml:offsetVector><gml:offsetVector>0,-1</gml:offsetVector></gml:RectifiedGrid>"
        "</gml:FeatureCollection>"
    )
    jp2 = _read_picture(folder, ".jp2")
    labelled = _box(b"lbl ", b"gml.root-instance") + _box(b"xml ", gml.encode())
    boxes = {
        "gmljp2": _box(b"asoc", _box(b"lbl ", b"gml.data") + _box(b"asoc", labelled)),
        "jp2-xml-entity": _box(b"xml ", entity.encode()),
        "jp2-xml-vrt": _box(b"xml ", render_vrt(str(canary)).encode()),
        "jp2-url-box": _box(b"url ", b"\0\0\0\0" + f"{url}/a".encode() + b"\0"),
        "jp2-gdal-metadata": _box(
            b"xml ",
            "<GDALMultiDomainMetadata>"
            f"{_render_item('OVERVIEWS', 'OVERVIEW_FILE', str(canary))}</GDALMultiDomainMetadata>".encode(),
        ),
    }
    start = jp2.index(b"jp2c") - 4
    for vector, box in boxes.items():
        yield _place(folder, vector, ".jp2", jp2[:start] + box + jp2[start:])
    png = _read_picture(folder, ".png")
    texts = {
        "png-overview": b"OVERVIEW_FILE\0" + str(canary).encode(),
        "png-vrt": b"xml:VRT\0" + render_vrt(str(canary)).encode(),
    }
    for vector, text in texts.items():
        yield _place(folder, vector, ".png", png[:33] + chunk(b"tEXt", text) + png[33:])
    xmp = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + entity.encode())
    yield _place(folder, "png-xmp-entity", ".png", png[:33] + xmp + png[33:])
    jpeg = _read_picture(folder, ".jpg")
    packet = b"http://ns.adobe.com/xap/1.0/\0" + entity.encode()
    segments = {
        "jpeg-xmp-entity": b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet,
        "jpeg-comment": b"\xff\xfe" + struct.pack(">H", len(str(canary)) + 2) + str(canary).encode(),
    }
    for vector, segment in segments.items():
        yield _place(folder, vector, ".jpg", jpeg[:2] + segment + jpeg[2:])


def _write_archives(folder: Path, canary: Path) -> Iterator[Attack]:
    """Archives under a picture's ending; one climbs out of its folder, one holds a link."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../slip.tif", canary.read_bytes())
        archive.writestr("a.vrt", render_vrt(str(canary)))
    yield _place(folder, "zip-slip", ".tif", packed.getvalue())
    rolled = io.BytesIO()
    with tarfile.open(fileobj=rolled, mode="w") as tar:
        link = tarfile.TarInfo("a.tif")
        link.type, link.linkname = tarfile.SYMTYPE, str(canary)
        tar.addfile(link)
    yield _place(folder, "tar-link", ".tif", rolled.getvalue())
    array = io.BytesIO()
    np.save(array, np.array([{"a": 1}], object), allow_pickle=True)
    yield _place(folder, "npy-pickle", ".tif", array.getvalue())


def _write_places(folder: Path, canary: Path) -> Iterator[Attack]:
    """Names in the file system that lead to something else."""
    secret = folder / "secret.txt"
    secret.write_text(CANARY_TEXT)
    link = folder / "link" / "a.tif"
    link.parent.mkdir()
    link.symlink_to(secret)
    yield Attack("link-to-text", "link", link)
    name = folder / "name" / f"_vsicurl_{CANARY_VALUE};$(touch stray)`id`.tif"
    name.parent.mkdir()
    _write_raster(name, OWN_VALUES, "GTiff")
    yield Attack("shell-in-name", "name", name)


def _type_texts(canary: Path, url: str) -> Iterator[Attack]:
    """Texts in the place of a path."""
    for name, text in {
        "xml": render_vrt(str(canary)),
        "wms": _render_wms(url),
        "url": f"{url}/a.tif",
        "vsicurl": f"/vsicurl/{url}/a.tif",
        "vsizip": f"/vsizip/{canary}",
        "vsimem": "/vsimem/a.tif",
        "gtiff-dir": f"GTIFF_DIR:1:{canary}",
        "gtiff-raw": f"GTIFF_RAW:{canary}",
        "vrt-connection": f"vrt://{canary}",
        "jpeg2000": f"J2K_SUBFILE:0,9999,{canary}",
        "derived": f"DERIVED_SUBDATASET:AMPLITUDE:{canary}",
        "stdin": "/dev/stdin",
        "zero": "/dev/zero",
        "environ": "/proc/self/environ",
    }.items():
        yield Attack(f"typed-{name}", "typed", Path(text), typed=True)


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _place(folder: Path, vector: str, ending: str, content: bytes) -> Attack:
    home = folder / f"{vector}-{ending[1:]}"
    home.mkdir()
    path = home / f"a{ending}"
    path.write_bytes(content)
    return Attack(home.name, vector, path)


def _place_tags(folder: Path, vector: str, domain: str | None, tags: dict[str, str]) -> Attack:
    home = folder / f"{vector}-tif"
    home.mkdir()
    path = home / "a.tif"
    _write_raster(path, OWN_VALUES, "GTiff", lambda target: target.update_tags(ns=domain, **tags))
    return Attack(home.name, vector, path)


def _place_beside(folder: Path, vector: str, ending: str, neighbours: dict[str, bytes]) -> Attack:
    attack = _place(folder, vector, ending, _read_picture(folder, ending))
    for suffix, content in neighbours.items():
        beside = attack.path.with_name(attack.path.name + suffix)
        beside.write_bytes(content)
        attack.path.with_suffix(suffix if suffix.startswith(".") else ".x").with_name("a" + suffix).write_bytes(content)
    sidecars = tuple(sorted(p for p in attack.path.parent.iterdir() if p != attack.path))
    return Attack(attack.name, vector, attack.path, sidecars)


def _place_citation(folder: Path, vector: str, text: str) -> Attack:
    """A GeoTIFF without a known coordinate system, whose citation is a text of our choice."""
    home = folder / f"{vector}-tif"
    home.mkdir()
    path = home / "a.tif"
    marker = "N" * len(text)
    _write_raster(path, OWN_VALUES, "GTiff", crs=f'LOCAL_CS["{marker}",UNIT["metre",1]]')
    content = path.read_bytes()
    if marker.encode() not in content:
        raise ValueError("GDAL did not write the name of the coordinate system.")
    path.write_bytes(content.replace(marker.encode(), text.encode()))
    return Attack(home.name, vector, path)


def _read_picture(folder: Path, ending: str) -> bytes:
    """`OWN_VALUES` in one of the four formats."""
    path = folder / f"picture{ending}"
    options = {"QUALITY": "100", "REVERSIBLE": "YES"} if ending == ".jp2" else {}
    _write_raster(path, OWN_VALUES, DRIVERS[ending], **options)
    content = path.read_bytes()
    path.unlink()
    return content


def _write_raster(path: Path, values: Any, driver: str, finish: Any = None, **options: Any) -> None:
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    door.check_environment()
    count, height, width = values.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver=driver, count=count, height=height, width=width, dtype=values.dtype, **options
        ) as target:
            target.write(values)
            if finish is not None:
                finish(target)
