"""Everything that can be wrong with what a user gave us, as one tree.

ClaireError                      what was given, what was wanted, what to do next
├── InputError (ValueError)      the input or the usage is wrong; the CLI exits with 2
│   ├── MissingFileError         the path leads nowhere                 (FileNotFoundError)
│   ├── FormatError              not a raster that CLAIRE reads, or a damaged one
│   ├── BudgetError              larger than a limit of `Settings`
│   ├── BandError                wrong number, names or units of bands
│   │   └── SwapError            optical where SAR is wanted, or the other way round
│   ├── GridError                sizes or grids that cannot be brought together
│   ├── EmptyTileError           nothing but nodata
│   ├── LabelError               label values outside the class scheme
│   ├── UnknownNameError         a name that no registry knows          (LookupError)
│   ├── DatasetError             a data set folder that is not laid out as expected
│   ├── RecipeError              a training recipe with a missing or impossible value
│   ├── AnalysisError            a saved analysis that cannot be opened
│   ├── ZoneError                a zone without pixels, outside the tile, or of a class that is not there
│   ├── SensorError              a sensor that the question is about is missing
│   └── EngineError              a narrator that is not there
├── CheckpointError              weights or manifest missing, altered or not fitting (RuntimeError)
├── CancelledError               somebody asked a long computation to stop
└── EnvironmentUnsafeError       a safety setting is not in force; files are refused (RuntimeError)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

LONGEST_SENTENCE = 200
"""Characters of a message or a hint; what a file or a user adds beyond is cut."""

LONGEST_NAME = 60
"""Characters of a name given by the user that a sentence repeats."""


class ClaireError(Exception):
    """A sentence for the user with a hint what to do next.

    Args:
        message: One sentence that says what was given and what was wanted; no path beyond the name given.
        hint: What to do next.

    Both are kept on one line and short, whatever names they repeat.
    """

    code: ClassVar[str] = "claire"

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = _shorten(message, LONGEST_SENTENCE)
        self.hint = _shorten(hint, LONGEST_SENTENCE)
        super().__init__(self.message)

    def as_dict(self) -> dict[str, str]:
        """`{"code", "message", "hint"}`, as the CLI prints it with `--json`."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def __str__(self) -> str:
        return self.message


def _shorten(text: str, longest: int) -> str:
    """One line of printable characters, at most `longest`."""
    line = "".join(c if c.isprintable() else " " for c in text[: 2 * longest]).strip()
    if len(line) <= longest and len(text) <= 2 * longest:
        return line
    return line[: longest - 3].rstrip() + "..."


class InputError(ClaireError, ValueError):
    """The input or the usage is wrong."""

    code = "input"


class MissingFileError(InputError, FileNotFoundError):
    """The path leads nowhere."""

    code = "missing_file"


class FormatError(InputError):
    """Not a raster that CLAIRE reads, or a damaged one."""

    code = "format"


class BudgetError(InputError):
    """Larger than a limit of `Settings`."""

    code = "budget"


class BandError(InputError):
    """Wrong number, names or units of bands."""

    code = "bands"


class SwapError(BandError):
    """Optical where SAR is wanted, or the other way round."""

    code = "swapped"


class GridError(InputError):
    """Sizes or grids that cannot be brought together."""

    code = "grid"


class EmptyTileError(InputError):
    """Nothing but nodata."""

    code = "empty"


class LabelError(InputError):
    """Label values outside the class scheme."""

    code = "label"


class UnknownNameError(InputError, LookupError):
    """A name that no registry knows; the message lists the right ones."""

    code = "unknown_name"

    @classmethod
    def among(cls, what: str, given: str, known: Iterable[str]) -> Self:
        """Compose the sentence from the kind of thing, the name given and the names known."""
        names = [_shorten(name, LONGEST_NAME) for name in sorted(known)]
        listed = len(names)
        while listed and len(", ".join(names[:listed])) > LONGEST_SENTENCE - 40:
            listed -= 1
        choice = ", ".join(names[:listed]) or "none"
        more = f" and {len(names) - listed} more" if listed < len(names) else ""
        return cls(f"There is no {what} called {_shorten(given, LONGEST_NAME)!r}.", f"Choose one of: {choice}{more}.")


class DatasetError(InputError):
    """A data set folder that is not laid out as expected."""

    code = "dataset"


class RecipeError(InputError):
    """A training recipe with a missing or impossible value."""

    code = "recipe"


class AnalysisError(InputError):
    """A saved analysis that cannot be opened."""

    code = "analysis"


class EngineError(InputError):
    """A narrator that is not there."""

    code = "engine"


class ZoneError(InputError):
    """A zone without pixels, outside the tile, or of a class that is not there."""

    code = "zone"


class SensorError(InputError):
    """A sensor that the question is about is missing."""

    code = "sensor"


class CheckpointError(ClaireError, RuntimeError):
    """Weights or manifest missing, altered or not fitting."""

    code = "checkpoint"


class CancelledError(ClaireError):
    """Somebody asked a long computation to stop."""

    code = "cancelled"


class EnvironmentUnsafeError(ClaireError, RuntimeError):
    """A safety setting is not in force; files are refused."""

    code = "unsafe"
