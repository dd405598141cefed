"""What every message to a user must be, wherever it is shown."""

from __future__ import annotations

import re

from claire.core import errors

LONGEST = 200
CLASSES = tuple(name for name in vars(errors) if name.endswith("Error"))
ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:[\w.+-]+/)+[\w.+-]*|[A-Za-z]:\\\\|\\\\\\\\")


def all_kinds(kind: type[errors.ClaireError] = errors.ClaireError) -> list[type[errors.ClaireError]]:
    """A kind of error and all below it."""
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in all_kinds(child))]


def check_sentences(message: str, hint: str, *hidden: object) -> None:
    """One sentence and a hint, short, in the user's words.

    Args:
        message: What is wrong.
        hint: What to do next.
        hidden: Folders and texts that must not be named.
    """
    for text in (message, hint):
        assert 0 < len(text) <= LONGEST, text
        assert text.isprintable(), text
        assert text[-1] in ("." if text is message else ".`?"), text
        assert "Traceback" not in text
        assert not any(name in text for name in CLASSES), text
        assert not ABSOLUTE.search(text), text
        assert not any(str(each) in text for each in hidden), text
    plain = re.sub(r"'[^']*'|`[^`]*`", "x", message)
    assert not re.search(r"[.!?] +[A-Z]", plain), f"more than one sentence: {message}"
