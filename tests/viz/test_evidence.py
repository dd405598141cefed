"""Pictures of signed numbers: white is nothing, red for, blue against, and the words give the shares."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.types import Attribution, Share
from claire.viz.evidence import (
    compute_scale,
    describe_attribution,
    describe_share,
    render_signed,
    render_signed_veil,
    summarise_share,
)


def attribution(optical: np.ndarray, sar: np.ndarray) -> Attribution:
    return Attribution(
        "saliency",
        "flood",
        "fused",
        "logit",
        np.ones(optical.shape[1:], bool),
        {"optical": optical.astype(np.float32), "sar": sar.astype(np.float32)},
        {"optical": tuple(f"b{i}" for i in range(len(optical))), "sar": tuple(f"s{i}" for i in range(len(sar)))},
        1.0,
        0.0,
        True,
        1,
        0,
        "mean",
    )


def test_sign_is_red_or_blue_and_nothing_is_nearly_white() -> None:
    picture = render_signed(np.array([[-1.0, 0.0, 1.0, np.nan]]), 1.0)
    against, nothing, speaks, unknown = picture[0].astype(int)
    assert against[2] > against[0] + 50
    assert speaks[0] > speaks[2] + 50
    assert nothing[:3].min() > 240
    assert unknown[3] == 0
    assert picture[0, :3, 3].tolist() == [255, 255, 255]
    hidden = render_signed(np.ones((1, 2)), 1.0, np.array([[True, False]]))
    assert hidden[0, :, 3].tolist() == [255, 0]


def test_signs_differ_in_lightness_from_nothing_for_every_reader() -> None:
    picture = render_signed(np.linspace(-1, 1, 9)[None], 1.0)[0, :, :3].astype(float)
    lightness = picture @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness[:5]) > 0).all()
    assert (np.diff(lightness[4:]) < 0).all()


def test_the_veil_is_as_thick_as_the_value_is_large() -> None:
    veil = render_signed_veil(np.array([[0.0, 0.25, -1.0, 9.0]]), 1.0)
    assert veil[0, :, 3].tolist() == [0, 128, 255, 255]


def test_the_scale_is_shared_by_both_sensors_and_never_zero() -> None:
    found = attribution(np.full((2, 4, 4), 0.5), np.full((1, 4, 4), -3.0))
    assert compute_scale(found) == 3
    assert compute_scale(attribution(np.zeros((1, 4, 4)), np.zeros((1, 4, 4)))) == 1
    single = np.zeros((1, 50, 50))
    single[0, 0, 0] = 2
    assert compute_scale(attribution(single, np.zeros((1, 50, 50)))) == 2


def test_words_give_share_sign_and_place() -> None:
    sar = np.zeros((1, 4, 4))
    sar[0, 2, 3], sar[0, 0, 0] = 3, -1
    words = describe_attribution(attribution(np.full((2, 4, 4), 0.125), sar), "sar", "Saliency")
    assert words == (
        "Saliency for flood, SAR: 50 % of the attribution, 75 % of it for the class; strongest at row 2, column 3."
    )
    silent = describe_attribution(attribution(np.zeros((1, 2, 2)), np.zeros((1, 2, 2))), "sar", "Saliency")
    assert silent.endswith("nothing speaks for or against.")


def test_a_share_is_told_in_one_sentence() -> None:
    words = describe_share(Share("flood", 1.25, -0.5, 0.1, 1.0, 0.25))
    assert words.startswith("flood: optical +1.25, SAR -0.50")
    assert words.endswith("from 0.25 without sensors to 1.00.")


@pytest.mark.parametrize(
    ("optical", "sar", "words"),
    [
        (0.0, 0.0, "Neither sensor moved it."),
        (0.75, 0.25, "Optical decided most of it: 75 % of what both moved."),
        (-0.2, 0.8, "SAR decided most of it: 80 % of what both moved."),
        (0.82, 0.81, "Both sensors moved it about as much, in the same direction."),
        (-0.82, -0.81, "Both sensors moved it about as much, in the same direction."),
        (-0.82, 0.81, "Both sensors moved it about as much, against each other."),
    ],
)
def test_a_leader_is_named_only_where_one_sensor_leads(optical: float, sar: float, words: str) -> None:
    assert summarise_share(Share("flood", optical, sar, 0.0, 1.0 + optical + sar, 1.0)) == words
