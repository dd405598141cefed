"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class appearing:
    """A temporary path that replaces the final one when the block ends well, and vanishes otherwise."""

    def __init__(self, final: Path) -> None:
        self._final = final

    def __enter__(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self._final.parent, suffix=self._final.suffix)
        os.close(handle)
        self._partial = Path(name)
        return self._partial

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._partial.unlink(missing_ok=True)
            return
        with self._partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        self._partial.chmod(0o644)
        self._partial.replace(self._final)
