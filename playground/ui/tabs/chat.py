"""The chat tab: layout, events, and the public endpoint /chat. What an action means stands in `ui/chat_actions.py`."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import anyio.to_thread
import gradio as gr

from playground.errors import ModelUnavailable, PlaygroundError
from playground.messages import Message, SamplingParams
from playground.tasks.chat import ChatSettings, app_messages, check_message, prompt
from playground.ui.chat_actions import ChatActions, Request
from playground.ui.chat_view import conversation_view, empty_view, with_turn
from playground.ui.components import tab_view
from playground.ui.contract import Services, Tab
from playground.ui.edge import language_in, shown
from playground.ui.model_cards import opening_detail
from playground.ui.reply_tokens import as_row, unpack
from playground.ui.streaming import Pages, follow
from playground.ui.strings import text
from playground.ui.turns import Turn
from playground.ui.visitors import owner_of, owner_of_program

"""Streams of pages; each only waits, without a thread. How many answers are written is limited elsewhere."""


class ChatTab:
    """The handlers of the tab; plain methods, so that a test calls them without a browser."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._actions = ChatActions(services.history, services.engine, services.turns)
        self._pages = Pages()

    async def act(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[dict[str, Any]]:
        """One action of a page, then views of what it started until that ends or the page asks for something else."""
        values = event._data if isinstance(event._data, dict) else {}
        page, sequence = str(values.get("tab", ""))[:64], int(values.get("sequence") or 0)
        stamp = {"tab": page, "sequence": sequence}
        self._pages.arrive(page, sequence)
        owner, extra = "", {}
        conversation_id = str(values.get("conversation_id") or "")
        try:
            owner = owner_of(request, shared=self._services.settings.shared)
            asked = Request(owner, str(values.get("kind")), language_in(values), values)
            outcome = await anyio.to_thread.run_sync(self._actions.perform, asked)
            conversation_id = outcome.conversation_id
            extra = {"focus": outcome.focus, "accepted": outcome.accepted, "changed": outcome.accepted}
        except Exception as error:  # the page must always get an answer
            extra = {"refused": shown(error, language_in(values))}
        wanted = partial(self._pages.is_newest, page, sequence)
        async for view in self._views(owner, conversation_id, extra, language_in(values), wanted):
            yield {**view, **stamp}

    async def _views(
        self, owner: str, conversation_id: str, extra: dict[str, Any], language: str, wanted: Callable[[], bool]
    ) -> AsyncIterator[dict[str, Any]]:
        """The conversation as it is, then its running answer; also after a refusal, since older streams have ended.

        Every view repeats `extra`: a page that is busy sees only the latest of several views.
        """
        services = self._services
        look = partial(conversation_view, services.history, services.turns, owner, conversation_id)
        turn = services.turns.running_in(owner, conversation_id)
        try:
            base = await anyio.to_thread.run_sync(look)
        except PlaygroundError as error:
            yield {**empty_view(), "refused": shown(error, language), **extra}
            return
        yield {**base, **extra}
        if turn is None:
            return
        async for view in follow(turn, partial(self._with_engine_state, base, language), wanted=wanted):
            yield {**view, **extra}
        if wanted():
            yield {**await anyio.to_thread.run_sync(look), **extra, "ended": True}

    def _with_engine_state(self, base: dict[str, Any], language: str, turn: Turn) -> dict[str, Any]:
        view = with_turn(base, turn)
        if view["progress"]["phase"] == "opening":
            state = self._services.engine.state
            opening = {"model": state.spec.name if state.spec else "", "seconds": state.opening_for_s}
            view["progress"] = {**view["progress"], **opening, "detail": opening_detail(state, language)}
        return view

    def stop_reply(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """End a reply; what was written is kept."""
        return {"stopped": self._services.turns.stop(self._owner(request), str(data.get("message_id")))}

    def reply_tokens(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The tokens of a reply from number `after` on, also while it is being written."""
        owner, message_id = self._owner(request), str(data.get("message_id"))
        turn = self._services.turns.find(owner, message_id)
        tokens = list(turn.tokens) if turn else unpack(self._services.history.load_tokens(owner, message_id))[1]
        after = max(0, int(data.get("after") or 0))
        return {"tokens": [as_row(token) for token in tokens[after:]]}

    def discard_chat(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Erase a temporary chat that its visitor leaves."""
        owner, conversation_id = self._owner(request), str(data.get("conversation_id"))
        if turn := self._services.turns.running_in(owner, conversation_id):
            turn.cancel.set()
        self._services.history.discard_temporary(owner, conversation_id)
        return {}

    def list_presets(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's saved settings."""
        presets = self._services.history.list_presets(self._owner(request))
        return {"presets": [{"name": one.name, "values": dict(one.settings)} for one in presets]}

    def save_preset(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Keep settings under a name."""
        values = ChatSettings.from_untrusted(data.get("values")).as_dict()
        self._services.history.save_preset(self._owner(request), str(data.get("name", ""))[:40], values)
        return {}

    def remove_preset(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Forget saved settings."""
        self._services.history.delete_preset(self._owner(request), str(data.get("name", "")))
        return {}

    def chat(
        self, message: str, system_prompt: str = "", temperature: float = 0.7, max_new_tokens: int = 512,
        seed: int | None = None, request: gr.Request | None = None,
    ) -> Iterator[str]:  # fmt: skip
        """Answer one message with the loaded model; the text grows until the answer is complete.

        Parameters:
            message: What you want to say to the model.
            system_prompt: Instructions that the model reads first; empty for those of a helpful assistant.
            temperature: 0 always takes the likeliest word; up to 2 for more surprising ones.
            max_new_tokens: The longest answer in tokens.
            seed: A number makes the answer repeatable.
        """
        cancel = threading.Event()
        try:
            asked = {"temperature": temperature, "max_new_tokens": max_new_tokens, "seed": seed}
            settings = ChatSettings.from_untrusted({**asked, "system_prompt": system_prompt or None})
            params: SamplingParams = settings.sampling(alternatives=0)
            instructions = system_prompt or text("en", "persona_assistant_prompt")
            messages: list[Message] = prompt(instructions, [("user", check_message(message))])
            answer = ""
            chunks = self._services.engine.stream(
                messages, params, cancel=cancel, owner=owner_of_program(request, shared=self._services.settings.shared),
                app_messages=app_messages(settings, messages),
            )  # fmt: skip
            for chunk in chunks:
                if chunk.text:
                    answer += chunk.text
                    yield answer
                if chunk.finish_reason == "cancelled":
                    raise ModelUnavailable("The answer was stopped because another model was chosen. Ask again.")
            if not answer:
                yield answer
        except Exception as error:
            raise gr.Error(shown(error, "en"), print_exception=False) from error
        finally:
            cancel.set()

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._services.settings.shared)


def build(services: Services) -> None:
    """Lay the tab out inside the current gr.Tab and wire its events."""
    tab = ChatTab(services)
    functions = (
        tab.stop_reply, tab.reply_tokens, tab.discard_chat, tab.list_presets, tab.save_preset, tab.remove_preset,
    )  # fmt: skip
    tab_view("chat", empty_view(), stream=tab.act, functions=functions, event="act")
    gr.api(tab.chat, api_name="chat", concurrency_id="model", concurrency_limit=8)


TAB = Tab(name="chat", build=build)
