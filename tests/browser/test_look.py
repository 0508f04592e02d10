"""Probabilities, languages, narrow screens, keyboard: how the page behaves besides chatting."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]


def letters(text: str) -> str:
    """A text without what Markdown turns into form: the shaded view shows it as the model wrote it."""
    return re.sub(r"[\W\d_]+", "", text)


def test_probabilities_shade_every_token_and_a_click_branches(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send("Write two sentences about autumn.")
    plain = letters(visitor.body.inner_text())
    visitor.page.get_by_role("button", name="Show probabilities").click()
    tokens = visitor.page.locator(".token")
    expect(tokens.first).to_be_visible()
    assert tokens.count() > 8
    assert letters("".join(tokens.all_inner_texts())) == plain
    tokens.nth(3).hover()
    card = visitor.page.locator(".token-card")
    expect(card.locator(".choice")).to_have_count(5)
    shares = [float(text.strip("<>✓ %").replace("✓", "")) for text in card.locator(".share").all_inner_texts()]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 100.5
    visitor.picture("probabilities")
    other = card.locator(".choice:not(.chosen)").first
    picked = other.locator("code").inner_text().replace("·", "").strip()
    other.click()
    expect(visitor.answer.locator(".pager")).to_contain_text("2/2")
    visitor.wait_for_answer()
    expect(tokens.nth(3)).to_have_text(re.compile(re.escape(picked)))
    visitor.page.get_by_role("button", name="Show probabilities").click()


def test_the_page_speaks_chinese_to_a_chinese_browser_and_can_be_switched(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN")
    expect(visitor.page.get_by_role("heading", name="你想了解什么？")).to_be_visible()
    expect(visitor.page.get_by_role("tab", name="聊天")).to_be_visible()
    visitor.box.fill("草稿")
    visitor.page.get_by_role("button", name="菜单").click()
    visitor.page.get_by_role("radio", name="English").click()
    expect(visitor.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(visitor.page.get_by_role("tab", name="Chat")).to_be_visible()
    expect(visitor.box).to_have_value("草稿")


def test_sentences_that_come_from_the_server_are_in_the_visitors_language(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN", path="?chat=missing")
    expect(visitor.page.locator(".composer .problem")).to_contain_text(re.compile(r"[一-鿿]"))


def test_a_phone_has_a_drawer_and_nothing_sticks_out(app: App, visit: Visit) -> None:
    visitor = visit(app.url, width=390, height=844, has_touch=True)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(visitor.page.locator(".sidebar")).to_be_hidden()
    visitor.page.get_by_role("button", name="Your chats").click()
    expect(visitor.page.locator(".sidebar")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.locator(".sidebar")).to_be_hidden()
    small = visitor.page.evaluate(
        "[...document.querySelectorAll('#chat button, .topbar button')].filter(b => b.offsetParent && "
        "Math.min(b.offsetHeight, b.offsetWidth) < 40).map(b => b.className)"
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_colours_from_the_first_paint(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    colour = visitor.page.evaluate("getComputedStyle(document.querySelector('.chat')).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3
    assert (brightness > 200) == (scheme == "light")


def test_every_button_has_a_name_and_the_shortcuts_work(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    nameless = visitor.page.evaluate(
        "[...document.querySelectorAll('#frame button, #chat button')].filter(b => "
        "!(b.getAttribute('aria-label') || b.textContent.trim())).length"
    )
    assert nameless == 0
    visitor.page.locator(".scroller").click(position={"x": 8, "y": 8})
    visitor.page.keyboard.press("?")
    expect(visitor.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    visitor.send("Name a fruit.")
    visitor.page.keyboard.press("Control+Shift+O")
    expect(visitor.page.locator(".message")).to_have_count(0)
    expect(visitor.box).to_be_focused()


def test_the_expert_sees_the_seed_and_the_beginner_does_not(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send("Name a bird.")
    expect(visitor.page.locator(".figure", has_text="seed")).to_be_hidden()
    visitor.page.get_by_role("button", name="Menu").click()
    visitor.page.get_by_role("radio", name="Expert").click()
    expect(visitor.page.locator(".figure", has_text="seed")).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.locator(".figure", has_text="seed")).to_be_visible()
