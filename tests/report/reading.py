"""Reports read back: HTML by the parser of the standard library, independent of the templates."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import FLOOD
from tests.evidence import attention, explained
from tests.reasoning.simulated import simulate

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Every element with its attributes and its text, in order.

    Attributes:
        elements: (tag, attributes, text inside, children's included).
        comments: Declarations and comments other than the doctype.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.comments: list[str] = []
        self._open: list[tuple[str, list[str]]] = []
        self.feed(content.decode("utf-8"))
        self.close()
        assert not self._open, f"never closed: {[tag for tag, _ in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words: list[str] = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, words))
        if tag not in VOID:
            self._open.append((tag, words))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag, f"{opened} was closed by {tag}"

    def handle_data(self, data: str) -> None:
        for _, words in self._open:
            words.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def find(self, tag: str, kind: str = "") -> list[tuple[dict[str, str], str]]:
        """Attributes and text of every element of a tag, of a class where one is named."""
        return [
            (given, " ".join("".join(words).split()))
            for name, given, words in self.elements
            if name == tag and (not kind or kind in given.get("class", "").split())
        ]

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.find("body")[0][1]


def build_whole(seed: int = 3, **fixed: object) -> Analysis:
    """An analysis that holds everything that one can hold."""
    given = {"scheme": FLOOD, "size": (24, 20), "label": 1.0, "modes": MODES, "gone": "", **fixed}
    plain = simulate(seed, **given)
    zone = np.zeros(plain.tile.shape, bool)
    zone[3:10, 4:12] = True
    flood = plain.predictions["fused"].classes == 1
    return plain.with_evidence(explained(0, flood), explained(1, zone), attention=attention())
