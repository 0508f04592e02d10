"""The tab "Ask a text" in a real browser: answers are copied from the text, light up in it, and stay in a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

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
BRIDGE = (
    "The old bridge 🌉 over the river Lune was closed on Monday. Engineers had found cracks in two of its pillars. "
    "About 4,000 cars use it every day. The council 🏛️ wants to repair it within six weeks."
)


def enter(visitor: Visitor) -> Page:
    visitor.page.get_by_role("tab", name=re.compile("Ask a text|问文章")).click()
    expect(visitor.page.locator("#as-text")).to_be_visible()
    return visitor.page


def ask(page: Page, question: str, answers: int) -> None:
    page.locator("#as-question").fill(question)
    page.locator("#as-question").press("Enter")
    finished(page, answers)


def finished(page: Page, answers: int) -> None:
    expect(page.locator(".as-card")).to_have_count(answers, timeout=WAIT_MS)
    expect(page.locator(".as-go.stopping")).to_have_count(0)


def answers_are_from(page: Page, text: str) -> None:
    """Every answer is a stretch of the text, and what is marked in the text is the answer that is looked at."""
    for answer in page.locator(".as-answer > span:first-child").all_inner_texts():
        assert answer in text
    looked = page.locator(".as-card.looked .as-answer > span:first-child")
    if looked.count():
        said = "".join(page.locator(".src-reader .said").all_inner_texts())
        assert said == looked.inner_text()
        assert said in "".join(page.locator(".src-reader .lit").all_inner_texts())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_an_example_is_answered_in_the_words_of_its_text(app: App, visit: Visit, size: str, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **SIZES[size])
    page = enter(visitor)
    visitor.picture(f"ask-empty-{size}-{scheme}")
    page.locator(".as-examples .example").first.click()
    finished(page, 1)
    page.locator(".as-chip").first.click()
    finished(page, 2)
    answers_are_from(page, page.locator("#as-text").input_value())
    expect(page.locator(".as-examples")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    visitor.picture(f"ask-answers-{size}-{scheme}")


def test_places_are_right_behind_pictures_made_of_several_signs(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#as-text").fill(BRIDGE)
    ask(page, "How many cars use the bridge?", 1)
    ask(page, "Who wants to repair it?", 2)
    answers_are_from(page, BRIDGE)
    # Another answer is looked at: the marks follow it.
    page.locator(".as-card").last.click()
    expect(page.locator(".as-card").last).to_have_class(re.compile("looked"))
    answers_are_from(page, BRIDGE)


def test_answers_can_be_taken_out_brought_back_and_opened_again(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#as-text").fill(BRIDGE)
    ask(page, "When was the bridge closed?", 1)
    ask(page, "What had the engineers found?", 2)
    page.locator(".as-card").first.get_by_role("button", name="Take this answer out").click()
    expect(page.locator(".as-card")).to_have_count(1)
    page.locator(".toast-action").click()
    expect(page.locator(".as-card")).to_have_count(2)
    page.reload()
    page.get_by_role("tab", name="Ask a text").click()
    expect(page.locator(".as-card")).to_have_count(2, timeout=WAIT_MS)
    expect(page.locator(".src-reader")).to_contain_text("river Lune")
    page.get_by_role("button", name="Clear the text").click()
    expect(page.locator(".as-card")).to_have_count(0)
    page.get_by_role("button", name="Earlier texts").click()
    page.locator(".earlier-open", has_text="What had the engineers found?").first.click()
    expect(page.locator(".as-card")).to_have_count(2)
    page.locator(".as-card").last.get_by_role("button", name="Change the question").click()
    expect(page.locator("#as-question")).to_have_value("When was the bridge closed?")


def test_a_long_text_says_what_was_read_and_can_be_stopped(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    text = "\n\n".join(f"Chapter {number} of the chronicle of Lancaster. {BRIDGE}" for number in range(120))
    page.locator("#as-text").fill(text)
    page.locator("#as-question").fill("Who wants to repair the bridge?")
    page.locator(".as-go").click()
    expect(page.locator(".as-doing")).to_contain_text(re.compile(r"part \d of 3"), timeout=WAIT_MS)
    page.locator(".as-go").click()
    expect(page.locator(".as-go.stopping")).to_have_count(0, timeout=WAIT_MS)
    stopped = page.locator(".as-card").count()
    ask(page, "Who wants to repair the bridge?", stopped + 1)
    expect(page.locator(".as-card").first).to_contain_text(re.compile(r"Read 3 of \d+ parts"))
    expect(page.locator(".as-card").first.locator(".as-all")).to_contain_text("Read all")
    expect(page.locator(".src-reader .lit").first).to_be_in_viewport()


def test_a_file_can_be_asked_and_what_is_missing_is_said(app: App, visit: Visit, tmp_path: Path) -> None:
    page = enter(visit(app.url))
    page.locator(".as-go").click()
    expect(page.locator(".as-notice")).to_contain_text("There is no text yet")
    path = tmp_path / "bridge.md"
    path.write_text(BRIDGE, "utf-8")
    page.locator("#ask input[type=file]").set_input_files(path)
    expect(page.locator("#ask .src-file")).to_contain_text("bridge.md")
    expect(page.locator("#as-question")).to_be_focused()
    page.locator(".as-go").click()
    expect(page.locator(".as-notice")).to_contain_text("Write a question first")
    ask(page, "What was closed?", 1)
    answers_are_from(page, BRIDGE)


def test_markup_in_a_text_and_in_a_question_stays_text(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#as-text").fill(f"{HOSTILE} The fence is green. {HOSTILE}")
    ask(page, f"What colour is the fence? {HOSTILE}", 1)
    assert page.locator("#ask .src-reader script, #ask .src-reader img, .as-card script, .as-card img").count() == 0
    expect(page.locator(".as-question strong")).to_contain_text("<")


def test_the_tab_speaks_chinese(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN", **SIZES["phone"])
    page = enter(visitor)
    expect(page.locator(".as-go")).to_have_text("提问")
    page.locator(".as-examples .example").first.click()
    finished(page, 1)
    answers_are_from(page, page.locator("#as-text").input_value())
    visitor.picture("ask-answers-phone-zh")
