"""What goes wrong in real life: impatient hands, two windows, a server that goes away, a text that is too long."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
LONG = "Write a very long fairy tale about a fox, a lighthouse and seven storms, with many chapters."


def test_two_enters_send_once_and_what_is_typed_meanwhile_stays(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.box.fill("Name a river.")
    visitor.box.press("Enter")
    visitor.box.press("Enter")
    visitor.page.keyboard.type(" and more")
    visitor.wait_for_answer()
    expect(visitor.page.locator(".message.user")).to_have_count(1)
    expect(visitor.page.locator(".item", has_text="Name a river")).to_have_count(1)
    expect(visitor.box).to_have_value(" and more")
    visitor.box.fill("")


def test_a_second_window_of_a_chat_is_told_to_wait_and_then_follows(app: App, visit: Visit) -> None:
    first = visit(app.url, longest=1024)
    first.send(LONG, wait=False)
    first.wait_for_words()
    second = visit(app.url, path=first.page.url.removeprefix(app.url), longest=1024)
    expect(second.page.locator(".go.stopping")).to_be_visible()
    # The box of a page that knows of the running answer does not send; a stale page's request is refused by the server.
    second.page.locator(".message.user [aria-label=Edit]").evaluate(
        "button => { button.disabled = false; button.click(); }"
    )
    second.page.locator(".edit").fill("In other words")
    second.page.locator(".edit").press("Enter")
    expect(second.page.locator(".composer .problem")).to_contain_text("An answer is still being written here")
    expect(second.page.locator(".edit")).to_have_value("In other words")
    length = len(second.body.inner_text())
    second.page.wait_for_timeout(800)
    assert len(second.body.inner_text()) > length, "the refused window must go on following"
    second.page.get_by_role("button", name="Stop").click()
    for one in (first, second):
        expect(one.answer).to_contain_text("Stopped. What was written is kept.")


def test_a_text_beyond_the_window_is_refused_and_still_stands_in_the_box(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    text = "lighthouse " * 12_000
    visitor.box.fill(text)
    visitor.box.press("Enter")
    problem = visitor.page.locator(".composer .problem")
    expect(problem).to_contain_text("this model reads 8,192", timeout=30_000)
    expect(problem).to_contain_text("Shorten it by about")
    assert visitor.box.input_value() == text
    expect(visitor.page.locator(".message")).to_have_count(0)
    visitor.picture("too-long")
    visitor.box.fill("")


def test_a_page_that_outlives_its_server_loses_nothing(own_app: App, visit: Visit) -> None:
    own_app.start()
    visitor = visit(own_app.url)
    visitor.send("Name a mountain.")
    answer = visitor.body.text_content()
    visitor.box.fill("A thought that is not sent yet")
    own_app.end(signal.SIGKILL)
    visitor.page.get_by_role("button", name="Actions for").first.click(force=True)
    visitor.page.get_by_role("button", name="Pin").click()
    expect(visitor.page.locator(".toast")).to_contain_text("The server did not answer")
    own_app.start(port=own_app.port)
    visitor.page.reload()
    expect(visitor.body).to_have_text(str(answer))
    expect(visitor.box).to_have_value("A thought that is not sent yet")


def test_the_weights_can_be_held_in_another_precision_while_the_page_is_open(own_app: App, visit: Visit) -> None:
    own_app.start()
    visitor = visit(own_app.url)
    visitor.send("Name a lake.")
    visitor.page.get_by_role("button", name="Menu").click()
    visitor.page.get_by_role("radio", name="Expert").click()
    chip = visitor.page.locator(".model-chip")
    chip.click()
    visitor.page.locator("#precision").select_option("bf16")
    expect(chip).to_contain_text("16-bit", timeout=60_000)
    visitor.picture("models-expert")
    visitor.page.keyboard.press("Escape")
    visitor.send("Name another lake.")
    expect(visitor.page.locator(".message.assistant")).to_have_count(2)


def test_a_temporary_chat_leaves_no_trace(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.page.get_by_role("button", name="Temporary chat").click()
    expect(visitor.page.locator(".banner")).to_be_visible()
    visitor.send("My secret word is xylophone.")
    expect(visitor.page.locator(".item", has_text="xylophone")).to_have_count(0)
    gone = visitor.page.url
    visitor.page.get_by_role("button", name="New chat", exact=True).click()
    visitor.page.goto(gone)
    expect(visitor.page.locator(".composer .problem")).to_contain_text("does not exist any more")
    expect(visitor.page.locator(".message")).to_have_count(0)
