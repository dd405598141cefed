"""The What-if page: every control does what it says, the pair as it is stays, a curve can be taken away."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from claire.core.errors import ClaireError
from claire.core.whatif import FACTORS, WhatIf
from claire.data.examples import generate_flood_pair
from tests.app.test_pages import Folder, alts_of, words_of

PAGE = "pages/what_if.py"
PREFIX = "claire.whatif."


def damage_of(app: AppTest) -> WhatIf:
    found: WhatIf = app.session_state["claire.damage"]
    return found


def test_the_page_opens_with_a_cloud_and_both_rows_of_maps(page: AppTest) -> None:
    assert damage_of(page) == WhatIf(cloud_share=0.5)
    alts = alts_of(page)
    assert len([alt for alt in alts if alt.startswith("Damaged: ")]) == 3
    assert len([alt for alt in alts if alt.startswith("As it was: ")]) == 3
    assert "With cloud over 50 %" in words_of(page).replace("\\", "")
    assert "flood IoU" in words_of(page)


@pytest.mark.parametrize("name", sorted(set(FACTORS) - {"speckle_looks"}))
def test_every_slider_changes_its_factor_and_runs_the_network_once(page: AppTest, fakes: Any, name: str) -> None:
    factor, before, runs = FACTORS[name], damage_of(page), fakes.calls["analyse"]
    value = 0.3 if not factor.unit else 2.0
    page.slider(key=PREFIX + name).set_value(value * (1 if factor.unit else 100)).run()
    assert not page.exception
    assert damage_of(page) == before.vary(name, value)
    assert fakes.calls["analyse"] == runs + 1


def test_looks_bands_seed_and_the_shifted_sensor_can_be_chosen(page: AppTest) -> None:
    page.select_slider(key=f"{PREFIX}speckle_looks").set_value(4).run()
    page.multiselect(key=f"{PREFIX}dropped.fake-flood").set_value(["B8_after", "VV_before"]).run()
    page.number_input(key=f"{PREFIX}seed").set_value(7).run()
    page.segmented_control(key=f"{PREFIX}shifted").set_value("optical").run()
    assert not page.exception
    found = damage_of(page)
    assert (found.speckle_looks, found.dropped, found.seed) == (4, ("B8_after", "VV_before"), 7)
    assert found.shifted == "optical"
    assert "without B8_after, VV_before" in words_of(page).replace("\\", "")


@pytest.mark.parametrize(("sensor", "title"), [("optical", "Optical only"), ("sar", "SAR only")])
def test_a_sensor_that_is_off_has_no_map_and_the_fused_one_stays(page: AppTest, sensor: str, title: str) -> None:
    page.toggle(key=f"{PREFIX}{sensor}_on").set_value(False).run()
    assert not page.exception
    alts = alts_of(page)
    assert f"Damaged: {title} map: nothing, because this sensor sees nothing." in alts
    assert any(alt.startswith("Damaged: Fused class map") for alt in alts)
    assert any(alt.startswith(f"As it was: {title} class map") for alt in alts)


def test_both_sensors_off_is_a_sentence_and_the_sliders_stay(page: AppTest) -> None:
    page.toggle(key=f"{PREFIX}optical_on").set_value(False).run()
    page.toggle(key=f"{PREFIX}sar_on").set_value(False).run()
    assert not page.exception
    assert "No sensor is left" in page.error[0].value
    page.toggle(key=f"{PREFIX}sar_on").set_value(True).run()
    assert not page.error


def test_no_damage_again_changes_nothing(page: AppTest) -> None:
    page.slider(key=f"{PREFIX}blur").set_value(3.0).run()
    page.select_slider(key=f"{PREFIX}speckle_looks").set_value(1).run()
    page.toggle(key=f"{PREFIX}sar_on").set_value(False).run()
    page.multiselect(key=f"{PREFIX}dropped.fake-flood").set_value(["B8_after"]).run()
    next(button for button in page.button if button.label == "Back to no damage").click().run()
    assert not page.exception
    assert damage_of(page) == WhatIf()
    assert "Nothing is damaged" in words_of(page)
    assert page.slider(key=f"{PREFIX}blur").value == 0
    assert math.isinf(page.select_slider(key=f"{PREFIX}speckle_looks").value)


def test_confidence_can_be_shown_without_running_the_network_again(page: AppTest, fakes: Any) -> None:
    runs = fakes.calls["analyse"]
    page.segmented_control(key="claire.whatif_view").set_value("Confidence").run()
    assert any(alt.startswith("Damaged: Fused confidence: mean") for alt in alts_of(page))
    assert fakes.calls["analyse"] == runs


def test_eight_bit_decibel_are_said_to_be_nominal(page: AppTest) -> None:
    assert "30 dB" not in words_of(page)
    page.slider(key=f"{PREFIX}sar_offset_db").set_value(2.0).run()
    assert "30 dB" in words_of(page)


def test_a_pair_with_one_sensor_has_the_sliders_of_that_sensor_alone(open_page: Any, fakes: Any) -> None:
    fakes.datasets = [Folder(replace(generate_flood_pair(3, 64), optical=None))]
    app = open_page(PAGE, dataset="folder", tile="one")
    assert not app.exception
    assert not app.error
    assert app.slider(key=f"{PREFIX}cloud_share").disabled
    assert not app.slider(key=f"{PREFIX}sar_offset_db").disabled
    assert damage_of(app) == WhatIf()


def test_without_a_label_there_are_maps_and_no_scores(open_page: Any, fakes: Any) -> None:
    fakes.datasets = [Folder(replace(generate_flood_pair(3, 64), label=None))]
    app = open_page(PAGE, dataset="folder", tile="one")
    assert not app.exception
    assert "IoU" not in words_of(app)
    app.button(key="claire.curve.start").click().run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


def test_without_a_pair_it_leads_to_explore(open_page: Any) -> None:
    assert "No pair is chosen yet" in words_of(open_page(PAGE))


def test_a_curve_is_drawn_on_demand_with_the_damage_of_the_sliders(page: AppTest, fakes: Any) -> None:
    assert not page.get("plotly_chart")
    page.toggle(key=f"{PREFIX}sar_on").set_value(False).run()
    page.selectbox(key="claire.curve.factor").select("blur").run()
    page.number_input(key="claire.curve.count").set_value(5).run()
    page.number_input(key="claire.curve.end.blur").set_value(4.0).run()
    runs = fakes.calls["analyse"]
    page.button(key="claire.curve.start").click().run()
    assert not page.exception
    assert not page.error
    assert fakes.calls["analyse"] == runs + 5
    assert len(page.get("plotly_chart")) == 1
    _, curve = page.session_state["claire.curve.drawn"]
    assert [point.value for point in curve.points] == [0, 1, 2, 3, 4]
    assert not curve.what_if.sar_on
    assert any("radar" in success.value for success in page.success)
    assert "SAR off" in words_of(page)
    page.slider(key=f"{PREFIX}blur").set_value(1.0).run()
    assert len(page.get("plotly_chart")) == 1


def test_the_curve_of_another_pair_is_not_shown(page: AppTest) -> None:
    page.button(key="claire.curve.start").click().run()
    assert len(page.get("plotly_chart")) == 1
    page.query_params["tile"] = "valley-2"
    page.run()
    assert not page.get("plotly_chart")


def test_the_table_of_the_curve_can_be_saved(page: AppTest) -> None:
    page.number_input(key="claire.curve.count").set_value(5).run()
    page.button(key="claire.curve.start").click().run()
    (button,) = page.get("download_button")
    from claire.ui.what_if import build_csv

    _, curve = page.session_state["claire.curve.drawn"]
    rows = list(csv.DictReader(io.StringIO(build_csv(curve).decode())))
    assert button.proto.label == "Save the table (CSV)"
    assert len(rows) == 5 * 3 * 2
    assert {row["map"] for row in rows} == {"fused", "optical", "sar"}
    assert float(rows[-1]["cloud_share"]) == 1


@pytest.mark.parametrize(
    ("factor", "before", "said"),
    [
        ("cloud_thickness", ("slider", "cloud_share", 0.0), "changes nothing while cloud cover is 0"),
        ("blur", ("toggle", "optical_on", False), "changes nothing while the optical sensor is off"),
    ],
)
def test_a_curve_that_can_show_nothing_is_a_sentence(
    page: AppTest, factor: str, before: tuple[str, str, Any], said: str
) -> None:
    kind, name, value = before
    getattr(page, kind)(key=PREFIX + name).set_value(value).run()
    page.selectbox(key="claire.curve.factor").select(factor).run()
    page.button(key="claire.curve.start").click().run()
    assert not page.exception
    assert said in page.error[0].value


def test_a_curve_that_is_stopped_leaves_no_curve_and_no_fault(
    page: AppTest, fakes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamlit.runtime.scriptrunner import StopException

    from claire import pipeline

    real = pipeline.compute_curve

    def stop_at_second(*arguments: Any, report: Any, **options: Any) -> Any:
        def report_once(done: int, total: int) -> None:
            if done == 2:
                raise StopException  # what Streamlit raises in the bar when the page is to run again
            report(done, total)

        return real(*arguments, report=report_once, **options)

    monkeypatch.setattr(pipeline, "compute_curve", stop_at_second)
    runs = fakes.calls["analyse"]
    page.button(key="claire.curve.start").click().run()
    assert not page.exception
    assert not page.error
    assert fakes.calls["analyse"] == runs + 2
    page.run()
    assert not page.get("plotly_chart")
    assert "claire.curve.drawn" not in page.session_state


def test_wrong_input_while_drawing_is_a_sentence(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    from claire import pipeline

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise ClaireError("It went wrong.", "Try another.")

    monkeypatch.setattr(pipeline, "compute_curve", refuse)
    page.button(key="claire.curve.start").click().run()
    assert "It went wrong" in page.error[0].value
