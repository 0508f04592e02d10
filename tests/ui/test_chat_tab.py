"""The stream of views that one action of a page starts."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from playground.ui.tabs.chat import ChatTab
from tests.ui.conftest import Desk, until

REQUEST: Any = SimpleNamespace(cookies={}, headers={})


def views_of(tab: ChatTab, sequence: int = 1, **values: Any) -> list[dict[str, Any]]:
    """All views of one action, as fast as they come."""

    async def collect() -> list[dict[str, Any]]:
        event: Any = SimpleNamespace(_data={"tab": "page", "sequence": sequence, **values})
        return [view async for view in tab.act(event, REQUEST)]

    # On a thread of its own: the tests' own thread may have an event loop (the browser's driver brings one).
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(collect())).result(30)


def test_every_view_of_an_action_tells_its_outcome_and_the_last_that_it_ended(desk: Desk) -> None:
    desk.engine.delay_s = 0.03
    views = views_of(ChatTab(desk.services), kind="send", text="Hi", parent_id=None)
    assert len(views) > 2
    assert all(view["accepted"] and view["tab"] == "page" and view["sequence"] == 1 for view in views)
    assert [view.get("ended", False) for view in views] == [False] * (len(views) - 1) + [True]
    assert views[-1]["messages"][-1]["text"] == "Hello there." and views[-1]["running"] is None


def test_a_refused_action_goes_on_showing_the_running_answer(desk: Desk) -> None:
    tab = ChatTab(desk.services)
    desk.engine.gate = threading.Semaphore(2)
    outcome = desk.act("send", text="Hi", parent_id=None)
    turn = desk.services.turns.running_in("local", outcome.conversation_id)
    assert turn is not None
    until(lambda: turn.text == "He")
    threading.Timer(0.3, lambda: desk.engine.gate.release(50)).start()  # type: ignore[union-attr]
    chat = outcome.conversation_id
    views = views_of(tab, kind="retry", message_id=turn.reply.message_id, conversation_id=chat)
    assert all("still being written" in view["refused"] for view in views)
    assert views[-1]["messages"][-1]["text"] == "Hello there."


def test_an_older_stream_of_a_page_ends_when_the_page_asks_for_something_else(desk: Desk) -> None:
    tab = ChatTab(desk.services)
    desk.engine.gate = threading.Semaphore(2)
    threading.Timer(0.3, lambda: views_of(tab, sequence=2, kind="open", conversation_id="none")).start()
    views = views_of(tab, kind="send", text="Hi", parent_id=None)
    assert not any(view.get("ended") for view in views)
    assert desk.services.turns.running_in("local", views[0]["conversation"]["id"]) is not None


def test_what_does_not_exist_is_a_sentence_and_an_empty_page(desk: Desk) -> None:
    (view,) = views_of(ChatTab(desk.services), kind="open", conversation_id="none", language="zh")
    assert view["conversation"] is None and "不存在" in view["refused"]
