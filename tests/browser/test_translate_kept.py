"""What a visitor of the translate tab takes away as a table, and what comes back after it went from the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Visitor
from tests.browser.test_translate import TEXT, enter, translate, write

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]


def test_a_text_that_was_cleared_comes_back(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    write(page, TEXT)
    page.get_by_role("button", name="Clear the text").click()
    expect(page.locator("#tr-text")).to_have_value("")
    page.locator(".toast-action").click()
    expect(page.locator("#tr-text")).to_have_value(TEXT)


def test_both_texts_are_saved_side_by_side(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    translate(page, "Good morning.\nGood morning.")
    said = page.evaluate("() => document.querySelector('.ts').firstChild.textContent")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save both texts side by side").click()
    assert download.value.suggested_filename == "Translation.fr.tsv"
    rows = [line.split("\t") for line in download.value.path().read_text("utf-8-sig").splitlines()]
    assert rows == [["English", "French"], *[["Good morning.", said]] * 2]
