"""A narrative with its facts as chips to press: a small component of our own, so that it works without a network.

What a narrator wrote is escaped here and shown as text, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from claire.core.facts import Fact, Sentence
from claire.reasoning.headings import SECTIONS, find_section, name_facts
from claire.ui.text import as_html

LONGEST_SENTENCE = 2000

CSS = """
.story {line-height: 1.55; overflow-wrap: anywhere; font-family: var(--st-font); color: var(--st-text-color);}
.story p {margin: 0 0 0.8rem;}
.story .lead {font-size: 1.25rem; line-height: 1.4;}
.story h4 {font-size: 0.82rem; letter-spacing: 0.04em; text-transform: uppercase; opacity: 0.75; margin: 1rem 0 0.2rem;}
.story s {opacity: 0.7;}
.story .reason {font-size: 0.85rem; font-style: italic;}
.story .reason::before {content: "✗ ";}
.story .rest::after {content: "▍"; opacity: 0.6;}
.story button {font: inherit; font-size: 0.74rem; line-height: 1.2; color: inherit; background: transparent;
  border: 1px solid rgba(128, 128, 128, 0.55); border-radius: 0.7rem; padding: 0.1rem 0.5rem; margin: 0 0.15rem 0 0;
  cursor: pointer; vertical-align: 0.1em; white-space: nowrap;}
.story button:hover, .story button:focus-visible {border-color: var(--st-primary-color);
  color: var(--st-primary-color);}
.story button[aria-pressed="true"] {background: var(--st-primary-color); border-color: var(--st-primary-color);
  color: #ffffff;}
"""
JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const story = parentElement.querySelector(".story");
  if (story.dataset.shown !== data.html) {
    story.innerHTML = data.html;
    story.dataset.shown = data.html;
  }
  story.onclick = (event) => {
    const chip = event.target.closest("button[data-fact]");
    if (chip) setTriggerValue("fact", chip.dataset.fact);
  };
}
"""


def show_story(
    key: str,
    sentences: Sequence[Sentence],
    facts: Sequence[Fact],
    *,
    rest: str = "",
    chosen: str = "",
    headings: bool = True,
    on_fact: Callable[[str], None] | None = None,
) -> None:
    """Sentences with chips.

    Args:
        key: Unique on the page.
        sentences: Checked.
        facts: All facts of the analysis.
        rest: The sentence that is being written.
        chosen: Id of the fact that is shown.
        headings: Set the first sentence large and the others under headings.
        on_fact: Called with the id of a fact whose chip was pressed, before the page is drawn anew.
    """
    mount = st.components.v2.component("claire_story", html='<div class="story"></div>', css=CSS, js=JS)
    known = {fact.id for fact in facts}

    def take() -> None:
        pressed = st.session_state[key].get("fact")
        if on_fact is not None and isinstance(pressed, str) and pressed in known:
            on_fact(pressed)

    html = build_story(sentences, facts, rest=rest, chosen=chosen, headings=headings)
    mount(key=key, data={"html": html}, on_fact_change=take)


def build_story(
    sentences: Sequence[Sentence], facts: Sequence[Fact], *, rest: str = "", chosen: str = "", headings: bool = True
) -> str:
    """A narrative as HTML, in which nothing that a narrator or a file said is markup.

    Args:
        sentences: Checked.
        facts: All facts of the analysis.
        rest: The sentence that is being written.
        chosen: Id of the fact that is shown.
        headings: Set the first sentence large and the others under headings.
    """
    by_id = {fact.id: fact for fact in facts}
    blocks: list[tuple[str, list[str]]] = []
    section = -1
    for place, sentence in enumerate(sentences):
        found = max(section, find_section(sentence, by_id), 0)
        if not blocks or (headings and (place == 1 or found > section)):
            blocks.append(_open_block(found if headings else -1, lead=place == 0))
        section = found if place else -1
        blocks[-1][1].append(_build_sentence(sentence, by_id, chosen))
    if rest.strip():
        if not blocks:
            blocks.append(_open_block(0 if headings else -1, lead=True))
        blocks[-1][1].append(f'<span class="rest">{as_html(rest, LONGEST_SENTENCE)}</span>')
    return "".join(f"{start}{' '.join(written)}</p>" for start, written in blocks)


def _open_block(section: int, *, lead: bool) -> tuple[str, list[str]]:
    """The tags before a paragraph under a heading, or none where `section` is -1, and its sentences, none yet."""
    if section < 0:
        return "<p>", []
    return ('<p class="lead">' if lead else f"<h4>{list(SECTIONS)[section]}</h4><p>"), []


def _build_sentence(sentence: Sentence, by_id: Mapping[str, Fact], chosen: str) -> str:
    text = as_html(sentence.text, LONGEST_SENTENCE)
    cited = [by_id[fact_id] for fact_id in sentence.facts if fact_id in by_id]
    chips = "".join(_build_chip(fact, title, chosen) for fact, title in zip(cited, name_facts(cited), strict=True))
    if sentence.grounded:
        return f"<span>{text}</span> {chips}"
    return f'<s>{text}</s> <span class="reason">{as_html(sentence.reason)}</span> {chips}'


def _build_chip(fact: Fact, title: str, chosen: str) -> str:
    pressed = "true" if fact.id == chosen else "false"
    rule = f" ({fact.threshold})" if fact.threshold else ""
    return (
        f'<button type="button" data-fact="{as_html(fact.id)}" aria-pressed="{pressed}" '
        f'title="{as_html(fact.text + rule)}">{as_html(title, 40)}</button>'
    )
