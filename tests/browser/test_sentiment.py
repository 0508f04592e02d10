"""The sentiment tab in a real browser: the real model judges, words light up, a changed word is judged again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Visitor
from tests.browser.test_attention import HOSTILE

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
WAIT_MS = 120_000
SIZES = {
    "desktop": {"width": 1280, "height": 860},
    "phone": {"width": 390, "height": 844, "has_touch": True, "device_scale_factor": 2},
}
GOOD = "A warm, clever film with a perfect last scene."


def enter(visitor: Visitor) -> Page:
    visitor.page.get_by_role("tab", name=re.compile("Sentiment|情感")).click()
    expect(visitor.page.locator("#se-text")).to_be_visible()
    return visitor.page


def judge(page: Page, text: str = GOOD) -> None:
    page.locator("#se-text").fill(text)
    page.locator(".se-go").click()
    finished(page)


def finished(page: Page) -> None:
    expect(page.locator(".se-bar").first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".se-line")).to_contain_text(re.compile("Judged by|判断"), timeout=WAIT_MS)
    expect(page.locator(".se-go.stopping")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_an_example_has_a_verdict_and_a_word_can_be_changed(app: App, visit: Visit, size: str, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **SIZES[size])
    page = enter(visitor)
    visitor.picture(f"sentiment-empty-{size}-{scheme}")
    page.locator(".se-examples .example").first.click()
    finished(page)
    expect(page.locator(".w.known").first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".se-piece").nth(2)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    visitor.picture(f"sentiment-done-{size}-{scheme}")
    word = page.locator(".w", has_text="wonderful")
    if size == "desktop":
        word.hover()
        expect(page.locator(".se-word-line")).to_contain_text(re.compile(r"wonderful.*positive"))
    word.click()
    page.locator("#se-change").fill("awful")
    page.keyboard.press("Enter")
    expect(page.locator(".se-try .se-pair")).to_have_count(3, timeout=WAIT_MS)
    expect(page.locator(".se-try ins")).to_have_text("awful")
    page.locator(".se-why summary").click()
    expect(page.locator(".se-figures tbody tr")).to_have_count(3)
    visitor.picture(f"sentiment-try-{size}-{scheme}")


def test_the_keyboard_alone_is_enough(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#se-text").fill(GOOD)
    page.locator("#se-text").press("Control+Enter")
    finished(page)
    page.locator(".w").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".w").nth(1)).to_be_focused()
    expect(page.locator(".se-word-line")).to_contain_text("warm")
    page.keyboard.press("Enter")
    expect(page.locator("#se-change")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#se-change")).to_have_count(0)
    expect(page.locator(".w").nth(1)).to_be_focused()
    page.locator(".se-set[aria-checked=true]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Emotions")).to_have_attribute("aria-checked", "true")
    finished(page)
    expect(page.locator(".se-bar")).to_have_count(6)
    page.locator(".se-levels [aria-checked=true]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Many texts")).to_have_attribute("aria-checked", "true")
    expect(page.locator("#se-text")).to_be_hidden()


def test_labels_of_ones_own_are_checked_used_and_remembered(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    page.locator("[data-set=own]").click()
    page.locator("#se-own").fill("refund")
    expect(page.locator(".se-own-seen .problem")).to_be_visible()
    expect(page.get_by_role("button", name="Use these labels")).to_be_disabled()
    page.locator("#se-own").fill("refund: refund, money back\npraise")
    expect(page.locator(".se-own-label")).to_have_count(3)
    visitor.picture("sentiment-own-desktop-light")
    page.get_by_role("button", name="Use these labels").click()
    judge(page, "I want my money back")
    expect(page.locator(".se-bar-name")).to_have_text(["refund", "praise", "none of these"])
    page.reload()
    page.get_by_role("tab", name="Sentiment").click()
    expect(page.locator(".se-bar-name").first).to_have_text("refund", timeout=WAIT_MS)
    expect(page.locator("[data-set=own]")).to_have_attribute("aria-checked", "true")


def test_a_bar_colours_the_words_for_its_label_and_aspects_can_be_named(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    judge(page, "The food was wonderful, but the parking was a nightmare.")
    expect(page.locator(".se-row", has_text="food")).to_be_visible(timeout=WAIT_MS)
    page.locator(".se-bar", has_text="negative").click()
    expect(page.locator(".se-bar[aria-pressed=true]")).to_have_count(1)
    expect(page.locator(".se-legend")).to_contain_text("for “negative”")
    page.locator("#se-aspect").fill("garden")
    page.keyboard.press("Enter")
    expect(page.locator(".se-section .problem")).to_contain_text("not in the text")
    page.locator("#se-aspect").fill("nightmare")
    page.keyboard.press("Enter")
    expect(page.locator(".se-row", has_text="nightmare")).to_be_visible(timeout=WAIT_MS)
    page.locator(".se-row", has_text="nightmare").hover()
    expect(page.locator(".w.lit", has_text="nightmare")).to_have_count(1)


def test_a_long_text_is_stopped_and_its_sentences_are_weighed_one_by_one(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#se-text").fill(
        " ".join(f"On day {day} the old inn by the river was a joy to visit." for day in range(150))
    )
    page.locator(".se-go").click()
    expect(page.locator(".se-line")).to_contain_text(re.compile(r"Sentence \d+ of 150"), timeout=WAIT_MS)
    page.keyboard.press("Escape")
    expect(page.locator(".se-remark", has_text="Stopped")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Change the text").click()
    judge(page, " ".join([GOOD, "The seats were hard and the popcorn was stale."] * 7))
    page.mouse.move(2, 2)
    expect(page.locator(".se-word-line")).to_contain_text("piece of the bar")
    page.locator(".se-piece").nth(1).click()
    expect(page.locator(".w.known")).to_have_count(9, timeout=WAIT_MS)


def test_earlier_texts_are_found_deleted_and_brought_back(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    judge(page, "The zeppelin over the lake was a wonder.")
    page.locator(".earlier").click()
    entry = page.locator(".earlier-entry", has_text="zeppelin")
    entry.get_by_role("button", name="Delete").click()
    expect(page.locator(".earlier-entry", has_text="zeppelin")).to_have_count(0)
    expect(page.locator("#se-text")).to_be_visible()
    page.locator(".toast-action").click()
    page.locator(".earlier-open", has_text="zeppelin").click()
    expect(page.locator(".se-words")).to_contain_text("zeppelin")
    page.locator("#chat-search").fill("zeppelin")
    page.locator(".hit", has_text="Sentiment").first.click()
    expect(page.locator(".se-bar")).to_have_count(3)


def test_other_models_are_offered_with_what_they_cost(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    judge(page)
    page.get_by_role("button", name="Compare with another model").click()
    expect(page.locator(".se-models .option", has_text="DistilBERT")).to_contain_text("Download")
    visitor.picture("sentiment-compare-desktop-light")
    page.locator("#se-model").fill("no such model")
    page.keyboard.press("Enter")
    expect(page.locator(".se-notice .problem")).to_contain_text("There is no model", timeout=WAIT_MS)
    expect(page.locator(".se-bar")).to_have_count(3)


def test_a_hostile_text_stays_text(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    judge(page, f"{HOSTILE} was written on the wall. The wall was ugly.")
    assert page.evaluate("window.hit") is None
    assert page.locator(".se script, .se img").count() == 0
    expect(page.locator(".se-words")).to_contain_text(HOSTILE.split()[0])


def test_it_speaks_chinese(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN")
    page = enter(visitor)
    expect(page.locator(".se-go")).to_have_text("判断")
    page.locator(".se-examples .example").first.click()
    finished(page)
    expect(page.locator(".se-bar-name").first).to_have_text("负面")
    visitor.picture("sentiment-done-desktop-zh")


def test_a_server_that_ends_while_it_works_gives_the_text_back(own_app: App, visit: Visit) -> None:
    own_app.start()
    page = enter(visit(own_app.url))
    text = " ".join(f"On day {day} the inn was a joy." for day in range(400))
    page.locator("#se-text").fill(text)
    page.locator(".se-go").click()
    expect(page.locator(".se-line")).to_contain_text("Sentence", timeout=WAIT_MS)
    own_app.end()
    page.locator(".se-go").click()
    expect(page.locator(".se-notice .problem")).to_contain_text("did not answer", timeout=WAIT_MS)
    expect(page.locator("#se-text")).to_have_value(text)
    expect(page.locator(".se-go")).to_have_text("Judge")
