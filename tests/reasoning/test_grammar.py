"""Grammars: what is built is accepted, and what would end llama.cpp is refused before it sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.reasoning.facts import build_facts
from claire.reasoning.grammar import GrammarError, build_exact_grammar, build_open_grammar, check_grammar, quote
from claire.reasoning.topics import build_plan
from tests.reasoning.simulated import simulate


@pytest.mark.parametrize(
    "text",
    [
        "", "x ::= \"a\"", "root ::= \"a", 'root ::= missing', 'root ::= root "a"', 'root ::= a\na ::= b\nb ::= a "x"',
        'root ::= "a"? root', 'root ::= [a-z]* root', 'root ::= ( "a" | root ) "b"', 'root ::= ("a"', 'root ::= "a")',
        'root ::= "a" |', 'root ::= ""', 'root ::= a?\na ::= "x"', 'root ::= "\\q"', "root ::= [\\w]", "root ::= 'a'",
        'root ::= "a"\nroot ::= "b"', "root", "::=", 'root ::= "a\nb"', "root ::= " + "(" * 99 + '"a"' + ")" * 99,
        'root ::= "' + "a" * 500_000 + '"', 'root ::= ("a" b? | c) root\nb ::= "x"\nc ::= ("y"? root)', 'root ::= []',
    ],
)  # fmt: skip
def test_what_would_end_the_process_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match="refused before use"):
        check_grammar(text)


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "a"',
        'root ::= a | "b"\na ::= [a-z]{1,3} "x"?',
        'root ::= ("a" | "b") root?',
        'root ::= "x" root | "y"',
    ],
)
def test_what_is_right_is_accepted(text: str) -> None:
    check_grammar(text)


@given(st.text())
def test_any_text_is_a_literal_of_printable_ascii(text: str) -> None:
    literal = quote(text)
    assert all(" " <= c <= "~" for c in literal)
    if text:
        check_grammar(f"root ::= {literal}")
    undone = literal[1:-1].replace("\\n", "\\u000a")
    assert undone.encode("ascii").decode("unicode_escape") == text


@pytest.mark.parametrize("seed", range(12))
def test_the_grammars_of_a_narrative_pass_their_own_check(seed: int) -> None:
    facts = build_facts(simulate(seed))
    for question in (None, "How much forest?", "What is the weather?"):
        plan = build_plan(facts, question)
        check_grammar(build_exact_grammar(plan.topics, may_end=True))
        check_grammar(build_exact_grammar(plan.topics[:1], may_end=False))
        check_grammar(build_open_grammar(plan.topics, may_end=True))


def test_nothing_left_to_say_is_an_error() -> None:
    with pytest.raises(GrammarError, match="nothing may be said"):
        build_exact_grammar((), may_end=False)
