"""The header of a safetensors file, read and checked before any library sees the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from claire.core.documents import parse_json
from claire.core.settings import Settings

ITEM_BYTES: dict[str, int] = {"F16": 2, "F32": 4, "I64": 8}
"""The dtypes that checkpoints hold, in the spelling of the format, and bytes per value."""

MOST_AXES = 8
LONGEST_KEY = 200


@dataclass(frozen=True)
class TensorEntry:
    """One tensor as the header announces it.

    Args:
        dtype: Key of `ITEM_BYTES`.
        shape: Sides.
        begin: First byte, counted from the end of the header.
        end: One past the last byte.
    """

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    def __str__(self) -> str:
        return f"{self.dtype} {'x'.join(str(side) for side in self.shape)}".strip()


def parse_header(content: bytes, limits: Settings) -> dict[str, TensorEntry]:
    """What tensors a file holds: every byte belongs to exactly one of them.

    Args:
        content: The whole file.
        limits: Longest header and most tensors.

    Raises:
        ValueError: Not such a file, or one that breaks the format or a limit.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(len(content) - 8, limits.max_manifest_bytes):
        raise ValueError("the header is longer than the file or the limit")
    header = parse_json(content[8 : 8 + length], limits.max_manifest_bytes, deepest=4)
    if not isinstance(header, dict):
        raise TypeError("the header is no object")
    header.pop("__metadata__", None)
    if not 0 < len(header) <= limits.max_tensors:
        raise ValueError(f"{len(header)} tensors")
    entries = {key: _build_entry(key, value) for key, value in header.items()}
    reached = 0
    for entry in sorted(entries.values(), key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != reached:
            raise ValueError("tensors overlap or leave a gap")
        reached = entry.end
    if reached != len(content) - 8 - length:
        raise ValueError("the tensors are shorter or longer than the file")
    return entries


def describe_tensors(entries: Mapping[str, TensorEntry]) -> dict[str, str]:
    """Key -> dtype and shape, sorted, as a manifest records them."""
    return {key: str(entry) for key, entry in sorted(entries.items())}


def _build_entry(key: str, value: Any) -> TensorEntry:
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"} or len(key) > LONGEST_KEY:
        raise ValueError("an entry has other fields")
    shape, offsets = value["shape"], value["data_offsets"]
    if value["dtype"] not in ITEM_BYTES or not _are_counts(shape, MOST_AXES) or not _are_counts(offsets, 2):
        raise ValueError("an entry has another dtype, shape or offsets")
    begin, end = offsets
    if end - begin != prod(shape) * ITEM_BYTES[value["dtype"]]:
        raise ValueError("a tensor is not as long as its shape")
    return TensorEntry(value["dtype"], tuple(shape), begin, end)


def _are_counts(values: Any, most: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= most
        and all(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**48 for value in values)
    )
