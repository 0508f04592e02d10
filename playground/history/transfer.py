"""Conversations on their way out and in: Markdown, HTML, our own lossless JSON, and ChatGPT's.

Owns which rows go into a file and that an import is all or nothing. The formats are in `exchange.py`, `chatgpt.py` and
`pages.py`, the rules for what is already there in `merging.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.history import exchange, merging, pages
from playground.history.pages import PageWords
from playground.history.records import Records
from playground.history.rows import ImportReport, MessageRow
from playground.history.texts import from_json
from playground.history.tree import PATH

ENGLISH = PageWords()


class Transfer(Records):
    """Exports raise NotFound for a conversation that is missing, deleted or somebody else's."""

    def export_markdown(self, owner: str, conversation_id: str, words: PageWords = ENGLISH) -> str:
        """The branch that is shown, as Markdown."""
        return pages.markdown_page(*self._shown(owner, conversation_id), words)

    def export_html(self, owner: str, conversation_id: str, words: PageWords = ENGLISH) -> str:
        """The branch that is shown, as one page that needs no network and runs nothing."""
        return pages.html_page(*self._shown(owner, conversation_id), words)

    def export_json(self, owner: str, conversation_ids: Sequence[str] | None = None) -> str:
        """Conversations with all branches, figures and probabilities; None: all that are listed.

        `import_json` gives exactly the same rows back, except that a reply that is being written is interrupted there.
        """
        with self._database.transaction(write=False):
            if conversation_ids is None:
                rows = self._database.rows(
                    "SELECT id FROM conversations WHERE owner = ? AND temporary = 0 AND deleted_at IS NULL "
                    "ORDER BY seq",
                    (owner,),
                )
                conversation_ids = [row["id"] for row in rows]
            return exchange.write([self._entry(owner, conversation_id) for conversation_id in conversation_ids])

    def import_json(self, owner: str, text: str) -> ImportReport:
        """Add the conversations of an export; a second time changes nothing, and nothing newer is overwritten.

        A deleted conversation that is in the file comes back. Raises InvalidInput with nothing changed.
        """
        conversations, skipped, kind = exchange.read(text)
        with self._database.transaction():
            outcomes = [merging.merge(self._database, owner, conversation) for conversation in conversations]
        return ImportReport(
            conversations_added=sum(outcome.is_new for outcome in outcomes),
            updated=sum(outcome.is_changed for outcome in outcomes),
            unchanged=sum(not outcome.is_new and not outcome.is_changed for outcome in outcomes),
            messages_added=sum(outcome.messages_added for outcome in outcomes),
            skipped=skipped,
            kind=kind,
            conversation_ids=tuple(dict.fromkeys(outcome.conversation_id for outcome in outcomes)),
        )

    def _shown(self, owner: str, conversation_id: str) -> tuple[str, list[MessageRow]]:
        with self._database.transaction(write=False):
            row = self._conversation(owner, conversation_id)
            path = self._database.rows(PATH, (row["active_leaf_id"], owner))
        return row["title"], [MessageRow.of(message) for message in path]

    def _entry(self, owner: str, conversation_id: str) -> dict[str, Any]:
        row = self._conversation(owner, conversation_id)
        messages = self._database.rows(
            "SELECT m.*, t.data FROM messages m LEFT JOIN message_tokens t ON t.message_id = m.id "
            "WHERE m.conversation_id = ? ORDER BY m.seq",
            (conversation_id,),
        )
        copied = (
            "id",
            "parent_id",
            "role",
            "content",
            "status",
            "error",
            "model",
            "created_at",
            "updated_at",
            "used_at",
        )
        return {
            "id": row["id"],
            "title": row["title"],
            "title_by_hand": bool(row["title_by_hand"]),
            "pinned": bool(row["pinned"]),
            "active_leaf_id": row["active_leaf_id"],
            "settings": from_json(row["settings"]),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "messages": [
                {
                    **{column: message[column] for column in copied},
                    "settings": from_json(message["settings"]),
                    "stats": from_json(message["stats"]),
                    "tokens": exchange.encode_tokens(message["data"]),
                }
                for message in messages
            ],
        }
