"""Facts check themselves; tokens and sentences are what narrators and grounding exchange."""

from __future__ import annotations

import json

import pytest

from claire.core.errors import AnalysisError
from claire.core.facts import CLASS_KINDS, FACT_KINDS, Fact, Sentence, index_facts


def test_a_fact_names_its_class_only_where_it_has_one() -> None:
    area = Fact("a", "area_share", "flood", 0.2, "share", "Text.", "here")
    sensor = Fact("s", "sensor", "tile", "Sentinel-1", "text", "Text.", "here")
    assert (area.class_name, area.number) == ("flood", 0.2)
    assert sensor.class_name is None
    with pytest.raises(AnalysisError):
        _ = sensor.number
    assert set(FACT_KINDS) > CLASS_KINDS


@pytest.mark.parametrize(
    ("kind", "value", "unit"),
    [
        ("area_share", "much", "share"),
        ("sensor", 1.0, "text"),
        ("weather", 0.5, "share"),
        ("iou", float("nan"), "score"),
    ],
)
def test_a_fact_without_a_value_of_its_kind_is_refused(kind: str, value: float | str, unit: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        Fact("a", kind, "flood", value, unit, "Text.", "here")  # type: ignore[arg-type]
    assert caught.value.hint


def test_two_facts_with_one_id_are_refused() -> None:
    fact = Fact("a", "area_share", "flood", 0.2, "share", "Text.", "here")
    assert index_facts([fact]) == {"a": fact}
    with pytest.raises(AnalysisError):
        index_facts([fact, fact])


def test_facts_and_sentences_are_ready_for_json() -> None:
    fact = Fact("a", "area_share", "flood", 0.2, "share", "Text.", "here", modes=("fused",))
    assert json.loads(json.dumps(fact.as_dict()))["value"] == 0.2
    assert Sentence("Text.", ("a",), True).as_dict()["grounded"] is True
