"""Reports in a real browser: hostile names run nothing and fetch nothing, even without the page's own policy."""

from __future__ import annotations

import re
from typing import Any

import pytest

from claire.report.page import render_html
from claire.report.writing import tell_report
from tests.reasoning.test_injection import PAYLOADS
from tests.report.reading import build_whole
from tests.report.test_page import poison

MARKED = "document.documentElement.dataset.hit='1'"
LIVE = (
    *PAYLOADS,
    f"<script>{MARKED}</script>", f"<img src=x onerror=\"{MARKED}\">", f"'><svg onload=\"{MARKED}\">",
    f"\" onmouseover=\"{MARKED}\" x=\"", f"</style><script>{MARKED}</script>", f"</title><script>{MARKED}</script>",
    f"javascript:{MARKED}",
)  # fmt: skip


@pytest.mark.parametrize("guarded", [True, False])
def test_no_payload_runs_or_asks_anybody(page: Any, guarded: bool) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for payload in LIVE[:: 1 if guarded else 3] + LIVE[-7:]:
        content = render_html(tell_report(poison(payload))).decode()
        if not guarded:
            content = re.sub(r"<meta http-equiv=[^>]*>", "", content)
        page.set_content(content)
        assert page.evaluate("document.documentElement.dataset.hit") is None, payload
        assert page.evaluate("document.scripts.length + document.querySelectorAll('svg,iframe,object').length") == 0
    assert not dialogs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_fits_a_phone(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 850})
    page.set_content(render_html(tell_report(build_whole())).decode())
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    narrow = (
        "[...document.querySelectorAll('caption, td, th, p')].filter(e => e.offsetHeight > 12 * e.offsetWidth).length"
    )
    assert page.evaluate(narrow) == 0
    page.locator("a.chip").first.click()
    target = page.evaluate("document.querySelector('tr:target').getBoundingClientRect().top")
    assert 0 <= target < 850
