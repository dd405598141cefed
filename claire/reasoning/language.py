"""A language model as a narrator: it chooses what to say next and how, code says what is true.

For every sentence the model gets a grammar of what is left to say. With an exact grammar it writes slots, which code
fills while the text streams, in one of the wordings that are right; with an open grammar it words the sentence itself
from the numerals of the cited facts, and grounding shows where that went wrong.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from claire.core.facts import Fact, Token, index_facts
from claire.core.settings import Settings
from claire.reasoning.gguf import ModelFile
from claire.reasoning.grammar import build_exact_grammar, build_open_grammar
from claire.reasoning.owner import ModelOwner, Turn, WorkerDiedError, Written, get_owner
from claire.reasoning.prompt import DONE, OPEN_STATIC, STATIC, Prompt, build_open_prompt, build_prompt
from claire.reasoning.slots import fill
from claire.reasoning.topics import Plan, Topic, build_plan, drop, offer
from claire.reasoning.worker import Load

MOST_TOKENS = 250
"""Tokens of one sentence, whatever it quotes."""
MOST_RESTARTS = 2
"""New workers that one narrative may need."""


@dataclass(frozen=True)
class LanguageNarrator:
    """Words facts by a language model.

    Args:
        name: Of the engine.
        owner: Of the model.
        exact: True where the model knows slots and keeps to the wordings; False where it words sentences itself.
        seed: Decides the wording, together with the facts.
        temperature: How freely it chooses; 0 takes the likeliest always.
        should_stop: Looked at while it waits and writes.
        spent: Sum over all that it wrote.
    """

    name: str
    owner: ModelOwner
    exact: bool = True
    seed: int = 0
    temperature: float = 0.7
    should_stop: Callable[[], bool] = lambda: False
    spent: Written = field(default_factory=Written)

    def narrate(self, facts: Sequence[Fact], question: str | None = None) -> Iterator[Token]:
        """Stream a narrative, or the answer to a question, as the model writes it.

        Raises:
            EngineError: The model cannot be opened, is too slow, or stops working again and again.
            CancelledError: Somebody asked to stop.
        """
        plan = build_plan(facts, question)
        if not self.exact:
            real = index_facts(facts)
            shown = [replace(topic, facts=tuple(real[fact.id] for fact in topic.facts)) for topic in plan.topics]
            plan = replace(plan, topics=tuple(shown), values={})
        prompt = build_prompt(plan) if self.exact else build_open_prompt(plan, question)
        content = "\n".join(sorted(f"{fact.id} {fact.text}" for fact in facts))
        return _Writer(self, plan, prompt, zlib.crc32(content.encode())).write()


def open_language_narrator(
    file: ModelFile, settings: Settings, *, seed: int = 0, should_stop: Callable[[], bool] = lambda: False
) -> LanguageNarrator:
    """The narrator of a model file; the worker starts when it is first asked.

    Args:
        file: From `claire.reasoning.gguf.find_file`.
        settings: Limits.
        seed: Of the wording.
        should_stop: Looked at while it waits and writes.
    """
    static = STATIC if file.exact else OPEN_STATIC
    threads = 1 if file.exact else settings.model_threads  # two threads wait for each other longer than nano computes
    load = Load(str(file.path), file.context, threads, static, repack=not file.exact)
    return LanguageNarrator(file.engine, get_owner(load, settings), file.exact, seed, should_stop=should_stop)


@dataclass
class _Writer:
    """One narrative in the making."""

    narrator: LanguageNarrator
    plan: Plan
    prompt: Prompt
    content: int
    written: str = ""
    sentences: int = 0
    restarts: int = 0

    def write(self) -> Iterator[Token]:
        if not self.plan.topics:
            return
        left = self.plan.topics
        with self.narrator.owner.turn(self.narrator.should_stop) as turn:
            while left:
                offered = {topic.mark: topic for topic in offer(self.plan, left)}
                sentence = _Line(offered, may_end=not any(topic.needed for topic in left))
                yield from self._mark_end(self._write_sentence(turn, sentence), sentence)
                if sentence.topic is None:
                    return
                self.written += sentence.text + "\n"
                self.sentences += 1
                left = drop(self.plan, left, sentence.topic)

    def _mark_end(self, pieces: Iterator[str], sentence: _Line) -> Iterator[Token]:
        """Pieces as tokens; the last one is held back until it is known to be the last."""
        waiting, first = "", True
        for piece in fill(pieces, self.plan.values):
            if waiting:
                yield Token(waiting, sentence.cited)
            waiting = piece
            if first:
                waiting = (" " if self.sentences else "") + piece[0].upper() + piece[1:]
                first = False
        if waiting:
            yield Token(waiting, sentence.cited, end=True)

    def _write_sentence(self, turn: Turn, sentence: _Line) -> Iterator[str]:
        while True:
            written = Written()
            try:
                for piece in turn.complete(
                    self.prompt.text + self.written,
                    self._build_grammar(sentence),
                    written,
                    temperature=self.narrator.temperature,
                    seed=(self.narrator.seed * 1_000_003 + self.content + self.sentences) % 2**32,
                    most=MOST_TOKENS,
                ):
                    if text := sentence.add(piece):
                        yield text
                self.narrator.spent.tokens += written.tokens
                self.narrator.spent.seconds += written.seconds
                return
            except WorkerDiedError:
                self.restarts += 1
                if self.restarts > MOST_RESTARTS:
                    raise
                if sentence.topic is not None and self.narrator.exact:
                    yield sentence.finish()
                    return
                if sentence.topic is not None:
                    raise
                sentence.text = ""

    def _build_grammar(self, sentence: _Line) -> str:
        build = build_exact_grammar if self.narrator.exact else build_open_grammar
        return build(list(sentence.offered.values()), may_end=sentence.may_end)


@dataclass
class _Line:
    """A line as a model writes it: the mark of a topic, then the sentence.

    Args:
        offered: Mark -> topic that may be said.
        may_end: True when everything needed has been said.
        text: Written so far.
        topic: Chosen; None while the mark is incomplete, or when the model ended the narrative.
    """

    offered: dict[str, Topic]
    may_end: bool
    text: str = ""
    topic: Topic | None = None

    @property
    def cited(self) -> tuple[str, ...]:
        """Ids of the facts of its topic."""
        return tuple(dict.fromkeys(fact.id for fact in self.topic.facts)) if self.topic else ()

    def add(self, piece: str) -> str:
        """Take what was written; returns what is part of the sentence."""
        before = len(self.text)
        self.text += piece
        if self.topic is None:
            mark = self.text[: self.text.find(">") + 1]
            if not mark or mark == DONE:
                return ""
            self.topic, before = self.offered[mark], len(mark)
        return self.text[before:]

    def finish(self) -> str:
        """The rest of the wording that was begun."""
        if self.topic is None:
            return ""
        begun = self.text[len(self.topic.mark) :]
        rest = next(wording for wording in self.topic.wordings if wording.startswith(begun))[len(begun) :]
        self.text += rest
        return rest
