"""Grammars in GBNF that a language model must keep to, one per sentence, and their check before llama.cpp sees them.

llama.cpp ends the process on a grammar that is wrong, names a rule that is not there, or begins with itself; so each
is read here first, by a reader that knows no more of GBNF than is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from claire.core.errors import EngineError
from claire.reasoning.plain import strip_control_tokens
from claire.reasoning.prompt import DONE
from claire.reasoning.topics import Topic
from claire.reasoning.wording import show

LONGEST_GRAMMAR = 400_000
"""Characters; a narrative of ten classes takes about 30,000."""
DEEPEST = 50
MOST_WORDS = 45
"""Words of a sentence that a model words freely."""

TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<literal>"(?:[^"\\\n]|\\.)*")|(?P<set>\[(?:[^\]\\\n]|\\.)+\])|(?P<define>[a-z][a-z0-9-]*\s*::=)"""
    r"""|(?P<name>[a-z][a-z0-9-]*)|(?P<bar>\|)|(?P<open>\()|(?P<close>\))|(?P<repeat>[*+?]|\{\d{1,3}(?:,\d{1,3})?\})"""
)
ESCAPE = re.compile(r'\\(?:["\\nrt\[\]]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})')


class GrammarError(EngineError):
    """A grammar that llama.cpp must not see."""


def _refuse(what: str) -> GrammarError:
    return GrammarError(f"A grammar was refused before use: {what}.", "Use the engine template, and report this.")


@lru_cache(maxsize=4096)
def quote(text: str) -> str:
    r"""A text as a literal, whatever it holds.

    Example:
        >>> quote('say "no"\n'), quote("é")
        ('"say \\"no\\"\\n"', '"\\u00e9"')
    """
    return '"' + "".join(_escape(c) for c in text) + '"'


def _escape(c: str) -> str:
    if c in '"\\':
        return "\\" + c
    if c == "\n":
        return "\\n"
    if " " <= c <= "~":
        return c
    return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"


def build_exact_grammar(topics: Sequence[Topic], *, may_end: bool) -> str:
    """One sentence about one of these topics, in one of its wordings, or the end.

    Args:
        topics: Not said yet.
        may_end: True when everything needed has been said.
    """
    rules = {f"t{topic.number}": f"{quote(topic.mark)} w{topic.number}" for topic in topics}
    words = {f"w{topic.number}": f'({_alternatives(topic.wordings)}) "\\n"' for topic in topics}
    return _render([*rules, *_end(may_end)], {**rules, **words})


def build_open_grammar(topics: Sequence[Topic], *, may_end: bool) -> str:
    """One sentence about one of these topics in words of the model's own; its numerals are those of the topic's facts.

    Args:
        topics: Not said yet, their facts with their own names and values.
        may_end: True when everything needed has been said.
    """
    rules, words = {}, {}
    for topic in topics:
        number = topic.number
        rules[f"t{number}"] = f"{quote(topic.mark)} w{number}"
        values = sorted({strip_control_tokens(show(fact)) for fact in topic.facts} - {""})
        either = "( word | v )".replace("v", f"v{number}") if values else "word"
        words[f"w{number}"] = f'{either} ( sep {either} ){{3,{MOST_WORDS}}} ".\\n"'
        if values:
            words[f"v{number}"] = _alternatives(values)
    shared = {"word": "[A-Za-z] tail?", "tail": "[a-zA-Z'-]{1,20}", "sep": '[,:;]? " "'}
    return _render([*rules, *_end(may_end)], {**rules, **words, **shared})


def _end(may_end: bool) -> list[str]:
    return [quote(DONE)] if may_end else []


def _alternatives(texts: Iterable[str]) -> str:
    return " | ".join(quote(text) for text in texts)


def _render(starts: Sequence[str], rules: Mapping[str, str]) -> str:
    if not starts:
        raise _refuse("nothing may be said")
    return "\n".join([f"root ::= {' | '.join(starts)}", *(f"{name} ::= {body}" for name, body in rules.items())]) + "\n"


def check_grammar(text: str) -> None:
    """Refuse what would end the process.

    Raises:
        GrammarError: Too long, not GBNF as it is written here, a rule that is missing, or one that begins with itself.
    """
    if len(text) > LONGEST_GRAMMAR:
        raise _refuse("it is too long")
    reader = _Reader([token for line in text.splitlines() for token in _cut(line)])
    while reader.kind:
        reader.read_rule()
    if "root" not in reader.starts:
        raise _refuse("it has no root")
    if missing := reader.named - set(reader.starts):
        raise _refuse(f"the rule {min(missing)} is not there")
    _refuse_left_recursion(reader.starts)


@lru_cache(maxsize=4096)
def _cut(text: str) -> tuple[tuple[str, str], ...]:
    """Tokens of a line; from sentence to sentence most lines stay the same."""
    tokens, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise _refuse(f"it cannot be read at character {place}")
        kind, piece = str(match.lastgroup), match.group()
        if kind in ("literal", "set") and "\\" in ESCAPE.sub("", piece):
            raise _refuse(f"it has an unknown escape at character {place}")
        if kind != "space":
            tokens.append((kind, piece))
        place = match.end()
    return tuple(tokens)


@dataclass(frozen=True)
class _Item:
    """Names of rules that a part of a sequence may begin with, and whether the part may be left out."""

    starts: frozenset[str]
    optional: bool


@dataclass
class _Reader:
    """Recursive descent; remembers which rules a rule may begin with."""

    tokens: list[tuple[str, str]]
    place: int = 0
    named: set[str] = field(default_factory=set)
    starts: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Kind of the next token; "" at the end."""
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        """The next token, which is then behind."""
        self.place += 1
        return self.tokens[self.place - 1][1]

    def read_rule(self) -> None:
        if self.kind != "define":
            raise _refuse("a rule is expected")
        name = self.take().split("::=")[0].strip()
        if name in self.starts:
            raise _refuse(f"the rule {name} is there twice")
        self.starts[name] = self.read_alternatives(0)
        if self.kind not in ("", "define"):
            raise _refuse(f"{self.take()!r} is not expected")

    def read_alternatives(self, depth: int) -> frozenset[str]:
        if depth > DEEPEST:
            raise _refuse("it is nested too deeply")
        found = self.read_sequence(depth)
        while self.kind == "bar":
            self.place += 1
            found |= self.read_sequence(depth)
        return found

    def read_sequence(self, depth: int) -> frozenset[str]:
        items: list[_Item] = []
        while self.kind in ("literal", "set", "name", "open"):
            starts = self.read_part(depth)
            repeat = self.take() if self.kind == "repeat" else ""
            items.append(_Item(starts, repeat in ("*", "?") or repeat.startswith("{0")))
        if all(item.optional for item in items):
            raise _refuse("something in it may be empty")
        found: frozenset[str] = frozenset()
        for item in items:
            found |= item.starts
            if not item.optional:
                break
        return found

    def read_part(self, depth: int) -> frozenset[str]:
        kind, text = self.kind, self.take()
        if kind == "name":
            self.named.add(text)
            return frozenset([text])
        if kind != "open":
            if text == '""':
                raise _refuse("something in it may be empty")
            return frozenset()
        inner = self.read_alternatives(depth + 1)
        if self.kind != "close":
            raise _refuse("a bracket is not closed")
        self.place += 1
        return inner


def _refuse_left_recursion(starts: Mapping[str, frozenset[str]]) -> None:
    for name in starts:
        seen: set[str] = set()
        waiting = [*starts[name]]
        while waiting:
            each = waiting.pop()
            if each == name:
                raise _refuse(f"the rule {name} begins with itself")
            if each not in seen:
                seen.add(each)
                waiting += starts[each]
