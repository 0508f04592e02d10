"""Presets: settings that a user keeps under a name.

Owns the table of presets. Knows no setting: the dictionary is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.errors import InvalidInput, NotFound
from playground.history.records import NO_PRESET, Records
from playground.history.rows import PresetRow
from playground.history.texts import from_json, one_line, to_json


class Presets(Records):
    """Names are compared exactly, after the white space around them is gone."""

    def save_preset(self, owner: str, name: str, settings: Mapping[str, Any]) -> PresetRow:
        """Keep settings under a name, in place of what was under it. InvalidInput for an empty name."""
        shown = one_line(name)
        if not shown:
            raise InvalidInput("A preset needs a name. Type one and save again.")
        now = self._now()
        self._database.execute(
            "INSERT INTO presets (owner, name, updated_at, settings) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (owner, name) DO UPDATE SET updated_at = excluded.updated_at, settings = excluded.settings",
            (owner, shown, now, to_json(settings)),
        )
        return PresetRow(shown, from_json(to_json(settings)) or {}, now)

    def list_presets(self, owner: str) -> list[PresetRow]:
        """All presets, by name."""
        rows = self._database.rows("SELECT * FROM presets WHERE owner = ? ORDER BY fold(name), name", (owner,))
        return [PresetRow(row["name"], from_json(row["settings"]) or {}, row["updated_at"]) for row in rows]

    def delete_preset(self, owner: str, name: str) -> None:
        """Erase a preset. NotFound when there is none of this name."""
        if not self._database.execute("DELETE FROM presets WHERE owner = ? AND name = ?", (owner, one_line(name))):
            raise NotFound(NO_PRESET)
