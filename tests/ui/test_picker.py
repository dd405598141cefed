"""What a browser sends about a click or a stroke is taken only if it can be one."""

from __future__ import annotations

from typing import Any

import pytest

from claire.ui.picker import MOST_POINTS, Tool, parse_points, to_pixel

SHAPE = (20, 30)


@pytest.mark.parametrize(
    ("tool", "points"),
    [
        ("point", [[0, 0]]),
        ("point", [[30, 20.0]]),
        ("box", [[1, 2], [29.5, 3]]),
        ("lasso", [[1, 1], [2, 1], [2, 2], [1, 2]]),
    ],
)
def test_a_stroke_inside_the_tile_is_taken(tool: Tool, points: list[list[float]]) -> None:
    assert parse_points({"tool": tool, "points": points}, tool, SHAPE) == tuple((x, y) for x, y in points)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "point",
        {},
        {"tool": "point"},
        {"tool": "lasso", "points": [[1, 1]]},
        {"tool": "point", "points": []},
        {"tool": "point", "points": {"0": [1, 1]}},
        {"tool": "point", "points": [[1]]},
        {"tool": "point", "points": [[1, 1], [2, 2]]},
        {"tool": "point", "points": [["1", 1]]},
        {"tool": "point", "points": [[True, 1]]},
        {"tool": "point", "points": [[float("nan"), 1]]},
        {"tool": "point", "points": [[-0.1, 1]]},
        {"tool": "point", "points": [[1, 20.1]]},
        {"tool": "point", "points": [[1e300, 1]]},
        {"tool": "point", "points": [[1, 1]] * (MOST_POINTS + 1)},
    ],
)
def test_anything_else_is_nothing(sent: Any) -> None:
    assert parse_points(sent, "point", SHAPE) == ()


def test_a_point_belongs_to_the_pixel_below_it() -> None:
    assert to_pixel((3.99, 0.0), SHAPE) == (0, 3)
    assert to_pixel((30.0, 20.0), SHAPE) == (19, 29)
