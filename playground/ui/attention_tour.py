"""Which head looks most from one place of a text at another, for the steps of the guided tour.

Owns the search over all heads and what counts as a head that really does so. Knows no visitor and no sentence.
"""

from __future__ import annotations

from typing import Any

import torch

from playground.attention import sink
from playground.attention.weights import layer_rows
from playground.errors import InvalidInput
from playground.ui.attention_runs import Run
from playground.ui.attention_view import OUT_OF_DATE, Choice

LEAST_SHARE = 0.3
"""Of a head's whole attention: the clearest of hundreds of heads looks anywhere a little by accident."""


def clearest_head_view(run: Run, choice: Choice, query: object, key: object) -> dict[str, Any]:
    """The head in which the tokens `query` look most at the tokens `key`, both [first, behind the last].

    It is found by the model's own weights, the first token's included. `share` (0 to 1) is what the page shows of it,
    read as `choice` says: the mean over the tokens that read, the sum over those being read. `clear`: at least
    LEAST_SHARE of all its attention goes there, and no other token gets more but for the first. Raises InvalidInput.
    """
    readers, read = _span(query, len(run.tokens)), _span(key, len(run.tokens))
    layers = run.recording.layers
    rows = [layer_rows(layer, readers).mean(1) for layer in layers]
    own = [float(part[:, read.start : read.stop].sum(-1).max()) for part in rows]
    layer = max(range(len(layers)), key=lambda index: own[index])
    head = int(rows[layer][:, read.start : read.stop].sum(-1).argmax())
    row = rows[layer][head]
    rest = torch.ones(len(row), dtype=torch.bool)
    rest[[*sink.FIRST_TOKEN, *read]] = False
    share = layer_rows(layers[layer], readers, heads=(head,), reading=choice.reading)[0].mean(0)
    return {
        "layer": layer,
        "head": head,
        "share": round(float(share[read.start : read.stop].sum()), 4),
        "clear": own[layer] >= LEAST_SHARE and own[layer] >= float(row[rest].max() if rest.any() else 0.0),
    }


def _span(value: object, count: int) -> range:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InvalidInput(OUT_OF_DATE)
    first, end = value
    for place in (first, end):
        if not isinstance(place, int) or isinstance(place, bool):
            raise InvalidInput(OUT_OF_DATE)
    if not 0 <= first < end <= count:
        raise InvalidInput(OUT_OF_DATE)
    return range(first, end)
