"""The commands that make an analysis and its report again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.evidence import Explained
from claire.core.text import as_line

OPTIONS = {
    "bands": "--bands",
    "sar_bands": "--sar-bands",
    "optical_units": "--optical-units",
    "sar_units": "--sar-units",
}
"""Key of `Tile.reading` -> option of `claire predict`."""
NAMING = ("bands", "sar_bands")
"""Those that claire explain takes, too."""
LONGEST_ARGUMENT = 500


def build_recipe(
    analysis: Analysis, engine: str, questions: Sequence[str] = (), seed: int = 0
) -> tuple[tuple[str, ...], ...]:
    """Commands for a shell in the folder of the input files; empty where nobody knows the files.

    Each command is in parts: its name, then an option with its value in each.

    Args:
        analysis: As saved.
        engine: Narrator of the report.
        questions: Answered in the report.
        seed: Of the wording.
    """
    if not set(analysis.tile.reading) & {"optical", "sar"}:
        return ()
    modes = list(analysis.predictions)
    mode = modes[0] if len(modes) == 1 else "all"
    predict = [*_name_inputs(analysis, (*OPTIONS,), label=True), "--mode", mode, "--out", "result"]
    commands = [_join("predict", predict)]
    folder = "result"
    for number, answer in enumerate(analysis.explained, start=1):
        folder = f"why-{number}"
        commands.append(_join("explain", [*_name_inputs(analysis, NAMING), *_ask(analysis, answer), "--out", folder]))
    words = ["--engine", engine, "--seed", str(seed)]
    for question in questions:
        words += ["--question", question]
    return (*commands, _join("report", [folder, "--out", "report.html", *words]))


def describe_limits(analysis: Analysis) -> tuple[str, ...]:
    """What the commands do not repeat."""
    if not set(analysis.tile.reading) & {"optical", "sar"}:
        return ("The pair was not read from files by name, so no command can be given that makes it again.",)
    found = ["Run them in the folder of the input files, with the checkpoint of the sha256 above."]
    if len(analysis.explained) > 1:
        found.append("Each claire explain writes one answer; the last one is reported by the last command.")
    if analysis.explained and analysis.tile.label is not None:
        found.append("claire explain reads no label, so its own report has no scores; that of result has them.")
    if any(not _is_exact(analysis, answer) for answer in analysis.explained):
        found.append("A zone that is no rectangle cannot be typed: the command asks about the rectangle around it.")
    return tuple(found)


def is_whole(analysis: Analysis, answer: Explained) -> bool:
    """Whether the zone is every pixel that the map gives to the class, which is what is asked about by default."""
    found = answer.attribution
    if found.mode not in analysis.predictions or found.class_name not in analysis.scheme.names:
        return False
    index = analysis.scheme.names.index(found.class_name)
    return np.array_equal(found.zone, analysis.predictions[found.mode].classes == index)


def _name_inputs(analysis: Analysis, options: Sequence[str], *, label: bool = False) -> list[str]:
    reading: Mapping[str, tuple[str, ...]] = analysis.tile.reading
    words = []
    for role in ("optical", "sar", *(["label"] if label else [])):
        for name in reading.get(role, ()):
            words += [f"--{role}", f"./{name}" if name.startswith("-") else name]
    words += ["--model", analysis.provenance.model]
    for key in options:
        if key in reading:
            words += [OPTIONS[key], ",".join(reading[key])]
    return words


def _ask(analysis: Analysis, answer: Explained) -> list[str]:
    found = answer.attribution
    words = ["--class", found.class_name, "--method", found.method, "--mode", found.mode, "--seed", str(found.seed)]
    if not is_whole(analysis, answer):
        words += ["--region", ",".join(map(str, _find_box(found.zone)))]
    return words if answer.faithfulness.full else [*words, "--quick"]


def _is_exact(analysis: Analysis, answer: Explained) -> bool:
    left, top, right, bottom = _find_box(answer.attribution.zone)
    return is_whole(analysis, answer) or bool(answer.attribution.zone[top:bottom, left:right].all())


def _find_box(zone: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The smallest rectangle around a zone: x0, y0, x1, y1, the last two outside; all 0 for an empty zone."""
    rows, columns = np.nonzero(zone)
    if not rows.size:
        return 0, 0, 0, 0
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _join(command: str, words: Sequence[str]) -> tuple[str, ...]:
    """Quoted parts of a command; a word that begins with two dashes begins a part."""
    parts = [["claire", command]]
    for word in words:
        if word.startswith("--"):
            parts.append([])
        parts[-1].append(shlex.quote(as_line(word, LONGEST_ARGUMENT)))
    return tuple(" ".join(part) for part in parts)
