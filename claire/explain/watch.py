"""Watch: progress of a long computation, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from claire.core.errors import CancelledError

Report: TypeAlias = Callable[[int, int], None]
"""Called with forward passes done and expected."""


@dataclass
class Watch:
    """Progress and cancel of one long computation.

    Args:
        report: Told of every forward pass.
        cancelled: Asked before every forward pass.
        total: Forward passes expected.
    """

    report: Report | None = None
    cancelled: Callable[[], bool] | None = None
    total: int = 0
    done: int = field(default=0, init=False)

    def check(self) -> None:
        """Stop when somebody asked for it.

        Raises:
            CancelledError: `cancelled` says so.
        """
        if self.cancelled is not None and self.cancelled():
            raise CancelledError("The computation was cancelled.", "Start it again when you want its result.")

    def count(self, passes: int) -> None:
        """Note forward passes that are done."""
        self.done += passes
        if self.report is not None:
            self.report(min(self.done, self.total), self.total)
