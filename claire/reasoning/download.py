"""Fetching a language model: goes on where it was cut off, and what arrives is used only when every byte is right."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from claire.core.errors import EngineError
from claire.core.provenance import compute_sha256
from claire.core.settings import Settings
from claire.reasoning.gguf import MAGIC, LanguageModel, place_of

PIECE = 1 << 20
TRIES = 4
WAIT_SECONDS = 30
"""Longest silence of the other side."""
PARTIAL = 206
AGAIN = "Run the command again; it goes on where it stopped."


class _SameSafety(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, none from https to something else."""

    max_redirections = 5

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            fp.close()
            raise urllib.error.URLError("a redirect to another protocol")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def download(model: LanguageModel, settings: Settings, report: Callable[[int, int], None]) -> Path:
    """Fetch a model file, unless it is there already.

    Args:
        model: With its address, size and hash.
        settings: Where models go.
        report: Receives bytes so far and in all.

    Returns:
        The file, complete and with the right hash.

    Raises:
        EngineError: It comes with the program, the disk is full, it cannot be fetched, or is not what it should be.
    """
    if not model.url:
        raise EngineError(f"{model.name} comes with the program.", "There is nothing to download.")
    path = place_of(model, settings)
    if path.is_file() and path.stat().st_size == model.bytes and compute_sha256(path) == model.sha256:
        return path
    partial = path.with_name(path.name + ".part")
    _make_room(partial, model)
    for turn in range(TRIES):
        try:
            _fetch(model, partial, report)
            break
        except urllib.error.HTTPError as error:
            error.close()
            raise EngineError(f"The server refused the download ({error.code}).", "Try again later.") from error
        except (HTTPException, OSError) as error:
            if turn == TRIES - 1:
                raise EngineError("The download was cut off.", AGAIN) from error
    if compute_sha256(partial) != model.sha256:
        partial.unlink()
        raise EngineError("What was downloaded is not the model that was expected.", "Try again later.")
    partial.replace(path)
    return path


def _make_room(partial: Path, model: LanguageModel) -> None:
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(partial.parent).free
    except OSError as error:
        raise EngineError("The folder for models cannot be written.", "Set CLAIRE_HOME to one that can.") from error
    needed = model.bytes - (partial.stat().st_size if partial.is_file() else 0)
    if free < needed:
        raise EngineError(
            f"The model needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free.",
            "Free some space, or set CLAIRE_HOME to another disk.",
        )


def _fetch(model: LanguageModel, partial: Path, report: Callable[[int, int], None]) -> None:
    """Add to what is there until it is as large as the model, or the other side is silent."""
    done = partial.stat().st_size if partial.is_file() else 0
    if done > model.bytes:
        partial.unlink()
        done = 0
    if done == model.bytes:
        return
    request = urllib.request.Request(model.url, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310 - own table
    opener = urllib.request.build_opener(_SameSafety())
    with opener.open(request, timeout=WAIT_SECONDS) as answer:
        done = done if _goes_on(answer, done) else 0
        with partial.open("r+b" if done else "wb") as stream:
            stream.seek(done)
            while piece := answer.read(min(PIECE, model.bytes - done + 1)):
                if done == 0 and piece[:4] != MAGIC:
                    raise EngineError("What was offered for download is no language model.", "Try again later.")
                stream.write(piece)
                done += len(piece)
                report(min(done, model.bytes), model.bytes)
                if done > model.bytes:
                    break
            stream.flush()
            os.fsync(stream.fileno())
    if done < model.bytes:
        raise urllib.error.URLError("the file ended early")


def _goes_on(answer: HTTPResponse, done: int) -> bool:
    """Whether the other side begins where we stopped, and not from the start."""
    return answer.status == PARTIAL and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {done}-")
