"""Analysis + narrative -> report: what stands where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from claire.core.analysis import Analysis
from claire.core.evidence import METHOD_TITLES, Explained
from claire.core.facts import Fact, Sentence
from claire.core.provenance import read_versions
from claire.core.text import as_line
from claire.reasoning.facts import build_facts
from claire.reasoning.headings import SECTIONS, find_section, name_facts
from claire.reasoning.narrating import Narrative
from claire.report.content import (
    Badge,
    Block,
    Bullets,
    Chip,
    Commands,
    Figure,
    Gallery,
    Heading,
    Line,
    Passage,
    Prose,
    Report,
    Section,
)
from claire.report.pictures import (
    draw_attention,
    draw_doubts,
    draw_explained,
    draw_inputs,
    draw_maps,
    draw_thumbnail,
    find_main_mode,
)
from claire.report.recipe import build_recipe, describe_limits
from claire.report.tables import (
    anchor_of,
    list_areas,
    list_facts,
    list_inputs,
    list_model,
    list_model_scores,
    list_scores,
    list_settings,
    list_share,
    list_stages,
    list_tests,
    list_values,
)
from claire.viz.evidence import BASELINE_WORDS, describe_badge, describe_share
from claire.viz.words import MODE_TITLES, format_score, format_share

LONGEST_TITLE = 120
BACKGROUND = "background"
"""The class that means "nothing of interest"."""
LIMITS = (
    "The maps are estimates of a trained network and no survey; what matters should be checked on the ground.",
    "A confidence is what the network says of itself. On ground unlike its training data it can be sure and wrong.",
    "Areas count the pixels of a map as it is; they are not corrected for its errors.",
)
"""What is true of every report."""
OF_SCORES = "Scores tell how far a map agrees with the label of this pair, and labels have errors of their own."
OF_PIXELS = "The pair has no coordinates in metres, so areas are in pixels."
OF_ATTRIBUTION = (
    "An attribution says what this network used, not that it was right to; its badge says how far to believe even that."
)
OF_ATTENTION = (
    "Attention and trust are weights that the network itself computed. They say where a sensor looked in the other one "
    "and how the two were mixed; they do not prove that the map depends on it."
)
OF_WORDS = (
    "Each sentence was checked by code against the facts behind its chips. One that does not follow from them is "
    "struck through, with the reason."
)


def build_report(
    analysis: Analysis,
    narrative: Narrative,
    answers: Sequence[tuple[str, Narrative]] = (),
    *,
    engine: str = "template",
    seed: int = 0,
) -> Report:
    """Everything that is known about an analysis, in the order in which it is asked.

    Args:
        analysis: Just made or opened.
        narrative: About it.
        answers: Questions about it with what was answered.
        engine: As it was asked for, for the commands that make the report again; a path without its folders.
        seed: Of the wording, likewise.
    """
    told = [narrative, *(answer for _, answer in answers)]
    facts = {fact.id: fact for fact in (*build_facts(analysis), *(fact for each in told for fact in each.facts))}
    questions = [question for question, _ in answers]
    sections = [
        _show_maps(analysis),
        _show_numbers(analysis),
        _tell(narrative, answers, facts),
        *_show_why(analysis),
        _warn(analysis),
        _show_model(analysis),
        Section("facts", f"All {len(facts)} facts", (list_facts(facts.values()),)),
        _trace(analysis, build_recipe(analysis, Path(engine).name, questions, seed)),
    ]
    return Report(
        title=as_line(analysis.tile.name, LONGEST_TITLE) or "A pair without a name",
        subject=_describe_subject(analysis),
        headline=_pick_headline(narrative.sentences, facts),
        figures=_pick_figures(analysis),
        sections=tuple(sections),
        thumbnail=draw_thumbnail(analysis),
        version=read_versions()["claire-eo"],
    )


def _pick_headline(sentences: Sequence[Sentence], facts: Mapping[str, Fact]) -> str:
    """The first sentence about a class that somebody looks for, or the first at all; one that holds in any case."""
    good = [sentence for sentence in sentences if sentence.grounded]
    for sentence in good:
        names = {facts[name].class_name for name in sentence.facts if name in facts} - {None, BACKGROUND}
        if names:
            return sentence.text.strip()
    return good[0].text.strip() if good else "Nothing that was said about this pair follows from its facts."


def _describe_subject(analysis: Analysis) -> str:
    sensors = [t for t, layer in (("optical", analysis.tile.optical), ("SAR", analysis.tile.sar)) if layer is not None]
    height, width = analysis.tile.shape
    model = as_line(analysis.provenance.model, 60)
    return f"{' and '.join(sensors)}, {width} x {height} pixels, mapped by {model}"


def _pick_figures(analysis: Analysis) -> tuple[Figure, ...]:
    """The numbers that a reader takes away: the largest classes, how sure, how right, how far the sensors agree."""
    mode = find_main_mode(analysis)
    prediction, title = analysis.predictions[mode], MODE_TITLES[mode].lower()
    of_two = len(analysis.scheme) == 2
    areas = analysis.areas[mode][-1:] if of_two else sorted(analysis.areas[mode], key=lambda area: -area.pixels)[:3]
    figures = [Figure(format_share(a.area_share), f"{as_line(a.name, 60)}, {title} map") for a in areas]
    if prediction.valid.any():
        figures.append(Figure(f"{prediction.confidence[prediction.valid].mean():.2f}", "mean confidence"))
    if mode in analysis.scores:
        scores = analysis.scores[mode]
        name = f"{as_line(scores.per_class[-1].name, 60)} IoU" if of_two else "mean IoU"
        figures.append(Figure(format_score(scores.per_class[-1].iou if of_two else scores.miou), name))
    if analysis.disagreement_share is not None:
        figures.append(Figure(format_share(analysis.disagreement_share), "of the pixels: the two sensors differ"))
    return tuple(figures)


def _show_maps(analysis: Analysis) -> Section:
    return Section(
        "maps", "Maps",
        (
            Gallery(draw_maps(analysis)),
            Heading("What went in"),
            Gallery(draw_inputs(analysis)),
            Heading("How sure, and where the sensors differ"),
            Gallery(draw_doubts(analysis)),
            Prose(analysis.comparison),
        ),
    )  # fmt: skip


def _show_numbers(analysis: Analysis) -> Section:
    scores = list_scores(analysis)
    words = OF_SCORES if scores else "There is no label, so nothing says how right the maps are."
    return Section(
        "numbers", "Areas and scores" if scores else "Areas", (list_areas(analysis), *scores, Prose(words, True))
    )


def _tell(narrative: Narrative, answers: Sequence[tuple[str, Narrative]], facts: Mapping[str, Fact]) -> Section:
    blocks: list[Block] = list(_set_passages(narrative.sentences, facts))
    good = sum(sentence.grounded for sentence in narrative.sentences)
    count = f"{good} of {len(narrative.sentences)} sentences follow from the facts that they cite"
    blocks.append(Prose(f"{OF_WORDS} {count}; written by {as_line(narrative.engine, 60)}.", True))
    if narrative.notice:
        blocks.append(Prose(narrative.notice, True))
    for question, answer in answers:
        blocks += [Heading(as_line(question, 500)), Passage("", _set_lines(answer.sentences, facts))]
        if answer.notice:
            blocks.append(Prose(answer.notice, True))
    return Section("words", "In words", tuple(blocks))


def _set_passages(sentences: Sequence[Sentence], facts: Mapping[str, Fact]) -> list[Passage]:
    """Sentences under their headings, which only go on; the first sentence stands before all."""
    places: list[int] = []
    for number, sentence in enumerate(sentences):
        places.append(-1 if number == 0 else max(find_section(sentence, facts), places[-1], 0))
    titles = ("", *SECTIONS)
    return [
        Passage(titles[place + 1], _set_lines([sentence for _, sentence in group], facts))
        for place, group in groupby(zip(places, sentences, strict=True), key=lambda pair: pair[0])
    ]


def _set_lines(sentences: Sequence[Sentence], facts: Mapping[str, Fact]) -> tuple[Line, ...]:
    lines = []
    for sentence in sentences:
        cited = [facts[name] for name in sentence.facts if name in facts]
        chips = (
            Chip(title, anchor_of(fact), fact.text + (f" ({fact.threshold})" if fact.threshold else ""))
            for fact, title in zip(cited, name_facts(cited), strict=True)
        )
        reason = "" if sentence.grounded else sentence.reason or "It does not follow from its facts."
        lines.append(Line(sentence.text.strip(), tuple(chips), reason))
    return tuple(lines)


def _show_why(analysis: Analysis) -> list[Section]:
    """What is known of the reasons; nothing where nobody asked."""
    blocks: list[Block] = []
    for answer in analysis.explained:
        blocks += _explain(analysis, answer)
    if blocks:
        blocks.append(Prose(OF_ATTRIBUTION, True))
    sections = [Section("why", "Why", tuple(blocks))] if blocks else []
    if analysis.attention is not None:
        shown: list[Block] = [list_stages(analysis.attention), Prose(OF_ATTENTION, True)]
        if pictures := draw_attention(analysis, analysis.attention):
            shown.insert(0, Gallery(pictures))
        sections.append(Section("attention", "Attention", tuple(shown)))
    return sections


def _explain(analysis: Analysis, answer: Explained) -> list[Block]:
    found = answer.attribution
    title, name = METHOD_TITLES.get(found.method, found.method), as_line(found.class_name, 60)
    blocks: list[Block] = [
        Heading(f"Why {name}, {MODE_TITLES[found.mode].lower()} map, {int(found.zone.sum()):,} pixels: {title}"),
        Badge(answer.faithfulness.badge, describe_badge(answer.faithfulness)),
        Gallery(draw_explained(analysis, answer)),
        *list_values(answer),
        Prose(BASELINE_WORDS.get(found.baseline, found.baseline), small=True),
        list_tests(answer),
    ]
    if answer.share is not None:
        blocks += [list_share(answer.share), Prose(as_line(describe_share(answer.share)), small=True)]
    return blocks


def _warn(analysis: Analysis) -> Section:
    """Notices about the input, known failures and limits."""
    blocks: list[Block] = []
    notices = tuple(dict.fromkeys(notice.message for notice in (*analysis.notices, *analysis.tile.notices)))
    if notices:
        blocks += [Heading("About these files"), Bullets(notices)]
    if analysis.model is not None and analysis.model.failures:
        blocks += [Heading("Known failures of the model"), Bullets(analysis.model.failures)]
    limits = list(analysis.model.limits) if analysis.model is not None else []
    limits += LIMITS
    if analysis.tile.georeference.pixel_area_m2 is None:
        limits.append(OF_PIXELS)
    blocks += [Heading("Limits"), Bullets(tuple(limits))]
    return Section("limits", "What could be wrong", tuple(blocks))


def _show_model(analysis: Analysis) -> Section:
    if analysis.model is None:
        return Section("model", "Model", (Prose("The analysis was saved before it kept what its checkpoint says."),))
    blocks: list[Block] = [list_model(analysis, analysis.model)]
    if (scores := list_model_scores(analysis.model)) is not None:
        blocks.append(scores)
    return Section("model", "Model", tuple(blocks))


def _trace(analysis: Analysis, recipe: tuple[tuple[str, ...], ...]) -> Section:
    """Hashes, settings and versions, and the commands that make it all again."""
    blocks: list[Block] = [list_inputs(analysis), list_settings(analysis), Heading("To make this again")]
    if recipe:
        blocks.append(Commands(recipe))
    return Section("provenance", "Where this comes from", (*blocks, Bullets(describe_limits(analysis))))
