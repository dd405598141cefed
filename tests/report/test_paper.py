"""PDF: the same content as the HTML, as text that can be read and links that stay inside."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from claire.core.text import as_line
from claire.reasoning.narrating import reason
from claire.report import paper
from claire.report.building import build_report
from claire.report.content import Bullets, Gallery, Key, Picture, Report, Row, Section, Table
from claire.report.page import render_html
from claire.report.paper import REPLACEMENT, render_pdf
from tests.reasoning.test_injection import PAYLOADS
from tests.report.reading import Page, build_whole
from tests.report.test_page import poison


def report_of(analysis: Any, *questions: str) -> Report:
    return build_report(analysis, reason(analysis), [(each, reason(analysis, question=each)) for each in questions])


def make(*blocks: Any) -> Report:
    return Report("A pair", "nothing", "Nothing.", (), (Section("s", "S", blocks),), None, "0")


def read(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content), strict=True)


def text_of(content: bytes) -> str:
    return "".join("".join(page.extract_text() for page in read(content).pages).split())


@pytest.fixture(scope="module")
def whole() -> tuple[Report, bytes]:
    report = report_of(build_whole(), "How much flood?")
    return report, render_pdf(report)


def test_everything_that_the_page_says_is_in_the_paper(whole: tuple[Report, bytes]) -> None:
    report, content = whole
    page, paper_text = Page(render_html(report)), text_of(content)
    said = [text for tag in ("h1", "h2", "h3", "td", "th", "li", "figcaption") for _, text in page.find(tag)]
    assert len(said) > 300
    missing = [text for text in said if "".join(text.split()) not in paper_text]
    assert len(missing) < 0.1 * len(said), missing  # a page may end within a text
    for title in (report.headline, *(figure.value for figure in report.figures)):
        assert "".join(title.split()) in paper_text


def test_the_same_report_gives_the_same_bytes_and_names_no_clock(whole: tuple[Report, bytes]) -> None:
    report, content = whole
    assert render_pdf(report) == content
    information = read(content).metadata
    assert information is not None
    assert information.title == report.title
    assert all(date is None or date.year == 2000 for date in (information.creation_date, information.modification_date))


def test_chips_and_bookmarks_lead_inside_and_nothing_acts(whole: tuple[Report, bytes]) -> None:
    report, content = whole
    document = read(content)
    pages = {page.indirect_reference for page in document.pages}
    links = [note.get_object() for page in document.pages for note in page.get("/Annots", ())]
    assert len(links) > 20
    for link in links:
        assert link["/Subtype"] == "/Link"
        assert link["/Dest"][0] in pages
        assert "/A" not in link
    assert [entry.title for entry in document.outline] == [section.title for section in report.sections]
    assert {"/OpenAction", "/AA", "/AcroForm", "/Names"}.isdisjoint(document.trailer["/Root"])
    for sign in (b"/JavaScript", b"/JS", b"/URI", b"/Launch", b"/EmbeddedFile", b"http"):
        assert sign not in content


def test_pictures_are_all_there(whole: tuple[Report, bytes]) -> None:
    report, content = whole
    galleries = [block for section in report.sections for block in section.blocks if isinstance(block, Gallery)]
    drawn = sum(len(page.images) for page in read(content).pages)
    assert drawn == sum(len(gallery.pictures) for gallery in galleries)


def test_payloads_are_read_literally_or_replaced_and_open_nothing() -> None:
    items = tuple(f"{number:02d} {payload} ." for number, payload in enumerate(PAYLOADS))
    content = render_pdf(
        make(Bullets(items), Table(("a", "b"), tuple(Row((each, each)) for each in items), "x" * 3000))
    )
    text = text_of(content)
    for number, payload in enumerate(PAYLOADS):
        shown = "".join(as_line(payload, 400).split())
        assert f"{number:02d}{shown}".replace("…", "")[:200] in text or REPLACEMENT in text
    for sign in (b"/URI", b"/JS", b"/Launch", b"/Annots"):
        assert sign not in content


@pytest.mark.parametrize("payload", [PAYLOADS[i] for i in (0, 5, 12, 13, 24, 28, 38, 41)])
def test_a_poisoned_analysis_becomes_a_paper_that_acts_on_nothing(payload: str) -> None:
    content = render_pdf(report_of(poison(payload)))
    for page in read(content).pages:
        assert all("/A" not in note.get_object() for note in page.get("/Annots", ()))
    assert b"/JavaScript" not in content


def test_markup_of_the_library_is_text() -> None:
    hostile = (
        '<img src="/etc/passwd"/>', '<font color="[[[os.system(1)]]]">x</font>', '<a href="http://x.example">x</a>',
        "<para><b>x", "&#60;b&#62;", "<onDraw name='x'/>", "]]>", "<?xml?>", "&undefined;",
    )  # fmt: skip
    content = render_pdf(make(Bullets(hostile)))
    for text in hostile:
        assert "".join(text.split()) in text_of(content)
    assert b"/Annots" not in content


def test_what_the_font_cannot_show_is_replaced() -> None:
    assert text_of(render_pdf(make(Bullets(("Überflutung Δ Ж → 洪水",))))).count(REPLACEMENT) == 2


def test_tables_break_over_pages_and_repeat_their_head() -> None:
    rows = tuple(Row((f"row{number}", "x" * 90)) for number in range(200))
    document = read(render_pdf(make(Table(("Headword", "b"), rows))))
    assert len(document.pages) > 3
    assert all("Headword" in page.extract_text() for page in document.pages if "row" in page.extract_text())
    assert sum(page.extract_text().count("row") for page in document.pages) == 200


@pytest.mark.parametrize("shape", [(1, 1), (1, 600), (600, 1), (5, 7)])
def test_pictures_of_any_shape_fit_a_page(shape: tuple[int, int]) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(stream, format="PNG")
    key = Key(tuple(("#ffffff", f"a very long class name {number}") for number in range(19)))
    picture = Picture("Title", "Words " * 100, stream.getvalue(), shape[::-1], key)
    assert len(read(render_pdf(make(Gallery((picture,) * 4)))).pages) <= 3


def test_a_long_word_stays_on_the_page() -> None:
    content = render_pdf(make(Bullets(("x" * 4000,)), Table(tuple("abcdefghijklmnopqrst"), (Row(("x" * 90,) * 20),))))
    assert len(read(content).pages) < 12


def test_shares_of_widths_fill_no_more_than_the_page() -> None:
    for count in range(1, 25):
        for words in (True, False):
            widths = paper._share_width(Table(("x",) * count, (), words=words))
            assert len(widths) == count
            assert sum(widths) <= 1 + 1e-9
