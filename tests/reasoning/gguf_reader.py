"""A reader of GGUF files that shares nothing with the writer: settings, and tensors as float32."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY, F32, Q8_0 = 8, 9, 0, 8
ALIGNMENT = 32


class Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def scalar(self, code: str) -> Any:
        (value,) = struct.unpack_from("<" + code, self.content, self.place)
        self.place += struct.calcsize("<" + code)
        return value

    def text(self) -> str:
        length = self.scalar("Q")
        self.place += length
        return self.content[self.place - length : self.place].decode()

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            inner, count = self.scalar("I"), self.scalar("Q")
            return [self.value(inner) for _ in range(count)]
        return self.scalar(SCALARS[kind])


def read_gguf(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    reader = Reader(path.read_bytes())
    assert reader.scalar("I") == int.from_bytes(b"GGUF", "little")
    assert reader.scalar("I") == 3
    tensors, settings = reader.scalar("Q"), reader.scalar("Q")
    found = {reader.text(): reader.value(reader.scalar("I")) for _ in range(settings)}
    listed = []
    for _ in range(tensors):
        name = reader.text()
        shape = [reader.scalar("Q") for _ in range(reader.scalar("I"))][::-1]
        listed.append((name, shape, reader.scalar("I"), reader.scalar("Q")))
    start = -(-reader.place // ALIGNMENT) * ALIGNMENT
    return found, {name: decode(reader.content, start + at, shape, kind) for name, shape, kind, at in listed}


def decode(content: bytes, start: int, shape: list[int], kind: int) -> np.ndarray:
    count = math.prod(shape)
    if kind == F32:
        return np.frombuffer(content, "<f4", count, start).reshape(shape)
    assert kind == Q8_0
    blocks = np.frombuffer(content, np.dtype([("scale", "<f2"), ("values", "i1", 32)]), count // 32, start)
    return (blocks["scale"][:, None].astype(np.float32) * blocks["values"]).reshape(shape)
