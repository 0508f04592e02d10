"""The second level of the attention tab in a real browser: one weight step by step, and what if a part were off."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.conftest import App, Visitor
from tests.browser.test_attention import HOSTILE, PHONE, WAIT_MS, enter, example, unit

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]


def unfold(page: Page, name: str) -> Locator:
    card = page.locator(f".look-{name}")
    card.locator("summary").click()
    expect(card).to_have_attribute("open", "")
    ready = card.locator(".how-heads .look-links li, .what-layers li").first
    expect(ready).to_be_visible(timeout=WAIT_MS)
    return card


def shares(rows: Locator) -> list[float]:
    return [float(text.strip(" %<")) for text in rows.all_inner_texts()]


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.\d+", text.replace("−", "-"))]


def test_the_second_level_asks_for_nothing_until_it_is_opened(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.extend(re.findall(r'fn_name"\W*(\w+)', request.post_data or ""))

    page.on("request", note)
    example(page, "Follow a pronoun")
    second = {"steps", "layer_heads", "layer_guesses", "experiments"}
    assert "open_run" in asked and not second & set(asked)
    unfold(page, "how")
    unfold(page, "what")
    assert second <= set(asked)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_steps_add_up_and_the_temperature_changes_the_shares(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    example(page, "Catch a repetition")
    card = unfold(page, "how")
    expect(card.locator(".how-steps > li")).to_have_count(7)
    expect(card.locator(".how-about")).to_contain_text("one of it")
    (score,) = numbers(card.locator(".how-products p").inner_text())
    scaling = card.locator(".how-scaling p").inner_text()
    again, scaled = numbers(scaling)
    assert again == score and abs(score / 8 - scaled) < 0.02 and "√64 = 8," in scaling
    rows = card.locator(".how-bars .share")
    before = shares(rows)
    assert 99 < sum(before) < 101 and before[0] == max(before[:-1])
    card.get_by_label("Temperature of the softmax").press("Home")
    expect(rows.first).not_to_have_text(f"{before[0]:.1f} %")
    assert shares(rows)[0] > before[0]
    card.evaluate("e => e.scrollIntoView()")
    visitor.picture(f"attention-how-{scheme}")


def test_the_steps_follow_the_chosen_head_word_and_key(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    example(page, "Follow a pronoun")
    card = unfold(page, "how")
    unit(page, "suitcase").click()
    expect(card.locator(".how-about")).to_contain_text("case is the last piece of suitcase.")
    second = card.locator("#how-key option").nth(1).inner_text().split(" (")[0]
    card.locator("#how-key").select_option(index=1)
    expect(card.locator(".how-about b").nth(1)).to_have_text(second)
    card.locator(".how-heads-bars button").nth(4).click()
    expect(card.locator(".how-about")).to_contain_text("head 5")
    expect(card.locator(".how-about")).not_to_contain_text("one of it")
    expect(page.locator(".look-heatmap h3")).to_contain_text("head 5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_if_shows_the_next_words_before_and_after(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    example(page, "Catch a repetition")
    card = unfold(page, "what")
    parts = card.locator(".what-parts")  # what was tried on this text before stands below, under the same names
    parts.get_by_role("radio", name="The word").click()
    expect(card.get_by_role("button", name="Try it")).to_be_disabled()
    expect(card.locator(".hint", has_text="No word comes after green")).to_be_visible()
    unit(page, "tea").click()
    card.get_by_role("button", name="Try it").click()
    expect(card.locator(".what-said")).to_contain_text(
        re.compile("^Without the word ‹tea› the chance of tea"), timeout=WAIT_MS
    )
    before, after = shares(card.locator("tbody tr").first.locator(".what-cell"))
    change = numbers(card.locator("tbody tr").first.locator(".what-change").inner_text())[0]
    assert before > 50 > after and abs(after - before - change) < 1.1
    parts.get_by_role("radio", name=re.compile("all heads")).click()
    card.get_by_role("button", name="Try it").click()
    expect(card.locator(".what-said")).to_contain_text("all heads", timeout=WAIT_MS)
    expect(card.locator(".what-tries button")).to_have_count(2)
    card.locator(".what-tries button").last.click()
    expect(card.locator(".what-said")).to_contain_text("Without the word ‹tea›")
    said = card.locator(".what-said").inner_text()
    card.get_by_label(re.compile("^For both")).press("End")
    expect(card.locator(".what-said")).not_to_have_text(said)
    expect(card.locator(".what-layers li")).to_have_count(31)
    expect(card.locator(".what-layers .word").last).to_have_text("tea")
    card.evaluate("e => e.scrollIntoView()")
    visitor.picture(f"attention-what-{scheme}")


def test_tries_are_found_again_after_a_reload(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    example(page, "Follow a pronoun")
    card = unfold(page, "what")
    card.get_by_role("button", name="Try it").click()
    expect(card.locator(".what-said")).to_contain_text("Without", timeout=WAIT_MS)
    said = card.locator(".what-said").inner_text()
    page.reload()
    page.get_by_role("tab", name="Attention").click()
    expect(page.locator(".look-kind").first).to_be_visible(timeout=WAIT_MS)
    expect(unfold(page, "what").locator(".what-said")).to_have_text(said)


def test_hostile_words_stay_text_in_the_second_level(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator(".look-box textarea").fill(HOSTILE)
    page.locator(".look-go").click()
    expect(page.locator(".look-kind").first).to_be_visible(timeout=WAIT_MS)
    page.locator(".unit", has_text="script").first.click()
    unfold(page, "how")
    card = unfold(page, "what")
    card.get_by_role("radio", name="The word").click()
    card.get_by_role("button", name="Try it").click()
    expect(card.locator(".what-said")).to_contain_text("script", timeout=WAIT_MS)
    assert page.evaluate("window.hit") is None
    assert page.locator(".look-second :is(script, img)").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_second_level_fits(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **PHONE)
    page = enter(visitor)
    example(page, "Catch a repetition")
    card = unfold(page, "how")
    card.scroll_into_view_if_needed()
    visitor.picture(f"attention-phone-how-{scheme}")
    card.locator("summary").click()
    card = unfold(page, "what")
    card.get_by_role("button", name="Try it").click()
    expect(card.locator(".what-said")).to_contain_text("Without", timeout=WAIT_MS)
    card.scroll_into_view_if_needed()
    visitor.picture(f"attention-phone-what-{scheme}")
    assert page.evaluate("document.querySelector('.look-scroll').scrollWidth <= document.documentElement.clientWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('.look-second :is(button, select, summary)')].filter(b => b.offsetParent && "
        "b.offsetHeight < 40).map(b => b.className + b.textContent)"
    )
    assert small == []


def test_the_second_level_speaks_chinese(app: App, visit: Visit) -> None:
    page = enter(visit(app.url, locale="zh-CN"))
    example(page, "追踪一个代词")
    unfold(page, "how")
    unfold(page, "what")
    assert not re.search(r"\b(how|what|look)_", page.inner_text("#attention"))
