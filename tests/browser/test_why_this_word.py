"""From a word of an answer into the attention tab, and back: what the model looked at when it wrote that word."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
WAIT_MS = 30_000
QUESTION = "Why is the sky blue? Answer in one sentence."
PHONE = {"width": 390, "height": 844, "has_touch": True}


def ask(visitor: Visitor) -> None:
    visitor.box.fill(QUESTION)
    visitor.page.locator(".composer .go").click()
    visitor.wait_for_words()
    visitor.wait_for_answer()


def why(visitor: Visitor, number: int) -> str:
    """Ask about a token of the answer; its text."""
    page = visitor.page
    page.get_by_role("button", name=re.compile("Show probabilities|Probabilities|显示概率")).click()
    token = page.locator(".token").nth(number)
    word = token.inner_text().strip()
    token.click()
    page.locator(".card-why").click()
    expect(page.locator(".look-chosen")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".unit.pinned")).to_have_count(1, timeout=WAIT_MS)
    return word


def settled(page: Page) -> None:
    expect(page.locator(".look-kinds .look-kind").first).to_be_visible(timeout=WAIT_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_word_of_an_answer_shows_what_the_model_looked_at(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = visitor.page
    ask(visitor)
    word = why(visitor, 5)
    expect(page.locator(".look-origin h2")).to_have_text(f"Why “{word}”?")
    expect(page.locator(".look-chosen")).to_have_text(word)
    expect(page.locator(".look-said").first).to_have_text(f"What the model looked at when it wrote {word}:")
    expect(page.locator(".unit").last).to_have_class(re.compile("pinned"))
    expect(page.locator(".look-text")).to_contain_text(QUESTION)
    expect(page.locator(".look-next .chosen")).to_contain_text(word)
    written = "".join(page.locator(".unit.written").all_inner_texts())
    assert written and QUESTION not in written, "prompt and answer are told apart"
    assert page.locator(".look-box textarea").input_value() == "", "a chat is not put into the box"
    settled(page)
    visitor.picture(f"why-{scheme}")


def test_the_way_back_leads_to_the_answer(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    ask(visitor)
    why(visitor, 3)
    visitor.page.get_by_role("button", name="Back to the chat").click()
    expect(visitor.answer).to_be_visible()
    expect(visitor.page.locator(".look-chosen")).to_be_hidden()


def test_the_menu_of_an_answer_opens_all_of_it(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = visitor.page
    ask(visitor)
    page.get_by_role("button", name="See what it looked at").last.click()
    expect(page.locator(".look-origin h2")).to_have_text("An answer of your chat", timeout=WAIT_MS)
    expect(page.locator(".unit.written").first).to_be_visible()
    expect(page.locator(".look-chosen")).to_have_count(0)
    page.locator(".unit.written").nth(2).click()
    expect(page.locator(".look-said").first).to_contain_text("when choosing the word after")


def test_a_temporary_chat_is_looked_into_and_leaves_nothing(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = visitor.page
    page.get_by_role("button", name="Temporary chat").click()
    ask(visitor)
    why(visitor, 2)
    expect(page.get_by_role("button", name="Copy link")).to_be_disabled()
    page.get_by_role("button", name="Earlier looks").click()
    rows = page.locator(".earlier-entry")
    expect(page.get_by_role("dialog", name="Earlier looks").locator("h3")).to_be_visible()
    first = page.locator(".earlier-text").first.inner_text() if rows.count() else ""
    page.keyboard.press("Escape")
    page.get_by_role("button", name="New chat").first.click()
    expect(visitor.box).to_be_visible()
    page.reload()
    page.get_by_role("tab", name="Attention").click()
    expect(page.locator(".look-box textarea")).to_be_visible()
    expect(page.locator(".look-parts")).to_have_count(0)
    page.get_by_role("button", name="Earlier looks").click()
    expect(page.get_by_role("dialog", name="Earlier looks").locator("h3")).to_be_visible()
    assert (page.locator(".earlier-text").first.inner_text() if rows.count() else "") == first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_word_is_in_view(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **PHONE)
    page = visitor.page
    ask(visitor)
    why(visitor, 4)
    settled(page)
    expect(page.locator(".look-chosen")).to_be_in_viewport()
    expect(page.locator(".look-said").first).to_be_in_viewport()
    assert page.evaluate("document.querySelector('.look-scroll').scrollWidth <= document.documentElement.clientWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('.look-bar button')].filter(b => b.offsetParent && b.offsetHeight < 40).length"
    )
    assert small == 0
    visitor.picture(f"why-phone-{scheme}")


def test_the_page_says_it_in_chinese(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN")
    ask(visitor)
    word = why(visitor, 1)
    expect(visitor.page.locator(".look-origin h2")).to_have_text(f"为什么是“{word}”？")
    assert "why_" not in visitor.page.inner_text("#attention")
