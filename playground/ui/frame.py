"""The frame around the tabs: conversations of the visitor, and the models. Handlers only; the look is in `assets/`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from playground.errors import InvalidInput
from playground.history.pages import PageWords
from playground.models.catalog import find
from playground.ui.components import scripted_view
from playground.ui.contract import Services
from playground.ui.edge import answered, language_in
from playground.ui.model_cards import panel_state
from playground.ui.strings import text
from playground.ui.visitors import owner_of

MAX_QUERY_CHARACTERS = 200
MAX_IMPORT = 200_000_000
MAX_SHARED_IMPORT = 10_000_000
"""Characters. An import holds the history for itself while it runs."""
PAGE_CHATS = 200
MAX_CHATS = 10_000
EXPORTS = {"markdown": ("md", "text/markdown"), "html": ("html", "text/html"), "json": ("json", "application/json")}


class Frame:
    """What the page's frame may ask the server."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def list_chats(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The visitor's conversations, or with a query those that match, and what was done in other tabs: of that the
        title is the name of the tab."""
        owner, query = self._owner(request), str(data.get("query", "")).strip()[:MAX_QUERY_CHARACTERS]
        if query:
            hits = self._services.history.search(owner, query)
            # A title is mostly the beginning of its first message: one hit of the two is enough.
            with_message = {hit.conversation_id for hit in hits if hit.message_id}
            kept = [hit for hit in hits if hit.message_id or hit.run_id or hit.conversation_id not in with_message]
            return {"hits": [_hit(hit) for hit in kept]}
        limit = min(max(int(data.get("limit") or 0), PAGE_CHATS), MAX_CHATS)
        rows = self._services.history.list_conversations(owner, limit=limit + 1)
        return {
            "more": len(rows) > limit,
            "conversations": [
                {"id": row.id, "title": row.title, "pinned": row.pinned, "updated_at": row.updated_at}
                for row in rows[:limit]
            ],
        }

    def rename_chat(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Give a conversation a title."""
        self._services.history.rename(self._owner(request), str(data.get("id")), str(data.get("title", "")))
        return {}

    def pin_chat(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Keep a conversation at the top, or not."""
        self._services.history.set_pinned(self._owner(request), str(data.get("id")), bool(data.get("pinned")))
        return {}

    def delete_chat(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Put a conversation away; `restore_chat` brings it back."""
        owner, conversation_id = self._owner(request), str(data.get("id"))
        self._services.history.delete(owner, conversation_id)
        if turn := self._services.turns.running_in(owner, conversation_id):
            self._services.turns.stop(owner, turn.reply.message_id)
        return {}

    def restore_chat(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Undo a deletion."""
        self._services.history.restore(self._owner(request), str(data.get("id")))
        return {}

    def export_chats(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """One conversation as a file, or all of them as JSON. The page makes the file: nothing lies on the server."""
        owner, history = self._owner(request), self._services.history
        form = str(data.get("format"))
        if form not in EXPORTS:
            raise InvalidInput("This format is not known. Choose Markdown, web page or JSON.")
        ending, mime = EXPORTS[form]
        conversation_id = data.get("id")
        if not isinstance(conversation_id, str):
            content = history.export_json(owner)
            return {"name": f"llm-playground-chats.{ending}", "type": mime, "text": content}
        title = history.get_conversation(owner, conversation_id).title
        if form == "json":
            content = history.export_json(owner, [conversation_id])
        else:
            export = history.export_markdown if form == "markdown" else history.export_html
            content = export(owner, conversation_id, _page_words(language_in(data)))
        return {"name": f"{_file_name(title)}.{ending}", "type": mime, "text": content}

    def import_chats(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Add the conversations of an exported file: ours, or ChatGPT's."""
        content = data.get("text")
        shared = self._services.settings.shared
        if not isinstance(content, str) or len(content) > (MAX_SHARED_IMPORT if shared else MAX_IMPORT):
            raise InvalidInput("This file is too large to import. Export fewer chats at once.")
        report = self._services.history.import_json(self._owner(request), content)
        return {
            "conversations_added": report.conversations_added,
            "messages_added": report.messages_added,
            "unchanged": report.unchanged,
        }

    def list_models(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The model in use, its state, and the others."""
        return panel_state(self._services.engine.state, self._services.shelf, language_in(data), self._may_switch())

    def use_model(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Change to another model; its files are fetched first if they are not here."""
        self._require_switching()
        self._services.shelf.use(find(str(data.get("id", ""))), self._services.engine.open)
        return {}

    def hold_weights(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Hold the weights in another precision; the model in use is opened again for it."""
        self._require_switching()
        self._services.shelf.hold_weights(str(data.get("quantization")))
        if spec := self._services.engine.state.spec:
            self._services.engine.open(spec)
        return {}

    def cancel_download(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """Stop a download; what has arrived is kept for the next attempt."""
        self._require_switching()
        self._services.shelf.cancel(str(data.get("id")))
        return {}

    def _may_switch(self) -> bool:
        return not self._services.settings.shared

    def _require_switching(self) -> None:
        if not self._may_switch():
            raise InvalidInput("On a shared machine the model stays as it is. Run the app yourself to choose another.")

    def _owner(self, request: gr.Request) -> str:
        return owner_of(request, shared=self._services.settings.shared)


def build(services: Services) -> None:
    """Put the frame on the page."""
    frame = Frame(services)
    functions = (
        frame.list_chats, frame.rename_chat, frame.pin_chat, frame.delete_chat, frame.restore_chat,
        frame.export_chats, frame.import_chats, frame.list_models, frame.use_model, frame.hold_weights,
        frame.cancel_download,
    )  # fmt: skip
    scripted_view(module="frame/main.js", functions=tuple(answered(one) for one in functions), elem_id="frame")


def _page_words(language: str) -> PageWords:
    keys = ("untitled", "user", "assistant", "system", "streaming", "stopped", "interrupted", "error")
    return PageWords(language, *(text(language, f"page_{key}") for key in keys))


def _hit(hit: Any) -> dict[str, Any]:
    return {
        "conversation_id": hit.conversation_id,
        "message_id": hit.message_id,
        "run_id": hit.run_id,
        "title": hit.title,
        "snippet": [list(part) for part in hit.snippet],
    }


def _file_name(title: str) -> str:
    kept = "".join(sign if sign.isalnum() or sign in " -_" else " " for sign in title)
    return " ".join(kept.split())[:60] or "chat"
