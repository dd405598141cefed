"""reason: an analysis in words, streamed, each sentence checked against the facts it cites."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from claire.core.analysis import Analysis
from claire.core.errors import InputError
from claire.core.facts import Fact, Narrator, Sentence, Token
from claire.core.settings import Settings
from claire.reasoning import gguf
from claire.reasoning.facts import build_facts
from claire.reasoning.gguf import INSTALL, LANGUAGE_MODELS, NANO, PHI3, WITHOUT_LLAMA, find_file, place_of
from claire.reasoning.grounding import Grounder
from claire.reasoning.language import LanguageNarrator, open_language_narrator
from claire.reasoning.template import TemplateNarrator

TEMPLATE = "template"
ENGINES = (TEMPLATE, *LANGUAGE_MODELS)
"""Narrators by name; a path that ends in `.gguf` is one, too."""


@dataclass(frozen=True)
class Engine:
    """A narrator that could be picked.

    Args:
        name: As `reason` takes it: one of `ENGINES`, or the path of a GGUF file.
        title: For people.
        about: What it is, in one sentence.
        problem: Why it cannot be used, and what would help; "" when it can.
    """

    name: str
    title: str
    about: str
    problem: str = ""


@dataclass(frozen=True)
class Narrative:
    """What a narrator said about one analysis.

    Args:
        engine: Name of the narrator.
        sentences: Checked, in order; none is left out.
        facts: All facts of the analysis, the most important first.
        tokens_per_second: Of a language model, prompts included; of the template, from the first word to the last.
        notice: Why another engine than the wanted one was used; "" when it was not.
    """

    engine: str
    sentences: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    tokens_per_second: float
    notice: str = ""

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
            "notice": self.notice,
        }


def reason(
    analysis: Analysis,
    engine: str = "template",
    question: str | None = None,
    *,
    seed: int = 0,
    measured: Iterable[Fact] = (),
    listen: Callable[[Token], None] | None = None,
    hear: Callable[[Sentence], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    settings: Settings | None = None,
) -> Narrative:
    """Narrate an analysis, or answer a question about it.

    Args:
        analysis: Opened or just made.
        engine: One of `ENGINES`, or the path of a GGUF file. Without llama-cpp-python the template takes its place.
        question: Answered instead of telling all; never obeyed.
        seed: Of the wording.
        measured: Facts that another stage measured on this analysis, see `claire.reasoning.facts.build_facts`.
        listen: Receives every token as it comes.
        hear: Receives every sentence once it is checked, right after its last token.
        should_stop: Looked at while a language model writes.
        settings: Limits.

    Raises:
        EngineError: There is no such engine, or its model cannot be used.
        CancelledError: `should_stop` said so.
        InputError: The question is empty or too long.
    """
    limits = settings or Settings.from_environment()
    narrator, notice = open_narrator(engine, limits, seed=seed, should_stop=should_stop)
    asked = None if question is None else check_question(question, limits)
    facts = build_facts(analysis, measured)
    grounder, sentences, count = Grounder(facts), [], 0
    start = time.perf_counter()
    for count, token in enumerate(narrator.narrate(facts, asked), start=1):  # noqa: B007 - the last one is their number
        if listen is not None:
            listen(token)
        if (sentence := grounder.feed(token)) is not None:
            sentences.append(sentence)
            if hear is not None:
                hear(sentence)
    if (rest := grounder.finish()) is not None:
        sentences.append(rest)
    seconds = time.perf_counter() - start
    if isinstance(narrator, LanguageNarrator):
        count, seconds = narrator.spent.tokens, narrator.spent.seconds
    return Narrative(narrator.name, tuple(sentences), facts, round(count / max(seconds, 1e-9), 1), notice)


def list_engines(settings: Settings) -> tuple[Engine, ...]:
    """Narrators of this machine, the best that can be used first, then those that cannot, with the reason."""
    without = "" if gguf.has_llama() else f"{WITHOUT_LLAMA} {INSTALL}"
    small = (
        f"A language model of {NANO.bytes / 1e6:.1f} MB, trained for this task alone; it chooses, orders and words, "
        "and code puts in names and numbers."
    )
    engines = [
        Engine(NANO.name, "nano", small, without),
        Engine(TEMPLATE, "template", "Fixed phrases, no language model."),
    ]
    absent = "" if place_of(PHI3, settings).is_file() else "Run `claire models download phi-3-mini` (2.4 GB)."
    large = "It words sentences itself; each is checked against its facts. Slow without a graphics card."
    engines.append(Engine(PHI3.name, "Phi-3-mini", large, f"{without} {absent}".strip()))
    if settings.gguf is not None:
        engines.append(Engine(str(settings.gguf), settings.gguf.name, f"Your own model. {large}", without))
    return tuple(sorted(engines, key=lambda engine: bool(engine.problem)))


def open_narrator(
    engine: str, settings: Settings, *, seed: int = 0, should_stop: Callable[[], bool] = lambda: False
) -> tuple[Narrator, str]:
    """The narrator of that name, or the template where language models cannot run, and why.

    Raises:
        EngineError: There is no such engine, or its model is not there or not what it should be.
    """
    if engine == TEMPLATE:
        return TemplateNarrator(seed), ""
    if engine in LANGUAGE_MODELS and not gguf.has_llama():
        return TemplateNarrator(seed), f"{WITHOUT_LLAMA} The template is used instead. {INSTALL}"
    return open_language_narrator(find_file(engine, settings), settings, seed=seed, should_stop=should_stop), ""


def check_request(engine: str, questions: Iterable[str], settings: Settings | None = None) -> None:
    """Say what is wrong with a narrator's name or with questions before anything is measured for them.

    Raises:
        EngineError: There is no such engine, or its model is not there or not what it should be.
        InputError: A question is empty or too long.
    """
    limits = settings or Settings.from_environment()
    open_narrator(engine, limits)
    for question in questions:
        check_question(question, limits)


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
