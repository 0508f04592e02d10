"""The real app in a process of its own, and a real Chromium before it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.conftest import MODEL, cannot

ROOT = Path(__file__).resolve().parents[2]
PICTURES = Path(os.environ.get("PLAYGROUND_TEST_SCREENSHOTS") or ROOT / "test-artifacts")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these Chromium asks its maker's servers for this and that.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
START_TIMEOUT_S = 90
ANSWER_TIMEOUT_MS = 60_000

expect.set_options(timeout=10_000)


@dataclass
class App:
    """`python app.py` on a free port, with its own data folder."""

    data_dir: Path
    cache_dir: Path
    environ: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self, port: int = 0) -> App:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = port or probe.getsockname()[1]
        environ = {
            **os.environ, "PLAYGROUND_DATA_DIR": str(self.data_dir), "PLAYGROUND_CACHE_DIR": str(self.cache_dir),
            "PLAYGROUND_MODEL": MODEL, "PLAYGROUND_OPEN_BROWSER": "off", "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_SERVER_NAME": "127.0.0.1", **self.environ,
        }  # fmt: skip
        log = (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab")
        self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environ, stdout=log, stderr=log)
        end_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end_s:
            assert self.process.poll() is None, f"the app ended at once, see {log.name}"
            try:
                urlopen(self.url, timeout=1).read()
                return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the app did not start in time")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        cannot("browser", "no Chromium is installed (Debian and Ubuntu: apt install chromium)")
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=program, args=QUIET)
        except Error as error:
            cannot("browser", f"Chromium does not start: {error}")
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, real_cache: Path) -> Iterator[App]:
    """One app for many tests; every test opens its own chat in it."""
    running = App(tmp_path_factory.mktemp("app") / "data", real_cache).start()
    yield running
    running.end()


@pytest.fixture
def own_app(tmp_path: Path, real_cache: Path) -> Iterator[App]:
    """An app that this test may kill or configure; not started yet."""
    own = App(tmp_path / "data", real_cache)
    yield own
    own.end()


@dataclass
class Visitor:
    """A person at a page."""

    page: Page
    url: str

    def open(self, path: str = "") -> Visitor:
        self.page.goto(self.url + path)
        expect(self.box).to_be_visible(timeout=30_000)
        return self

    @property
    def box(self) -> Any:
        return self.page.locator(".composer textarea")

    @property
    def answer(self) -> Any:
        return self.page.locator(".message.assistant").last

    @property
    def body(self) -> Any:
        return self.answer.locator(".body")

    def send(self, text: str, *, wait: bool = True) -> None:
        self.box.fill(text)
        self.box.press("Enter")
        expect(self.page.locator(".message.user").last).to_contain_text(text.splitlines()[0])
        if wait:
            self.wait_for_answer()

    def wait_for_answer(self) -> None:
        expect(self.page.locator(".go.stopping")).to_have_count(0, timeout=ANSWER_TIMEOUT_MS)

    def wait_for_words(self) -> None:
        """The answer has begun."""
        expect(self.page.locator(".go.stopping")).to_be_visible(timeout=ANSWER_TIMEOUT_MS)
        expect(self.body).to_contain_text(re.compile(r"\S"), timeout=ANSWER_TIMEOUT_MS)

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Open the page as a new person: `visit(app.url, width=..., locale=...)`. No page may report a script error.

    Answers are greedy and end after `longest` tokens, so that a test takes the same way each time.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def enter(
        url: str, *, width: int = 1280, height: int = 860, path: str = "", longest: int = 48, **options: Any
    ) -> Visitor:
        options.setdefault("locale", "en-US")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        settings = json.dumps({"temperature": 0, "max_new_tokens": longest})
        context.add_init_script(
            f"localStorage.getItem('playground.settings') ?? localStorage.setItem('playground.settings', '{settings}')"
        )
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda r: None if _is_own(r.url) else problems.append(f"request to {r.url}"))
        return Visitor(page, url).open(path)

    yield enter
    for context in contexts:
        context.close()
    assert not problems, problems


def _is_own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:"))
