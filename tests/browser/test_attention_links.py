"""Looks are found again: by link, in the list, by the search, after a restart. What is seen becomes a file."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Visitor
from tests.browser.test_attention import HOSTILE, WAIT_MS, enter, look, unit

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
TEXT = "The old captain looked at the sea, and the sea looked back at the captain."
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def bar(page: Page, name: str) -> None:
    page.locator(".look-bar").get_by_role("button", name=name).click()


def copied_link(page: Page) -> str:
    bar(page, "Copy link")
    expect(page.locator(".toast", has_text="The link is copied")).to_be_visible()
    return page.evaluate("navigator.clipboard.readText()")


def one_head(page: Page) -> None:
    """Layer 5, head 3, pieces of words, the word "sea" behind the comma pinned."""
    page.get_by_role("radio", name="One head").click()
    page.get_by_label("Layer", exact=True).select_option("4")
    page.get_by_label("Head", exact=True).select_option("2")
    page.get_by_label("Whole words").uncheck()
    page.get_by_label("Hide the first-token habit").uncheck()
    page.locator(".unit", has_text="sea").last.click()
    expect(page.locator(".unit.pinned")).to_have_text(" sea")


def saved(page: Page, what: str, form: str, folder: Path) -> Path:
    bar(page, "Save")
    page.get_by_role("radio", name=what).click()
    with page.expect_download(timeout=WAIT_MS) as download:
        page.locator(".save-form", has_text=form).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_link_opens_the_same_view_also_after_a_restart(own_app: App, visit: Visit) -> None:
    page = enter(visit(own_app.start().url, **CLIPBOARD))
    look(page, TEXT)
    one_head(page)
    places = page.locator(".look-strongest .word").all_inner_texts()
    link = copied_link(page)
    assert "captain" not in link and "#look?run=" in link
    own_app.end()
    own_app.start(own_app.port)
    other = visit(own_app.url).page.context.new_page()
    other.goto(link)
    expect(other.locator(".look-text")).to_have_text(TEXT, timeout=WAIT_MS)
    expect(other.locator(".unit.pinned")).to_have_text(" sea", timeout=WAIT_MS)
    expect(other.locator(".look-heatmap h3")).to_contain_text("Layer 5, head 3", timeout=WAIT_MS)
    expect(other.get_by_label("Whole words")).not_to_be_checked()
    expect(other.get_by_label("Hide the first-token habit")).not_to_be_checked()
    assert other.locator(".look-strongest .word").all_inner_texts() == places
    assert "#" not in other.url, "a reload goes on from what is on the page"


def test_somebody_elses_link_says_so(own_app: App, visit: Visit) -> None:
    own_app.environ["PLAYGROUND_SHARED"] = "on"
    page = enter(visit(own_app.start().url, **CLIPBOARD))
    look(page, TEXT)
    link = copied_link(page)
    stranger = visit(own_app.url)
    stranger.page.evaluate("link => { location.href = link; }", link)  # the page is open: only its end changes
    expect(stranger.page.locator(".look-entry .problem")).to_contain_text("somebody else", timeout=WAIT_MS)
    assert "captain" not in stranger.page.inner_text("#attention")
    stranger.picture("attention-link-refused")


def test_earlier_looks_are_listed_opened_deleted_and_brought_back(own_app: App, visit: Visit) -> None:
    visitor = visit(own_app.start().url)
    page = enter(visitor)
    for text in ("A first text about apples.", "A second text about pears."):
        look(page, text)
    bar(page, "Earlier looks")
    rows = page.locator(".earlier-entry")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("pears")
    visitor.picture("attention-looks")
    rows.last.locator(".earlier-open").click()
    expect(page.locator(".look-text")).to_have_text("A first text about apples.", timeout=WAIT_MS)
    bar(page, "Earlier looks")
    page.get_by_role("button", name=re.compile("Delete the look at .A first")).click()
    expect(rows).to_have_count(1)
    expect(page.locator(".look-parts")).to_have_count(0)
    page.locator(".toast-action").click()
    expect(rows).to_have_count(2)
    rows.last.locator(".earlier-open").click()
    expect(page.locator(".look-text")).to_have_text("A first text about apples.", timeout=WAIT_MS)


def test_the_search_beside_the_chats_opens_a_look(own_app: App, visit: Visit) -> None:
    page = enter(visit(own_app.start().url))
    look(page, "The quokka smiles at everybody.")
    look(page, "Something else.")
    page.get_by_role("tab", name="Chat").click()
    page.get_by_label("Search your chats").fill("quokka")
    hit = page.locator(".hit")
    expect(hit).to_contain_text("Attention")
    hit.click()
    expect(page.locator(".look-text")).to_have_text("The quokka smiles at everybody.", timeout=WAIT_MS)
    expect(page.get_by_role("tab", name="Attention")).to_have_attribute("aria-selected", "true")


def test_what_is_seen_is_saved_in_every_form(app: App, visit: Visit, tmp_path: Path) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    look(page, TEXT)
    one_head(page)
    for what, name in (("The text", "text"), ("The map", "map")):
        picture = saved(page, what, "PNG", tmp_path)
        assert picture.name == f"attention-{name}-layer-5-head-3.png" and picture.read_bytes()[:4] == b"\x89PNG"
        drawing = ElementTree.fromstring(saved(page, what, "SVG", tmp_path).read_text("utf-8"))
        assert drawing.tag.endswith("svg")
        assert "captain" in saved(page, what, "CSV", tmp_path).read_text("utf-8-sig")
        assert saved(page, what, "NPZ", tmp_path).read_bytes()[:2] == b"PK"
    written = json.loads(saved(page, "The map", "JSON", tmp_path).read_text("utf-8"))
    assert (written["settings"]["layer"], written["settings"]["head"]) == (4, 2) and written["text"] == TEXT
    assert len(written["weights"]) == len(written["row_tokens"])
    bar(page, "Save")
    visitor.picture("attention-save")


def test_a_drawing_of_hostile_text_runs_nothing(app: App, visit: Visit, tmp_path: Path) -> None:
    page = enter(visit(app.url))
    page.get_by_role("textbox", name="Your text").fill(HOSTILE)
    page.locator(".look-go").click()
    expect(page.locator(".look-kinds .look-kind").first).to_be_visible(timeout=WAIT_MS)
    drawing = saved(page, "The text", "SVG", tmp_path)
    assert saved(page, "The text", "PNG", tmp_path).stat().st_size > 1000
    alone = page.context.new_page()
    alone.goto(drawing.as_uri())
    assert alone.evaluate("window.hit") is None
    assert alone.evaluate("document.querySelectorAll('script, img, foreignObject').length") == 0


def test_a_table_that_is_too_long_is_refused_in_a_sentence(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "several words of a longer text " * 180)
    page.get_by_role("radio", name="One head").click()
    expect(unit(page, "several").first).to_be_visible()
    bar(page, "Save")
    page.get_by_role("radio", name="The map").click()
    page.locator(".save-form", has_text="CSV").click()
    expect(page.locator(".toast", has_text="Save it as NPZ")).to_be_visible(timeout=WAIT_MS)
