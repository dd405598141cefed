"""A report as one PDF file; the only module that knows reportlab.

reportlab reads markup of its own in paragraphs, and some of it opens files and addresses: every text is escaped before
it becomes a paragraph. Pictures come as bytes. No action, link to a network or clock is written.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import matplotlib as mpl
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    Image,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from claire.core.text import as_line
from claire.report import content
from claire.report.content import Key, Line, Picture, Report

MARGIN, FOOT = 18 * mm, 10 * mm
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
COLUMNS, GAP = 3, 4 * mm
TALLEST = 1.5
"""Height of a picture over its width at the most; what is taller is made smaller."""
FONT, BOLD, MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
MANY_COLUMNS = 7
"""Columns from which a table is set smaller."""
LONGEST_CELL = 600
"""Characters of a cell, so that a row always fits a page."""
LONGEST_TEXT = 5000
REPLACEMENT = "\ufffd"
"""Stands for a character that the font has not."""
BADGE_COLORS = {"faithful": "#1f7a4d", "partly": "#9a6200", "doubtful": "#b3261e"}
INK, SOFT, RULE, LINK = "#1b1f24", "#59636e", "#c9cfd6", "#00596b"
SMALL_LINK = f'size="6.5" color="{LINK}"'

_lock = threading.Lock()
"""reportlab keeps fonts for the whole process, and is not made for threads."""


def render_pdf(report: Report) -> bytes:
    """A report as a PDF file; the same report gives the same bytes."""
    with _lock:
        _register_fonts()
        stream = io.BytesIO()
        document = _Document(
            stream,
            pagesize=A4,
            title=_plain(report.title),
            author="CLAIRE",
            subject=_plain(report.headline),
            creator=f"CLAIRE {_plain(report.version)}",
            lang="en",
            invariant=1,
        )
        frame = Frame(MARGIN, MARGIN, WIDTH, HEIGHT, 0, 0, 0, 0)
        document.addPageTemplates(PageTemplate("page", [frame], onPage=_draw_foot))
        document.build(list(_lay_out(report)))
        return stream.getvalue()


class _Document(BaseDocTemplate):  # type: ignore[misc]
    """A document whose section titles become bookmarks."""

    def afterFlowable(self, flowable: Any) -> None:  # noqa: N802 - reportlab calls it so
        """Called for everything that is placed."""
        if isinstance(flowable, _Title):
            self.canv.bookmarkPage(flowable.anchor)
            self.canv.addOutlineEntry(flowable.text, flowable.anchor, 0)


class _Title(Paragraph):  # type: ignore[misc]
    """The title of a section."""

    def __init__(self, text: str, anchor: str) -> None:
        super().__init__(_mark_up(text), _style("h2"))
        self.text, self.anchor = _plain(text), anchor


class _Legend(Flowable):  # type: ignore[misc]
    """What colours mean, over as many lines as it takes."""

    SIDE, LEADING, SIZE = 6.5, 10.0, 7.0

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key

    def wrap(self, width: float, _: float) -> tuple[float, float]:
        """Width and height that it takes."""
        self._places: list[tuple[float, int, str | None, str]] = []
        left, line = 0.0, 0
        for color, text in self._items():
            shown = _fit(text, width - self.SIDE - 6, self.SIZE)
            used = (self.SIDE + 3 if color else 0) + pdfmetrics.stringWidth(shown, FONT, self.SIZE) + 8
            if left and left + used > width:
                left, line = 0.0, line + 1
            self._places.append((left, line, color, shown))
            left += used
        self._top = self.LEADING if self._key.ramp else 0.0
        self._width, self._height = width, (line + 1) * self.LEADING + self._top
        return width, self._height

    def draw(self) -> None:
        """Swatches with a border, so that the palest can be seen, and their meanings."""
        pen = self.canv
        pen.setLineWidth(0.4)
        pen.setStrokeColor(HexColor("#808080"))
        if self._key.ramp:
            self._draw_ramp()
            pen.rect(0, self._height - self.SIDE, self._width, self.SIDE, stroke=1, fill=0)
        pen.setFont(FONT, self.SIZE)
        for left, line, color, text in self._places:
            base = self._height - self._top - (line + 1) * self.LEADING + 3
            if color:
                pen.setFillColor(HexColor(color))
                pen.rect(left, base - 1, self.SIDE, self.SIDE, stroke=1, fill=1)
            pen.setFillColor(HexColor(INK))
            pen.drawString(left + (self.SIDE + 3 if color else 0), base, text)

    def _draw_ramp(self) -> None:
        pen, colors = self.canv, [HexColor(color) for color in self._key.ramp]
        bottom = self._height - self.SIDE
        pen.saveState()
        path = pen.beginPath()
        path.rect(0, bottom, self._width, self.SIDE)
        pen.clipPath(path, stroke=0)
        pen.linearGradient(0, bottom, self._width, bottom, colors, extend=False)
        pen.restoreState()

    def _items(self) -> list[tuple[str | None, str]]:
        if self._key.ramp:
            return [(None, _plain(f"{self._key.low} → {self._key.high}"))]
        return [(color, _plain(meaning)) for color, meaning in self._key.entries]


def _lay_out(report: Report) -> Iterator[Any]:
    yield Paragraph("CLAIRE report", _style("small"))
    yield Paragraph(_mark_up(report.title), _style("h1"))
    yield Paragraph(_mark_up(report.subject), _style("small"))
    yield Paragraph(_mark_up(report.headline), _style("lead"))
    if report.figures:
        yield _lay_figures(report)
    for section in report.sections:
        yield _Title(section.title, f"section-{section.anchor}")
        for block in section.blocks:
            yield from _lay_block(block)
    yield Paragraph(f"Written by CLAIRE {_mark_up(report.version)}.", _style("small"))


def _lay_block(block: content.Block) -> Iterator[Any]:
    match block:
        case content.Prose(text, small):
            yield Paragraph(_mark_up(text), _style("small" if small else "body"))
        case content.Heading(text):
            yield Paragraph(_mark_up(text), _style("h3"))
        case content.Bullets(items):
            yield from (Paragraph(_mark_up(item), _style("item"), bulletText="•") for item in items)
        case content.Gallery(pictures):
            yield from _lay_gallery(pictures)
        case content.Table():
            yield from _lay_table(block)
        case content.Passage(heading, lines):
            if heading:
                yield Paragraph(_mark_up(heading), _style("h4"))
            yield Paragraph(" ".join(_set_line(line) for line in lines), _style("body"))
        case content.Badge(word, text):
            font = f'<font name="{BOLD}" color="{BADGE_COLORS.get(word, SOFT)}">'
            yield Paragraph(f"{font}[{_mark_up(word)}]</font> {_mark_up(text)}", _style("badge"))
        case content.Commands(commands):
            for parts in commands:
                yield Paragraph(" \\<br/>&nbsp;&nbsp;".join(_mark_up(part) for part in parts), _style("code"))


def _set_line(line: Line) -> str:
    chips = " ".join(
        f"<link href={quoteattr('#' + chip.anchor)}><font {SMALL_LINK}>[{_mark_up(chip.title)}]</font></link>"
        for chip in line.chips
    )
    text = _mark_up(line.text)
    if line.reason:
        text = f"<strike>{text}</strike> <i>{_mark_up('✗ ' + line.reason)}</i>"
    return f"{text} {chips}"


def _lay_figures(report: Report) -> Any:
    cells = [
        [Paragraph(_mark_up(figure.value), _style("figure")), Paragraph(_mark_up(figure.meaning), _style("small"))]
        for figure in report.figures
    ]
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOX", (0, 0), (-1, -1), 0.5, HexColor(RULE))]
    style.append(("INNERGRID", (0, 0), (-1, -1), 0.5, HexColor(RULE)))
    return Table([cells], colWidths=[WIDTH / len(cells)] * len(cells), style=TableStyle(style))


def _lay_gallery(pictures: Sequence[Picture]) -> Iterator[Any]:
    """Rows of pictures; a row stays on one page."""
    width = (WIDTH - (COLUMNS - 1) * GAP) / COLUMNS
    for start in range(0, len(pictures), COLUMNS):
        row: list[Any] = [_lay_picture(picture, width) for picture in pictures[start : start + COLUMNS]]
        row += [""] * (COLUMNS - len(row))
        style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
        style += [("RIGHTPADDING", (0, 0), (-1, -1), GAP), ("BOTTOMPADDING", (0, 0), (-1, -1), 6)]
        yield Table([row], colWidths=[width + GAP] * COLUMNS, style=TableStyle(style), hAlign="LEFT")


def _lay_picture(picture: Picture, width: float) -> list[Any]:
    wide, high = picture.size
    scale = min(width / wide, TALLEST * width / high)
    image = Image(io.BytesIO(picture.png), wide * scale, high * scale, hAlign="LEFT")
    legend = [Spacer(0, 2)] if picture.key is None else [Spacer(0, 2), _Legend(picture.key)]
    words = Paragraph(_mark_up(picture.words, LONGEST_CELL), _style("small"))
    return [Paragraph(_mark_up(picture.title, LONGEST_CELL), _style("name")), image, *legend, words]


def _lay_table(table: content.Table) -> Iterator[Any]:
    """A table that breaks between rows and repeats its head."""
    count = len(table.head)
    kind, side = "tiny" if count > MANY_COLUMNS else "cell", "" if table.words else "-right"
    first, rest = _style(kind), _style(kind + side)
    rows: list[list[Any]] = []
    headed = any(table.head)
    if headed:
        title = "head" if kind == "cell" else kind
        styles = [_style(title), *[_style(title + side)] * (count - 1)]
        rows.append([Paragraph(_mark_up(t), style) for t, style in zip(table.head, styles, strict=True)])
    for row in table.rows:
        anchor = f"<a name={quoteattr(row.anchor)}/>" if row.anchor else ""
        cells = [Paragraph(_mark_up(cell, LONGEST_CELL), rest) for cell in row.cells[1:]]
        rows.append([Paragraph(anchor + _mark_up(row.cells[0], LONGEST_CELL), first), *cells])
    if table.caption:
        yield Paragraph(_mark_up(table.caption), _style("caption"))
    if not rows:
        return
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor(RULE))]
    style += [("LEFTPADDING", (0, 0), (0, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 2)]
    style += [("BOTTOMPADDING", (0, 0), (-1, -1), 2.5), ("RIGHTPADDING", (0, 0), (-1, -1), 4)]
    widths = [WIDTH * share for share in _share_width(table)]
    made = LongTable(rows, widths, repeatRows=int(headed), style=TableStyle(style), hAlign="LEFT")
    made.spaceAfter = 8
    yield made


def _share_width(table: content.Table) -> Sequence[float]:
    """Shares of the width per column; of a table of numbers, the first column gets more."""
    count = len(table.head)
    if table.widths:
        return table.widths
    if table.words or count == 1:
        return [1 / count] * count
    first = max(0.3, 1 / count) if count <= MANY_COLUMNS else 1.6 / (count + 0.6)
    return [first, *[min((1 - first) / (count - 1), 0.28)] * (count - 1)]


def _draw_foot(canvas: Any, document: Any) -> None:
    canvas.saveState()
    canvas.setFont(FONT, 7)
    canvas.setFillColor(HexColor(SOFT))
    canvas.drawString(MARGIN, FOOT, _fit(f"CLAIRE report: {document.title}", WIDTH - 60, 7))
    canvas.drawRightString(A4[0] - MARGIN, FOOT, f"page {document.page}")
    canvas.restoreState()


def _fit(text: str, width: float, size: float) -> str:
    """As much of a line as fits."""
    if pdfmetrics.stringWidth(text, FONT, size) <= width:
        return text
    while text and pdfmetrics.stringWidth(text + "…", FONT, size) > width:
        text = text[:-1]
    return text + "…"


def _mark_up(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text as reportlab wants it in a paragraph, in which nothing is markup."""
    return escape(_plain(text, longest), {'"': "&quot;", "'": "&apos;"})


def _plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text that the font can show."""
    known = pdfmetrics.getFont(FONT).face.charToGlyph
    return "".join(c if ord(c) in known else REPLACEMENT for c in as_line(text, longest))


def _register_fonts() -> None:
    """The fonts of matplotlib, which hold Latin, Greek and Cyrillic; embedded as far as they are used."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (FONT, BOLD, MONO):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _style(name: str) -> Any:
    """The style of that name."""
    right = name.endswith("-right")
    size, leading, more = STYLES[name.removesuffix("-right")]
    given = {"fontName": FONT, "textColor": HexColor(INK), **more}
    return ParagraphStyle(name, fontSize=size, leading=leading, alignment=TA_RIGHT if right else 0, **given)


STYLES: dict[str, tuple[float, float, dict[str, Any]]] = {
    "body": (9, 13, {"spaceAfter": 5}),
    "badge": (9, 13, {"spaceAfter": 4, "keepWithNext": 1}),
    "item": (9, 13, {"spaceAfter": 3, "leftIndent": 10, "bulletFontName": FONT, "bulletFontSize": 9}),
    "small": (7.5, 10, {"textColor": HexColor(SOFT), "spaceAfter": 4}),
    "lead": (12.5, 17, {"spaceBefore": 8, "spaceAfter": 8}),
    "h1": (18, 22, {"fontName": BOLD, "spaceAfter": 2}),
    "h2": (13, 16, {"fontName": BOLD, "spaceBefore": 16, "spaceAfter": 6, "keepWithNext": 1}),
    "h3": (10, 13, {"fontName": BOLD, "spaceBefore": 9, "spaceAfter": 4, "keepWithNext": 1}),
    "h4": (7.5, 10, {"fontName": BOLD, "textColor": HexColor(SOFT), "spaceBefore": 5, "keepWithNext": 1}),
    "name": (8.5, 11, {"fontName": BOLD, "spaceAfter": 2}),
    "figure": (15, 19, {"fontName": BOLD}),
    "caption": (7.5, 10, {"textColor": HexColor(SOFT), "spaceBefore": 5, "spaceAfter": 2, "keepWithNext": 1}),
    "head": (7.5, 9.5, {"fontName": BOLD, "textColor": HexColor(SOFT)}),
    "cell": (8, 10.5, {}),
    "tiny": (5.5, 7.5, {}),
    "code": (7, 10, {"fontName": MONO, "spaceAfter": 5}),
}
"""Size, leading, and what differs from plain text in black."""
