"""Everything that is kept between reruns, each with a limit of entries and of time.

Models are shared by all sessions and run under a lock. Pixels and results belong to the session that made them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from claire import pipeline
from claire.core.analysis import Analysis
from claire.core.bands import MODES, Mode
from claire.core.classes import ClassScheme
from claire.core.dataset import Dataset
from claire.core.errors import CheckpointError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.mistakes import Mistakes
from claire.core.segmenter import OpenSegmenter
from claire.core.settings import Settings
from claire.core.types import Attention, Prepared, SegmenterOutput, Tile
from claire.core.whatif import Curve, WhatIf, WhatIfResult
from claire.ui.state import Choice
from claire.viz.composites import build_composites
from claire.viz.encoding import encode_png, render_split, render_thumbnail, thin_layer
from claire.viz.pictures import render_composite, render_hatched, render_sar

EXAMPLES, GALLERY = GENERATED = ("examples", "gallery")
"""Keys of the data sets that are made by the program."""


@dataclass(frozen=True)
class SharedModel:
    """A loaded model and the lock that whoever runs it holds."""

    model: OpenSegmenter
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def manifest(self) -> Manifest:
        """Of the model."""
        return self.model.manifest

    def segment(self, prepared: Prepared) -> SegmenterOutput:
        """One forward under the lock: long computations let other sessions in between."""
        with self.lock:
            return self.model.segment(prepared)


@dataclass(frozen=True)
class KnownModel:
    """A checkpoint in the list; `manifest` is None when it cannot be read."""

    name: str
    status: str
    sha256: str
    manifest: Manifest | None


@dataclass(frozen=True)
class ReadyModel:
    """A checkpoint that can run."""

    name: str
    sha256: str
    manifest: Manifest


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _list_datasets(folders: tuple[str, ...], _settings: Settings) -> dict[str, Dataset]:
    datasets: dict[str, Dataset] = {}
    generated = pipeline.ExamplesDataset(), pipeline.GalleryDataset(_settings.home)
    for dataset in [*pipeline.find_datasets(_settings.data), *generated]:
        key, count = dataset.name, 1
        while key in datasets:
            count += 1
            key = f"{dataset.name}-{count}"
        datasets[key] = dataset
    return datasets


def list_datasets() -> dict[str, Dataset]:
    """Data sets by key, those of `CLAIRE_DATA` first, the generated ones last."""
    settings = Settings.from_environment()
    return _list_datasets(tuple(str(folder) for folder in settings.data), settings)


def find_dataset(key: str) -> Dataset:
    """The data set of that key.

    Raises:
        UnknownNameError: No such data set; lists the right keys.
    """
    datasets = list_datasets()
    if key not in datasets:
        raise UnknownNameError.among("data set", key, datasets)
    return datasets[key]


def find_label_scheme(key: str) -> ClassScheme | None:
    """What the labels of a data set mean, where it says so; None for an upload."""
    scheme = getattr(list_datasets().get(key), "scheme", None)
    return scheme if isinstance(scheme, ClassScheme) else None


@st.cache_resource(max_entries=64, ttl=3600, show_spinner="Listing the pairs of this split …")
def _list_ids(dataset_key: str, root: str, split: str | None) -> tuple[str, ...]:
    return tuple(find_dataset(dataset_key).ids(split))


def list_ids(dataset_key: str, split: str | None = None) -> tuple[str, ...]:
    """Identifiers of the tiles of a split, or of all; finding a split may mean looking at every tile once."""
    return _list_ids(dataset_key, str(find_dataset(dataset_key).root), split)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False, scope="session")
def _read_tile(dataset_key: str, root: str, tile_id: str) -> Tile:
    dataset = find_dataset(dataset_key)
    if tile_id not in list_ids(dataset_key):
        raise UnknownNameError(
            f"The data set {dataset_key!r} has no tile called {tile_id[:60]!r}.", "Choose a tile on the Explore page."
        )
    return dataset.read(tile_id)


def read_tile(dataset_key: str, tile_id: str) -> Tile:
    """One tile of a data set; its identifier is checked, so that an address cannot name a file.

    Raises:
        UnknownNameError: No such data set or tile.
        InputError: The files cannot be read.
    """
    return _read_tile(dataset_key, str(find_dataset(dataset_key).root), tile_id)


@st.cache_data(max_entries=1000, ttl=3600, show_spinner=False)
def _render_thumbnail(dataset_key: str, root: str, tile_id: str) -> bytes:
    tile = find_dataset(dataset_key).read(tile_id)
    pictures = []
    if tile.optical is not None:
        layer = thin_layer(tile.optical, 256)
        pictures.append(render_composite(layer, build_composites(layer.bands)[0].bands))
    if tile.sar is not None:
        layer = thin_layer(tile.sar, 256)
        pictures.append(render_sar(layer, build_composites(layer.bands)[0].bands[0]))
    return encode_png(render_thumbnail(render_hatched(render_split(pictures[0], pictures[-1]))))


def read_thumbnail(dataset_key: str, tile_id: str) -> bytes:
    """PNG of a tile: its left half optical, its right half SAR."""
    return _render_thumbnail(dataset_key, str(find_dataset(dataset_key).root), tile_id)


@st.cache_resource(max_entries=1, ttl=60, show_spinner=False)
def list_models() -> tuple[KnownModel, ...]:
    """All models that the program knows, ready or not."""
    return tuple(KnownModel(e.name, e.status, e.sha256, e.manifest) for e in pipeline.list_models())


def list_ready_models() -> dict[str, ReadyModel]:
    """Models that can run, by name, the default one first."""
    return {
        known.name: ReadyModel(known.name, known.sha256, known.manifest)
        for known in sorted(list_models(), key=lambda known: known.name != pipeline.DEFAULT_MODEL)
        if known.status == "ready" and known.manifest is not None
    }


@st.cache_resource(max_entries=3, ttl=24 * 3600, show_spinner="Loading the model …")
def _load_model(name: str, sha256: str) -> SharedModel:
    model = pipeline.load_model(name)
    if model.sha256 != sha256:
        raise CheckpointError(f"The checkpoint {name!r} was replaced while it was in use.", "Pick the model again.")
    return SharedModel(model)


def load_model(model: ReadyModel) -> SharedModel:
    """A model from memory, or from its file the first time.

    Raises:
        CheckpointError: It cannot be used.
    """
    return _load_model(model.name, model.sha256)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Reading the pair, drawing three maps …", scope="session")
def _analyse(digest: str, sha256: str, modes: tuple[Mode, ...], _tile: Tile, _name: str) -> Analysis:
    shared = _load_model(_name, sha256)
    with shared.lock:
        return pipeline.analyse(_tile, shared.model, modes)


def analyse(choice: Choice, model: ReadyModel) -> Analysis:
    """The analysis of the chosen pair under a model; the network runs once per content, model and modes."""
    return _analyse(choice.digest, model.sha256, MODES, choice.tile, model.name)


@st.cache_resource(max_entries=2, ttl=3600, show_spinner="Reading the attention …", scope="session")
def _read_attention(digest: str, sha256: str, at: tuple[int, int], _tile: Tile, _name: str) -> Attention:
    shared = _load_model(_name, sha256)
    with shared.lock:
        return pipeline.read_attention(_tile, shared.model, at)


def read_attention(choice: Choice, model: ReadyModel, row: int, column: int) -> Attention:
    """Attention of the piece of the chosen pair that holds a pixel; the network runs once per piece.

    Raises:
        InputError: The network has no cross-attention.
    """
    window, shape = Settings.from_environment().window, choice.tile.shape
    middle = [min(n // window * window + window // 2, size - 1) for n, size in zip((row, column), shape, strict=True)]
    return _read_attention(choice.digest, model.sha256, (middle[0], middle[1]), choice.tile, model.name)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False, scope="session")
def _what_if(
    digest: str, sha256: str, description: WhatIf, _tile: Tile, _name: str, _undamaged: Analysis
) -> WhatIfResult:
    return pipeline.what_if(_tile, _load_model(_name, sha256), description, undamaged=_undamaged)


def what_if(choice: Choice, model: ReadyModel, description: WhatIf, undamaged: Analysis) -> WhatIfResult:
    """The chosen pair with damage, beside its analysis."""
    return _what_if(choice.digest, model.sha256, description, choice.tile, model.name, undamaged)


def compute_curve(
    choice: Choice,
    model: ReadyModel,
    factor: str,
    values: tuple[float, ...],
    description: WhatIf,
    undamaged: Analysis,
    report: Callable[[int, int], None],
) -> Curve:
    """A curve over a factor for the chosen pair; `report` may stop it."""
    return pipeline.compute_curve(
        choice.tile, load_model(model), factor, values, description, undamaged=undamaged, report=report
    )


@st.cache_resource(max_entries=4, ttl=3600, show_spinner="Looking for wrong regions …", scope="session")
def _find_mistakes(digest: str, sha256: str, mode: Mode, _analysis: Analysis) -> Mistakes:
    return pipeline.find_mistakes(_analysis, mode)


def find_mistakes(choice: Choice, model: ReadyModel, mode: Mode, analysis: Analysis) -> Mistakes:
    """The wrong regions of a map of the chosen pair.

    Raises:
        LabelError: There is no label.
    """
    return _find_mistakes(choice.digest, model.sha256, mode, analysis)
