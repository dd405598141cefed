"""What was found over many narratives, judged by the independent checker and by grounding."""

from __future__ import annotations

from collections.abc import Sequence

from claire.core.analysis import Analysis
from claire.core.facts import Fact, Narrator, Sentence
from claire.reasoning.facts import build_facts, rank_facts
from claire.reasoning.grounding import ground
from tests.reasoning.independent_checker import Checker
from tests.reasoning.simulated import as_raw


def read_text(sentences: Sequence[Sentence]) -> str:
    return " ".join(sentence.text for sentence in sentences)


class Tally:
    """Counts over narratives of different analyses."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.wrong: list[str] = []
        self.important = self.covered = self.analyses = self.sentences = 0

    def add(self, analysis: Analysis, narrator: Narrator) -> str:
        """Let an analysis be told and judge the text."""
        facts: tuple[Fact, ...] = build_facts(analysis)
        sentences = list(ground(narrator.narrate(facts), facts))
        checker = Checker(*as_raw(analysis))
        self.wrong += [problem for each in sentences for problem in checker.problems(each.text)]
        self.wrong += [f"{each.text} {each.reason}" for each in sentences if not each.grounded]
        text = read_text(sentences)
        if len({each.text for each in sentences}) < len(sentences):
            self.wrong.append(f"repeated: {text}")
        cited = {fact for each in sentences for fact in each.facts}
        self.important += len(rank_facts(facts))
        self.covered += sum(fact.id in cited for fact in rank_facts(facts))
        self.texts.add(text)
        self.analyses += 1
        self.sentences += len(sentences)
        return text

    def judge(self) -> None:
        """Fail unless everything that was told is right, what matters is covered, and no two texts are the same."""
        assert self.wrong == []
        assert self.covered / self.important >= 0.95
        assert len(self.texts) == self.analyses
