"""What lies below a map is what its sensor saw, or what there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from claire.viz.ground import render_ground
from tests.reasoning.simulated import simulate


def test_the_ground_of_a_map_is_its_sensor_and_the_other_where_that_is_missing() -> None:
    analysis = simulate(3, modes=("fused", "optical", "sar"), gone="", size=(9, 12))
    fused, optical, sar = (render_ground(analysis, mode) for mode in ("fused", "optical", "sar"))
    np.testing.assert_array_equal(fused, optical)
    assert (sar[..., 0] == sar[..., 2]).all()
    assert (optical[..., 0] != optical[..., 2]).any()
    without = replace(analysis, tile=replace(analysis.tile, optical=None))
    np.testing.assert_array_equal(render_ground(without, "fused"), sar)
    without = replace(analysis, tile=replace(analysis.tile, sar=None))
    np.testing.assert_array_equal(render_ground(without, "sar"), optical)
