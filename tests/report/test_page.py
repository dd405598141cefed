"""HTML: one file, no script, nothing fetched, and nothing that a stranger wrote is markup."""

from __future__ import annotations

import dataclasses
import html
import re

import pytest

from claire.core.analysis import Analysis
from claire.core.classes import ClassScheme, LandClass
from claire.core.text import as_line
from claire.core.types import Notice
from claire.reasoning.narrating import reason
from claire.report.building import build_report
from claire.report.page import Entry, render_html, render_index
from tests.reasoning.simulated import MODEL
from tests.reasoning.test_injection import PAYLOADS
from tests.report.reading import Page, build_whole

TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "nav", "section", "footer", "h1", "h2", "h3",
    "h4", "p", "a", "b", "s", "i", "span", "dl", "dt", "dd", "div", "figure", "img", "figcaption", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "ul", "li", "pre",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "src", "alt", "width", "height", "title",
    "style", "scope", "role", "aria-label", "tabindex", "data-head",
}  # fmt: skip
STYLE = re.compile(r"background:(#[0-9a-f]{6}|linear-gradient\(to right(,#[0-9a-f]{6})+\))")
ANCHOR = re.compile(r"[a-z0-9._-]+")


def render(analysis: Analysis, *questions: str) -> bytes:
    answers = [(each, reason(analysis, question=each)) for each in questions]
    return render_html(build_report(analysis, reason(analysis), answers))


def poison(payload: str) -> Analysis:
    """The payload wherever a stranger can put it."""
    scheme = ClassScheme(payload, (LandClass(0, "background", "#d9d2c5"), LandClass(1, payload, "#0072b2")))
    model = dataclasses.replace(
        MODEL, title=payload, limits=(payload,), failures=(payload,), sensors={"optical": payload}, data=payload,
        condition=payload, scores={"fused": {f"iou {payload}": 0.5}},
    )  # fmt: skip
    made = build_whole(size=(12, 12), scheme=scheme, name=payload, bands=(payload, "B3", "B2"), model=model)
    tile = dataclasses.replace(
        made.tile, sources={payload: payload}, reading={"optical": (payload,), "sar": (payload,), "bands": (payload,)}
    )
    answers = []
    for each in made.explained:
        named = dataclasses.replace(each.attribution, class_name=payload, baseline=payload)
        answers.append(dataclasses.replace(each, attribution=named))
    strange = {payload: payload}
    provenance = dataclasses.replace(
        made.provenance, model=payload, inputs=strange, versions=strange, settings=strange, model_sha256=payload
    )
    return dataclasses.replace(
        made, tile=tile, explained=tuple(answers), provenance=provenance, notices=(Notice("strange", payload),),
        comparison=payload,
    )  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_payload_anywhere_makes_no_element_no_attribute_and_no_address(payload: str) -> None:
    asked = [payload] if payload.strip() and len(payload) <= 500 else []
    content = render(poison(payload), *asked)
    page = Page(content)
    assert {tag for tag, _, _ in page.elements} <= TAGS
    assert not page.comments
    for tag, given, _ in page.elements:
        assert set(given) <= ATTRIBUTES, (tag, given)
        assert STYLE.fullmatch(given.get("style", "background:#000000"))
        assert ANCHOR.fullmatch(given.get("id", "x"))
        assert given.get("href", "#")[0] == "#"
        assert given.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
    shown = as_line(payload, 60)
    assert shown in page.text or not shown
    if html.escape(payload, quote=False) != payload:
        assert payload.encode("utf-8", "replace") not in content
    assert not re.search(r"<\|(?![^<]*=)|[\x00\u202e]", content.decode())


def test_a_page_asks_nobody_and_runs_nothing() -> None:
    page = Page(render(build_whole()))
    policy = next(given["content"] for given, _ in page.find("meta") if "http-equiv" in given)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    assert not page.find("script")
    assert not page.find("link")
    assert not [given for _, given, _ in page.elements if any(name.startswith("on") for name in given)]
    assert "url(" not in page.find("style")[0][1]
    assert "@import" not in page.find("style")[0][1]


def test_every_chip_leads_to_a_row_and_says_what_it_holds() -> None:
    page = Page(render(build_whole(), "How much flood?"))
    rows = {given["id"]: text for given, text in page.find("tr") if "id" in given}
    chips = page.find("a", "chip")
    assert len(chips) > 20
    for given, _ in chips:
        fact = given["title"].partition(" (")[0]
        assert fact[:20] in rows[given["href"].removeprefix("#")]
    for given, _ in page.find("a"):
        assert any(each.get("id") == given["href"].removeprefix("#") for _, each, _ in page.elements)


def test_every_picture_says_what_it_shows_with_numbers() -> None:
    pictures = Page(render(build_whole())).find("img")
    assert len(pictures) == 15
    for given, _ in pictures:
        assert re.search(r"\d", given["alt"])
        assert given["width"].isdecimal()


def test_ids_are_unique() -> None:
    ids = [given["id"] for _, given, _ in Page(render(build_whole())).elements if "id" in given]
    assert len(ids) == len(set(ids))


def test_the_same_analysis_gives_the_same_bytes() -> None:
    assert render(build_whole(), "How sure?") == render(build_whole(), "How sure?")


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_list_of_reports_links_to_its_files_and_nowhere_else(payload: str) -> None:
    name = payload.replace("/", "").replace("\x00", "")[:200] or "x"
    content = render_index([Entry(f"{name}.html", payload, payload, payload, None)], [(payload, payload)])
    page = Page(content)
    assert {tag for tag, _, _ in page.elements} <= TAGS
    (link,) = (given["href"] for given, _ in page.find("a"))
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+", link)
