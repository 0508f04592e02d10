"""The guided tour in a real browser, and the switches over whose look is shown."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import App
from tests.browser.test_attention import PHONE, WAIT_MS, Visit, enter, example, look, unit

pytestmark = [pytest.mark.browser, pytest.mark.real]

HEADINGS = (
    "A pronoun looks for its noun", "The first word is a resting place", "A repetition is caught",
    "A translation looks back at its source", "All this serves the next word",
)  # fmt: skip


def begin(page: Page) -> None:
    page.get_by_role("button", name="Take the tour").click()
    settle(page, 1)


def settle(page: Page, step: int) -> None:
    """The step's view and its sentence with numbers are there."""
    expect(page.locator(".tour-count")).to_have_text(f"{step} of 5", timeout=WAIT_MS)
    expect(page.locator(".tour-wait")).to_have_count(0, timeout=WAIT_MS)


def forward(page: Page, step: int) -> None:
    page.locator(".tour-next").click()
    settle(page, step)


def share_of(page: Page, word: str) -> str:
    """What the list of the strongest looks says of a word, without its digit behind the point."""
    row = page.locator(".look-strongest li", has=page.locator(".word", has_text=re.compile(rf"^{word}$"))).first
    expect(row.locator(".share")).to_contain_text(".", timeout=WAIT_MS)
    return f"{float(row.locator('.share').inner_text().strip(' %<')):.0f} %"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_five_steps_show_what_their_sentences_say(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    begin(page)
    said = page.locator("#tour-said")
    for step, heading in enumerate(HEADINGS, 1):
        if step > 1:
            forward(page, step)
        expect(page.locator("#tour-heading")).to_have_text(heading)
        expect(said).to_contain_text(re.compile(r"\d %"))
        if step in (1, 3):
            word, seen = (("it", "trophy"), ("green", "tea"))[step == 3]
            expect(unit(page, word).last).to_have_class(re.compile("pinned"))
            expect(said).to_contain_text(f"{word} looks {share_of(page, seen)} at {seen}")
            expect(page.get_by_role("radio", name="One head")).to_be_checked()
        visitor.picture(f"attention-tour-{step}-{scheme}")
    expect(page.get_by_label("Hide the first-token habit")).to_be_checked()
    expect(page.locator(".look-next")).to_be_in_viewport()
    likeliest = page.locator(".look-next li").first
    expect(said).to_contain_text(likeliest.locator(".word").inner_text())
    expect(said).to_contain_text(likeliest.locator(".share").inner_text())
    page.locator(".tour-next").click()
    expect(page.locator(".look-tour")).to_be_hidden()
    expect(page.get_by_role("button", name="Take the tour")).to_be_focused()


def test_the_step_about_the_first_token_shows_it(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    begin(page)
    expect(page.locator(".tour-back")).to_be_disabled()
    forward(page, 2)
    expect(page.get_by_label("Hide the first-token habit")).not_to_be_checked()
    expect(page.locator(".look-strongest .word").first).to_have_text("The")
    page.locator(".tour-back").click()
    settle(page, 1)
    expect(page.get_by_label("Hide the first-token habit")).to_be_checked()
    expect(unit(page, "it")).to_have_class(re.compile("pinned"))


def test_ones_own_text_and_view_come_back_when_the_tour_ends(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "The cat sat on the mat.")
    unit(page, "cat").click()
    page.locator(".look-box textarea").fill("Something that I have just begun")
    name = page.evaluate("localStorage.getItem('playground.look_run')")
    begin(page)
    expect(page.locator(".tour-next")).to_be_focused()
    forward(page, 2)
    page.keyboard.press("Escape")
    expect(page.locator(".look-tour")).to_be_hidden()
    expect(page.locator(".look-text")).to_have_text("The cat sat on the mat.")
    expect(unit(page, "cat")).to_have_class(re.compile("pinned"))
    expect(page.locator(".look-box textarea")).to_have_value("Something that I have just begun")
    expect(page.get_by_role("button", name="Take the tour")).to_be_focused()
    assert page.evaluate("localStorage.getItem('playground.look_run')") == name
    page.reload()
    page.get_by_role("tab", name="Attention").click()
    expect(page.locator(".look-text")).to_have_text("The cat sat on the mat.", timeout=WAIT_MS)


def test_a_model_that_does_not_do_it_is_not_said_to(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))

    def deny(route: Route) -> None:
        if "clearest_head" not in (route.request.post_data or ""):
            route.continue_()
            return
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'"clear":\s*true', '"clear":false', answer.text()))

    page.route(re.compile("component_server"), deny)
    begin(page)
    expect(page.locator("#tour-said")).to_contain_text("No head of this model clearly does so")


def test_what_cannot_be_read_is_said_and_the_tour_goes_on(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    failing = True

    def fail(route: Route) -> None:
        if failing and "clearest_head" in (route.request.post_data or ""):
            route.fulfill(status=200, content_type="application/json", body=json.dumps({"error": "Not now."}))
        else:
            route.continue_()

    page.route(re.compile("component_server"), fail)
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator("#tour-said .problem")).to_have_text("Not now.", timeout=WAIT_MS)
    failing = False
    forward(page, 2)
    page.locator(".tour-back").click()
    settle(page, 1)
    expect(page.locator("#tour-said")).to_contain_text("trophy")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_text_stands_under_the_step(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **PHONE)
    page = enter(visitor)
    page.get_by_role("button", name="Take the tour").tap()
    for step in range(1, 6):
        settle(page, step)
        part = page.locator(".look-next" if step == 5 else ".look-text")
        expect(part).to_be_in_viewport()
        below = page.evaluate("document.querySelector('.look-tour').getBoundingClientRect().bottom")
        place = part.bounding_box()
        assert place is not None and place["y"] >= below - 1, "the step's own card covers it"
        visitor.picture(f"attention-tour-phone-{step}-{scheme}")
        page.locator(".tour-next").tap()
    assert page.evaluate("document.querySelector('.look-scroll').scrollWidth <= document.documentElement.clientWidth")


def test_counting_what_a_look_brings_is_said_wherever_it_is_shown(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    example(page, "Catch a repetition")
    before = page.locator(".look-strongest").inner_text()
    page.get_by_label("Count what it brings").check()
    expect(page.locator(".look-said").first).to_contain_text("Taking from")
    expect(page.locator(".look-sentences")).to_contain_text("Kobayashi")
    expect(page.locator(".look-heatmap .hint")).to_contain_text("value-weighted")
    expect(page.locator(".look-strongest")).not_to_have_text(before)
    visitor.picture("attention-values")
    page.get_by_label("Count what it brings").uncheck()
    expect(page.locator(".look-said").first).to_contain_text("Looking at")
    expect(page.locator(".look-heatmap .hint")).not_to_contain_text("value-weighted")


def test_a_long_map_says_whether_its_dots_are_maxima_or_means(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "The quick brown fox jumps over the lazy dog. " * 70)
    about = page.locator(".look-heatmap .hint")
    expect(about).to_contain_text("shows the largest", timeout=WAIT_MS)
    page.get_by_label("A dot shows").select_option("mean")
    expect(about).to_contain_text("shows the mean", timeout=WAIT_MS)
    page.reload()
    page.get_by_role("tab", name="Attention").click()
    expect(about).to_contain_text("shows the mean", timeout=WAIT_MS)
    look(page, "A short text.")
    expect(page.get_by_label("A dot shows")).to_have_count(0)


def test_the_tour_speaks_chinese(app: App, visit: Visit) -> None:
    page = enter(visit(app.url, locale="zh-CN"))
    page.get_by_role("button", name="跟着导览走").click()
    for _ in range(5):
        expect(page.locator(".tour-wait")).to_have_count(0, timeout=WAIT_MS)
        expect(page.locator("#tour-said")).to_contain_text(re.compile(r"\d %"))
        assert not re.search(r"tour_|look_|\{", page.locator(".look-tour").inner_text())
        page.locator(".tour-next").click()
    expect(page.locator(".look-tour")).to_be_hidden()


def test_words_in_sight_of_a_long_text_are_here_before_anybody_points_at_them(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    asked: list[str] = []
    under_way: set[str] = set()

    def note(request: Request) -> None:
        if "component_server" in request.url:
            asked.append(request.post_data or "")
            under_way.add(asked[-1])

    page.on("request", note)
    page.on("requestfinished", lambda request: under_way.discard(request.post_data or ""))
    look(page, "The quick brown fox jumps over the lazy dog. " * 130)
    expect(page.locator(".look-kind").first).to_be_visible(timeout=WAIT_MS)
    quiet_since, waited = -1, 0
    while quiet_since != len(asked) or under_way:
        quiet_since, waited = len(asked), waited + 1
        assert waited < 100, "the page never stops asking"
        page.wait_for_timeout(500)
    words = page.locator(".unit")
    in_sight = range(words.count() - 120, words.count() - 2, 13)
    for index in in_sight:
        words.nth(index).hover()
        expect(words.nth(index)).to_have_class(re.compile("asking"))
    assert not [body for body in asked[quiet_since:] if "exact_row" in body]
