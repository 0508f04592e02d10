"""A Chromium, and the app in a process of its own for it to open.

Owns starting and ending both, and the clock inside a page. Knows nothing of figures.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, Error, Page, sync_playwright

from benchmarks.sides import ROOT, SideFailed

TIMING = Path(__file__).with_name("page_timing.js")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
VIEWPORT = {"width": 1280, "height": 860}
START_TIMEOUT_S = 120
ANSWER_TIMEOUT_MS = 60_000
AWAY_MS = 50


@contextmanager
def chromium() -> Generator[Browser]:
    """A browser without a window. Raises SideFailed where there is none."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        raise SideFailed("no Chromium is installed (Debian and Ubuntu: apt install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        yield opened
        opened.close()


@contextmanager
def running_app(model: str) -> Generator[str]:
    """The app with `model` and a history of its own; gives its address. Raises SideFailed."""
    with socket.socket() as probe, tempfile.TemporaryDirectory() as folder:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environ = os.environ | {
            "PLAYGROUND_MODEL": model, "PLAYGROUND_DATA_DIR": folder, "PLAYGROUND_OPEN_BROWSER": "off",
            "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1",
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/", process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(20)


def start_clock(page: Page) -> None:
    """Put the functions of `page_timing.js` into a page."""
    page.evaluate(TIMING.read_text("utf-8"))


def pointing_ms(page: Page, selector: str, frame: str, chance: random.Random) -> float:
    """Point at a random element that can be seen, and wait until the page has answered. Raises playwright's Error where
    nothing can be seen or no answer comes."""
    places = page.evaluate("([selector, frame]) => window.inSight(selector, frame)", [selector, frame])
    if not places:
        raise Error(f"nothing to point at: {selector}")
    page.mouse.move(2, 2)  # else the same place twice would be no event
    page.wait_for_timeout(AWAY_MS)
    page.evaluate("window.took = []")
    page.mouse.move(*chance.choice(places))
    return took_ms(page)


def took_ms(page: Page) -> float:
    """What the clock in the page found since it was emptied."""
    page.wait_for_function("window.took.length > 0", timeout=ANSWER_TIMEOUT_MS)
    return page.evaluate("window.took.at(-1)")


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end_s:
        if process.poll() is not None:
            raise SideFailed("the app ended at once; start it by hand to see why")
        try:
            urlopen(url, timeout=1).read()
            return
        except OSError:
            time.sleep(0.2)
    raise SideFailed("the app did not start in time")
