"""What the numbers of a map are, in one exact sentence: for files and programs, which show no page around them.

Owns those sentences; they are English like the rest of a file. Knows no numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.ui.attention_runs import Run

if TYPE_CHECKING:
    from playground.ui.attention_view import Choice

RULES = {
    "cross": "row i: what is looked at in the source when token i of the translation is chosen",
    "read": "row i: what is looked at in the source when token i of the translation has been chosen",
}
LOOKS_BACK = "row i: what token i looks at when token i + 1 is chosen"
LOOKS_BOTH_WAYS = "row i: what token i reads from, before it and behind it"


def caption(run: Run, choice: Choice) -> str:
    """In words, whose weights they are."""
    layers, heads = len(run.recording.layers), min(layer.query.shape[0] for layer in run.recording.layers)
    rule = RULES.get(run.kind, LOOKS_BOTH_WAYS if run.both_ways else LOOKS_BACK)
    if choice.value_weighted:
        rule += ", times the length of what it gets from there (value-weighted), in parts of 1"
    if choice.rolled_out:
        return f"{rule}; attention rollout through all {layers} layers (Abnar & Zuidema 2020)"
    if choice.layer is None:
        return f"{rule}; mean of all {layers * heads} heads of {layers} layers"
    if choice.head is None:
        return f"{rule}; mean of the {heads} heads of layer {choice.layer}, counted from 0"
    return f"{rule}; head {choice.head} of layer {choice.layer}, counted from 0"
