"""Saved analyses -> report files: one, or all of a folder with a page that lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from claire.core.analysis import JSON_NAME, Analysis
from claire.core.errors import LONGEST_NAME, AnalysisError, InputError
from claire.core.files import appearing
from claire.core.settings import Settings
from claire.core.text import as_line
from claire.core.types import ClassArea
from claire.reasoning.narrating import check_request, reason
from claire.report.building import build_report
from claire.report.content import Report
from claire.report.page import Entry, render_html, render_index
from claire.report.pictures import find_main_mode
from claire.viz.words import format_area, format_share

ReportFormat = Literal["html", "pdf"]
FORMATS: tuple[ReportFormat, ...] = get_args(ReportFormat)
INDEX = "index.html"
MOST_AREAS = 3
"""Classes that the list of reports names for each."""

Measure = Callable[[Analysis, str], Analysis]
"""Takes an analysis and a question; gives the analysis with what the answer needs and nobody measured yet."""


@dataclass(frozen=True)
class Written:
    """A file that was written: its name and its sha256."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Batch:
    """What became of a folder of analyses.

    Args:
        files: Reports, in the order of the names of the analyses.
        failed: Names of the analyses that could not be reported, with the reasons.
        index: The page that lists them.
    """

    files: tuple[Written, ...]
    failed: tuple[tuple[str, str], ...]
    index: Written

    def as_dict(self) -> dict[str, Any]:
        """As `claire report --json` prints it."""
        return {
            "files": [vars(each) for each in self.files],
            "failed": [{"name": name, "message": message} for name, message in self.failed],
            "index": vars(self.index),
        }


def render_report(report: Report, kind: ReportFormat) -> bytes:
    """A report as the bytes of a file."""
    if kind == "html":
        return render_html(report)
    from claire.report.paper import render_pdf  # reportlab takes a moment, and a page needs none of it

    return render_pdf(report)


def tell_report(
    analysis: Analysis,
    engine: str = "template",
    questions: Sequence[str] = (),
    *,
    seed: int = 0,
    settings: Settings | None = None,
    measure: Measure | None = None,
) -> Report:
    """The report of an analysis, narrated.

    Args:
        analysis: Opened or just made.
        engine: Narrator, as `claire.reasoning.narrating.reason` takes it.
        questions: Answered in the report, too.
        seed: Of the wording.
        settings: Limits.
        measure: Measures what a question needs; without it a question is answered from what was measured before.

    Raises:
        EngineError: There is no such narrator, or its model cannot be used.
        InputError: A question is empty or too long.
    """
    check_request(engine, questions, settings)
    if measure is not None:
        for question in questions:
            analysis = measure(analysis, question)
    narrative = reason(analysis, engine, seed=seed, settings=settings)
    answers = [(each, reason(analysis, engine, each, seed=seed, settings=settings)) for each in questions]
    return build_report(analysis, narrative, answers, engine=engine, seed=seed)


def write_report(
    folder: Path,
    out: Path,
    engine: str = "template",
    questions: Sequence[str] = (),
    *,
    seed: int = 0,
    settings: Settings | None = None,
    measure: Measure | None = None,
) -> Written:
    """Report one saved analysis.

    Args:
        folder: Of the analysis.
        out: File to write; its ending says which kind.
        engine: Narrator.
        questions: Answered in the report, too.
        seed: Of the wording.
        settings: Limits.
        measure: Measures what a question needs; without it a question is answered from what was measured before.

    Raises:
        AnalysisError: The analysis cannot be opened.
        InputError: The file has another ending than .html or .pdf, or cannot be written.
        EngineError: There is no such narrator, or its model cannot be used.
    """
    kind = find_format(out)
    with _writing(out):
        if not out.parent.is_dir():
            raise NotADirectoryError(out.parent)  # said now, not after minutes of measuring
    report = tell_report(Analysis.load(folder), engine, questions, seed=seed, settings=settings, measure=measure)
    return _write(out, render_report(report, kind))


def write_reports(
    folder: Path,
    out: Path,
    kind: ReportFormat = "html",
    engine: str = "template",
    questions: Sequence[str] = (),
    *,
    seed: int = 0,
    settings: Settings | None = None,
    measure: Measure | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Batch:
    """Report every saved analysis of a folder; one that cannot be opened is named, and the others are reported.

    Args:
        folder: Holds a folder per analysis.
        out: Folder for the reports and the page that lists them; created when it is not there.
        kind: Of the reports.
        engine: Narrator.
        questions: Answered in each report, too.
        seed: Of the wording.
        settings: Limits.
        measure: Measures what a question needs.
        progress: Told of analyses done and in all.

    Raises:
        AnalysisError: There is no analysis in the folder, or none that can be opened.
        InputError: The folder for the reports cannot be written, or has the name of a report.
        EngineError: There is no such narrator, or its model cannot be used.
    """
    found = find_analyses(folder)
    if out.suffix.lower().lstrip(".") in FORMATS:
        raise InputError(
            f"{as_line(folder.name, LONGEST_NAME)!r} holds several analyses, but --out names one file.",
            "Give a folder with --out; --format says which kind of reports.",
        )
    entries: list[Entry] = []
    files: list[Written] = []
    failed: list[tuple[str, str]] = []
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(found, start=1):
        try:
            analysis = Analysis.load(each)
        except AnalysisError as error:
            failed.append((as_line(each.name, LONGEST_NAME), f"{error.message} {error.hint}"))
        else:
            report = tell_report(analysis, engine, questions, seed=seed, settings=settings, measure=measure)
            files.append(_write(out / _name_file(each.name, kind), render_report(report, kind)))
            entries.append(_list(report, files[-1].file, analysis))
        if progress is not None:
            progress(number, len(found))
    if not files:
        raise AnalysisError(f"None of the {len(found)} saved analyses can be opened.", failed[0][1])
    return Batch(tuple(files), tuple(failed), _write(out / INDEX, render_index(entries, failed)))


def find_format(file: Path) -> ReportFormat:
    """What kind of report a file name asks for.

    Raises:
        InputError: Another ending than .html or .pdf.
    """
    ending = file.suffix.lower().lstrip(".")
    for kind in FORMATS:
        if ending == kind:
            return kind
    raise InputError(
        f"A report is a file that ends in .html or .pdf, not {as_line(file.name, LONGEST_NAME)!r}.",
        "Give such a name with --out.",
    )


def is_analysis(folder: Path) -> bool:
    """Whether a folder is a saved analysis itself; otherwise it may hold some."""
    return (folder / JSON_NAME).is_file()


def find_analyses(folder: Path) -> tuple[Path, ...]:
    """The folders in a folder that are saved analyses, by name.

    Raises:
        AnalysisError: There is none.
    """
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    found = tuple(each for each in inside if each.is_dir() and is_analysis(each))
    if not found:
        raise AnalysisError(
            f"The folder {as_line(folder.name, LONGEST_NAME)!r} holds no saved analysis.",
            f"Give a folder with {JSON_NAME}, or one that holds such folders.",
        )
    return found


def _list(report: Report, file: str, analysis: Analysis) -> Entry:
    areas = sorted(analysis.areas[find_main_mode(analysis)], key=lambda area: -area.pixels)[:MOST_AREAS]
    words = "; ".join(_tell_area(area) for area in areas if area.pixels)
    return Entry(file, report.title, report.headline, words, report.thumbnail)


def _tell_area(area: ClassArea) -> str:
    size = format_area(area.area_m2, area.pixels)
    return f"{as_line(area.name, LONGEST_NAME)} {format_share(area.area_share)} ({size})"


def _name_file(name: str, kind: ReportFormat) -> str:
    """The report of an analysis is called like its folder, unless that name is taken by the list."""
    file = f"{name}.{kind}"
    return f"{name}-report.{kind}" if file.lower() == INDEX else file


def _write(file: Path, content: bytes) -> Written:
    with _writing(file), appearing(file) as partial:
        partial.write_bytes(content)
    return Written(file.name, hashlib.sha256(content).hexdigest())


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """What goes wrong with the disk is a sentence.

    Raises:
        InputError: Nothing can be written there.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{as_line(out.name, LONGEST_NAME)!r} cannot be written.",
            "Give a place in a folder that exists; check permissions and free space.",
        ) from error
