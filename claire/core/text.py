"""Text from strangers as one line of plain characters, for where nothing is read as markup.

Control characters, signs that turn the direction of writing, and marks that steer a language model are left out.
"""

from __future__ import annotations

import re
import unicodedata

CHAT_MARK = re.compile(r"<\|[^<>|]*\|>")


def as_line(text: str, longest: int = 300) -> str:
    r"""One line without anything invisible, for where nothing is read as markup.

    Args:
        text: From a file, a file name or a message about one.
        longest: Characters kept.

    Example:
        >>> as_line("a\u202eb\n<|system|>c")
        'ab c'
    """
    line = "".join(_show_character(c) for c in text[: 8 * longest])
    while (stripped := CHAT_MARK.sub("", line)) != line:  # what is left may close a mark around it
        line = stripped
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _show_character(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() or unicodedata.category(character) == "Cc" else ""
