"""The history of one installation: conversations, messages, runs, presets, search, export and import.

Owns nothing itself: it puts the parts together into the one object that the interface holds. Every method takes the
owner first, except the two that a program calls at start-up for everybody.
"""

from __future__ import annotations

from playground.history.conversations import Conversations
from playground.history.presets import Presets
from playground.history.runs import Runs
from playground.history.search import Search
from playground.history.transfer import Transfer
from playground.history.tree import MessageTree

DAY_S = 86_400.0


class HistoryStore(Conversations, MessageTree, Runs, Presets, Search, Transfer):
    """May be used from any number of threads. Raises NotFound, InvalidInput and StorageError, with plain sentences.

    Somebody else's row and a missing row give the same NotFound.
    """

    def mark_interrupted(self) -> int:
        """At start-up: replies that a former run left unfinished become `interrupted`; how many there were.

        Temporary conversations of former runs are erased. Nobody else may be using the file.
        """
        with self._database.transaction():
            erased = self._erase_conversations("temporary = 1")
            interrupted = self._database.execute(
                "UPDATE messages SET status = 'interrupted', updated_at = ? WHERE status IN ('queued', 'streaming')",
                (self._now(),),
            )
        if erased:
            self._database.erase_traces()
        return interrupted

    def purge_temporary(self, older_than_hours: float = 12.0) -> int:
        """Really erase temporary conversations that nobody has written in for so long; how many there were."""
        with self._database.transaction():
            erased = self._erase_conversations(
                "temporary = 1 AND updated_at <= ?", (self._now() - older_than_hours * 3600,)
            )
        if erased:
            self._database.erase_traces()
        return erased

    def purge_deleted(self, older_than_days: float = 30.0) -> int:
        """Really erase what was deleted longer ago; how many conversations and runs there were."""
        with self._database.transaction():
            before_s = self._now() - older_than_days * DAY_S
            erased = self._erase_conversations("deleted_at <= ?", (before_s,))
            erased += self._database.execute("DELETE FROM runs WHERE deleted_at <= ?", (before_s,))
            if erased and self._database.has_trigram:
                # Merging the index drops what is left in it of erased texts.
                for index in ("messages_search", "runs_search"):
                    self._database.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")
        if erased:
            self._database.erase_traces()
        return erased
