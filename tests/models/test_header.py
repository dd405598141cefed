"""The header of a weights file: every known attack on the format is refused before a library sees it."""

from __future__ import annotations

import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from claire.core.settings import Settings
from claire.models.header import describe_tensors, parse_header
from tests.tiny_model import save_tiny

LIMITS = Settings()


def build(header: Any, data: bytes = b"\0" * 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str = "F16", shape: Any = (4,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_the_header_of_a_checkpoint_is_what_the_library_reads(tmp_path: Path) -> None:
    weights = save_tiny(tmp_path)
    found = parse_header(weights.read_bytes(), LIMITS)
    expected = {key: tuple(value.shape) for key, value in load_file(weights).items()}
    assert {key: value.shape for key, value in found.items()} == expected
    assert {value.dtype for value in found.values()} == {"F16", "I64"}


def test_a_tensor_is_described_by_dtype_and_sides() -> None:
    content = save({"b": torch.zeros(2, 3), "a": torch.tensor(1), "c": torch.zeros(0, 2).half()})
    assert describe_tensors(parse_header(content, LIMITS)) == {"a": "I64", "b": "F32 2x3", "c": "F16 0x2"}


BAD: dict[str, bytes] = {
    "nothing": b"",
    "no header": b"\0" * 7,
    "empty header": build(b""),
    "length bomb": (2**63).to_bytes(8, "little") + b"{}",
    "length beyond the file": (100).to_bytes(8, "little") + b"{}",
    "not JSON": build(b"{"),
    "a list": build([]),
    "a text": build("x"),
    "no tensors": build({}),
    "metadata alone": build({"__metadata__": {"a": "b"}}),
    "deep": build(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "twice": build(b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}"),
    "no dtype": build({"a": {"shape": [4], "data_offsets": [0, 8]}}),
    "a field more": build({"a": {**entry(), "code": "x"}}),
    "strange dtype": build({"a": entry("F8_E4M3", (8,))}),
    "8-bit": build({"a": entry("U8", (8,))}),
    "dtype of another kind": build({"a": {**entry(), "dtype": 3}}),
    "dtype that is a list": build({"a": {**entry(), "dtype": ["F16"]}}),
    "negative side": build({"a": entry(shape=(-4,))}),
    "side that is true": build({"a": entry(shape=(True, 4))}),
    "fraction": build({"a": entry(shape=(4.0,))}),
    "sides that multiply to nothing": build({"a": entry(shape=(2**47, 2**47, 0), offsets=(0, 0))}),
    "overflow to the right length": build({"a": entry(shape=(2**32, 2**32, 4))}),
    "too many axes": build({"a": entry(shape=(1,) * 9 + (4,))}),
    "long name": build({"a" * 300: entry()}),
    "three offsets": build({"a": entry(offsets=(0, 8, 8))}),
    "one offset": build({"a": entry(offsets=(0,))}),
    "backwards": build({"a": entry(offsets=(8, 0))}),
    "beyond the file": build({"a": entry(shape=(8,), offsets=(0, 16))}),
    "overlap": build({"a": entry(), "b": entry()}),
    "partial overlap": build({"a": entry(shape=(3,), offsets=(0, 6)), "b": entry(shape=(2,), offsets=(4, 8))}),
    "gap": build({"a": entry(shape=(1,), offsets=(0, 2)), "b": entry(shape=(1,), offsets=(6, 8))}),
    "not from the start": build({"a": entry(shape=(2,), offsets=(4, 8))}),
    "more bytes than tensors": build({"a": entry()}, b"\0" * 9),
    "zip": b"PK\x03\x04" + b"\0" * 40,
    "pickle": b"\x80\x02}q\x00." + b"\0" * 40,
}


@pytest.mark.parametrize("case", BAD)
def test_what_breaks_the_format_or_a_limit_is_refused(case: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_header(BAD[case], LIMITS)


def test_limits_are_those_of_the_settings() -> None:
    content = save({f"t{i}": torch.zeros(1) for i in range(20)})
    assert len(parse_header(content, LIMITS)) == 20
    with pytest.raises(ValueError, match="20 tensors"):
        parse_header(content, Settings(max_tensors=19))
    with pytest.raises(ValueError, match="limit"):
        parse_header(content, Settings(max_manifest_bytes=100))


def test_a_header_that_announces_a_giant_costs_no_time_and_no_memory() -> None:
    giant = build({"a": entry("F32", (2**40,), (0, 2**42))})
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(ValueError, match="shorter or longer"):
        parse_header(giant, LIMITS)
    assert time.perf_counter() - started < 0.5
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_any_altered_byte_of_the_header_is_refused_or_harmless() -> None:
    content = save({"a": torch.arange(4).half(), "b": torch.arange(3)})
    length = int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    for _ in range(2000):
        other = bytearray(content)
        for place in rng.integers(0, 8 + length, rng.integers(1, 4)):
            other[place] = rng.integers(0, 256)
        try:
            found = parse_header(bytes(other), LIMITS)
        except (ValueError, TypeError):
            continue
        assert sum(each.end - each.begin for each in found.values()) == len(content) - 8 - length or len(found) < 3
