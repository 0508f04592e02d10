"""What is seen in the attention tab as files: pictures, tables and numbers of the text or of the map.

Owns which numbers a file holds, its name, and how large a file may be. Formats and drawing stand in
`attention/export.py` and `attention/drawing.py`. Knows no visitor.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr
import torch

from playground.attention.drawing import Titles, heatmap_svg, reading_svg
from playground.attention.export import View, csv_text, json_dict, npz_bytes
from playground.attention.thumbnails import sample_rows
from playground.attention.tiles import MOST_PIXELS
from playground.errors import InvalidInput
from playground.ui.attention_runs import Run
from playground.ui.attention_steps import index_in
from playground.ui.attention_view import (
    AVERAGED_ROWS,
    OUT_OF_DATE,
    ROWS_AT_ONCE,
    Choice,
    caption,
    token_rows,
    unit_rows,
)
from playground.ui.edge import language_in
from playground.ui.strings import text

MOST_TABLE_NUMBERS = 1 << 20
"""In a CSV or JSON file: ten megabytes, and about what a spreadsheet opens."""
LONGEST_TITLE = 300
TYPES = {"svg": "image/svg+xml", "csv": "text/csv", "json": "application/json", "npz": "application/octet-stream"}
Computed = Callable[[dict[str, Any], gr.Request, Callable[[Run, Choice], dict[str, Any]]], dict[str, Any]]
"""(data, request, view) -> the view of the visitor's own run and choice."""


class Saving:
    """Makes one file at a time, whoever asks; `computed` finds the run and the choice."""

    def __init__(self, computed: Computed) -> None:
        self._computed = computed
        self._free = threading.BoundedSemaphore(1)

    def save_view(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """A file of the text ("what": "text") with the looks of one word, or of the map that is seen."""
        if not self._free.acquire(blocking=False):
            raise InvalidInput("Another file is being made on this machine. Try again in a moment.")
        try:
            return self._computed(data, request, lambda run, choice: file_of(run, choice, data))
        finally:
            self._free.release()


def file_of(run: Run, choice: Choice, data: dict[str, Any]) -> dict[str, Any]:
    """{"name", "type", "text"}, or for NPZ {"name", "type", "base64"}.

    Raises InvalidInput for an unknown format, and for a table that would be too long to be one.
    """
    form, what = str(data.get("format")), "map" if data.get("what") == "map" else "text"
    if form not in TYPES:
        raise InvalidInput(OUT_OF_DATE)
    seen = _map(run, choice, data, table=form in ("csv", "json")) if what == "map" else _looks(run, choice, data)
    file = {"name": f"attention-{what}-{_whose(choice)}.{form}", "type": TYPES[form]}
    if form == "npz":
        return {**file, "base64": base64.b64encode(npz_bytes(seen)).decode("ascii")}
    return {**file, "text": _text_of(form, what, seen, choice, language_in(data))}


def _text_of(form: str, what: str, seen: View, choice: Choice, language: str) -> str:
    if form == "csv":
        return "\ufeff" + csv_text(seen)  # spreadsheets take a file for UTF-8 by this mark alone
    if form == "json":
        return json.dumps(json_dict(seen), ensure_ascii=False)
    titles = Titles(
        text(language, "look_axis_reads"), text(language, "look_axis_read"),
        text(language, f"save_pooled_{choice.pool}"), text(language, "look_caveat"),
    )  # fmt: skip
    if what == "map":
        return heatmap_svg(seen, titles=titles, pool=choice.pool)
    return reading_svg(
        seen.column_tokens, seen.weights[0], seen.settings["pointed"], caption=seen.caption, titles=titles
    )


def _looks(run: Run, choice: Choice, data: dict[str, Any]) -> View:
    """One row: what the word that is pointed at reads from every other."""
    readers = [word.text for word in run.words] if choice.words else list(run.tokens)
    other = run.looked_at
    read = [word.text for word in other.words] if choice.words else list(other.tokens)
    query = index_in(data.get("query"), len(readers))
    weights = unit_rows(run, choice, query, query + 1)
    pointed = query if other is run else None
    return _view(run, choice, data, weights, [readers[query]], read, {"query": query, "pointed": pointed})


def _map(run: Run, choice: Choice, data: dict[str, Any], *, table: bool) -> View:
    """The piece of the map that is seen; of an average over many rows some of them, as on the page. Between two texts
    it is the whole map, by words where those are shown."""
    if run.source is not None and choice.words:
        names = [word.text for word in run.words], [word.text for word in run.source.words]
        _require_table(len(names[0]) * len(names[1]), table=table)
        return _view(run, choice, data, unit_rows(run, choice, 0, len(names[0])), *names, {})
    columns = run.looked_at.tokens
    top, bottom = _range(data, "top", "bottom", len(run.tokens))
    left, right = _range(data, "left", "right", len(columns))
    all_rows = choice.head is not None or bottom - top <= MOST_PIXELS
    rows = range(top, bottom) if all_rows else [top + row for row in sample_rows(bottom - top, AVERAGED_ROWS)]
    _require_table(len(rows) * (right - left), table=table)
    by_tokens = replace(choice, words=False)
    weights = torch.empty(len(rows), right - left)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        weights[start : start + len(part)] = token_rows(run, by_tokens, part)[:, left:right]
    more = {"first_row": top, "first_column": left, "rows": list(rows)}
    return _view(run, by_tokens, data, weights, [run.tokens[row] for row in rows], columns[left:right], more)


def _require_table(numbers: int, *, table: bool) -> None:
    if table and numbers > MOST_TABLE_NUMBERS:
        raise InvalidInput(
            f"This map has {numbers:,} numbers, and a table is of use up to {MOST_TABLE_NUMBERS:,}. Save it as NPZ, or "
            "zoom into a part of it first."
        )


def _view(
    run: Run, choice: Choice, data: dict[str, Any], weights: torch.Tensor, rows: Any, columns: Any, more: dict[str, Any]
) -> View:
    settings = {
        "weights": caption(run, choice),
        "layer": choice.layer,
        "head": choice.head,
        "hide_first": choice.hide_first,
        "words": choice.words,
        "value_weighted": choice.value_weighted,
        "rolled_out": choice.rolled_out,
        **more,
    }
    title = str(data.get("title") or settings["weights"])[:LONGEST_TITLE]
    return View(weights, tuple(rows), tuple(columns), title, run.model, run.text, settings)


def _range(data: dict[str, Any], first: str, last: str, count: int) -> tuple[int, int]:
    start = 0 if data.get(first) is None else index_in(data[first], count)
    end = count if data.get(last) is None else index_in(data[last], count + 1)
    if end <= start:
        raise InvalidInput(OUT_OF_DATE)
    return start, end


def _whose(choice: Choice) -> str:
    if choice.rolled_out:
        return "rollout"
    if choice.layer is None:
        return "average"
    return f"layer-{choice.layer + 1}" + ("" if choice.head is None else f"-head-{choice.head + 1}")
