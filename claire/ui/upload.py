"""Upload of a pair: one or several files per sensor, a label or none, then names and units of the bands.

Files lie in a private folder under random names for as long as they are read, and no longer.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from claire import pipeline
from claire.core.bands import MODALITIES, Modality, Unit
from claire.core.errors import ClaireError, SwapError
from claire.core.manifest import Manifest
from claire.core.text import as_line
from claire.core.types import Layer, Notice, Tile, layer_of
from claire.ui.bands import confirm_units, pick_bands, pick_unit, rename_bands
from claire.ui.faults import error_boundary, show_error
from claire.ui.shell import find_model
from claire.ui.startup import show_dangers
from claire.ui.state import choose, find_choice, forget_upload, is_swapped, remember_swap
from claire.ui.text import as_text

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

LONGEST_NAME = 60
"""Characters of a file name that are shown."""

SUFFIXES = ("tif", "tiff", "png", "jpg", "jpeg", "jp2")
EARLY_WORDS, LATE_WORDS = ("before", "pre"), ("after", "post")
SEVERAL_HELP = "One file with all bands, or several that are stacked: earlier date first."


@dataclass(frozen=True)
class Upload:
    """The files of one pair, as they came."""

    optical: tuple[UploadedFile, ...]
    sar: tuple[UploadedFile, ...]
    label: UploadedFile | None

    @property
    def fingerprint(self) -> str:
        """Changes when any file or its role does."""
        label = self.label.file_id if self.label else ""
        return repr(([file.file_id for file in self.optical], [file.file_id for file in self.sar], label))

    def names(self, modality: Modality) -> list[str]:
        """File names of one sensor, in the order in which they are stacked."""
        return [_last_part(file.name) for file in (self.optical if modality == "optical" else self.sar)]


@dataclass(frozen=True)
class Naming:
    """What the user said about one layer: bands of the file in the model's order (None: as they are) and the unit."""

    picked: tuple[str, ...] | None
    unit: Unit


def show_uploader() -> None:
    """Three drop zones; the pair becomes the chosen one as soon as both sensors are there and can be read.

    There are none while the program is not safe with files from strangers.
    """
    if show_dangers():
        return
    left, middle, right = st.columns(3)
    optical = left.file_uploader(
        "Optical", SUFFIXES, accept_multiple_files=True, key="claire.upload.optical", help=SEVERAL_HELP
    )
    sar = middle.file_uploader("SAR", SUFFIXES, accept_multiple_files=True, key="claire.upload.sar", help=SEVERAL_HELP)
    label = right.file_uploader(
        "Label (optional)", SUFFIXES, key="claire.upload.label", help="Class ids on the pixels of the optical file."
    )
    if not optical or not sar:
        st.caption("Give an optical and a SAR file of the same place: GeoTIFF, PNG, JPEG or JPEG 2000.")
        return
    upload = Upload(_sort_by_date(optical), _sort_by_date(sar), label)
    given = upload.fingerprint
    if is_swapped(given):
        upload = replace(upload, optical=upload.sar, sar=upload.optical)
        st.caption("The two sensors are swapped: the files under SAR are read as optical, and the other way round.")
        _offer_swap(given, "Swap them back")
    with error_boundary():
        try:
            _use(upload, given)
        except SwapError as error:
            forget_upload()
            show_error(error)
            _offer_swap(given, "Swap the two files")


def _use(upload: Upload, given: str) -> None:
    """Read the pair, ask what the files do not say, and choose it as soon as nothing is left open."""
    tile, entry = _read_upload(upload.fingerprint, upload), find_model()
    manifest, model = (entry.manifest, entry.name) if entry else (None, "")
    if manifest and tile.optical and tile.sar and manifest.fits_swapped(tile.optical.bands, tile.sar.bands):
        st.warning(
            f"The model {as_text(model)} would fit these files the other way round: are they swapped?",
            icon=":material/swap_horiz:",
        )
        _offer_swap(given, "Swap the two files")
    namings = _pick_naming(tile, upload, manifest)
    if not confirm_units(tile, upload.fingerprint):
        forget_upload()
        return
    tile = _name_bands(upload.fingerprint, namings, model, tile, manifest)
    choice = find_choice()
    if choice is None or choice.tile is not tile:
        choose(tile)
        st.rerun()  # the sidebar, drawn before, names the pair


def _offer_swap(given: str, label: str) -> None:
    st.button(label, icon=":material/swap_horiz:", key="claire.upload.swap", on_click=remember_swap, args=(given,))


@st.cache_resource(max_entries=2, ttl=3600, show_spinner="Reading the pair …", scope="session")
def _read_upload(fingerprint: str, _upload: Upload) -> Tile:
    return read_upload(_upload)


def read_upload(upload: Upload) -> Tile:
    """Read a pair through the one door for rasters, from a private folder that is gone when this returns.

    Args:
        upload: The files; their names are shown, and never become part of a path.

    Raises:
        InputError: A file cannot be read, or the pair does not fit.
    """
    with tempfile.TemporaryDirectory(prefix="claire-") as folder:
        names: dict[str, str] = {}
        optical, sar = ([_store(Path(folder), file, names) for file in files] for files in (upload.optical, upload.sar))
        label = _store(Path(folder), upload.label, names) if upload.label else None
        try:
            tile = pipeline.read_tile(optical, sar, label, name=_name_pair(upload))
        except ClaireError as error:
            raise type(error)(_given_names(error.message, names), _given_names(error.hint, names)) from error
    notices = tuple(Notice(notice.code, _given_names(notice.message, names)) for notice in tile.notices)
    sources = {_given_names(name, names): digest for name, digest in tile.sources.items()}
    reading = {role: tuple(_given_names(each, names) for each in given) for role, given in tile.reading.items()}
    return replace(tile, notices=notices, sources=sources, reading=reading)


@st.cache_resource(max_entries=2, ttl=3600, show_spinner=False, scope="session")
def _name_bands(
    fingerprint: str, namings: dict[Modality, Naming], model: str, _tile: Tile, _manifest: Manifest | None
) -> Tile:
    optical, sar = (_name_layer(_tile, modality, namings.get(modality), _manifest) for modality in MODALITIES)
    reading = {**_tile.reading, **tell_naming(_tile, namings, _manifest)}
    return replace(_tile, optical=optical, sar=sar, reading=reading)


def _name_layer(tile: Tile, modality: Modality, naming: Naming | None, manifest: Manifest | None) -> Layer | None:
    layer = layer_of(tile, modality)
    if layer is None or naming is None:
        return layer
    if manifest is None or naming.picked is None:
        return replace(layer, unit=naming.unit)
    spec = manifest.optical if modality == "optical" else manifest.sar
    return rename_bands(layer, naming.picked, spec, naming.unit)


def tell_naming(tile: Tile, namings: dict[Modality, Naming], manifest: Manifest | None) -> dict[str, tuple[str, ...]]:
    """What the user said, in the words of `Tile.reading`."""
    said: dict[str, tuple[str, ...]] = {}
    for modality, naming in namings.items():
        layer = layer_of(tile, modality)
        if naming.unit != "as_given":
            said[f"{modality}_units"] = (naming.unit,)
        if layer is None or manifest is None or naming.picked is None:
            continue
        spec = manifest.optical if modality == "optical" else manifest.sar
        meant = dict(zip(naming.picked, spec.bands, strict=True))
        said["bands" if modality == "optical" else "sar_bands"] = tuple(meant.get(band, band) for band in layer.bands)
    return said


def _pick_naming(tile: Tile, upload: Upload, manifest: Manifest | None) -> dict[Modality, Naming]:
    picked: dict[Modality, tuple[str, ...] | None] = {}
    layers = {modality: layer for modality in MODALITIES if (layer := layer_of(tile, modality)) is not None}
    for modality, layer in layers.items():
        picked[modality] = pick_bands(layer, modality, manifest, upload.names(modality)) if manifest else None
    namings: dict[Modality, Naming] = {}
    for column, (modality, layer) in zip(st.columns(len(layers)), layers.items(), strict=True):
        with column:
            namings[modality] = Naming(picked[modality], pick_unit(layer, modality))
    return namings


def _store(folder: Path, file: UploadedFile, names: dict[str, str]) -> Path:
    """Write one upload under a random name; only a known suffix survives of the user's own name."""
    suffix = Path(file.name).suffix.lower().lstrip(".")
    path = folder / (secrets.token_hex(8) + (f".{suffix}" if suffix in SUFFIXES else ""))
    path.write_bytes(file.getbuffer())
    names[path.name] = _last_part(file.name)
    return path


def _name_pair(upload: Upload) -> str:
    """What the pair is called: the first optical file without its ending."""
    return Path(_last_part(upload.optical[0].name)).stem or "upload"


def _last_part(name: str) -> str:
    """A file name without folders of any system, on one short line."""
    return as_line(name.replace("\\", "/").rpartition("/")[2], LONGEST_NAME) or "unnamed"


def _given_names(text: str, names: dict[str, str]) -> str:
    """Put the user's own file names back where a sentence names the private copies."""
    for private, given in names.items():
        text = text.replace(private, given)
    return text


def _sort_by_date(files: Sequence[UploadedFile]) -> tuple[UploadedFile, ...]:
    """Files whose names speak of an earlier date first; otherwise in the order given."""

    def date_of(file: UploadedFile) -> int:
        name = file.name.lower()
        if any(word in name for word in EARLY_WORDS):
            return 0
        return 2 if any(word in name for word in LATE_WORDS) else 1

    return tuple(sorted(files, key=date_of))
