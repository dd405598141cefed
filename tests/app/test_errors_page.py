"""The Errors page: regions in a list and on a picture, one sentence each; a sentence where there is nothing to show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from claire.core.types import Tile
from claire.data.examples import generate_flood_pair
from tests.app.test_pages import Folder, alts_of, words_of

PAGE = "pages/errors.py"


def read(app: AppTest) -> str:
    return words_of(app).replace("\\", "")


def find_list(app: AppTest) -> Any:
    return next(box for box in app.main.selectbox if box.label.startswith("Wrong region"))


def test_the_page_says_how_much_is_wrong_and_tells_about_the_largest_region(page: AppTest) -> None:
    words = read(page)
    assert "The fused map is wrong on" in words
    assert "The label says" in words
    assert "argued for" in words
    assert "sure here" in words
    assert "The fusion trusted" in words
    assert len(page.get("plotly_chart")) == 1
    options = find_list(page).options
    assert options[0].startswith("1. ")
    assert len(options) <= 40


def test_the_region_is_shown_from_near_as_each_sensor_saw_it_with_words(page: AppTest) -> None:
    starts = [alt.partition(" around")[0] for alt in alts_of(page)]
    assert starts == ["Optical", "SAR", "Label"]
    assert all(len(alt) > 20 for alt in alts_of(page))


def test_another_region_from_the_list_is_another_story(page: AppTest, fakes: Any) -> None:
    before = read(page)
    find_list(page).set_value(4).run()
    assert not page.exception
    assert read(page) != before
    assert fakes.calls["analyse"] == 1


def test_a_click_on_the_picture_picks_the_region(page: AppTest) -> None:
    key = find_list(page).key
    about = key.removeprefix("claire.errors.region.")

    class Click:
        class selection:  # noqa: N801
            points = ({"customdata": [3]},)

    from claire.ui import mistakes

    state = {f"claire.errors.chart.{about}": Click}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mistakes.st, "session_state", state)
        mistakes._follow_click(about)
    assert state[key] == 3


@pytest.mark.parametrize("mode", ["optical", "sar"])
def test_the_maps_of_one_sensor_have_their_own_regions(page: AppTest, mode: str) -> None:
    page.segmented_control(key="claire.errors.mode").set_value(mode).run()
    assert not page.exception
    assert {"optical": "The optical only map is wrong", "sar": "The sar only map is wrong"}[mode].lower() in read(
        page
    ).lower()


def open_tile(open_page: Any, fakes: Any, tile: Tile) -> AppTest:
    fakes.datasets = [Folder(tile)]
    app: AppTest = open_page(PAGE, dataset="folder", tile="one")
    assert not app.exception
    assert not app.error
    return app


def test_without_a_label_it_is_a_sentence(open_page: Any, fakes: Any) -> None:
    app = open_tile(open_page, fakes, replace(generate_flood_pair(3, 64), label=None))
    assert "has no label" in read(app)
    assert not app.get("plotly_chart")


def test_a_label_that_labels_nothing_is_a_sentence(open_page: Any, fakes: Any) -> None:
    app = open_tile(open_page, fakes, replace(generate_flood_pair(3, 64), label=np.full((64, 64), 255, np.uint8)))
    assert "no pixel in common" in read(app)


def test_a_pair_with_one_sensor_says_who_saw_the_place(open_page: Any, fakes: Any) -> None:
    app = open_tile(open_page, fakes, replace(generate_flood_pair(3, 64), optical=None))
    assert "only SAR argued for" in read(app)
    assert "nothing seen" in read(app)


def test_without_a_pair_it_leads_to_explore(open_page: Any) -> None:
    assert "No pair is chosen yet" in words_of(open_page(PAGE))
