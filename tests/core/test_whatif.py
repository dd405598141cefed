"""The description of damage: ranges, to JSON and back; where a curve says that the radar takes over."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.core.errors import InputError, UnknownNameError
from claire.core.whatif import FACTORS, Curve, CurvePoint, Outcome, WhatIf, find_factor, find_lead

HALVES = st.one_of(st.just(math.nan), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))


def test_a_fresh_description_is_neutral() -> None:
    plain = WhatIf()
    assert not plain.clouded
    assert not plain.moved
    assert plain.is_on("optical")
    assert plain.is_on("sar")
    harmless = {"cloud_thickness", "cloud_shadow"}  # without a share there is no cloud
    assert all(getattr(plain, name) == factor.neutral for name, factor in FACTORS.items() if name not in harmless)


@pytest.mark.parametrize(
    "what_if",
    [
        WhatIf(),
        WhatIf(0.5, 0.7, 0.1, 2.0, 4.0, -3.0, "optical", 1.5, -2.25, dropped=("B8_after",), seed=9),
        WhatIf(optical_on=False),
        WhatIf(sar_on=False, dropped=("a", "b")),
    ],
)
def test_through_json_it_comes_back_equal(what_if: WhatIf) -> None:
    assert WhatIf.from_dict(json.loads(json.dumps(what_if.as_dict(), allow_nan=False))) == what_if


@pytest.mark.parametrize("name", FACTORS)
def test_values_out_of_range_are_refused_and_the_ends_are_not(name: str) -> None:
    factor = FACTORS[name]
    for value in (factor.low, factor.high, factor.neutral):
        assert getattr(WhatIf().vary(name, value), name) == value
    for value in (factor.low - 0.1, factor.high + 0.1, math.nan):
        with pytest.raises(InputError, match="is wanted"):
            WhatIf().vary(name, value)


@pytest.mark.parametrize(
    "content",
    [
        {"fog": 1},
        {"cloud_share": "much"},
        {"cloud_share": True},
        {"optical_on": 1},
        {"seed": 1.5},
        {"seed": -1},
        {"dropped": [1]},
        {"dropped": "B8"},
        {"shifted": "both"},
        {"blur": None},
        {"blur": 99},
    ],
)
def test_a_description_from_elsewhere_is_checked(content: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        WhatIf.from_dict(content)


def test_an_unknown_factor_lists_the_right_names() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_factor("fog")
    assert "cloud_share" in caught.value.hint


@pytest.mark.parametrize("name", FACTORS)
def test_a_spread_begins_mild_and_ends_strong_within_the_range(name: str) -> None:
    factor, values = FACTORS[name], FACTORS[name].spread(7)
    assert len(set(values)) == 7
    assert values[0] == (factor.neutral if factor.mildest is None else factor.mildest)
    assert values[-1] == (factor.high if factor.mildest is None else factor.low)
    assert list(values) == sorted(values, reverse=factor.mildest is not None)


def test_a_spread_may_end_earlier_and_on_the_other_side() -> None:
    assert FACTORS["sar_offset_db"].spread(3, -6) == (0, -3, -6)
    for end in (0, 99):
        with pytest.raises(InputError):
            FACTORS["sar_offset_db"].spread(3, end)
    with pytest.raises(InputError, match="1 values"):
        FACTORS["blur"].spread(1)


@given(st.lists(HALVES, min_size=1, max_size=8))
def test_the_lead_is_the_first_value_from_which_on_all_known_leads_are_above_one_half(leads: list[float]) -> None:
    values = list(range(len(leads)))
    known = [i for i in values if not math.isnan(leads[i])]
    wanted = next((i for i in known if all(leads[j] > 0.5 for j in known if j >= i)), None)
    assert find_lead(values, leads) == wanted


def make_curve(leads: list[float]) -> Curve:
    outcome = Outcome((0.7, 0.3), 0.9, 0.1, (0.8, math.nan), 0.8)
    points = tuple(CurvePoint(i / 4, {"fused": outcome, "sar": outcome}, lead, 0.5) for i, lead in enumerate(leads))
    return Curve(WhatIf(), "cloud_share", points, ("background", "flood"), scored=True)


def test_a_curve_tells_takeover_and_handover() -> None:
    assert make_curve([0.2, 0.6, 0.8]).takeover == 0.25
    assert make_curve([0.2, 0.6, 0.8]).handover is None
    assert make_curve([0.9, 0.4, 0.2]).takeover is None
    assert make_curve([0.9, 0.4, 0.2]).handover == 0.25


def test_the_table_has_a_row_per_value_map_and_class_and_no_nan() -> None:
    rows = make_curve([0.2, math.nan, 0.8]).as_rows()
    assert len(rows) == 3 * 2 * 2
    json.dumps(rows, allow_nan=False)
    assert {row["cloud_share"] for row in rows} == {0, 0.25, 0.5}
    assert rows[0] == {
        "cloud_share": 0.0,
        "map": "fused",
        "class": "background",
        "area_share": 0.7,
        "iou": 0.8,
        "mean_iou": 0.8,
        "mean_confidence": 0.9,
        "changed_share": 0.1,
        "sar_lead": 0.2,
        "sar_trust": 0.5,
        "radar_takes_over": 0.5,
    }
    assert rows[1]["iou"] is None
