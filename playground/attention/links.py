"""The state of a view as a short query of an address, and back.

Owns the names in the address and the limits of the values. What comes from an address may be anything: a value that is
unknown or out of bounds becomes the default, and nothing of it is ever an error. Knows no run; texts are never in a
link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlencode

from playground.attention.average import How
from playground.attention.pooling import Pool

View = Literal["reading", "grid", "heatmap", "steps", "whatif", "lens", "rollout", "alignment"]
Order = Literal["layer", "previous", "itself", "next", "same_word", "induction", "local", "spread", "sink"]

LONGEST_QUERY = 2000
MOST_INDEX = 1_000_000
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 5.0
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class ViewState:
    """What a visitor looks at, and how. None: nothing chosen, or all averaged."""

    run: str = ""
    """Name of the stored run; the reader of it still has to own it."""
    view: View = "reading"
    layer: int | None = None
    head: int | None = None
    query: int | None = None
    key: int | None = None
    hide_sink: bool = True
    words: bool = True
    value_weighted: bool = False
    how: How = "mean"
    pool: Pool = "max"
    order: Order = "layer"
    temperature: float = 1.0


def to_query(state: ViewState) -> str:
    """ "view=grid&layer=3": what differs from the default, in a fixed order."""
    pairs = []
    for one in fields(ViewState):
        value = getattr(state, one.name)
        if value != one.default:
            pairs.append((one.name, f"{value:d}" if isinstance(value, bool) else f"{value}"))
    return urlencode(pairs)


def from_query(query: str | Mapping[str, Any]) -> ViewState:
    """The state that a query, with or without "?", or its already separated names and values describe. Never raises."""
    if isinstance(query, str):
        query = dict(parse_qsl(query[:LONGEST_QUERY].lstrip("?"), max_num_fields=None))
    read = {name: _READERS[name](str(query[name])) for name in _READERS if name in query}
    return replace(ViewState(), **{name: value for name, value in read.items() if value is not None})


def fitted(state: ViewState, *, layers: int, heads: int, queries: int, keys: int) -> ViewState:
    """The state without layers, heads and tokens that a run does not have."""
    limits = {"layer": layers, "head": heads, "query": queries, "key": keys}
    wrong = [name for name, limit in limits.items() if (getattr(state, name) or 0) >= limit]
    # A head without its layer means nothing.
    if "layer" in wrong or state.layer is None:
        wrong.append("head")
    return replace(state, **dict.fromkeys(wrong))


def _index(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) and int(text) <= MOST_INDEX else None


def _switch(text: str) -> bool | None:
    return {"1": True, "0": False}.get(text)


def _temperature(text: str) -> float | None:
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,20})?", text):
        return None
    return float(text) if LEAST_TEMPERATURE <= float(text) <= MOST_TEMPERATURE else None


def _one_of(words: Iterable[str]) -> Callable[[str], str | None]:
    allowed = frozenset(words)
    return lambda text: text if text in allowed else None


def _run(text: str) -> str | None:
    return text if _RUN.fullmatch(text) else None


_READERS: dict[str, Callable[[str], Any]] = {
    "run": _run,
    "view": _one_of(get_args(View)),
    "layer": _index,
    "head": _index,
    "query": _index,
    "key": _index,
    "hide_sink": _switch,
    "words": _switch,
    "value_weighted": _switch,
    "how": _one_of(get_args(How)),
    "pool": _one_of(get_args(Pool)),
    "order": _one_of(get_args(Order)),
    "temperature": _temperature,
}
