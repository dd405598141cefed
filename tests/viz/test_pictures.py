"""Pictures: identities that hold whatever the arrays are."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.classes import FLOOD, GLOBAL_10M, IGNORE_INDEX
from claire.core.errors import BandError, LabelError
from claire.core.types import Layer, Prediction
from claire.viz.colors import BOTH_WRONG_COLOR, OPTICAL_COLOR, SAR_COLOR, parse_rgb
from claire.viz.pictures import (
    Stretch,
    compute_decibel,
    compute_stretched,
    render_classes,
    render_composite,
    render_confidence,
    render_disagreement,
    render_hatched,
    render_icon,
    render_label,
    render_overlay,
    render_sar,
    render_trust,
)


@pytest.fixture
def layer() -> Layer:
    rng = np.random.default_rng(0)
    values = rng.uniform(0.01, 0.4, (3, 16, 20)).astype(np.float32)
    valid = np.ones(values.shape, bool)
    valid[1, 0, 0] = False
    return Layer(values, valid, ("A", "B", "C"), "power")


def predict(classes: np.ndarray, certainty: float = 0.9) -> Prediction:
    classes = classes.astype(np.uint8)
    index = np.where(classes == IGNORE_INDEX, 0, classes)
    probabilities = np.where(np.arange(2)[:, None, None] == index, certainty, 1 - certainty).astype(np.float32)
    return Prediction("optical", FLOOD, classes, probabilities, classes != IGNORE_INDEX)


def test_a_stretch_spans_0_to_1_over_the_valid_pixels_only() -> None:
    values = np.array([[0.0, 5.0, 10.0, 1e9]])
    valid = np.array([[True, True, True, False]])
    np.testing.assert_allclose(compute_stretched(values, valid, Stretch(0, 100)), [[0, 0.5, 1, 0]])


@pytest.mark.parametrize("scale", [2.0, 1e-6, 1e6])
def test_a_stretch_does_not_depend_on_gain_and_offset(scale: float) -> None:
    values = np.random.default_rng(1).normal(size=(9, 9))
    valid = np.ones((9, 9), bool)
    plain, scaled = (compute_stretched(v, valid, Stretch()) for v in (values, values * scale + scale))
    np.testing.assert_allclose(plain, scaled, atol=1e-4)


@pytest.mark.parametrize("values", [np.full((4, 4), 7.0), np.full((4, 4), np.nan), np.full((4, 4), np.inf)])
def test_constant_and_empty_bands_divide_by_nothing(values: np.ndarray) -> None:
    stretched = compute_stretched(values, np.ones((4, 4), bool), Stretch())
    assert np.isin(stretched, (0, 0.5)).all()


def test_decibel_of_power_is_that_of_amplitude_squared() -> None:
    amplitude = np.array([0.1, 1.0, 3.0])
    np.testing.assert_allclose(
        compute_decibel(amplitude, "amplitude"), compute_decibel(amplitude**2, "power"), rtol=1e-5
    )
    assert np.isnan(compute_decibel(np.array([0.0, -1.0]), "power")).all()
    np.testing.assert_array_equal(compute_decibel(np.array([-12.0]), "db"), [-12.0])


def test_a_composite_is_transparent_where_any_band_is_invalid(layer: Layer) -> None:
    picture = render_composite(layer, ("A", "B", "C"))
    assert picture.shape == (16, 20, 4)
    assert picture[0, 0, 3] == 0
    assert (picture[..., 3] == 255).sum() == 16 * 20 - 1


def test_one_band_three_times_is_grey(layer: Layer) -> None:
    picture = render_composite(layer, ("A", "A", "A"))
    assert (picture[..., 0] == picture[..., 1]).all()
    assert (picture[..., 0] == picture[..., 2]).all()


def test_a_composite_says_which_bands_there_are(layer: Layer) -> None:
    with pytest.raises(BandError, match="no band 'X'") as error:
        render_composite(layer, ("A", "B", "X"))
    assert "A, B, C" in error.value.hint
    with pytest.raises(BandError):
        render_composite(layer, ("A", "B"))


def test_decibel_keeps_the_order_of_backscatter(layer: Layer) -> None:
    shown, given = (render_sar(layer, "A", decibel=decibel, stretch=Stretch(0, 100)) for decibel in (True, False))
    order = np.argsort(layer.values[0].ravel())
    for picture in (shown, given):
        assert (np.diff(picture[..., 0].ravel()[order].astype(int)) >= 0).all()
    assert shown[..., 0].mean() > given[..., 0].mean()


@pytest.mark.parametrize("scheme", [FLOOD, GLOBAL_10M])
def test_classes_have_the_colours_of_their_scheme(scheme) -> None:
    classes = np.array([[*range(len(scheme)), IGNORE_INDEX]], np.uint8)
    picture = render_classes(classes, scheme)
    assert [tuple(color[:3]) for color in picture[0, :-1].tolist()] == [c.rgb for c in scheme.classes]
    assert picture[0, :, 3].tolist() == [255] * len(scheme) + [0]


def test_a_label_is_drawn_like_the_map_that_equals_it() -> None:
    index = np.array([[0, 1, IGNORE_INDEX]], np.uint8)
    np.testing.assert_array_equal(render_label(np.array([[0, 1, 255]]), FLOOD), render_classes(index, FLOOD))
    with pytest.raises(LabelError):
        render_label(np.array([[7]]), FLOOD)


def test_hidden_classes_let_the_base_through() -> None:
    picture = render_classes(np.array([[0, 1]], np.uint8), FLOOD, hidden=("background",))
    assert picture[0, :, 3].tolist() == [0, 255]


def test_overlay_of_opacity_0_is_the_base_and_of_1_the_top() -> None:
    rng = np.random.default_rng(2)
    base, top = (rng.integers(0, 256, (5, 6, 4), np.uint8) for _ in range(2))
    base[..., 3] = top[..., 3] = 255
    np.testing.assert_array_equal(render_overlay(base, top, 0.0), base)
    np.testing.assert_array_equal(render_overlay(base, top, 1.0), top)
    half = render_overlay(base, top, 0.5).astype(int)
    assert np.abs(half[..., :3] - (base[..., :3].astype(int) + top[..., :3]) / 2).max() <= 1


def test_a_transparent_top_changes_nothing() -> None:
    base = np.full((3, 3, 4), 200, np.uint8)
    np.testing.assert_array_equal(render_overlay(base, np.zeros((3, 3, 4), np.uint8), 1.0), base)


def test_masked_pixels_are_hatched_and_others_untouched() -> None:
    picture = np.full((32, 32, 4), (10, 20, 30, 255), np.uint8)
    picture[:16, :, 3] = 0
    hatched = render_hatched(picture)
    np.testing.assert_array_equal(hatched[16:], picture[16:])
    assert (hatched[..., 3] == 255).all()
    assert len(np.unique(hatched[:16, :, 0])) == 2


def test_confidence_is_darkest_at_chance_and_brightest_when_certain() -> None:
    classes = np.zeros((2, 2), np.uint8)
    brightness = [render_confidence(predict(classes, c))[0, 0, :3].mean() for c in (0.5, 0.7, 0.9, 1.0)]
    assert brightness == sorted(brightness)
    assert brightness[-1] > brightness[0] + 80


def test_trust_is_orange_for_optical_purple_for_sar_pale_between() -> None:
    picture = render_trust(np.array([[0.1, 0.5, 0.9]], np.float32), np.array([[True, True, True]])).astype(int)
    sar, even, optical = picture[0]
    assert sar[2] > sar[0]
    assert optical[0] > optical[2]
    assert even[:3].min() > 230


def test_disagreement_tells_who_is_right() -> None:
    optical, sar = predict(np.array([[0, 1, 0, 1, 255]])), predict(np.array([[0, 0, 1, 0, 1]]))
    label = np.array([[0, 1, 1, IGNORE_INDEX, 1]], np.uint8)
    picture = render_disagreement(optical, sar, label)[0]
    colors = [tuple(color) for color in picture[:, :3].tolist()]
    assert colors[1:4] == [parse_rgb(OPTICAL_COLOR), parse_rgb(SAR_COLOR), parse_rgb(BOTH_WRONG_COLOR)]
    assert colors[0] == (225, 225, 225)
    assert picture[:, 3].tolist() == [255, 255, 255, 255, 0]


def test_disagreement_without_a_label_is_one_colour() -> None:
    picture = render_disagreement(predict(np.array([[0, 1]])), predict(np.array([[0, 0]])))
    assert tuple(picture[0, 1, :3].tolist()) == parse_rgb(BOTH_WRONG_COLOR)


def test_pictures_do_not_change_their_inputs(layer: Layer) -> None:
    before = layer.values.copy()
    base = render_composite(layer, ("A", "B", "C"))
    copy = base.copy()
    render_disagreement(predict(np.zeros((16, 20))), predict(np.ones((16, 20))), None, base)
    render_hatched(base)
    np.testing.assert_array_equal(layer.values, before)
    np.testing.assert_array_equal(base, copy)


def test_the_icon_is_a_disc_of_two_sensors() -> None:
    icon = render_icon(32)
    assert icon[0, 0, 3] == 0
    assert tuple(icon[16, 4, :3].tolist()) == parse_rgb(OPTICAL_COLOR)
    assert tuple(icon[16, 28, :3].tolist()) == parse_rgb(SAR_COLOR)
