"""Language models that CLAIRE knows, and whether a file is one. Nothing is loaded here."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from claire.core.errors import LONGEST_NAME, EngineError, UnknownNameError
from claire.core.provenance import compute_sha256
from claire.core.settings import Settings
from claire.reasoning.plain import clean_text

MAGIC = b"GGUF"
VERSIONS = (2, 3)
SUFFIX = ".gguf"
WITHOUT_LLAMA = "llama-cpp-python is not installed."
INSTALL = "Install it with `make reasoning`; it compiles for some minutes."


@dataclass(frozen=True)
class LanguageModel:
    """A model file that is known by its hash.

    Args:
        name: Of the engine.
        file: Name of the file.
        sha256: Of the file.
        bytes: Of the file.
        licence: As its makers name it.
        url: Where it can be fetched; "" for one that comes with the program.
        exact: True where it was trained on slots and keeps to the wordings.
        context: Most tokens that it was trained for.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    url: str = ""
    exact: bool = False
    context: int = 4096


NANO = LanguageModel(
    "nano",
    "nano.gguf",
    "1cddaa7316e65458d459865cf0cd162a80d5cc94474996a6a61f836a0c27636e",
    1_160_736,
    "Apache-2.0",
    exact=True,
    context=2048,
)
PHI3 = LanguageModel(
    "phi3",
    "Phi-3-mini-4k-instruct-q4.gguf",
    "8a83c7fb9049a9b2e92266fa7ad04933bb53aa1e85136b7b30f1b8000ff2edef",
    2_393_231_072,
    "MIT",
    "https://huggingface.co/microsoft/Phi-3-mini-4k-instruct-gguf/resolve/main/Phi-3-mini-4k-instruct-q4.gguf",
)
LANGUAGE_MODELS: Mapping[str, LanguageModel] = {model.name: model for model in (NANO, PHI3)}
OTHER_NAMES = {"phi-3-mini": "phi3"}
"""What a model is called as well."""


@dataclass(frozen=True)
class ModelFile:
    """A file that is ready to be opened.

    Args:
        engine: Name of the engine.
        path: Of the file.
        exact: As in `LanguageModel`.
        context: Most tokens to open it with.
    """

    engine: str
    path: Path
    exact: bool
    context: int


def has_llama() -> bool:
    """Whether language models can run here at all."""
    return find_spec("llama_cpp") is not None


def get_language_model(name: str) -> LanguageModel:
    """A known language model by its name.

    Raises:
        UnknownNameError: There is none of that name.
    """
    known = LANGUAGE_MODELS.get(OTHER_NAMES.get(name, name))
    if known is None:
        raise UnknownNameError.among("language model", name, [*LANGUAGE_MODELS, *OTHER_NAMES])
    return known


def find_file(engine: str, settings: Settings) -> ModelFile:
    """The file of an engine: a known one, whose hash must be right, or any GGUF by its path.

    Args:
        engine: "nano", "phi3", or a path that ends in `.gguf`.
        settings: Where models lie, and how large they may be.

    Raises:
        EngineError: No such engine, llama-cpp-python is missing, the file is not there, or it is not what it should be.
    """
    known = LANGUAGE_MODELS.get(OTHER_NAMES.get(engine, engine))
    if known is None and Path(engine).suffix.casefold() != SUFFIX:
        called = clean_text(Path(engine).name, LONGEST_NAME)
        raise EngineError(
            f"There is no engine called {called!r}.", f"Use template, {', '.join(LANGUAGE_MODELS)} or a {SUFFIX} file."
        )
    if not has_llama():
        raise EngineError(WITHOUT_LLAMA, INSTALL)
    if known is None:
        return _find_foreign(Path(engine), settings)
    path = place_of(known, settings)
    if not path.is_file():
        hint = "Run `claire models download phi-3-mini`." if known.url else "Fetch the checkpoints folder again."
        raise EngineError(f"The language model {known.name} is not there.", hint)
    check_header(path, settings)
    if compute_sha256(path) != known.sha256:
        raise EngineError(f"The language model {known.name} is not what it should be.", "Fetch it again.")
    return ModelFile(known.name, path, known.exact, min(known.context, settings.model_context))


def place_of(model: LanguageModel, settings: Settings) -> Path:
    """Where the file of a known model lies, or will."""
    folder = settings.home / "models" if model.url else settings.checkpoints
    return folder / model.file


def _find_foreign(path: Path, settings: Settings) -> ModelFile:
    if not path.is_file():
        raise EngineError(
            f"There is no file {clean_text(path.name, LONGEST_NAME)!r}.", "Give the path of a language model, or nano."
        )
    check_header(path, settings)
    return ModelFile(path.name, path, False, settings.model_context)


def check_header(path: Path, settings: Settings) -> None:
    """Refuse what is no GGUF, or too large.

    Raises:
        EngineError: It is not a model file that llama.cpp reads.
    """
    called = repr(clean_text(path.name, LONGEST_NAME))
    if path.stat().st_size > settings.max_gguf_bytes:
        raise EngineError(f"{called} is too large.", "Use a smaller model, or raise CLAIRE_MAX_GGUF_BYTES.")
    with path.open("rb") as stream:
        start = stream.read(8)
    if len(start) < 8 or start[:4] != MAGIC or struct.unpack("<I", start[4:])[0] not in VERSIONS:
        raise EngineError(f"{called} is no GGUF file.", "Use a language model in the GGUF format, or nano.")
