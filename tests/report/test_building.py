"""What stands in a report: everything that is known, and nothing that is not."""

from __future__ import annotations

import dataclasses
import re

import pytest

from claire.core.analysis import Analysis
from claire.core.classes import GLOBAL_10M
from claire.core.facts import Sentence
from claire.reasoning.narrating import reason
from claire.reasoning.wording import show
from claire.report.building import build_report
from claire.report.content import Badge, Commands, Gallery, Line, Passage, Report, Section, Table
from tests.reasoning.simulated import simulate
from tests.report.reading import build_whole

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def build(analysis: Analysis, *questions: str) -> Report:
    return build_report(analysis, reason(analysis), [(each, reason(analysis, question=each)) for each in questions])


def find(report: Report, anchor: str) -> Section:
    return next(section for section in report.sections if section.anchor == anchor)


def lines_of(report: Report) -> list[Line]:
    return [line for block in find(report, "words").blocks if isinstance(block, Passage) for line in block.lines]


def pictures_of(report: Report) -> list[str]:
    galleries = [block for section in report.sections for block in section.blocks if isinstance(block, Gallery)]
    return [picture.title for gallery in galleries for picture in gallery.pictures]


@pytest.mark.parametrize("seed", range(12))
def test_every_number_of_the_narrative_is_one_of_a_fact_that_its_sentence_cites(seed: int) -> None:
    analysis = simulate(seed)
    report, facts = build(analysis, "How sure are you?"), reason(analysis).facts
    table = next(block for block in find(report, "facts").blocks if isinstance(block, Table))
    rows = {row.anchor: row.cells for row in table.rows}
    assert rows == {
        f"fact-{fact.id}": (
            fact.text,
            show(fact) if fact.unit != "text" or len(show(fact)) <= 40 else "in words",
            fact.threshold or "–",
            fact.source,
        )
        for fact in facts
    }
    for line in lines_of(report):
        known = " ".join(" ".join(rows[chip.anchor][:2]) for chip in line.chips)
        assert set(NUMBER.findall(line.text)) <= set(NUMBER.findall(known)), (line.text, known)


def test_everything_that_an_analysis_holds_is_shown() -> None:
    report = build(build_whole(), "Which class is weakest?")
    assert [section.anchor for section in report.sections] == [
        "maps", "numbers", "words", "why", "attention", "limits", "model", "facts", "provenance",
    ]  # fmt: skip
    assert pictures_of(report) == [
        "Optical only map", "SAR only map", "Fused map", "Optical", "SAR", "Label", "Confidence, fused",
        "Where the two sensors differ", "Which sensor the fusion trusted", "Optical", "SAR", "Optical", "SAR",
        "Optical looks in SAR", "SAR looks in optical",
    ]  # fmt: skip
    badges = [block for block in find(report, "why").blocks if isinstance(block, Badge)]
    assert [badge.word for badge in badges] == [answer.faithfulness.badge for answer in build_whole().explained]


def test_what_an_analysis_lacks_is_left_out_or_said() -> None:
    bare = simulate(1, modes=("sar",), label=0.0, gone="")
    bare = dataclasses.replace(
        bare, model=None, trust=None, notices=(), tile=dataclasses.replace(bare.tile, notices=())
    )
    report = build(bare)
    assert {"why", "attention"}.isdisjoint(section.anchor for section in report.sections)
    assert pictures_of(report) == ["SAR only map", "Optical", "SAR", "Confidence, sar only"]
    assert "no label" in str(find(report, "numbers"))
    assert "before it kept" in str(find(report, "model"))
    assert not any(isinstance(block, Commands) for block in find(report, "provenance").blocks)


def test_the_headline_holds_and_is_about_a_class_that_somebody_looks_for() -> None:
    analysis = build_whole()
    narrative = reason(analysis)
    assert build_report(analysis, narrative).headline.lower().count("flood") == 1
    wrong = dataclasses.replace(narrative, sentences=(Sentence("Flood covers 99 %.", (), False, "Wrong."),))
    assert "99 %" not in build_report(analysis, wrong).headline


def test_a_sentence_that_does_not_follow_keeps_its_reason() -> None:
    analysis = build_whole()
    narrative = reason(analysis)
    wrong = Sentence("Flood covers 99 % of the ground.", ("area_share.fused.1",), False, "99 % is not 12 %.")
    told = dataclasses.replace(narrative, sentences=(*narrative.sentences, wrong))
    last = lines_of(build_report(analysis, told))[-1]
    assert (last.text, last.reason) == (wrong.text, wrong.reason)


def test_headings_only_go_on() -> None:
    for seed in range(8):
        passages = [block for block in find(build(simulate(seed)), "words").blocks if isinstance(block, Passage)]
        headings = [passage.heading for passage in passages]
        order = ["", "What and where", "How sure", "Why", "What could be wrong"]
        assert headings == [title for title in order if title in headings]


def test_areas_and_scores_are_those_of_the_analysis() -> None:
    analysis = simulate(5, scheme=GLOBAL_10M, size=(20, 20), label=1.0, modes=("fused", "optical", "sar"), gone="")
    areas, scores, *_ = (block for block in find(build(analysis), "numbers").blocks if isinstance(block, Table))
    assert [row.cells[0] for row in areas.rows] == list(analysis.scheme.names)
    for row, area in zip(areas.rows, analysis.areas["fused"], strict=True):
        assert (f"{area.pixels:,} px" in row.cells[3]) or area.pixels == 0 or analysis.tile.georeference.metres
    assert scores.rows[0].cells == (
        "mean IoU",
        *(f"{analysis.scores[m].miou:.3f}" for m in ("optical", "sar", "fused")),
    )
