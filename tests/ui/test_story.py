"""A narrative as HTML: everything is there, under the right heading, and nothing a stranger said is markup."""

from __future__ import annotations

import html.parser
import re

import pytest

from claire.core.facts import Sentence
from claire.reasoning.facts import build_facts
from claire.reasoning.grounding import ground
from claire.reasoning.headings import SECTIONS
from claire.reasoning.template import TemplateNarrator
from claire.ui.story import build_story
from tests.reasoning.simulated import simulate
from tests.reasoning.test_injection import PAYLOADS

FACTS = build_facts(simulate(8))
SENTENCES = list(ground(TemplateNarrator().narrate(FACTS), FACTS))


class Reader(html.parser.HTMLParser):
    """Collects tags, chips and text, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.chips: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        if tag == "button":
            self.chips.append(dict(attrs))
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_sentence_stands_there_with_a_chip_for_each_fact() -> None:
    reader = Reader(build_story(SENTENCES, FACTS))
    for sentence in SENTENCES:
        assert sentence.text in reader.text
    assert [chip["data-fact"] for chip in reader.chips] == [name for each in SENTENCES for name in each.facts]


def test_headings_follow_the_text_and_none_comes_twice() -> None:
    found = re.findall(r"<h4>(.*?)</h4>", build_story(SENTENCES, FACTS))
    assert found == [title for title in SECTIONS if title in found]
    assert len(found) >= 3
    assert "<h4>" not in build_story(SENTENCES, FACTS, headings=False)


def test_what_does_not_follow_is_struck_through_with_the_reason() -> None:
    reader = Reader(build_story([Sentence("It rains.", (), False, "no fact says so")], FACTS))
    assert "s" in reader.tags
    assert "It rains." in reader.text
    assert "no fact says so" in reader.text


def test_the_chosen_fact_is_pressed_and_the_unfinished_sentence_shown() -> None:
    chosen = SENTENCES[0].facts[0]
    reader = Reader(build_story(SENTENCES[:2], FACTS, rest="And then", chosen=chosen))
    assert {chip["data-fact"] for chip in reader.chips if chip["aria-pressed"] == "true"} == {chosen}
    assert "And then" in reader.text
    assert "And so" in Reader(build_story([], FACTS, rest="And so")).text


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_payload_is_text(payload: str) -> None:
    reader = Reader(build_story([Sentence(payload, (), False, payload)], FACTS, rest=payload))
    assert set(reader.tags) <= {"p", "s", "span", "h4", "button"}
    assert not re.search(r"<\|[^<>|]*\|>", reader.text)
