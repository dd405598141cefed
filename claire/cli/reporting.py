"""One way to answer: JSON alone on stdout, progress on stderr, exit 0 done, 2 wrong input or usage, 1 a bug."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import typer

from claire.core.errors import ClaireError
from claire.core.facts import Token
from claire.core.types import Notice

EXIT_WRONG = 2


def answer(document: Any, text: str, as_json: bool) -> None:
    """Print one JSON document, or its text."""
    typer.echo(json.dumps(document, allow_nan=False) if as_json else text)


def report_error(error: ClaireError, as_json: bool) -> int:
    """Print what is wrong and what to do next; returns the exit status."""
    if as_json:
        typer.echo(json.dumps({"error": error.as_dict()}))
    else:
        typer.echo(error.message, err=True)
        typer.echo(error.hint, err=True)
    return EXIT_WRONG


def show_notices(notices: Iterable[Notice]) -> None:
    """What the user should know about the input, one line each on stderr."""
    for notice in notices:
        typer.echo(f"note: {notice.message}", err=True)


def say(line: str) -> None:
    """One line on stderr."""
    typer.echo(line, err=True)


def show_progress(done: int, total: int) -> None:
    """One line on stderr that replaces itself."""
    sys.stderr.write(f"\r{done}/{total}" + ("\n" if done == total else ""))
    sys.stderr.flush()


def show_token(token: Token) -> None:
    """One word of a narrative on stdout, as soon as it is there."""
    sys.stdout.write(token.text)
    sys.stdout.flush()
