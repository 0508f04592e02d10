"""How one weight of a run is computed, and how the heads of a layer come together, as plain values for the page.

Owns the choice of what is shown of these numbers. They come from the recording and the model; what they are called and
how they are explained is the page's. Knows no visitor and no event.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from playground.attention.steps import Steps, head_outputs, projected, steps
from playground.attention.weights import offset, visible
from playground.engine.recording import LayerRecord, Recording
from playground.errors import InvalidInput
from playground.ui.attention_runs import Run
from playground.ui.attention_view import OUT_OF_DATE, Choice, token_rows

LIKELIEST_KEYS = 12
DIGITS = 6
VECTORS = {
    "query": "query_vector",
    "key": "key_vector",
    "products": "products",
    "value": "value_vector",
    "output": "output",
}
"""What the page calls a vector -> what `Steps` calls it."""
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.01, 100.0


class Projects(Protocol):
    """A model that knows what brings the heads of its layers together; the engine is one."""

    def output_projection(self, layer: int, *, of: Recording | None = None) -> Tensor:
        """float32 [hidden, heads * value size]. Raises ModelUnavailable."""


def steps_view(
    run: Run, layer: object, head: object, query: object, key: object, temperature: object = 1.0
) -> dict[str, Any]:
    """The numbers of softmax(q k / sqrt(d)) v for one query, one key and one head, in order of the formula.

    `vectors` have `size` numbers each, `products` is query times key number by number and `score` their sum. Of the
    softmax row `keys` has the largest weights and that of the key as [key, text, score, weight], `rest` those that are
    left, `unseen_keys` how many stand behind the mask; `mask` says why the key does: "ahead", "window" or "hidden".
    `largest_parts` is what adds most to the head's output, [key, text, weight, length]. Numbers have 6 digits, None
    stands for what is none. Raises InvalidInput for what is not in the run.
    """
    record, layer_index, head_index = _head_of(run, layer, head)
    found = steps(
        record,
        head_index,
        index_in(query, record.query.shape[1]),
        index_in(key, record.key.shape[1]),
        temperature=checked_temperature(temperature),
    )
    row, seen = offset(record) + found.query, sum(score is not None for score in found.row)
    return {
        "layer": layer_index,
        "head": head_index,
        "heads": record.query.shape[0],
        "key_head": found.key_head,
        "key_heads": record.key.shape[0],
        "query": {"index": found.query, "text": run.tokens[row]},
        "key": {"index": found.key, "text": run.looked_at.tokens[found.key]},
        "size": len(found.query_vector),
        "vectors": {name: _numbers(getattr(found, field)) for name, field in VECTORS.items()},
        "score": _number(found.score),
        "scaling": _number(found.scaling),
        "scaled": _number(found.scaled),
        "softcap": _number(record.softcap),
        "squeezed": _number(found.squeezed),
        "bias": _number(found.bias),
        "mask": None if found.is_visible else _why_unseen(record, row, found.key),
        "final_score": _number(found.row[found.key]),
        "temperature": found.temperature,
        "weight": _number(found.weight),
        **_softmax_row(run, found),
        "seen_keys": seen,
        "unseen_keys": len(found.row) - seen,
        "largest_parts": [
            [part.key, run.looked_at.tokens[part.key], _number(part.weight), _number(part.length)]
            for part in found.contributions
        ],
    }


def strongest_key(run: Run, choice: Choice, query: object) -> int:
    """The token that a query looks at most, but for the first one where the choice hides it. Raises InvalidInput."""
    row = index_in(query, len(run.tokens))
    return int(token_rows(run, choice, (row,))[0].argmax())


def heads_view(model: Projects, run: Run, layer: object, query: object) -> dict[str, Any]:
    """How the heads of a layer come together for one query: Concat(head_1, ..., head_h) W^O.

    `concat` numbers, `value_size` of each head, become `hidden` numbers. Each of `parts` is one head: the `length` of
    its output, the length of what it `adds` to the residual stream, and its `share`, how far that goes in the direction
    of the sum of all (shares sum to 1, below 0 is against the others). `largest` is the head that adds most, `total`
    the length of the sum. A bias, and a norm that some models have behind it, are not in these numbers. Raises
    InvalidInput for what is not in the run, ModelUnavailable when its model is not open any more.
    """
    record, layer_index, _ = _head_of(run, layer, 0)
    row = index_in(query, record.query.shape[1])
    outputs = head_outputs(record, row)
    silent = [head for silent_layer, head in run.recording.edit.silent_heads if silent_layer == layer_index]
    outputs[silent] = 0.0
    heads, size = outputs.shape
    projection = model.output_projection(layer_index, of=run.recording)
    columns = projection.T.unflatten(0, (heads, size))
    added = projected(outputs, lambda head: columns[head])
    total = added.double().sum(0)
    square = float(total @ total)
    shares = added.double() @ total / square if square else torch.zeros(heads)
    lengths = added.norm(dim=-1)
    return {
        "layer": layer_index,
        "query": {"index": row, "text": run.tokens[offset(record) + row]},
        "heads": heads,
        "key_heads": record.key.shape[0],
        "value_size": size,
        "concat": heads * size,
        "hidden": projection.shape[0],
        "parts": [
            {"head": head, "length": length, "adds": adds, "share": share, "silent": head in silent}
            for head, length, adds, share in zip(
                range(heads), _listed(outputs.norm(dim=-1)), _listed(lengths), _listed(shares), strict=True
            )
        ],
        "largest": int(lengths.nan_to_num().argmax()),
        "total": _number(math.sqrt(square)),
    }


def index_in(value: object, count: int) -> int:
    """What a page names, if it is one of `count`. Raises InvalidInput."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < count:
        raise InvalidInput(OUT_OF_DATE)
    return value


def checked_temperature(value: object) -> float:
    """A temperature that a page names. Raises InvalidInput."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not LEAST_TEMPERATURE <= value <= MOST_TEMPERATURE:  # NaN is not between them
        raise InvalidInput(OUT_OF_DATE)
    return float(value)


def _head_of(run: Run, layer: object, head: object) -> tuple[LayerRecord, int, int]:
    choice = Choice.from_untrusted({"layer": layer, "head": head}, run)
    if choice.layer is None or choice.head is None:
        raise InvalidInput(OUT_OF_DATE)
    return run.recording.layers[choice.layer], choice.layer, choice.head


def _why_unseen(record: LayerRecord, row: int, key: int) -> str:
    if record.causal and key > row:
        return "ahead"
    alone = not bool(visible(record, torch.tensor([row]), key, key + 1))
    return "hidden" if alone and key in record.hidden else "window"


def _softmax_row(run: Run, found: Steps) -> dict[str, Any]:
    weights = torch.tensor(found.weights, dtype=torch.float64)
    largest = weights.topk(min(LIKELIEST_KEYS, len(weights))).indices.tolist()
    shown = [key for key in largest if found.row[key] is not None]
    if found.is_visible and found.key not in shown:
        shown.append(found.key)
    left = sum(score is not None for score in found.row) - len(shown)
    return {
        "keys": [
            [key, run.looked_at.tokens[key], _number(found.row[key]), _number(found.weights[key])] for key in shown
        ],
        "rest": {"keys": left, "weight": _number(max(0.0, float(weights.sum() - weights[shown].sum())) if left else 0)},
    }


def _number(value: float | None) -> float | None:
    return float(f"{value:.{DIGITS}g}") if value is not None and math.isfinite(value) else None


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _listed(values: Tensor) -> list[float | None]:
    return _numbers(values.tolist())
