"""Values are compared with their declared types all the way down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from claire.core.checking import check_types


@dataclass(frozen=True)
class Inner:
    """Of an `Outer`."""

    number: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outer:
    """One field of every kind."""

    inner: Inner = field(default_factory=lambda: Inner(1.0))
    kind: Literal["a", "b"] = "a"
    count: int = 0
    maybe: str | None = None
    pair: tuple[int, float] = (1, 1.0)
    table: Mapping[str, Inner] = field(default_factory=dict)
    values: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    flag: bool = False
    anything: Any = None


@pytest.mark.parametrize(
    "good",
    [
        {}, {"kind": "b"}, {"maybe": "x"}, {"pair": (2, 3)}, {"table": {"x": Inner(2)}}, {"anything": object()},
        {"count": np.int64(3)}, {"inner": Inner(np.float32(1), ("a", "b"))}, {"flag": True},
    ],
)  # fmt: skip
def test_right_types_pass(good: dict[str, Any]) -> None:
    check_types(Outer(**good))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"kind": "c"}, "kind is a str"), ({"count": 1.5}, "count is a float"), ({"count": True}, "count is a bool"),
        ({"maybe": 3}, "maybe is a int"), ({"pair": (1,)}, "pair is a tuple"), ({"pair": ("1", 1.0)}, r"pair\[0\]"),
        ({"table": {1: Inner(1)}}, "a key of table"), ({"table": {"x": 1}}, r"table\['x'\] is a int"),
        ({"table": []}, "table is a list"), ({"values": [0.0]}, "values is a list"), ({"flag": 1}, "flag is a int"),
        ({"inner": Inner("1")}, "number is a str"), ({"inner": Inner(1, ("a", None))}, r"words\[1\] is a NoneType"),
        ({"inner": None}, "inner is a NoneType"), ({"inner": Inner(1, ["a"])}, "words is a list"),
    ],
)  # fmt: skip
def test_wrong_types_are_named(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check_types(Outer(**bad))
