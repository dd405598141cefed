"""Pictures of a report: opaque, of the right place, and with attention that adds up."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from claire.core.types import Attention, AttentionStage
from claire.report.pictures import (
    compute_received,
    draw_attention,
    draw_doubts,
    draw_explained,
    draw_inputs,
    draw_maps,
    draw_thumbnail,
    find_main_mode,
)
from tests.reasoning.simulated import simulate
from tests.report.reading import build_whole


def open_png(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_every_picture_is_opaque_and_as_large_as_it_says() -> None:
    analysis = build_whole()
    assert analysis.attention is not None
    pictures = [*draw_inputs(analysis), *draw_maps(analysis), *draw_doubts(analysis), draw_thumbnail(analysis)]
    pictures += [*draw_explained(analysis, analysis.explained[0]), *draw_attention(analysis, analysis.attention)]
    for picture in pictures:
        opened = open_png(picture.png)
        assert (opened.mode, opened.size) == ("RGB", picture.size)


def test_a_map_shows_the_colours_of_its_key() -> None:
    analysis = build_whole()
    picture = draw_maps(analysis)[2]
    assert picture.key is not None
    shown = {"#{:02x}{:02x}{:02x}".format(*color) for _, color in open_png(picture.png).getcolors() or ()}
    assert {color for color, _ in picture.key.entries} >= shown - {"#c8c8c8", "#969696"}  # the hatch of no data


@pytest.mark.parametrize(("rows", "columns", "grid"), [(4, 4, 2), (8, 4, 4), (2, 2, 1)])
def test_received_attention_is_the_mean_over_who_asks_and_one_where_nobody_prefers(
    rows: int, columns: int, grid: int
) -> None:
    rng = np.random.default_rng(rows)
    looks = rng.dirichlet(np.ones(grid * grid), (rows, columns)).reshape(rows, columns, grid, grid).astype(np.float32)
    stage = AttentionStage(2, np.zeros((rows, columns), np.float32), looks)
    height, width = 2 * rows, 2 * columns
    found = compute_received(Attention((stage,), (0, 0), (height, width)), "optical")
    assert found is not None
    for row in range(height):
        for column in range(width):
            cell = looks[:, :, row * grid // height, column * grid // width].mean()
            assert found[row, column] == pytest.approx(cell * grid * grid, rel=1e-5)
    assert found.mean() == pytest.approx(1, rel=1e-5)


def test_a_network_without_attention_has_no_picture_of_it() -> None:
    bare = Attention((AttentionStage(1, np.zeros((24, 20), np.float32)),), (0, 0), (24, 20))
    assert draw_attention(build_whole(), bare) == ()


def test_the_main_map_says_something() -> None:
    for seed in range(10):
        analysis = simulate(seed)
        mode = find_main_mode(analysis)
        assert analysis.predictions[mode].valid.any() or not any(p.valid.any() for p in analysis.predictions.values())
