"""Re-creates docs/screenshot.png: the Compare page with a generated pair, in a real browser.

Run from the root of the repository: `.venv/bin/python docs/make_screenshot.py`
"""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "screenshot.png"
ADDRESS = "compare?dataset=examples&tile=cloudy-2"
SIZE = {"width": 1440, "height": 1240}
STEP = 8
"""Levels of a channel that become one: nobody sees it, and the file has half the size."""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def main() -> None:
    """Start the app, take the picture, stop the app."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    app = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for(port)
        picture = Image.open(io.BytesIO(take(f"http://127.0.0.1:{port}/{ADDRESS}"))).convert("RGB")
    finally:
        app.terminate()
        app.wait(10)
    levels = [min(255, (value + STEP // 2) // STEP * STEP) for value in range(256)]
    picture.point(levels * 3).save(TARGET, optimize=True)


def wait_for(port: int) -> None:
    """Wait until the app answers."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The app did not start.")


def take(address: str) -> bytes:
    """PNG of the page once all its pictures are there."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(address)
        page.wait_for_selector('img[alt^="Label"]', timeout=120_000)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1500)
        content = page.screenshot()
        browser.close()
    return content


if __name__ == "__main__":
    main()
