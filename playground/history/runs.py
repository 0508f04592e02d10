"""Runs of the tabs that are not chats: what went in, what came out, kept and found like conversations.

Owns the table of runs. Knows no task: what `input` and `output` mean is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.errors import NotFound
from playground.history.records import NO_RUN, Records
from playground.history.rows import RunRow
from playground.history.texts import to_json


class Runs(Records):
    """Every method raises NotFound for a run that is missing, deleted or somebody else's."""

    def add_run(
        self,
        owner: str,
        task: str,
        *,
        input: str,
        output: str,
        settings: Mapping[str, Any] | None = None,
        stats: Mapping[str, Any] | None = None,
    ) -> RunRow:
        """Keep one finished run."""
        with self._database.transaction():
            now = self._now()
            run_id = self._new_id(now)
            self._database.execute(
                "INSERT INTO runs (id, owner, task, created_at, settings, stats, input, output) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (run_id, owner, task, now, to_json(settings), to_json(stats), input, output),
            )
            return self.get_run(owner, run_id)

    def change_run(self, owner: str, run_id: str, *, output: str, settings: Mapping[str, Any] | None = None) -> RunRow:
        """Give a run another result; its place in the list stays."""
        with self._database.transaction():
            row = self.get_run(owner, run_id)
            stats = to_json(row.stats)
            # Out and in again: the search index follows these two, and cannot change what it holds.
            self._database.execute("DELETE FROM runs WHERE id = ? AND owner = ?", (run_id, owner))
            self._database.execute(
                "INSERT INTO runs (id, owner, task, created_at, settings, stats, input, output) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (run_id, owner, row.task, row.created_at, to_json(settings), stats, row.input, output),
            )
            return self.get_run(owner, run_id)

    def get_run(self, owner: str, run_id: str) -> RunRow:
        """One run."""
        row = self._database.row(
            "SELECT * FROM runs WHERE id = ? AND owner = ? AND deleted_at IS NULL", (run_id, owner)
        )
        if row is None:
            raise NotFound(NO_RUN)
        return RunRow.of(row)

    def list_runs(self, owner: str, *, task: str | None = None, limit: int = 100) -> list[RunRow]:
        """The newest first; of one task, or of all."""
        rows = self._database.rows(
            "SELECT * FROM runs WHERE owner = ? AND deleted_at IS NULL AND (? IS NULL OR task = ?) "
            "ORDER BY created_at DESC, seq DESC LIMIT ?",
            (owner, task, task, max(limit, 0)),
        )
        return [RunRow.of(row) for row in rows]

    def delete_run(self, owner: str, run_id: str) -> None:
        """Put it away; `restore_run` brings it back until `purge_deleted` erases it."""
        changed = self._database.execute(
            "UPDATE runs SET deleted_at = ? WHERE id = ? AND owner = ? AND deleted_at IS NULL",
            (self._now(), run_id, owner),
        )
        if not changed:
            raise NotFound(NO_RUN)

    def restore_run(self, owner: str, run_id: str) -> None:
        """Bring a deleted run back; one that is not deleted stays as it is."""
        if not self._database.execute("UPDATE runs SET deleted_at = NULL WHERE id = ? AND owner = ?", (run_id, owner)):
            raise NotFound(NO_RUN)
