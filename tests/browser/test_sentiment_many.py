"""The second level of the sentiment tab: a table chosen, judged, looked through, compared, fitted, taken away."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
JUDGED_MS = 60_000
HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} {{x}} lovely"


def open_many(visitor: Visitor) -> Page:
    page = visitor.page
    page.locator("button[role=tab][data-tab-id=sentiment]").click()
    page.locator("#sentiment [data-level=many]").click()
    expect(page.locator(".many-zone")).to_be_visible()
    return page


def drop(page: Page, name: str, content: bytes) -> None:
    """Choose a file as the button does."""
    page.locator(".many-choose input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )


def judge(page: Page) -> None:
    page.locator(".many-go").click()
    expect(page.locator(".many-rows .many-row").first).to_be_visible(timeout=JUDGED_MS)


def test_a_table_with_known_labels_is_judged_compared_fitted_and_taken_away(app: App, visit: Visit) -> None:
    page = open_many(visit(app.url))
    page.locator(".many-examples .example").first.click()
    expect(page.locator(".many-preview th.text")).to_contain_text("review")
    expect(page.locator(".many-preview th.gold")).to_contain_text("stars")
    expect(page.locator(".many-preview th.group")).to_contain_text("date")
    judge(page)
    shares = page.locator(".many-share-part small").all_inner_texts()
    assert sum(map(int, shares)) == 18
    expect(page.locator(".many-columns rect").first).to_be_attached()
    expect(page.locator(".many-number-card strong").first).to_contain_text("%")
    assert sum(int(cell) for cell in page.locator(".many-cell").all_inner_texts()) == 18

    cell = page.locator(".many-cell:not([disabled])").first
    count = cell.inner_text()
    cell.click()
    expect(page.locator(".many-counted")).to_contain_text(re.compile(rf"^{count} texts known as"))
    expect(page.locator(".many-row")).to_have_count(int(count))
    page.get_by_role("button", name="All texts").click()
    expect(page.locator(".many-row")).to_have_count(18)

    before = page.locator(".many-row .many-verdict").first.inner_text()
    page.get_by_role("button", name="See what it would change").click()
    expect(page.locator(".many-before tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Use it").click()
    expect(page.locator(".many-fitted")).to_contain_text("18")
    page.locator(".many-fit").get_by_role("button", name="Undo").click()
    expect(page.locator(".many-fitted")).to_have_count(0)
    expect(page.locator(".many-row .many-verdict").first).to_have_text(re.compile(re.escape(before.split()[0])))

    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as CSV").click()
    content = Path(saving.value.path()).read_text("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert len(rows) == 19 and rows[0][:4] == ["date", "place", "review", "stars"] and rows[0][4] == "label"


def test_texts_stay_texts_and_rows_that_cannot_be_judged_say_why(app: App, visit: Visit) -> None:
    page = open_many(visit(app.url))
    table = f'text;label\n"{HOSTILE}";positive\n"";negative\n"=HYPERLINK(""x"") it was awful";negative\n'
    drop(page, "<b>hostile</b>.csv", table.encode("utf-16"))
    expect(page.locator(".many-head strong").first).to_have_text("<b>hostile</b>.csv")
    judge(page)
    expect(page.locator(".many-row p").first).to_have_text(HOSTILE)
    expect(page.locator(".many-row").nth(1)).to_contain_text("There is no text to judge here")
    page.get_by_label("Which texts").select_option("errors")
    expect(page.locator(".many-row")).to_have_count(1)
    page.get_by_label("Search in the texts").fill("nothing like that")
    expect(page.locator(".many-counted")).to_contain_text("No text is like that")


def test_a_stop_keeps_what_is_judged_and_it_can_be_gone_on_with(app: App, visit: Visit) -> None:
    page = open_many(visit(app.url))
    drop(page, "long.csv", ("text\n" + "\n".join(f"visit number {n} was fine" for n in range(900))).encode())
    page.locator(".many-go").click()
    expect(page.locator(".many-line")).to_contain_text(re.compile(r"[1-9]\d* of 900"), timeout=JUDGED_MS)
    page.locator("body").press("Escape")
    go_on = page.get_by_role("button", name=re.compile("Go on with the other"))
    expect(go_on).to_be_visible(timeout=JUDGED_MS)
    judged = sum(int(part.replace(",", "")) for part in page.locator(".many-share-part small").all_inner_texts())
    assert 0 < judged < 900
    expect(page.locator(".many-pager")).to_be_visible()
    page.get_by_label("Next page").click()
    expect(page.locator(".many-row .many-number").first).to_have_text("26")
    page.locator(".many-rows .many-row button").first.click()
    expect(page.locator("#sentiment .se-one")).to_be_visible()


def test_pasted_lines_on_a_phone_fit_its_width_in_chinese(app: App, visit: Visit) -> None:
    page = open_many(visit(app.url, width=390, locale="zh-CN"))
    page.get_by_role("button", name="粘贴内容").click()
    page.locator(".many-pasting textarea").fill("服务很好，下次还来。\n太差了，再也不来。\n营业到晚上九点。")
    page.get_by_role("button", name="使用这些内容").click()
    judge(page)
    expect(page.locator(".many-row")).to_have_count(3)
    widths: Any = page.evaluate(
        "(() => { const e = document.querySelector('.se-scroll'); return [e.scrollWidth, e.clientWidth]; })()"
    )
    assert widths[0] <= widths[1]


def test_a_file_that_is_no_table_is_refused_and_loses_nothing(app: App, visit: Visit) -> None:
    page = open_many(visit(app.url))
    drop(page, "picture.csv", bytes(range(256)) * 40)
    expect(page.locator(".many-notice .problem")).to_contain_text("not a text")
    expect(page.locator(".many-zone")).to_be_visible()
