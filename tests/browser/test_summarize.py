"""The summarize tab in a real browser: the real model sums up a text, and every sentence shows where it comes from."""

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
    "The old bridge over the river Lune was closed on Monday. Engineers had found cracks in two of its pillars. "
    "About 4,000 cars use it every day. The council wants to repair it within six weeks."
)


def enter(visitor: Visitor) -> Page:
    visitor.page.get_by_role("tab", name=re.compile("Summarize|总结")).click()
    expect(visitor.page.locator("#sm-text")).to_be_visible()
    return visitor.page


def summarize(page: Page, text: str = BRIDGE) -> None:
    page.locator("#sm-text").fill(text)
    page.locator(".src-go").click()
    finished(page)


def finished(page: Page) -> None:
    expect(page.locator(".ss").first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".src-go.stopping")).to_have_count(0)


def long_text(paragraphs: int) -> str:
    return "\n\n".join(f"Chapter {number} of the chronicle of Lancaster. {BRIDGE}" for number in range(paragraphs))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_an_example_shows_where_each_sentence_comes_from(app: App, visit: Visit, size: str, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **SIZES[size])
    page = enter(visitor)
    visitor.picture(f"summarize-empty-{size}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    page.locator(".sm-examples .example").first.click()
    expect(page.locator(".sm-central").first).to_be_visible(timeout=WAIT_MS)
    finished(page)
    sentence = page.locator(".ss").first
    if size == "phone":
        sentence.tap()
        expect(page.locator(".sm-card blockquote").first).to_be_visible()
    else:
        sentence.hover()
    lit = page.locator(".src-reader .lit")
    expect(lit.first).to_be_in_viewport()
    expect(page.locator(".ss.lit")).to_have_count(1)
    assert lit.first.inner_text().strip() in page.locator(".src-reader").inner_text()
    visitor.picture(f"summarize-done-{size}-{scheme}")


def test_the_keyboard_alone_is_enough(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#sm-text").fill(BRIDGE)
    expect(page.locator(".src-meter")).to_contain_text("Fits in one go", timeout=WAIT_MS)
    page.locator("#sm-text").press("Control+Enter")
    finished(page)
    page.locator(".ss").first.focus()
    expect(page.locator(".src-reader .lit").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".sm-card")).to_contain_text("being found here does not make a sentence right")
    page.keyboard.press("Escape")
    expect(page.locator(".sm-card")).to_have_count(0)
    expect(page.locator(".ss").first).to_be_focused()
    page.locator(".sm-form[aria-checked=true]").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="One sentence")).to_have_attribute("aria-checked", "true")
    finished(page)
    expect(page.locator(".sm-summary p")).to_have_count(1)


def test_a_long_text_is_planned_stopped_and_keeps_what_was_done(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    page.locator("#sm-text").fill(long_text(220))
    expect(page.locator(".src-meter")).to_contain_text(re.compile(r"\d+ parts"), timeout=WAIT_MS)
    page.locator(".src-go").click()
    expect(page.locator(".sm-part").first).to_be_visible(timeout=WAIT_MS)
    expect(page.locator(".src-cover-bar .read").first).to_be_attached(timeout=WAIT_MS)
    visitor.picture("summarize-parts-desktop-light")
    page.keyboard.press("Escape")
    expect(page.locator(".sm-line")).to_contain_text("Stopped", timeout=WAIT_MS)
    expect(page.locator(".src-cover")).to_contain_text("% of the text was read")
    expect(page.locator(".ss").first).to_be_visible()
    page.locator(".sm-part summary").first.click()
    expect(page.locator(".src-reader .lit").first).to_be_in_viewport()
    visitor.picture("summarize-stopped-desktop-light")


def test_a_text_that_was_cleared_comes_back(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#sm-text").fill(BRIDGE)
    page.get_by_role("button", name="Clear the text").click()
    expect(page.locator("#sm-text")).to_have_value("")
    page.locator(".toast-action").click()
    expect(page.locator("#sm-text")).to_have_value(BRIDGE)


def test_the_parts_of_a_long_text_are_as_wide_as_a_phone(app: App, visit: Visit) -> None:
    visitor = visit(app.url, **SIZES["phone"])
    page = enter(visitor)
    page.locator("#sm-text").fill(long_text(220))
    page.locator(".src-go").tap()
    expect(page.locator(".sm-part").first).to_be_visible(timeout=WAIT_MS)
    page.locator(".src-go").tap()
    expect(page.locator(".sm-line")).to_contain_text("Stopped", timeout=WAIT_MS)
    visitor.picture("summarize-stopped-phone-light")
    widest = (
        "() => Math.max(...[...document.querySelectorAll('.sm-result *')].map((e) => e.getBoundingClientRect().right))"
    )
    assert page.evaluate(widest) <= SIZES["phone"]["width"]


def test_a_file_is_read_summarized_and_found_again_after_a_reload(app: App, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "bridge.md"
    path.write_text(BRIDGE, "utf-8")
    page = enter(visit(app.url))
    page.locator(".src-pane input[type=file]").set_input_files(path)
    expect(page.locator(".src-file")).to_contain_text("bridge.md")
    expect(page.locator("#sm-text")).to_have_value(BRIDGE)
    page.locator(".src-go").click()
    finished(page)
    before = page.locator(".sm-summary").inner_text()
    page.reload()
    page.get_by_role("tab", name="Summarize").click()
    expect(page.locator(".sm-summary")).to_have_text(re.compile(re.escape(before.split("\n")[0][:40])))
    page.locator("#summarize .earlier").click()
    expect(page.locator(".earlier-open", has_text="bridge.md").first).to_be_visible()
    page.locator(".earlier-entry", has_text="bridge.md").first.get_by_role("button", name="Delete").click()
    expect(page.locator(".toast", has_text="deleted")).to_be_visible()
    page.locator(".toast-action").click()
    expect(page.locator(".earlier-open", has_text="bridge.md").first).to_be_visible()


def test_what_cannot_be_read_is_refused_with_a_sentence(app: App, visit: Visit, tmp_path: Path) -> None:
    page = enter(visit(app.url))
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.4 nothing")
    page.locator(".src-pane input[type=file]").set_input_files(path)
    expect(page.locator(".sm-notice .problem")).to_be_visible()
    page.get_by_role("button", name="Address").click()
    page.locator("#src-address").fill("http://127.0.0.1:1/secret")
    page.keyboard.press("Enter")
    expect(page.locator(".sm-notice .problem")).to_contain_text("not a public address")


def test_the_search_in_the_list_of_chats_finds_summaries(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    summarize(page, BRIDGE.replace("Lune", "Zambezi"))
    page.locator("#chat-search").fill("Zambezi")
    page.locator(".hit", has_text="Summarize").first.click()
    expect(page.locator(".src-reader")).to_contain_text("Zambezi")
    expect(page.locator(".ss").first).to_be_visible()


def test_a_hostile_text_stays_text(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    summarize(page, f"{HOSTILE} was written on the wall of the old town hall. {BRIDGE}")
    assert page.evaluate("window.hit") is None
    assert page.locator(".src-reader script, .src-reader img, .sm-result img").count() == 0
    for span in page.locator(".src-reader .used").all():
        assert span.inner_text().strip()


def test_it_speaks_chinese(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN")
    page = enter(visitor)
    expect(page.locator(".src-go")).to_have_text("总结")
    page.get_by_role("button", name="更多").click()
    expect(page.locator("#sm-focus")).to_be_visible()
    visitor.picture("summarize-more-desktop-zh")


def test_a_server_that_ends_while_it_works_gives_the_text_back(own_app: App, visit: Visit) -> None:
    own_app.start()
    page = enter(visit(own_app.url))
    text = long_text(220)
    page.locator("#sm-text").fill(text)
    page.locator(".src-go").click()
    expect(page.locator(".sm-part").first).to_be_visible(timeout=WAIT_MS)
    own_app.end()
    page.locator(".src-go").click()
    expect(page.locator(".sm-notice .problem")).to_contain_text("did not answer", timeout=WAIT_MS)
    expect(page.locator("#sm-text")).to_have_value(text)
    expect(page.locator(".src-go")).to_have_text("Summarize")
