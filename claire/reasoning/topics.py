"""What a narrative can be made of: one topic per sentence, with its facts and every wording of it.

The template says all topics in order; a language model chooses among them, orders them and words them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from claire.core.facts import Fact, FactKind
from claire.reasoning.book import FactBook
from claire.reasoning.facts import rank_facts
from claire.reasoning.judgements import URGENCY
from claire.reasoning.questions import answer_asked, read_question
from claire.reasoning.slots import FIELDS, SlotBook
from claire.reasoning.template import compose

MOST_TOKENS = 1700
"""Tokens of the topics of one narrative and of their sentences, so that all fit into the context of nano."""
ALWAYS: tuple[FactKind, ...] = ("area_share", "observed", "labelled", "failure")
"""Kinds that no narrative leaves out: what is mapped, from which sensors, judged by what, and what may be wrong."""
OPENERS: tuple[FactKind, ...] = ("observed", "observed_date", "disagreement")
"""Kinds that may open a narrative when they are bad news."""
BAD_NEWS = 0.2
AHEAD = 3
"""Topics among which the next one is chosen."""
FEW = 9
"""Topics of which none is left out."""
FREQUENT = re.compile(r"<(?:[1-9]|[1-3]\d|[A-JT](?:\.[a-z_.]+)?|S\d)>")
"""Marks and slots that nano has a token for."""
PIECE = re.compile(r"<[^>]*>|\w+|[^\w\s]")


@dataclass(frozen=True)
class Topic:
    """A sentence that may be said.

    Args:
        number: From 1, unique in its plan.
        facts: That the sentence rests on; names are slots.
        wordings: Whole sentences with slots; each is right.
        needed: True when it is never left out: an answer, one of the most important facts, or a kind in `ALWAYS`.
    """

    number: int
    facts: tuple[Fact, ...]
    wordings: tuple[str, ...]
    needed: bool

    @property
    def mark(self) -> str:
        """What stands before its sentence, so that code knows the facts that the sentence cites."""
        return f"<{self.number}>"

    @property
    def line(self) -> str:
        """What a model reads of it: what is measured, of which class, and the judgement words."""
        kind = FIELDS.get(self.facts[0].kind, self.facts[0].kind) if self.facts else "refusal"
        subjects = dict.fromkeys(fact.subject for fact in self.facts if fact.class_name)
        words = dict.fromkeys(fact.judgement for fact in self.facts if fact.judgement)
        head = " ".join([f"{self.mark}{'!' if self.needed else ''} {kind}", *subjects])
        return f"{head}: {', '.join(words)}" if words else head

    @property
    def opens(self) -> bool:
        """Whether a narrative may begin with it, whatever comes before it: a missing sensor, maps strongly at odds."""
        return any(fact.kind in OPENERS and URGENCY.get(fact.judgement, 0.0) >= BAD_NEWS for fact in self.facts)

    @property
    def size(self) -> int:
        """Tokens of its line and its longest wording, at most about: slots of many classes are spelled."""
        text = f"{self.line} {self.mark}{max(self.wordings, key=len)}"
        costs = (
            2 if FREQUENT.match(piece) else len(piece) if piece.startswith("<") else 1 for piece in PIECE.findall(text)
        )
        return sum(costs)


@dataclass(frozen=True)
class Plan:
    """All that may be said about an analysis, or in answer to a question.

    Args:
        topics: In the order of the template.
        values: Slot -> what stands there.
        asked: True for the answer to a question, which says everything in this order.
    """

    topics: tuple[Topic, ...]
    values: Mapping[str, str]
    asked: bool = False


def build_plan(facts: Sequence[Fact], question: str | None = None) -> Plan:
    """Topics of a narrative, or of the answer to a question.

    Args:
        facts: Of one analysis.
        question: As typed; read for the words it knows, never repeated.
    """
    book = SlotBook(facts)
    if question is None:
        statements = list(compose(book))
    else:
        asked = read_question(FactBook(facts, np.random.default_rng(0)), question)
        hidden = replace(asked, classes=tuple(f"<{book.letters[name]}>" for name in asked.classes))
        statements = list(answer_asked(book, hidden, compose))
    important = {fact.id for fact in rank_facts(facts)}
    topics = tuple(
        Topic(
            number,
            statement.facts,
            book.get_wordings(statement),
            question is not None or any(fact.id in important or fact.kind in ALWAYS for fact in statement.facts),
        )
        for number, statement in enumerate(statements, start=1)
    )
    return Plan(shorten(topics), dict(book.values), question is not None)


def offer(plan: Plan, left: Sequence[Topic]) -> tuple[Topic, ...]:
    """What may be said next, so that the text keeps its thread: the next few topics, and bad news at the beginning.

    Args:
        plan: Of the narrative.
        left: What `drop` left of its topics, in their order.
    """
    if plan.asked:
        return tuple(left[:1])
    opening = len(left) == len(plan.topics)
    return (*left[:AHEAD], *(topic for topic in left[AHEAD:] if opening and topic.opens))


def drop(plan: Plan, left: Sequence[Topic], said: Topic) -> tuple[Topic, ...]:
    """What is left after a sentence: what it passed over stays if it is needed, or if there is little to say.

    Args:
        plan: Of the narrative.
        left: Before the sentence.
        said: Its topic.
    """
    passed = () if len(plan.topics) <= FEW or said not in left[:AHEAD] else left[: left.index(said)]
    return tuple(topic for topic in left if topic is not said and (topic.needed or topic not in passed))


def shorten(topics: Sequence[Topic], most: int = MOST_TOKENS) -> tuple[Topic, ...]:
    """As many topics as fit, in their order: the needed ones before the others, the first before the last.

    Args:
        topics: All.
        most: Tokens of their lines and sentences together, about.
    """
    kept, room = [], most
    for topic in sorted(topics, key=lambda topic: (not topic.needed, topic.number)):
        if topic.size <= room:
            kept.append(topic)
            room -= topic.size
    return tuple(sorted(kept, key=lambda topic: topic.number))
