"""What a page shows when something is wrong: a sentence and a hint, or an id to look up in the log."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from claire.core.errors import ClaireError
from claire.ui.text import as_text, without_options

logger = logging.getLogger("claire.ui")


@contextmanager
def error_boundary() -> Iterator[None]:
    """Show a card instead of a traceback for whatever goes wrong inside.

    This is the only place that catches everything: a page must not die of a fault that nobody foresaw, and what
    such a fault says may hold paths or data. Streamlit's own reruns and stops are no `Exception` and pass through.
    """
    try:
        yield
    except ClaireError as error:
        show_error(error)
    except Exception:  # noqa: BLE001 - the one error boundary, see above
        show_fault()


def show_error(error: ClaireError) -> None:
    """The error's sentence and its hint."""
    message, hint = (as_text(without_options(text)) for text in (error.message, error.hint))
    st.error(f"**{message}**\n\n{hint}", icon=":material/error:")


def show_fault() -> None:
    """A card for a fault of the program, with an id; what happened goes to the log under that id."""
    fault_id = secrets.token_hex(4)
    logger.exception("fault %s", fault_id)
    st.error(
        f"**Something went wrong inside CLAIRE (fault {fault_id}).**\n\n"
        "Try again; if it comes back, send this id together with the log of the program.",
        icon=":material/bug_report:",
    )
