"""The attention page in Chromium beside BertViz: bytes of an overview, drawing a head, pointing at words."""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse

from playwright.sync_api import Browser, Error, Page, Response, Route

from benchmarks.attention import attention_side
from benchmarks.browser import VIEWPORT, chromium, pointing_ms, running_app, start_clock, took_ms
from benchmarks.command_line import SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.results import Figure, Result, Table, median, number, with_spread
from benchmarks.sides import PEER_PYTHON, Side

BERTVIZ = PEER_PYTHON.parents[1] / "bertviz"
SCRIPTS = BERTVIZ / "scripts"
LAST_SCRIPT = SCRIPTS / "require.min.js"
OVERVIEW_TOKENS, HEAD_TOKENS = 256, 1024
LENGTHS = (1024, 2048, 4096)
BERTVIZ_LENGTHS = (32, 64, 128, 256, 512)
MOST_OVERVIEW, MOST_HEAD_MS, MOST_POINTING_MS, LEAST_LENGTH = 1 / 100, 300, 50, 4096
POINTS = 24
SETTLE_MS = 3000
TOO_SLOW_MS = 500
WAIT_MS = 180_000
WORDS, TEXT_FRAME = ".look-text .unit", ".look-page"
MB = 1e6


def measure(plan: Plan) -> Result:
    """One model, one browser; our page and BertViz's one after the other."""
    figures: list[Figure] = []
    tables: list[Table] = []
    for model in plan.choose(SMOLLM2):
        with ExitStack() as opened:
            theirs = opened.enter_context(_bertviz_side(model)) if BERTVIZ.exists() else None
            side = theirs or opened.enter_context(attention_side(model))
            texts = {tokens: side.ask("text", tokens=tokens) for tokens in {OVERVIEW_TOKENS, HEAD_TOKENS, *LENGTHS}}
            browser = opened.enter_context(chromium())
            url = opened.enter_context(running_app(model))
            for found, table in (
                _overview(browser, url, texts[OVERVIEW_TOKENS], theirs),
                _head(browser, url, texts[HEAD_TOKENS], plan),
                _pointing(browser, url, texts, theirs, plan),
            ):
                figures += [replace(one, name=f"{one.name}, {SHORT_NAMES[model]}") for one in found]
                tables.append(table)
    return Result(
        "attention_page",
        "Looking inside, in the browser",
        "Chromium without a window. Bytes: all that the page is sent from the click on “Look inside” until all heads "
        f"are drawn, for {OVERVIEW_TOKENS} tokens, beside the file of BertViz's model view, weights rounded to four "
        f"digits. A head: from the click on its small picture in a text of {HEAD_TOKENS:,} tokens until its map is "
        f"painted. Pointing: from the pointer's event until the answer is painted, {POINTS} random words in sight, the "
        "average over all heads shown, and as many right behind a jump to another place of the text. BertViz shows one "
        "layer with all heads of texts up to the first at which it is too slow; its scripts come from a folder here.",
        plan.rounds,
        tuple(figures),
        tuple(tables),
    )


def look(page: Page, url: str, text: str) -> None:
    """Have a text looked into, and wait until all heads are drawn."""
    page.goto(url)
    page.get_by_role("tab", name="Attention").click()
    page.locator(".look-box textarea").fill(text)
    page.locator(".look-go").click()
    page.locator(".look-kinds .look-kind").first.wait_for(timeout=WAIT_MS)


def _bertviz_side(model: str) -> Side:
    python_path = os.pathsep.join(filter(None, [str(BERTVIZ), os.environ.get("PYTHONPATH", "")]))
    command = ["env", f"PYTHONPATH={python_path}", sys.executable, "-m", "benchmarks.peers.bertviz_side", model]
    return Side(f"BertViz {model}", command)


def _new_page(browser: Browser) -> Page:
    return browser.new_context(viewport=VIEWPORT, locale="en-US").new_page()  # type: ignore[arg-type]


def _overview(browser: Browser, url: str, text: str, theirs: Side | None) -> tuple[list[Figure], Table]:
    """Bytes until all heads are drawn."""
    page = _new_page(browser)
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    look(page, url, text)
    ours = sum(len(answer.body()) for answer in answers if "component_server" in answer.url)
    page.context.close()
    bertviz = None
    if theirs is not None:
        with tempfile.TemporaryDirectory() as folder:
            bertviz = theirs.ask("write", view="model", tokens=OVERVIEW_TOKENS, path=f"{folder}/model.html")
    name = f"bytes for the overview of {OVERVIEW_TOKENS} tokens, ours / BertViz model view"
    value = ours / bertviz if bertviz else None
    figure = Figure(name, value, MOST_OVERVIEW, lower_is_better=True)
    cells = (number(ours / MB), number(bertviz / MB) if bertviz else "–")
    return [figure], Table((f"MB for {OVERVIEW_TOKENS} tokens", "ours", "BertViz"), (("all heads", *cells),))


def _head(browser: Browser, url: str, text: str, plan: Plan) -> tuple[list[Figure], Table]:
    """From the click on a small picture to the map."""
    page = _new_page(browser)
    look(page, url, text)
    page.wait_for_timeout(SETTLE_MS)
    start_clock(page)
    chance = random.Random(1)
    took = []
    for _ in range(4 * plan.rounds):
        # What a head is said to do has another length than the last one's: the pictures have moved.
        page.locator(".look-atlas").evaluate("atlas => atlas.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(SETTLE_MS / 10)
        box = page.locator(".look-atlas").bounding_box()
        assert box is not None
        top, bottom = max(box["y"], 120), min(box["y"] + box["height"], VIEWPORT["height"]) - 20
        page.evaluate("window.took = []; window.watchClick('.look-map')")
        page.mouse.click(box["x"] + chance.random() * box["width"] * 0.9, top + chance.random() * (bottom - top))
        took.append(took_ms(page))
        page.wait_for_timeout(300)
    page.context.close()
    name = f"click on a head at {HEAD_TOKENS:,} tokens until drawn"
    figure = Figure(name, median(took), MOST_HEAD_MS, unit="ms", lower_is_better=True)
    return [figure], Table((f"ms, {HEAD_TOKENS:,} tokens", "until drawn"), (("a head", with_spread(took)),))


def _pointing(
    browser: Browser, url: str, texts: dict[int, str], theirs: Side | None, plan: Plan
) -> tuple[list[Figure], Table]:
    rows = []
    ours: dict[int, float] = {}
    for tokens in LENGTHS:
        in_sight, jumped = _pointing_at_ours(browser, url, texts[tokens], plan)
        ours[tokens] = median(in_sight)
        rows.append(("ours", f"{tokens:,}", with_spread(in_sight), with_spread(jumped)))
        longest = (in_sight, jumped)
    bertviz: dict[int, float] = {}
    for tokens in BERTVIZ_LENGTHS if theirs is not None and LAST_SCRIPT.exists() else ():
        took = _pointing_at_bertviz(browser, theirs, tokens)
        rows.append(("BertViz, one layer", f"{tokens:,}", with_spread(took), "–"))
        if took:
            bertviz[tokens] = median(took)
        if not took or bertviz[tokens] > TOO_SLOW_MS:
            break
    figures = [
        Figure(f"{what} at {LENGTHS[-1]:,} tokens", median(took), MOST_POINTING_MS, unit="ms", lower_is_better=True)
        for what, took in zip(("pointing at a word in sight", "pointing right behind a jump"), longest, strict=True)
    ]
    figures.append(Figure("longest text that stays usable, ours", _usable(ours), LEAST_LENGTH, unit="tokens"))
    figures.append(Figure("longest text that stays usable, BertViz", _usable(bertviz), unit="tokens"))
    columns = ("ms", "tokens", "pointing at a word in sight", "right behind a jump")
    return figures, Table(columns, tuple(rows))


def _usable(medians: dict[int, float]) -> float | None:
    """The longest text whose words answer in time; None where nothing was measured, 0 where none does."""
    return max([0, *(tokens for tokens, ms in medians.items() if ms < MOST_POINTING_MS)]) if medians else None


def _pointing_at_ours(browser: Browser, url: str, text: str, plan: Plan) -> tuple[list[float], list[float]]:
    page = _new_page(browser)
    look(page, url, text)
    page.wait_for_timeout(SETTLE_MS)
    start_clock(page)
    page.evaluate("window.watchPointing('.look-text .unit', 'asking')")
    chance = random.Random(len(text))
    words = f"{WORDS}:not(.asking)"
    in_sight = [pointing_ms(page, words, TEXT_FRAME, chance) for _ in range(POINTS)]
    jumped = []
    for _ in range(POINTS):
        page.locator(TEXT_FRAME).evaluate(
            "(frame, part) => { frame.scrollTop = part * frame.scrollHeight; }", chance.random()
        )
        jumped.append(pointing_ms(page, words, TEXT_FRAME, chance))
    page.context.close()
    return in_sight, jumped


def _pointing_at_bertviz(browser: Browser, theirs: Side, tokens: int) -> Sequence[float]:
    """Empty where the page cannot be drawn or does not answer in time."""
    page = _new_page(browser)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.html"
        theirs.ask("write", view="head", tokens=tokens, path=str(path))
        page.route("https://cdnjs.cloudflare.com/**", _script)
        try:
            page.goto(path.as_uri(), timeout=WAIT_MS)
            page.locator("#left text").first.wait_for(timeout=WAIT_MS)
            page.wait_for_timeout(SETTLE_MS)
            start_clock(page)
            page.evaluate("window.watchPointing('#left g', '')")
            chance = random.Random(tokens)
            return [pointing_ms(page, "#left text", "body", chance) for _ in range(POINTS)]
        except Error as error:
            print(f"BertViz at {tokens} tokens: {error}", file=sys.stderr)
            return []
        finally:
            page.context.close()


def _script(route: Route) -> None:
    """A script that BertViz loads, from the folder here."""
    route.fulfill(path=SCRIPTS / Path(urlparse(route.request.url).path).name)


if __name__ == "__main__":
    main(measure)
