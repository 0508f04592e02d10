"""The chat as a visitor meets it, with the real small model."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import App, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.real]

Visit = Callable[..., Visitor]
LONG = "Write a very long fairy tale about a fox, a lighthouse and seven storms, with many chapters."


def test_a_first_visit_leads_to_a_streamed_answer(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    expect(visitor.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    visitor.page.locator(".example").first.click()
    visitor.wait_for_words()
    expect(visitor.page.locator(".go.stopping")).to_have_count(0)
    expect(visitor.page.locator(".line")).to_contain_text("tokens a second")
    expect(visitor.page.locator(".item.current")).to_contain_text("What is the weather")
    visitor.picture("first-visit")


def test_an_answer_grows_while_it_is_written(app: App, visit: Visit) -> None:
    visitor = visit(app.url, longest=1024)
    visitor.send(LONG, wait=False)
    visitor.wait_for_words()
    lengths = set()
    while visitor.page.locator(".go.stopping").count():
        lengths.add(len(visitor.body.inner_text()))
        time.sleep(0.02)
    assert len(lengths) >= 3, "the answer came in one piece"


def test_stop_ends_the_answer_within_a_second_and_keeps_it(app: App, visit: Visit) -> None:
    visitor = visit(app.url, longest=1024)
    visitor.send(LONG, wait=False)
    visitor.wait_for_words()
    began_s = time.monotonic()
    visitor.page.get_by_role("button", name="Stop").click()
    expect(visitor.page.locator(".go.stopping")).to_have_count(0)
    assert time.monotonic() - began_s < 1.5
    expect(visitor.answer).to_contain_text("Stopped. What was written is kept.")
    kept = visitor.body.inner_text()
    visitor.answer.get_by_role("button", name="Continue").click()
    visitor.page.keyboard.press("Escape")
    visitor.wait_for_answer()
    assert visitor.body.inner_text().startswith(kept[:10])
    visitor.picture("stopped")


def test_an_edited_question_and_a_retried_answer_keep_their_versions(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send("Say one word about the sea.")
    visitor.answer.get_by_role("button", name="Retry").click()
    expect(visitor.answer.locator(".pager")).to_contain_text("2/2")
    visitor.wait_for_answer()
    second = visitor.body.text_content()
    visitor.answer.get_by_role("button", name="Previous version").click()
    expect(visitor.answer.locator(".pager")).to_contain_text("1/2")
    question = visitor.page.locator(".message.user")
    question.hover()
    question.get_by_role("button", name="Edit").click()
    question.locator("textarea").fill("Say one word about the moon.")
    visitor.picture("edit")
    question.locator("textarea").press("Enter")
    expect(question.locator(".pager")).to_contain_text("2/2")
    visitor.wait_for_answer()
    question.get_by_role("button", name="Previous version").click()
    expect(question).to_contain_text("about the sea")
    visitor.answer.get_by_role("button", name="Next version").click()
    expect(visitor.body).to_have_text(second)


def test_a_reload_shows_the_same_chat(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send("Name a colour.")
    before = visitor.body.text_content()
    visitor.box.fill("half a thought")
    visitor.page.reload()
    expect(visitor.body).to_have_text(before)
    expect(visitor.box).to_have_value("half a thought")


def test_a_closed_page_loses_nothing(app: App, visit: Visit) -> None:
    visitor = visit(app.url, longest=1024)
    visitor.send(LONG, wait=False)
    visitor.wait_for_words()
    address = visitor.page.url
    visitor.page.close()
    time.sleep(1)
    again = visit(app.url, path=address.removeprefix(app.url))
    expect(again.page.locator(".go.stopping")).to_be_visible()
    seen = len(again.body.inner_text())
    expect(again.body).not_to_have_text(again.body.inner_text())
    assert seen > 20
    again.page.get_by_role("button", name="Stop").click()
    again.wait_for_answer()


def test_search_finds_a_message_and_opens_it(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send("My parrot is called Zebulon. Say hello to him.")
    visitor.page.get_by_role("button", name="New chat", exact=True).click()
    expect(visitor.page.locator(".message")).to_have_count(0)
    visitor.page.keyboard.press("Control+k")
    visitor.page.keyboard.type("zebulon")
    hit = visitor.page.locator(".hit").first
    expect(hit.locator("mark").first).to_have_text(re.compile("zebulon", re.IGNORECASE))
    visitor.picture("search")
    hit.click()
    expect(visitor.page.locator(".message.found")).to_contain_text("Zebulon")


def test_a_deleted_chat_comes_back_with_undo(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send("Name a tree that nobody else names here.")
    row = visitor.page.locator(".item.current")
    row.hover()
    row.get_by_role("button", name=re.compile("Actions")).click()
    visitor.page.get_by_role("button", name="Delete").click()
    expect(visitor.page.locator(".item", has_text="Name a tree")).to_have_count(0)
    visitor.page.get_by_role("button", name="Undo").click()
    expect(visitor.page.locator(".item.current")).to_contain_text("Name a tree")
    expect(visitor.body).to_be_visible()


def test_two_visitors_stream_at_once_and_see_only_their_own(own_app: App, visit: Visit) -> None:
    own_app.environ["PLAYGROUND_SHARED"] = "on"
    own_app.start()
    first, second = visit(own_app.url, longest=1024), visit(own_app.url, longest=1024)
    first.send(LONG, wait=False)
    first.wait_for_words()
    second.send("Tell me a long story about a fox.", wait=False)
    second.wait_for_words()
    lengths = [len(one.body.inner_text()) for one in (first, second)]
    first.page.wait_for_timeout(700)
    grown = [len(one.body.inner_text()) for one in (first, second)]
    assert all(after > before for before, after in zip(lengths, grown, strict=True)), "both should be writing"
    assert first.page.locator(".item").count() == second.page.locator(".item").count() == 1
    second.page.goto(first.page.url)
    expect(second.page.locator(".composer .problem")).to_contain_text("does not exist")
    first.picture("two-visitors")
    for one in (first, second):
        one.page.keyboard.press("Escape")


HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} </script><script>alert(2)</script> {{constructor}}"


def test_a_hostile_message_is_text_wherever_it_appears(app: App, visit: Visit) -> None:
    visitor = visit(app.url)
    visitor.send(f"Repeat exactly: {HOSTILE}")
    expect(visitor.page.locator(".message.user .own")).to_have_text(f"Repeat exactly: {HOSTILE}")
    visitor.page.get_by_role("button", name="Show probabilities").click()
    expect(visitor.page.locator(".token").first).to_be_visible()
    visitor.page.locator(".token").first.hover()
    expect(visitor.page.locator(".token-card")).to_be_visible()
    visitor.page.mouse.move(5, 5)
    row = visitor.page.locator(".item.current")
    row.hover()
    row.get_by_role("button", name=re.compile("Actions")).click()
    visitor.page.get_by_role("button", name="Rename").click()
    visitor.page.keyboard.type(HOSTILE[:60])
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.locator(".item.current")).to_contain_text("<img src=x")
    visitor.page.keyboard.press("Control+k")
    visitor.page.keyboard.type("onerror=alert")
    expect(visitor.page.locator(".hit").first).to_contain_text("onerror=alert")
    visitor.page.reload()
    expect(visitor.page.locator(".message.user .own")).to_contain_text("<img src=x onerror=alert(1)>")
    assert visitor.page.locator("#chat img, #frame img, #chat script, .token-card img").count() == 0
    visitor.picture("hostile")
    visitor.page.get_by_role("button", name="Show probabilities").click()


def test_killing_the_app_keeps_the_question_and_what_was_written(own_app: App, visit: Visit) -> None:
    own_app.start()
    visitor = visit(own_app.url, longest=1024)
    visitor.send(LONG, wait=False)
    visitor.wait_for_words()
    visitor.page.wait_for_timeout(2200)
    path = visitor.page.url.removeprefix(own_app.url)
    own_app.end(signal.SIGKILL)
    own_app.start()
    again = visit(own_app.url, path=path)
    expect(again.page.locator(".message.user")).to_contain_text(LONG)
    expect(again.answer).to_contain_text("The computer restarted while I was writing.")
    assert len(again.body.inner_text()) > 20
    again.picture("interrupted")
    again.answer.get_by_role("button", name="Continue").click()
    again.wait_for_words()
    again.page.keyboard.press("Escape")
    again.wait_for_answer()
    again.send("Name a colour.")
    expect(again.page.locator(".message.assistant")).to_have_count(2)
