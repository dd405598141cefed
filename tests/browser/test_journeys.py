"""Home -> Explore -> a pair -> Compare, as a user walks it, in a real browser with the real model."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.data.attacks import CANARY_TEXT, render_vrt, write_canary

MAP_TITLES = ("Optical only", "SAR only", "Fused")
DATES = ("after", "before")
CLOUDY = "dataset=examples&tile=cloudy-2"
NARROW = {"width": 400, "height": 860}


@pytest.fixture(scope="session")
def address(start_app: Callable[[Path | None], str], ombria_folder: Path) -> str:
    return start_app(ombria_folder)


def find_real_data() -> Path | None:
    """A folder of real tiles: `CLAIRE_DATA`, or shared/data beside the repository."""
    given = os.environ.get("CLAIRE_DATA", "").split(os.pathsep)[0]
    for folder in (Path(given) if given else None, Path(__file__).resolve().parents[3] / "shared" / "data"):
        if folder is not None and (folder / "ombria").is_dir():
            return folder
    return None


def wait_until_done(page: Any) -> None:
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_load_state("networkidle")


def check_no_fault(page: Any) -> None:
    assert page.locator('[data-testid="stException"]').count() == 0
    body = page.inner_text("body")
    assert "Traceback" not in body
    assert "Something went wrong" not in body


def check_maps_and_scores(page: Any) -> None:
    for start in (*(f"{title} class map" for title in MAP_TITLES), "Disagreement", "Trust", "Label"):
        page.wait_for_selector(f'img[alt^="{start}"]')
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stImage] img')].every(i => i.complete && i.naturalWidth > 0)"
    )
    scores = page.locator("table", has_text="kappa").inner_text()
    for title in MAP_TITLES:
        assert re.search(rf"{title}\s+0\.\d{{3}}", scores)
    check_no_fault(page)


def upload(page: Any, address: str, optical: Sequence[Path], sar: Sequence[Path], label: Path | None = None) -> None:
    page.goto(f"{address}/explore")
    page.wait_for_selector('[data-testid="stImage"] img')
    wait_until_done(page)
    page.get_by_text("Upload a pair", exact=True).click()
    for zone, files in enumerate((optical, sar, [label] if label else [])):
        if files:
            field = page.locator('input[type="file"]').nth(zone)
            field.wait_for(state="attached")
            wait_until_done(page)
            give_files(page, field, files)
            wait_until_done(page)


def appears(page: Any, wanted: Any) -> bool:
    """Whether something is seen within fifteen seconds."""
    for _ in range(60):
        if wanted.is_visible():
            return True
        page.wait_for_timeout(250)
    return False


def give_files(page: Any, field: Any, files: Sequence[Path], attempts: int = 8) -> None:
    """Choose files until they are listed: a field that is drawn anew at that moment loses them."""
    listed = page.get_by_text(files[0].name).first
    for _ in range(attempts):
        field.set_input_files([str(path) for path in files])
        if appears(page, listed):
            return
        wait_until_done(page)
    pytest.fail(f"{files[0].name} is not listed after {attempts} attempts.")


def walk_to_compare(page: Any, address: str, chip: str) -> None:
    page.goto(address)
    wait_until_done(page)
    check_no_fault(page)
    page.get_by_role("button", name="Start: explore pairs").click()
    page.wait_for_url("**/explore**")
    page.get_by_role("button", name=chip, exact=True).click()
    page.wait_for_url("**tile=**")
    page.get_by_role("heading", name=re.compile(chip)).wait_for()
    check_no_fault(page)
    page.get_by_role("button", name="Compare the maps").click()
    page.wait_for_url("**/compare**")
    check_maps_and_scores(page)


def test_a_chip_of_a_data_set_becomes_three_maps_with_scores(page: Any, address: str) -> None:
    walk_to_compare(page, address, "0003")
    before = page.locator('img[alt^="Fused class map"]').get_attribute("src")
    page.get_by_role("slider").first.press("Home")
    page.wait_for_function(
        f"() => document.querySelector('img[alt^=\"Fused class map\"]').getAttribute('src') != '{before}'"
    )
    page.get_by_text("Confidence", exact=True).click()
    page.wait_for_selector('img[alt^="Fused confidence"]')
    check_no_fault(page)


def test_a_real_chip_becomes_three_maps_with_scores(page: Any, start_app: Callable[[Path | None], str]) -> None:
    folder = find_real_data()
    if folder is None:
        pytest.skip("There are no real tiles here: set CLAIRE_DATA to a folder that holds ombria/.")
    walk_to_compare(page, start_app(folder), "0003")


def test_an_uploaded_pair_becomes_three_maps_with_scores(page: Any, address: str, ombria_folder: Path) -> None:
    optical, sar = (
        [ombria_folder / f"ombria/Ombria{sensor}/train/{date.upper()}/{sensor}_{date}_0002.png" for date in DATES]
        for sensor in ("S2", "S1")
    )
    upload(page, address, optical, sar, ombria_folder / "ombria/OmbriaS2/train/MASK/S2_mask_0002.png")
    page.get_by_text("which band is which?").first.wait_for()
    page.wait_for_selector('img[alt^="Label"]')
    check_no_fault(page)
    page.get_by_role("button", name="Compare the maps").click()
    page.wait_for_url("**/compare**")
    check_maps_and_scores(page)


def test_a_wrong_upload_is_a_sentence_and_a_hint(page: Any, address: str, ombria_folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "notes.tif"
    wrong.write_text("I am no raster.")
    upload(page, address, [wrong], [ombria_folder / "ombria/OmbriaS1/train/AFTER/S1_after_0001.png"])
    card = page.get_by_test_id("stAlert").filter(has_text="notes.tif")
    card.wait_for()
    assert "GeoTIFF" in card.inner_text()
    check_no_fault(page)


def test_a_hostile_upload_shows_nothing_but_a_short_sentence(
    page: Any, address: str, ombria_folder: Path, tmp_path: Path
) -> None:
    canary = write_canary(tmp_path / "canary.tif")
    name = "<img src=x onerror=document.title='owned'><|system|>" + "x" * 150 + ".tif"
    page.goto(f"{address}/explore")
    page.wait_for_selector('[data-testid="stImage"] img')
    wait_until_done(page)
    page.get_by_text("Upload a pair", exact=True).click()
    hostile = {"name": name, "mimeType": "image/tiff", "buffer": render_vrt(str(canary)).encode()}
    sar = ombria_folder / "ombria/OmbriaS1/train/AFTER/S1_after_0001.png"
    card = page.get_by_test_id("stAlert").filter(has_text="GeoTIFF")
    for _ in range(8):  # as `give_files`, but what is listed of such a name is not its beginning
        for zone, files in enumerate((hostile, str(sar))):
            field = page.locator('input[type="file"]').nth(zone)
            field.wait_for(state="attached")
            wait_until_done(page)
            field.set_input_files(files)
            wait_until_done(page)
        if appears(page, card):
            break
    card.wait_for()
    said = card.inner_text()
    assert len(said) < 400
    assert not [secret for secret in (CANARY_TEXT, str(tmp_path), "<|", "x" * 100) if secret in said]
    assert page.title().startswith("Explore")
    assert page.locator('img[src="x"]').count() == 0
    check_no_fault(page)


def find_picker(page: Any, alt: str) -> Any:
    """A picture to click or draw on, once it is drawn; its box on the screen."""
    picture = page.locator(f'.frame img[alt*="{alt}"]')
    picture.wait_for()
    wait_until_done(page)
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    return box


def test_a_click_on_a_pixel_shows_where_it_looked(page: Any, address: str) -> None:
    page.goto(f"{address}/attention?{CLOUDY}")
    box = find_picker(page, "looked in SAR")
    # The browser rounds the pointer down to whole screen pixels: aim right of and below the middle of the tile's pixel.
    page.mouse.click(box["x"] + 64.8 / 256 * box["width"], box["y"] + 192.8 / 256 * box["height"])
    page.wait_for_selector('.frame img[alt^="Where the SAR pixel at row 192, column 64 looked in optical"]')
    assert page.get_by_label("x, column").input_value() == "64"
    assert page.get_by_label("y, row").input_value() == "192"
    check_no_fault(page)


def test_a_zone_is_drawn_in_one_stroke_asked_about_and_cancelled(page: Any, address: str) -> None:
    page.goto(f"{address}/why?{CLOUDY}")
    find_picker(page, "whole class")
    page.get_by_role("radio", name="Rectangle").click()
    box = find_picker(page, "rectangle")
    corner = [box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"]]
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] + 0.125 * box["width"], corner[1] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_selector('.frame img[alt*="rectangle, 4,096 pixels"]')

    page.get_by_role("radio", name="Polygon").click()
    box = find_picker(page, "polygon")
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] + 0.25 * box["width"], middle[1])
    page.mouse.down()
    for step in range(1, 60):
        angle = 2 * math.pi * step / 60
        page.mouse.move(
            middle[0] + 0.25 * box["width"] * math.cos(angle), middle[1] + 0.25 * box["width"] * math.sin(angle)
        )
    page.mouse.up()
    drawn = page.get_by_text(re.compile(r"^12,\d{3} pixels, 20 % of the tile"))
    drawn.wait_for()

    page.get_by_role("button", name="Explain").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Nothing was kept").wait_for()
    check_no_fault(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "explore", f"compare?{CLOUDY}", f"attention?{CLOUDY}", f"why?{CLOUDY}"])
def test_pages_open_by_address_fit_a_phone_and_have_words_for_every_picture(
    browser: Any, address: str, path: str, scheme: str
) -> None:
    context = browser.new_context(viewport=NARROW, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{address}/{path}")
    page.wait_for_selector('[data-testid="stImage"] img, .frame img[alt]')
    wait_until_done(page)
    check_no_fault(page)
    main = "document.querySelector('[data-testid=stMain]')"
    assert page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
    alts = [image.get_attribute("alt") for image in page.locator('[data-testid="stImage"] img, .frame img').all()]
    assert alts
    assert all(len(alt) > 20 for alt in alts)
    context.close()
