"""Prompts: what a language model reads, static text first so that its state can be kept.

The chat tags of Phi-3 are written here and nowhere else; a template that a model file brings along is never used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from claire.reasoning.plain import clean_text, strip_control_tokens
from claire.reasoning.topics import Plan, Topic

SYSTEM, USER, ASSISTANT, END = "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
DONE = "<0>"
"""What a model writes after its last sentence."""

TELL, ANSWER = "tell", "answer"


@dataclass(frozen=True)
class Prompt:
    """A prompt in two parts.

    Args:
        static: The same for every analysis.
        own: Of this analysis, up to where the model begins to write.
    """

    static: str
    own: str

    @property
    def text(self) -> str:
        """Both parts."""
        return self.static + self.own


STATIC = f"{SYSTEM}\nOne sentence for each topic.{END}\n"
"""Instructions of nano, which learned them."""


def build_prompt(plan: Plan) -> Prompt:
    """Prompt of nano: the topics with slots and judgement words, nothing that a stranger wrote.

    Args:
        plan: What may be said.
    """
    lines = "\n".join(strip_control_tokens(topic.line) for topic in plan.topics)
    return Prompt(STATIC, f"{USER}\n{ANSWER if plan.asked else TELL}\n{lines}{END}\n{ASSISTANT}\n")


def write_line(topic: Topic, wording: str) -> str:
    """A sentence as a model writes it: the mark of its topic before, a line break after."""
    return f"{topic.mark}{wording}\n"


def write_lines(said: Iterable[tuple[Topic, str]]) -> str:
    """What a model has written so far."""
    return "".join(write_line(topic, wording) for topic, wording in said)


OPEN_STATIC = f"""{SYSTEM}
You are a careful remote sensing analyst. You tell what a land cover analysis measured, to a reader who decides on it.
Rules: write one sentence for each topic and put the number of the topic before it, as in <3>. Use only the numbers,
classes and words of that topic, as they are printed. Name the class before its number. Claim no cause, give no advice.
Say what is needed (marked !) first. When nothing is left to say, write {DONE}.{END}
{USER}
{TELL}
<1>! share: flood covers 31.4 % of the mapped ground on the fused map (a minor part)
<2> confidence: flood has a mean confidence of 0.91 on the fused map (sure){END}
{ASSISTANT}
<1>Flood covers 31.4 % of the mapped ground on the fused map, a minor part.
<2>The fused map is sure of its flood, with a mean confidence of 0.91.
{DONE}{END}
{USER}
{ANSWER}: which sensor led?
<1>! trust: where lake is mapped, the gate gives optical 20.0 % of its trust (SAR-led){END}
{ASSISTANT}
<1>For lake, the gate is SAR-led: optical has 20.0 % of its trust.
{DONE}{END}
"""
"""Rules and two examples for a model that words sentences itself."""


def build_open_prompt(plan: Plan, question: str | None) -> Prompt:
    """Prompt of a model that words sentences itself: every topic with its facts as one compact line.

    Args:
        plan: What may be said, the facts with their own names and values.
        question: As typed; control tokens and markup are taken out.
    """
    asked = TELL if question is None else f"{ANSWER}: {clean_text(question)}"
    lines = "\n".join(strip_control_tokens(_describe(topic)) for topic in plan.topics)
    return Prompt(OPEN_STATIC, f"{USER}\n{asked}\n{lines}{END}\n{ASSISTANT}\n")


def _describe(topic: Topic) -> str:
    told = "; ".join(
        fact.text.rstrip(".") + (f" ({fact.judgement})" if fact.judgement and fact.judgement not in fact.text else "")
        for fact in topic.facts
    )
    kind = topic.facts[0].kind if topic.facts else "refusal"
    return f"{topic.mark}{'!' if topic.needed else ''} {kind}: {told or topic.wordings[0]}"
