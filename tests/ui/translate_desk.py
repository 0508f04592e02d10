"""A translate tab over an engine that translates by a table, and what a page does with it."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from playground.engine.split_tokens import SplitToken
from playground.errors import PlaygroundError
from playground.messages import Chunk, Message, Prefix, SamplingParams
from playground.ui.tabs.translate import TranslateTab
from playground.ui.visitors import LOCAL_OWNER
from tests.ui.conftest import until
from tests.ui.fakes import FakeEngine

REQUEST: Any = SimpleNamespace(cookies={}, headers={})
TEXT = "Good morning to all of you.\n\nThe library is closed on Friday. It opens again on 7 May."
FRENCH = {
    "Good morning to all of you.": "Bonjour à vous tous.",
    "The library is closed on Friday.": "La bibliothèque est fermée vendredi.",
    "It opens again on 7 May.": "Elle rouvre le 7 mai.",
    "Bonjour à vous tous.": "Good morning to you all.",
    "La bibliothèque est fermée vendredi.": "The library is closed on Friday.",
    "Hello {name}, welcome to the library.": "Bonjour [1], bienvenue à la bibliothèque.",
}
TRANSLATED = "Bonjour à vous tous.\n\nLa bibliothèque est fermée vendredi. Elle rouvre le 7 mai."


@dataclass
class TranslatingEngine(FakeEngine):
    """Says what the table says; a sentence of `held` is not translated before it is stopped."""

    table: dict[str, str] = field(default_factory=lambda: dict(FRENCH))
    held: set[str] = field(default_factory=set)
    failing: dict[str, PlaygroundError] = field(default_factory=dict)
    fails_after: int = 0
    """Answers that are complete before the first one fails."""
    complete: list[str] = field(default_factory=list)

    def stream(
        self, messages: Sequence[Message], params: SamplingParams, *, cancel: threading.Event | None = None,
        prefix: Prefix = Prefix(), owner: str = "", app_messages: int = 0,
    ) -> Iterator[Chunk]:  # fmt: skip
        # A question may end within the answer that is to be continued.
        asked = prefix.text[-300:] or messages[-1].content
        self.requests.append((list(messages), params, prefix))
        self.askers.append((owner, app_messages))
        sentence = next((one for one in self.table if one in asked), "")
        for one in self.failing:
            if one in asked:
                until(lambda: len(self.complete) >= self.fails_after)
                raise self.failing[one]
        if sentence in self.held:
            assert cancel is not None
            cancel.wait(20)
        answer = self.table.get(sentence, asked)
        if params.temperature:
            answer = answer.replace("Bonjour", "Salut")
        writer = FakeEngine([answer], gate=self.gate)
        yield from writer.stream(messages, params, cancel=cancel, owner=owner, app_messages=app_messages)
        self.complete.append(sentence)

    def split(self, text: str) -> list[SplitToken]:
        return [SplitToken(9, word, word, 0, len(word)) for word in text.split()]


def run(tab: TranslateTab, request: Any = REQUEST, /, **values: Any) -> list[dict[str, Any]]:
    """All views of one translation, as fast as they come."""
    data = {"tab": "page", "sequence": 1, "target": "fr", "language": "en", **values}

    async def collect() -> list[dict[str, Any]]:
        event: Any = SimpleNamespace(_data=data)
        return [view async for view in tab.translate(event, request)]

    def collected() -> list[dict[str, Any]]:
        return asyncio.run(collect())

    # On a thread of its own: the tests' own thread may have an event loop (the browser's driver brings one).
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(collected).result()


def translate(tab: TranslateTab, text: str = TEXT, **values: Any) -> dict[str, Any]:
    """A translation as the page opens it."""
    last = run(tab, text=text, **values)[-1]
    assert last["refused"] is None, last["refused"]
    return tab.open_translation({"run": last["run"]}, REQUEST)


def open_file(tab: TranslateTab, name: str, content: bytes) -> dict[str, Any]:
    """A file that was dropped on the page."""
    return tab.documents.open_file({"name": name, "data": base64.b64encode(content).decode()}, REQUEST)


def whole(view: dict[str, Any], gaps: str = "target_gaps") -> str:
    """The text that a page puts together of a view."""
    texts = [one["text"] if one else source for one, source in zip(view["sentences"], view["sources"], strict=True)]
    if gaps == "gaps":
        texts = view["sources"]
    return "".join(gap + text for gap, text in zip(view[gaps], [*texts, ""], strict=True))


def forget(tab: TranslateTab, run_id: str) -> None:
    """As a restart would: the memory goes, the history stays."""
    tab.runs.forget(LOCAL_OWNER, run_id)
