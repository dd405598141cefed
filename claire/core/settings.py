"""Limits and places, each with a default; environment variables `CLAIRE_*` override them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from claire.core.errors import InputError


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
        gdal_cache_mb: Block cache of GDAL, megabytes.
        window: Side of a prediction window, pixels; larger tiles are cut into overlapping windows.
        overlap: Overlap of neighbouring windows, pixels.
        explain_memory_mb: Megabytes that one internal batch of an attribution may take.
    """

    data: tuple[Path, ...] = ()
    home: Path = field(default_factory=_default_home)
    checkpoints: Path = field(default_factory=_default_checkpoints)
    max_side: int = 65_536
    max_bands: int = 64
    max_pixels: int = 100_000_000
    max_decoded_bytes: int = 1_000_000_000
    max_block_bytes: int = 512_000_000
    gdal_cache_mb: int = 64
    window: int = 256
    overlap: int = 64
    explain_memory_mb: int = 1024

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `CLAIRE_DATA` (`:`-separated folders), `CLAIRE_HOME`, `CLAIRE_CHECKPOINTS` and `CLAIRE_<LIMIT>`.

        Raises:
            InputError: A limit is not a positive whole number.
        """
        given = os.environ if environment is None else environment
        values: dict[str, object] = {}
        if given.get("CLAIRE_DATA"):
            values["data"] = tuple(Path(p).expanduser() for p in given["CLAIRE_DATA"].split(os.pathsep) if p)
        for name in ("home", "checkpoints"):
            if text := given.get(f"CLAIRE_{name.upper()}"):
                values[name] = Path(text).expanduser()
        for item in fields(cls):
            text = given.get(f"CLAIRE_{item.name.upper()}")
            if item.name in {"data", "home", "checkpoints"} or text is None:
                continue
            if not text.isdecimal() or int(text) == 0:
                raise InputError(
                    f"CLAIRE_{item.name.upper()} is {text!r}, but a positive whole number is wanted.",
                    "Correct or unset the environment variable.",
                )
            values[item.name] = int(text)
        return cls(**values)  # type: ignore[arg-type]
