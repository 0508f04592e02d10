"""The extract tab in a real browser: the real model fills a table, and every value shows where in the text it is."""

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
MINUTES = (
    "🦋 The treasurer, Sam Okoro, reported 1,840 pounds on 4 March 2025. Ruth Ellison took the chair in Lancaster. "
    "Write to post@plots.example or call 01524 555 0142 by 30 April."
)


def enter(visitor: Visitor) -> Page:
    visitor.page.locator("button[role=tab][data-tab-id=extract]").click()
    expect(visitor.page.locator("#ex-text")).to_be_visible()
    return visitor.page


def extract(page: Page, text: str = MINUTES) -> None:
    page.locator("#ex-text").fill(text)
    page.locator("#extract .src-go").click()
    finished(page)


def finished(page: Page) -> None:
    expect(page.locator(".ex-tools")).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("#extract .src-go.stopping")).to_have_count(0)


def cell(page: Page, name: str) -> list[str]:
    """The values of one column of a list."""
    line = page.locator(".ex-list > div").filter(has=page.locator("dt", has_text=name))
    return line.locator(".ex-value > span").all_inner_texts()


def choose(page: Page, preset: str) -> None:
    page.locator(".ex-chip", has_text=preset).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_an_example_shows_where_each_value_stands(app: App, visit: Visit, size: str, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **SIZES[size])
    page = enter(visitor)
    visitor.picture(f"extract-empty-{size}-{scheme}")
    page.locator(".ex-examples .example").first.click()
    finished(page)
    value = page.locator(".ex-value", has_text="1,840 pounds")
    if size == "phone":
        value.tap()
        expect(page.locator(".ex-card")).to_contain_text("by rule")
        page.keyboard.press("Escape")
    else:
        value.hover()
    lit = page.locator(".src-reader .lit")
    expect(lit.first).to_have_text("1,840 pounds")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the edge"
    visitor.picture(f"extract-done-{size}-{scheme}")
    choose(page, "Amounts")
    expect(page.locator(".ex-table")).to_be_visible(timeout=WAIT_MS)
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.picture(f"extract-rows-{size}-{scheme}")


def test_what_has_a_usual_form_is_right_and_the_emoji_moves_nothing(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    extract(page)
    assert cell(page, "Dates") == ["4 March 2025", "30 April"]
    assert cell(page, "E-mail") == ["post@plots.example"]
    assert cell(page, "Phone") == ["01524 555 0142"]
    used = page.locator(".src-reader .used").all_inner_texts()
    assert "4 March 2025" in used and "01524 555 0142" in used
    expect(page.locator(".ex-missing")).to_have_count(1)  # web
    page.locator(".src-reader .used", has_text="4 March 2025").hover()
    expect(page.locator(".ex-value.lit")).to_have_text("4 March 2025")


def test_the_keyboard_alone_is_enough(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator(".ex-chip[aria-checked=true]").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Dates")).to_have_attribute("aria-checked", "true")
    page.locator("#ex-text").fill(MINUTES)
    page.locator("#ex-text").press("Control+Enter")
    finished(page)
    page.locator(".ex-value").first.focus()
    expect(page.locator(".src-reader .lit").first).to_have_text("4 March 2025")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".ex-value", has_text=re.compile(r"^30 April$"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".ex-card")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".ex-card")).to_have_count(0)


def test_a_table_is_changed_by_hand_undone_and_saved(app: App, visit: Visit, tmp_path: Path) -> None:
    page = enter(visit(app.url))
    choose(page, "Dates")
    extract(page)
    page.locator(".ex-value", has_text=re.compile(r"^30 April$")).click()
    page.locator("#ex-edit").fill("Christmas")
    page.keyboard.press("Enter")
    expect(page.locator(".ex-value.absent")).to_contain_text("not found in text")
    page.get_by_role("button", name="Remove row 1").click()
    expect(page.locator(".ex-table tbody tr")).to_have_count(1)
    page.locator(".ex-tools").get_by_role("button", name="Undo").click()
    expect(page.locator(".ex-table tbody tr")).to_have_count(2)
    page.locator(".ex-add-row").click()
    page.locator("#ex-edit").fill("=1+1")
    page.keyboard.press("Enter")
    expect(page.locator(".ex-table tbody tr")).to_have_count(3)
    with page.expect_download() as download:
        page.locator(".ex-tools").get_by_role("button", name="CSV").click()
    path = tmp_path / "table.csv"
    download.value.save_as(path)
    lines = path.read_text("utf-8-sig").splitlines()
    assert lines[0] == "Date,What" and len(lines) == 4
    assert any(line.startswith("'=1+1") for line in lines) and any(line.startswith("Christmas") for line in lines)
    for _ in range(2):
        page.locator(".ex-tools").get_by_role("button", name="Undo").click()
    expect(page.locator(".ex-value", has_text=re.compile(r"^30 April$"))).to_be_visible()
    expect(page.locator(".ex-tools").get_by_role("button", name="Undo")).to_be_disabled()


def test_columns_of_ones_own_are_drawn_kept_and_there_after_a_reload(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    page.locator(".ex-chip.ex-own").click()
    page.get_by_label("Name of column 1").fill("deadline")
    page.get_by_label("Type of column 1").select_option("date")
    page.get_by_role("button", name="Add a column").click()
    page.get_by_label("Name of column 2").fill("mood")
    page.get_by_label("Type of column 2").select_option("choice")
    page.get_by_label("What to choose from in column 2").fill("calm, angry")
    visitor.picture("extract-own-desktop-light")
    page.locator(".ex-name").fill("My letters")
    page.locator(".ex-keep button").click()
    expect(page.get_by_role("radio", name="My letters")).to_have_attribute("aria-checked", "true")
    extract(page)
    assert set(cell(page, "deadline")) <= {"4 March 2025", "30 April"}
    assert set(cell(page, "mood")) <= {"calm", "angry"}
    page.reload()
    page.locator("button[role=tab][data-tab-id=extract]").click()
    expect(page.locator(".ex-list dt").first).to_have_text("deadline")
    expect(page.get_by_role("radio", name="My letters")).to_have_attribute("aria-checked", "true")
    page.locator(".ex-more").click()
    page.get_by_role("button", name="Delete “My letters”").click()
    expect(page.get_by_role("radio", name="My letters")).to_have_count(0)
    page.locator(".toast-action").first.click()
    expect(page.get_by_role("radio", name="My letters")).to_be_visible()


def test_columns_without_a_name_are_refused_and_nothing_is_lost(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator("#ex-text").fill(MINUTES)
    page.locator(".ex-chip.ex-own").click()
    page.locator("#extract .src-go").click()
    expect(page.locator(".ex-notice .problem")).to_contain_text("no column yet")
    expect(page.locator("#ex-text")).to_have_value(MINUTES)


def test_a_long_text_is_stopped_and_keeps_what_was_found(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    choose(page, "People")
    text = "\n\n".join(f"Chapter {number}. {MINUTES}" for number in range(150))
    page.locator("#ex-text").fill(text)
    page.locator("#extract .src-go").click()
    expect(page.locator(".src-cover-bar .read").first).to_be_attached(timeout=WAIT_MS)
    page.keyboard.press("Escape")
    expect(page.locator(".ex-line")).to_contain_text("Stopped", timeout=WAIT_MS)
    expect(page.locator(".src-cover")).to_contain_text("parts were read")
    visitor.picture("extract-stopped-desktop-light")


def test_a_file_is_read_and_its_table_is_among_the_earlier_ones(app: App, visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "minutes.md"
    path.write_text(MINUTES, "utf-8")
    page = enter(visit(app.url))
    choose(page, "Dates")
    page.locator("#extract input[type=file]").first.set_input_files(path)
    expect(page.locator("#ex-text")).to_have_value(MINUTES)
    page.locator("#extract .src-go").click()
    finished(page)
    page.locator("#extract .earlier").click()
    expect(page.locator(".earlier-open", has_text="minutes.md").first).to_be_visible()
    page.locator(".earlier-entry", has_text="minutes.md").first.get_by_role("button", name="Delete").click()
    expect(page.locator(".toast", has_text="deleted")).to_be_visible()
    page.locator(".toast-action").click()
    page.locator(".earlier-open", has_text="minutes.md").first.click()
    expect(page.locator(".ex-table tbody tr")).to_have_count(2)


def test_a_hostile_text_stays_text(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    choose(page, "Dates")
    extract(page, f"{HOSTILE} was written on the wall on 4 March 2025. {MINUTES}")
    assert page.evaluate("window.hit") is None
    assert page.locator("#extract :is(.src-reader, .ex-result) :is(script, img)").count() == 0


def test_it_speaks_chinese(app: App, visit: Visit) -> None:
    visitor = visit(app.url, locale="zh-CN")
    page = enter(visitor)
    expect(page.locator("#extract .src-go")).to_have_text("提取")
    choose(page, "日期")
    extract(page, "2025年3月18日上午开会，4月23日开幕。")
    expect(page.locator(".ex-table thead")).to_contain_text("按规则")
    assert page.locator(".ex-table th .ex-value > span").all_inner_texts() == ["2025年3月18日", "4月23日"]
    visitor.picture("extract-desktop-zh")
