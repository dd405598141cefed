"""Class schemes: index and id are inverse to each other, and a strange id never passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from claire.core.classes import (
    FLOOD,
    GLOBAL_10M,
    IGNORE_INDEX,
    SCHEMES,
    ClassScheme,
    LandClass,
    find_scheme,
    read_scheme,
)
from claire.core.errors import LabelError, UnknownNameError

schemes = st.lists(st.integers(0, 254), min_size=1, max_size=20, unique=True).map(
    lambda ids: ClassScheme("any", tuple(LandClass(i, f"class {i}", "#112233") for i in ids))
)


@given(scheme=schemes, data=st.data())
def test_index_and_id_are_inverse(scheme: ClassScheme, data: Any) -> None:
    index = data.draw(hnp.arrays(np.uint8, (4, 5), elements=st.integers(0, len(scheme) - 1)))
    ids = scheme.to_id(index)
    np.testing.assert_array_equal(scheme.to_index(ids), index)
    wanted = [[scheme.classes[i].id for i in row] for row in index]
    np.testing.assert_array_equal(ids, wanted)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
def test_ignored_ids_and_255_are_not_labelled(scheme: ClassScheme, dtype: str) -> None:
    label = np.array([[*scheme.ignore_ids, 255, scheme.classes[-1].id]]).astype(dtype)
    index = scheme.to_index(label)
    assert (index[0, :-1] == IGNORE_INDEX).all()
    assert index[0, -1] == len(scheme) - 1
    assert index.dtype == np.uint8


@pytest.mark.parametrize("strange", [3, -1, 254, 1000, 0.5, np.nan])
def test_a_strange_id_is_refused_and_named(strange: float) -> None:
    with pytest.raises(LabelError) as caught:
        GLOBAL_10M.to_index(np.array([[1, strange]]))
    assert f"{strange:g}" in caught.value.message
    assert "11 rangeland" in caught.value.hint


@pytest.mark.parametrize(("ids", "ignored"), [((1, 1), ()), ((1, 2), (2,)), ((255,), ()), ((-1,), ())])
def test_impossible_schemes_are_refused(ids: tuple[int, ...], ignored: tuple[int, ...]) -> None:
    with pytest.raises(LabelError):
        ClassScheme("bad", tuple(LandClass(i, "x", "#000000") for i in ids), ignored)


def test_schemes_are_found_by_name() -> None:
    assert find_scheme("flood") is FLOOD
    assert len(FLOOD) == 2
    assert FLOOD.names == ("background", "flood")
    with pytest.raises(UnknownNameError) as caught:
        find_scheme("floods")
    assert "flood" in caught.value.hint


def test_neighbouring_colours_differ() -> None:
    for scheme in SCHEMES.values():
        colours = [c.rgb for c in scheme.classes]
        assert len(set(colours)) == len(colours)
        assert all(0 <= part <= 255 for colour in colours for part in colour)
    assert LandClass(0, "x", "#0a10ff").rgb == (10, 16, 255)


@pytest.mark.parametrize("color", ["red", "#12345", "#1234567", "#12345g", "#123456;x", "", "url(x)"])
def test_a_colour_is_a_colour(color: str) -> None:
    with pytest.raises(LabelError, match="colour"):
        LandClass(1, "water", color)


def test_a_scheme_that_somebody_wrote_down_gets_colours_where_it_has_none() -> None:
    rows = [{"id": 3, "name": " reed "}, {"id": 1, "name": "water", "color": "#0a10ff"}, {"id": 9, "name": "sand"}]
    scheme = read_scheme(rows, [0], "delta")
    assert (scheme.name, scheme.names, scheme.ignore_ids) == ("delta", ("reed", "water", "sand"), (0,))
    assert scheme.classes[1].rgb == (10, 16, 255)
    many = read_scheme([{"id": number, "name": str(number)} for number in range(12)])
    assert len({land_class.color for land_class in many.classes}) == 12


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1},
        {"name": "a"},
        {"id": "1", "name": "a"},
        {"id": True, "name": "a"},
        {"id": 1, "name": ""},
        {"id": 1, "name": "a\nb"},
        {"id": 1, "name": "a" * 41},
        {"id": 1, "name": 4},
        {"id": 1, "name": "a", "color": "red"},
        {"id": 1, "name": "a", "color": "#00000g"},
        {"id": 1, "name": "a", "color": 7},
        {"id": 300, "name": "a"},
    ],
)
def test_rows_that_are_no_classes_are_refused(row: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_scheme([row])
    with pytest.raises(LabelError, match="name twice"):
        read_scheme([{"id": 1, "name": "a"}, {"id": 2, "name": "a "}])
