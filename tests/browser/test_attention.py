"""The attention tab in a real browser: a text is read by the real model, pointed at, looked at head by head."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
SHARE = "+getComputedStyle(e).getPropertyValue('--heat') || 0"
WAIT_MS = 30_000
PHONE = {"width": 390, "height": 844, "has_touch": True}
HOSTILE = (
    "<script>window.hit=1</script> ${window.hit=2} {{window.hit=3}} <img src=x onerror=window.hit=4> "
    "\u202ereversed\u202c 👩‍👩‍👧 𒀀 &amp; `${alert(1)}`"
)


def enter(visitor: Visitor) -> Page:
    visitor.page.get_by_role("tab", name=re.compile("Attention|注意力")).click()
    expect(visitor.page.locator(".look-box textarea")).to_be_visible()
    return visitor.page


def look(page: Page, text: str) -> None:
    page.locator(".look-box textarea").fill(text)
    page.locator(".look-go").click()
    expect(page.locator(".look-text")).to_have_text(text.strip(), timeout=WAIT_MS)
    expect(page.locator(".unit.asking")).to_have_count(1, timeout=WAIT_MS)


def example(page: Page, name: str) -> None:
    page.locator(".look-examples .example", has_text=name).click()
    expect(page.locator(".unit.asking")).to_have_count(1, timeout=WAIT_MS)
    expect(page.locator(".look-kind").first).to_be_visible(timeout=WAIT_MS)


def unit(page: Page, text: str) -> Locator:
    return page.locator(".unit", has_text=re.compile(rf"^{text}$"))


def heat(place: Locator) -> float:
    return place.evaluate(f"e => {SHARE}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_example_shows_what_its_word_reads_from(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    visitor.picture(f"attention-empty-{scheme}")
    example(page, "Follow a pronoun")
    expect(unit(page, "it")).to_have_class(re.compile("pinned"))
    expect(page.locator(".look-said").first).to_have_text("Looking at, when choosing the word after it:")
    hottest = page.locator(".unit").evaluate_all(f"all => Math.max(...all.map(e => {SHARE}))")
    assert hottest == 1 and heat(unit(page, "big")) == 0, "the strongest is deepest, and nobody looks ahead"
    assert heat(page.locator(".unit").first) == 0, "the first-token habit is hidden"
    shares = [float(text.strip(" %<")) for text in page.locator(".look-strongest .share").all_inner_texts()]
    assert len(shares) == 5 and shares == sorted(shares, reverse=True) and sum(shares) <= 100.5
    visitor.picture(f"attention-{scheme}")


def test_pointing_at_words_before_the_first_row_has_come_waits_for_it(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    held: list[Route] = []
    waiting = True

    def hold_rows(route: Route) -> None:
        if waiting and re.search("rows|exact_row", route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile("component_server"), hold_rows)
    page.locator(".look-examples .example", has_text="Follow a pronoun").click()
    expect(unit(page, "suitcase")).to_be_visible(timeout=WAIT_MS)
    unit(page, "suitcase").hover()
    unit(page, "trophy").hover()
    page.mouse.move(5, 5)
    waiting = False
    assert held
    for route in held:
        route.continue_()
    expect(unit(page, "it")).to_have_class(re.compile("asking"))
    unit(page, "trophy").hover()
    expect(page.locator(".look-said").first).to_contain_text("at trophy")


def test_pointing_previews_a_click_pins_and_keys_move(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "Ann met Bob. Ann gave Bob a book.")
    unit(page, "gave").hover()
    expect(unit(page, "gave")).to_have_class(re.compile("asking"))
    unit(page, "a").click()
    expect(unit(page, "a")).to_have_class(re.compile("pinned"))
    unit(page, "gave").hover()
    expect(unit(page, "a")).to_have_class(re.compile("asking"))
    expect(page.locator(".look-said").first).to_contain_text(re.compile(r"^a looks .* at gave\.$"))
    unit(page, "book").hover()
    expect(page.locator(".look-said").first).to_contain_text("cannot look ahead")
    unit(page, "a").focus()
    page.keyboard.press("ArrowRight")
    expect(unit(page, "book")).to_be_focused()
    expect(unit(page, "book")).to_have_class(re.compile("pinned"))
    page.keyboard.press("Home")
    expect(page.locator(".unit").first).to_have_class(re.compile("pinned"))
    page.keyboard.press("Escape")
    expect(page.locator(".unit.pinned")).to_have_count(0)


def test_the_switches_bring_back_the_first_token_and_the_pieces_of_words(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "Unbelievably, the antidisestablishmentarianist slept.")
    words = page.locator(".unit").count()
    page.get_by_label("Whole words").uncheck()
    expect(page.locator(".look-text")).to_have_class(re.compile("pieces"))
    assert page.locator(".unit").count() > words
    page.get_by_label("Hide the first-token habit").uncheck()
    expect(page.locator(".look-sentences")).to_contain_text("the switch hides it")
    expect(page.locator(".unit.resting")).to_have_count(0)
    page.wait_for_function("+document.querySelector('.unit').style.getPropertyValue('--heat') > 0.5")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_head_is_found_by_what_it_does_and_seen_large(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme)
    page = enter(visitor)
    example(page, "Catch a repetition")
    page.get_by_role("radio", name=re.compile("^Repetition")).click()
    page.get_by_label("Strongest first").check()
    page.locator(".look-stage").click(position={"x": 12, "y": 12})
    expect(page.locator(".look-heatmap h3")).to_have_text(re.compile(r"^Layer \d+, head \d+ · Repetition$"))
    expect(page.locator(".look-sentences")).to_contain_text("what followed the same word last time")
    last = page.locator(".unit").last
    assert heat(last) < 1, "a head of repetitions does not stay with its own word"
    expect(page.locator(".look-strongest .word").first).to_have_text("tea")
    page.locator(".look-map").hover(position={"x": 200, "y": 400})
    expect(page.locator(".look-heatmap .look-said")).to_have_text(
        re.compile(r"\(\d+\) looks [\d.<]+ % at .+ \(\d+\)\.")
    )
    page.get_by_text("The ten strongest looks").click()
    expect(page.locator(".look-table tbody tr")).to_have_count(10)
    page.locator(".look-heads").scroll_into_view_if_needed()
    visitor.picture(f"attention-heads-{scheme}")


def test_zooming_into_a_map_keeps_whole_tokens(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen.")
    zoom = page.locator(".look-map-tools").get_by_role("button", name="Zoom in")
    expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()
    zoom.click()
    expect(page.get_by_role("button", name="Zoom out")).to_be_enabled()
    zoom.click()
    expect(zoom).to_be_disabled()


def test_creativity_reshapes_the_odds_of_the_next_word(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    example(page, "Catch a repetition")
    first = page.locator(".look-next li").first
    expect(first).to_contain_text("tea")
    slider = page.get_by_label(re.compile("^Creativity"))
    shares = []
    for key in ("Home", "End"):
        slider.press(key)
        shares.append(float(first.locator(".share").inner_text().strip(" %")))
    assert shares[0] > 95 and shares[1] < shares[0] - 10


def test_hostile_text_stays_text(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    page = enter(visitor)
    page.get_by_label("Your text").locator("textarea").fill(HOSTILE)
    page.locator(".look-go").click()
    expect(page.locator(".look-kind").first).to_be_visible(timeout=WAIT_MS)
    assert page.locator(".look-text").evaluate("e => e.textContent") == HOSTILE
    page.get_by_label("Whole words").uncheck()
    expect(page.locator(".look-text")).to_have_class(re.compile("pieces"))
    assert page.evaluate("window.hit") is None
    assert page.locator(".look-text").evaluate("e => e.querySelectorAll(':not(span)').length") == 0
    visitor.picture("attention-hostile")


def test_a_long_look_can_be_stopped_and_what_cannot_be_read_is_said(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    page.locator(".look-box textarea").fill("several words of a longer text " * 600)
    page.locator(".look-go").click()
    expect(page.locator(".look-go")).to_have_text("Stop")
    page.keyboard.press("Escape")
    expect(page.locator(".look-go")).to_have_text("Look inside")
    expect(page.locator(".look-parts")).to_have_count(0)
    page.locator(".look-box textarea").fill("word " * 19_000)
    page.locator(".look-go").click()
    expect(page.locator(".look-entry .problem")).to_contain_text("tokens", timeout=WAIT_MS)


def test_a_reload_opens_the_last_run_again_and_chats_open_in_their_own_tab(app: App, visit: Visit) -> None:
    page = enter(visit(app.url))
    look(page, "The cat sat on the mat.")
    page.reload()
    page.get_by_role("tab", name="Attention").click()
    expect(page.locator(".look-text")).to_have_text("The cat sat on the mat.", timeout=WAIT_MS)
    page.get_by_role("button", name="New chat").first.click()
    expect(page.locator(".composer textarea")).to_be_visible()


def test_a_visitor_cannot_open_anothers_run(own_app: App, visit: Visit) -> None:
    own_app.environ["PLAYGROUND_SHARED"] = "on"
    own_app.start()
    page = enter(visit(own_app.url))
    look(page, "My secret text.")
    name = page.evaluate("localStorage.getItem('playground.look_run')")
    other = visit(own_app.url)
    other.page.evaluate("name => localStorage.setItem('playground.look_run', name)", name)
    stranger = enter(other)
    stranger.wait_for_function("localStorage.getItem('playground.look_run') === null")
    assert stranger.locator(".look-parts").count() == 0 and "secret" not in stranger.inner_text("#attention")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_sticks_out_and_fingers_find_every_button(app: App, visit: Visit, scheme: str) -> None:
    visitor = visit(app.url, color_scheme=scheme, **PHONE)
    page = enter(visitor)
    example(page, "Watch a translation")
    unit(page, "house").tap()
    expect(unit(page, "house")).to_have_class(re.compile("pinned"))
    visitor.picture(f"attention-phone-{scheme}")
    assert page.evaluate("document.querySelector('.look-scroll').scrollWidth <= document.documentElement.clientWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('#attention :is(button, select, .look-switch)')].filter(b => b.offsetParent && "
        "b.offsetHeight < 40).map(b => b.className + b.textContent)"
    )
    assert small == []
    page.locator(".look-stage").tap(position={"x": 20, "y": 20})
    expect(page.locator(".look-heatmap h3")).to_contain_text("Layer 1, head 1")
    page.wait_for_timeout(300)
    visitor.picture(f"attention-phone-heads-{scheme}")


def test_every_control_has_a_name_and_the_page_speaks_chinese(app: App, visit: Visit) -> None:
    page = enter(visit(app.url, locale="zh-CN"))
    example(page, "追踪一个代词")
    nameless = page.evaluate(
        "[...document.querySelectorAll('#attention :is(button, select, input, textarea)')].filter(b => "
        "!(b.getAttribute('aria-label') || b.textContent.trim() || b.labels?.length)).length"
    )
    assert nameless == 0
    expect(page.locator(".look-caveat")).to_contain_text("注意力")
    assert "look_" not in page.inner_text("#attention")
