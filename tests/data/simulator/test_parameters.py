"""The table: every name it uses exists, every number is physical."""

from __future__ import annotations

import re
from pathlib import Path

from claire.core.classes import GLOBAL_10M
from claire.data.simulator import parameters
from claire.data.simulator.parameters import GROUND, MATERIALS, PLANTS, SETTINGS, SOILS
from claire.data.simulator.settlements import DISTRICTS


def test_materials_name_what_exists_and_cover_all_classes() -> None:
    for material in MATERIALS.values():
        assert material.ground in {*GROUND, "soil"}
        assert material.plant in PLANTS
        assert 0 <= material.low <= material.high <= 1
        assert all(vv > vh for vv, vh in (material.bare, material.grown))
    assert {m.land_class for m in MATERIALS.values()} == {c.id for c in GLOBAL_10M.classes}
    assert set(SOILS) <= set(GROUND)
    assert {name for d in DISTRICTS.values() for name in (*d.roofs, *d.yards)} <= set(MATERIALS)


def test_spectra_are_reflectances_and_plants_show_the_red_edge() -> None:
    for spectrum in (*GROUND.values(), *PLANTS.values()):
        assert len(spectrum) == 6
        assert all(0 < value < 1 for value in spectrum)
    assert all(plant[3] > 3 * plant[2] for plant in PLANTS.values())


def test_ranges_run_upwards() -> None:
    for setting in SETTINGS.values():
        for value in vars(setting).values():
            if isinstance(value, tuple):
                assert value[0] <= value[1]


def test_confusions_are_in_the_table_on_purpose() -> None:
    visible = slice(0, 3)
    assert (
        max(abs(a - b) for a, b in zip(GROUND["dark roof"][visible], GROUND["green water"][visible], strict=True))
        < 0.04
    )
    assert GROUND["adobe"] != GROUND["loam"]
    assert max(abs(a - b) for a, b in zip(GROUND["adobe"], GROUND["loam"], strict=True)) < 0.03
    assert MATERIALS["salt"].bare[0] < MATERIALS["sea"].bare[0] + 3
    assert abs(MATERIALS["maize"].grown[0] - MATERIALS["broadleaf"].grown[0]) < 1


def test_every_source_that_is_used_is_listed() -> None:
    text = Path(parameters.__file__).read_text(encoding="utf-8")
    head, _, body = text.partition('"""\n\nfrom __future__')
    listed = set(re.findall(r"^    ([A-Z]{3}[A-Z0-9]?)\s", head, re.MULTILINE))
    used = set(re.findall(r"\b([A-Z]{3}|SPL7)\b", "\n".join(re.findall(r"#.*|\(.*\)", body))))
    assert len(listed) > 15
    assert used & listed
    assert {"LUC", "HER", "VEL", "ULA", "DRU"} <= used & listed
