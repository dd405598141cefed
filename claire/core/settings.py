"""Limits and places, each with a default; environment variables `CLAIRE_*` override them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from claire.core.errors import InputError

PLACES = ("home", "checkpoints", "gguf")
"""Settings that are one path each."""


def _default_home() -> Path:
    return Path.home() / ".claire"


def _default_checkpoints() -> Path:
    return Path(__file__).resolve().parents[2] / "checkpoints"


@dataclass(frozen=True)
class Settings:
    """Named limits.

    Args:
        data: Folders that the Explore page lists.
        home: Where downloads and jobs go.
        checkpoints: Where weights and manifests lie.
        max_side: Longest side of a raster, pixels.
        max_bands: Most bands of a raster.
        max_pixels: Most pixels (height x width) read at once.
        max_decoded_bytes: Most bytes that the decoded array may take.
        max_block_bytes: Most bytes of one compressed block when decoded.
        max_manifest_bytes: Longest manifest of a checkpoint, and longest header of a weights file.
        max_weights_bytes: Largest weights file.
        max_tensors: Most tensors in a weights file.
        max_expansion: How many times larger than its file a decoded array may be, where it is large at all.
        free_expansion_bytes: Decoded arrays up to this size may expand from nothing.
        max_metadata_bytes: Most bytes of text and profiles in a picture, unpacked.
        max_jpeg2000_parts: Most code blocks and packets that the header of a JPEG 2000 asks for.
        gdal_cache_mb: Block cache of GDAL, megabytes.
        readers: Most child processes that read rasters at the same time.
        files_per_reader: Files after which a child process is replaced.
        reader_start_seconds: Longest start of a child process.
        read_seconds: Time that reading one file may take, however small it is; of the processor and by the clock.
        read_bytes_per_second: Slowest decoding by one processor; larger files may take this much longer, and four times
            as long by the clock, because the machine may be busy.
        read_memory_mb: Memory that reading one file may take beyond its decoded pixels, megabytes.
        window: Side of a prediction window, pixels; larger tiles are cut into overlapping windows.
        overlap: Overlap of neighbouring windows, pixels.
        max_question: Most characters of a question.
        explain_memory_mb: Megabytes that one internal batch of an attribution may take; a single pair whose zone is
            wide three times as many.
        narrate_seconds: Time from asking a language model to its last word, waiting for others included.
        narrate_queue: Most narratives that wait for one language model, the one that is written included.
        model_start_seconds: Longest start of a language model.
        model_context: Most tokens of prompt and narrative together.
        model_threads: CPU threads of a language model; nano takes one.
        max_gguf_bytes: Largest file of a language model.
        gguf: A local language model that the app offers, in the GGUF format; its pages take no path from anybody.
        patience_seconds: Seconds after which a long computation that no page asks about any more is cancelled.
        max_error_regions: Most wrong regions of a map that are described, the largest first.
        max_compared: Most tiles that the check before training compares with each other.
        simulated_tiles: Scenes in the training split of the data set `simulated`.
        simulated_side: Side of these scenes, pixels.
        flood_tiles: Pairs in the training split of the data set `simulated-floods`.
        flood_side: Side of these pairs, pixels.
        simulated_most: Most scenes that one `claire simulate` writes.
    """

    data: tuple[Path, ...] = ()
    home: Path = field(default_factory=_default_home)
    checkpoints: Path = field(default_factory=_default_checkpoints)
    max_side: int = 65_536
    max_bands: int = 64
    max_pixels: int = 100_000_000
    max_decoded_bytes: int = 1_000_000_000
    max_block_bytes: int = 512_000_000
    max_manifest_bytes: int = 1_000_000
    max_weights_bytes: int = 1_000_000_000
    max_tensors: int = 10_000
    max_expansion: int = 500
    free_expansion_bytes: int = 256_000_000
    max_metadata_bytes: int = 16_000_000
    max_jpeg2000_parts: int = 2_000_000
    gdal_cache_mb: int = 64
    readers: int = 2
    files_per_reader: int = 1000
    reader_start_seconds: int = 60
    read_seconds: int = 3
    read_bytes_per_second: int = 5_000_000
    read_memory_mb: int = 512
    window: int = 256
    overlap: int = 64
    max_question: int = 500
    explain_memory_mb: int = 1024
    narrate_seconds: int = 300
    narrate_queue: int = 8
    model_start_seconds: int = 120
    model_context: int = 4096
    model_threads: int = 2
    max_gguf_bytes: int = 20_000_000_000
    gguf: Path | None = None
    patience_seconds: int = 120
    max_error_regions: int = 40
    max_compared: int = 2000
    simulated_tiles: int = 800
    simulated_side: int = 256
    flood_tiles: int = 1000
    flood_side: int = 160
    simulated_most: int = 10_000

    @property
    def limits(self) -> dict[str, int]:
        """Every whole number by its name; the places are left out."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, int)}

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `CLAIRE_DATA` (`:`-separated folders), the other places of `PLACES` as `CLAIRE_HOME`, `CLAIRE_<LIMIT>`.

        Raises:
            InputError: A limit is not a positive whole number.
        """
        given = os.environ if environment is None else environment
        values: dict[str, object] = {}
        if given.get("CLAIRE_DATA"):
            values["data"] = tuple(Path(p).expanduser() for p in given["CLAIRE_DATA"].split(os.pathsep) if p)
        for name in PLACES:
            if text := given.get(f"CLAIRE_{name.upper()}"):
                values[name] = Path(text).expanduser()
        for item in fields(cls):
            text = given.get(f"CLAIRE_{item.name.upper()}")
            if item.name in {"data", *PLACES} or text is None:
                continue
            if not text.isdecimal() or int(text) == 0:
                raise InputError(
                    f"CLAIRE_{item.name.upper()} is {text!r}, but a positive whole number is wanted.",
                    "Correct or unset the environment variable.",
                )
            values[item.name] = int(text)
        return cls(**values)  # type: ignore[arg-type]
