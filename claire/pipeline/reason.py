"""reason: an analysis in words, streamed, each sentence checked against the facts it cites."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from claire.core.analysis import Analysis
from claire.core.errors import LONGEST_NAME, EngineError, InputError
from claire.core.facts import Fact, Narrator, Sentence, Token
from claire.core.settings import Settings
from claire.reasoning.facts import build_facts
from claire.reasoning.grounding import Grounder
from claire.reasoning.plain import clean_text
from claire.reasoning.template import TemplateNarrator

ENGINES = ("template",)
"""Narrators that this version has."""


@dataclass(frozen=True)
class Narrative:
    """What a narrator said about one analysis.

    Args:
        engine: Name of the narrator.
        sentences: Checked, in order; none is left out.
        facts: All facts of the analysis, the most important first.
        tokens_per_second: Measured from the first call to the last token, the check included.
    """

    engine: str
    sentences: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    tokens_per_second: float

    @property
    def text(self) -> str:
        """All sentences."""
        return " ".join(sentence.text for sentence in self.sentences)

    def as_dict(self) -> dict[str, Any]:
        """As `claire reason --json` prints it."""
        return {
            "engine": self.engine,
            "text": self.text,
            "sentences": [sentence.as_dict() for sentence in self.sentences],
            "facts": [fact.as_dict() for fact in self.facts],
            "tokens_per_second": self.tokens_per_second,
        }


def reason(
    analysis: Analysis,
    engine: str = "template",
    question: str | None = None,
    *,
    seed: int = 0,
    measured: Iterable[Fact] = (),
    listen: Callable[[Token], None] | None = None,
    settings: Settings | None = None,
) -> Narrative:
    """Narrate an analysis, or answer a question about it.

    Args:
        analysis: Opened or just made.
        engine: One of `ENGINES`.
        question: Answered instead of telling all; never obeyed.
        seed: Of the wording.
        measured: Facts that another stage measured on this analysis, see `claire.reasoning.facts.build_facts`.
        listen: Receives every token as it comes.
        settings: Limits.

    Raises:
        EngineError: The engine is not part of this version.
        InputError: The question is empty or too long.
    """
    limits = settings or Settings.from_environment()
    narrator = open_narrator(engine, seed)
    asked = None if question is None else check_question(question, limits)
    facts = build_facts(analysis, measured)
    grounder, sentences, count = Grounder(facts), [], 0
    start = time.perf_counter()
    for token in narrator.narrate(facts, asked):
        count += 1
        if listen is not None:
            listen(token)
        if (sentence := grounder.feed(token)) is not None:
            sentences.append(sentence)
    if (rest := grounder.finish()) is not None:
        sentences.append(rest)
    seconds = max(time.perf_counter() - start, 1e-9)
    return Narrative(narrator.name, tuple(sentences), facts, round(count / seconds, 1))


def open_narrator(engine: str, seed: int = 0) -> Narrator:
    """The narrator of that name.

    Raises:
        EngineError: It is not part of this version.
    """
    if engine == "template":
        return TemplateNarrator(seed)
    called = clean_text(PurePath(engine).name, LONGEST_NAME)
    raise EngineError(
        f"The engine {called!r} is not part of this version yet.",
        "Use the engine template; it needs no language model.",
    )


def check_question(question: str, settings: Settings) -> str:
    """A question within the limits.

    Raises:
        InputError: It is empty or too long.
    """
    if not question.strip():
        raise InputError("The question is empty.", "Ask something, such as which class is weakest.")
    if len(question) > settings.max_question:
        raise InputError(
            f"The question has {len(question)} characters, more than {settings.max_question}.",
            "Ask in fewer words, or raise CLAIRE_MAX_QUESTION.",
        )
    return question
