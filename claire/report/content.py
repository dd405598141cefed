"""What a report holds, whatever it is written as: plain text, tables and pictures in sections.

Nothing here is markup. Text may come from a stranger's file; who writes a report escapes all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Prose:
    """A paragraph.

    Args:
        text: Plain.
        small: Set as a note.
    """

    text: str
    small: bool = False


@dataclass(frozen=True)
class Heading:
    """A title inside a section."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """What colours mean: either each one, or a ramp between two words.

    Args:
        entries: Pairs of `#rrggbb` and meaning.
        ramp: Colours `#rrggbb` from low to high; empty for single colours.
        low: Meaning of the first.
        high: Meaning of the last.
    """

    entries: tuple[tuple[str, str], ...] = ()
    ramp: tuple[str, ...] = ()
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture with the words that stand in for it.

    Args:
        title: Short.
        words: What it shows, with numbers.
        png: Bytes.
        size: Width and height, pixels.
        key: Of its colours.
    """

    title: str
    words: str
    png: bytes
    size: tuple[int, int]
    key: Key | None = None


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side."""

    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Row:
    """Cells of a table, and the anchor by which the row is found; "" for none."""

    cells: tuple[str, ...]
    anchor: str = ""


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        head: Titles of the columns.
        rows: As many cells each.
        caption: Above it.
        words: A table of words, all columns set left; otherwise all but the first are numbers.
        widths: Shares of the width, for paper; even when empty.
    """

    head: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    words: bool = False
    widths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Chip:
    """A fact beside a sentence.

    Args:
        title: What kind of fact it is.
        anchor: Row of the table of facts.
        hint: The fact with its value and rule.
    """

    title: str
    anchor: str
    hint: str


@dataclass(frozen=True)
class Line:
    """A sentence of a narrative with its facts; `reason` says why it does not follow from them, "" when it does."""

    text: str
    chips: tuple[Chip, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Passage:
    """Sentences under a heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Badge:
    """One word on how far to believe something, and a sentence about it."""

    word: str
    text: str


@dataclass(frozen=True)
class Commands:
    """Commands for a shell, each in parts that may stand on lines of their own."""

    lines: tuple[tuple[str, ...], ...]


Block: TypeAlias = Prose | Heading | Bullets | Gallery | Table | Passage | Badge | Commands


@dataclass(frozen=True)
class Section:
    """Blocks under a title.

    Args:
        anchor: Unique in the report, of small letters.
        title: For people.
        blocks: In order.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Figure:
    """A number to take away, and what it is."""

    value: str
    meaning: str


@dataclass(frozen=True)
class Report:
    """All of it.

    Args:
        title: Name of the pair.
        subject: What was analysed by what, in one line.
        headline: The answer, one sentence.
        figures: Numbers to take away.
        sections: In order.
        thumbnail: The main map, for a list of reports; None when there is none.
        version: Of the program that wrote it.
    """

    title: str
    subject: str
    headline: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    thumbnail: Picture | None
    version: str
