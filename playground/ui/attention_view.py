"""What the attention page shows of a run, as plain values: rows, maps and pictures packed into bytes, words, odds.

Owns the translation between a run and the page, and what the page may ask for. Knows no visitor and no event.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from playground.attention import sink
from playground.attention.average import average_rows, every_head
from playground.attention.heads import HeadFacts, strength
from playground.attention.overview import Overview, overview
from playground.attention.pooling import Pool, compand
from playground.attention.rollout import can_roll_out, rollout
from playground.attention.thumbnails import SIZE, sample_rows
from playground.attention.tiles import MOST_PIXELS, tile_of
from playground.attention.weights import EXACT, Reading, head_rows
from playground.attention.words import read_by_words, read_from_words, same_word_ids
from playground.errors import InvalidInput
from playground.ui.attention_captions import caption
from playground.ui.attention_runs import Run

BLOCK_CELLS = 1 << 16
"""Weights in one answer about rows: as many rows as fit, at least 16."""
LEAST_ROWS = 16
AVERAGED_ROWS = 256
"""An average over many heads of a long text is made from so many evenly spaced rows."""
ROWS_AT_ONCE = 256
SHARE_ROWS = 12
"""Rows from which the share of the first token is estimated."""
PAIRS = 10
MOST_KEPT = 1024
"""Tokens up to which a rollout is made once for all rows; it takes as long for one."""
TEMPERATURES = tuple(step / 10 for step in range(1, 21))
OUT_OF_DATE = "The page is out of date. Reload it and try again."


@dataclass(frozen=True)
class Choice:
    """Whose look is asked for: all heads, those of one layer, or one head."""

    layer: int | None = None
    head: int | None = None
    hide_first: bool = False
    words: bool = False
    value_weighted: bool = False
    """Weights count how much a token hands over, not only how much it is looked at."""
    pool: Pool = "max"
    """What a dot that stands for several weights shows of them."""
    resting: tuple[int, ...] = sink.FIRST_TOKEN
    """The tokens that `hide_first` hides."""
    rolled_out: bool = False
    """All layers together instead of an average (attention rollout)."""

    @classmethod
    def from_untrusted(cls, data: dict[str, Any], run: Run) -> Choice:
        """The choice that a page names. Raises InvalidInput for a layer or head that the run does not have."""
        layers, heads = len(run.recording.layers), heads_of(run)
        try:
            layer, head = _index(data.get("layer"), layers), _index(data.get("head"), heads)
        except InvalidInput as error:
            raise InvalidInput(
                f"There is no such head. Layers are 0 to {layers - 1}, heads 0 to {heads - 1}."
            ) from error
        if layer is None and head is not None:
            raise InvalidInput("A head belongs to a layer. Name the layer as well.")
        value_weighted = bool(data.get("value_weighted"))
        if value_weighted and run.norms is None:
            raise InvalidInput("What the words of this model hand over is not known, so it cannot be counted.")
        pool: Pool = "mean" if data.get("pool") == "mean" else "max"
        rolled_out = bool(data.get("rolled_out"))
        if rolled_out and not can_roll_out(run.recording.layers):
            raise InvalidInput(OUT_OF_DATE)
        hide = bool(data.get("hide_first")) and bool(run.resting)
        return cls(layer, head, hide, bool(data.get("words")), value_weighted, pool, run.resting, rolled_out)

    @property
    def reading(self) -> Reading:
        """How the weights are read."""
        return Reading(hide=self.resting) if self.hide_first else EXACT


def heads_of(run: Run) -> int:
    """Heads of each layer."""
    return min(layer.query.shape[0] for layer in run.recording.layers)


def run_view(run: Run) -> dict[str, Any]:
    """What a page needs before it asks for weights."""
    rows = average_rows(run.recording.layers, sample_rows(len(run.tokens), SHARE_ROWS)).weights
    share = rows[:, list(run.resting)].sum(1)
    return {
        "id": run.id,
        "model": run.model,
        **kind_view(run),
        "text": run.text,
        "layers": len(run.recording.layers),
        "heads": heads_of(run),
        "tokens": list(run.tokens),
        "words": [[word.start, word.stop, word.text] for word in run.words],
        "value_weighted": run.norms is not None,
        "deviation": run.recording.deviation,
        # The first rows have nobody else to look at.
        "first_share": round(float(share[len(share) // 4 :].mean()), 4),
        "block_cells": BLOCK_CELLS,
        "next": _next_view(run),
    }


def kind_view(run: Run) -> dict[str, Any]:
    """What kind of model made a run, and what follows for its page."""
    return {
        "kind": run.kind,
        "model_id": run.spec.id if run.spec else "",
        "both_ways": run.both_ways,
        "special": sorted(run.special),
        "resting": list(run.resting),
        "rolls_out": can_roll_out(run.recording.layers),
    }


def token_rows(run: Run, choice: Choice, rows: Sequence[int]) -> Tensor:
    """float32 [len(rows), T]: what the tokens `rows` read from every token."""
    if choice.rolled_out:
        rolled = run.rolled_out[rows] if len(run.tokens) <= MOST_KEPT else rollout(run.recording.layers, rows)
        return sink.without(rolled, choice.resting) if choice.hide_first else rolled
    layers, norms = run.recording.layers, norms_of(run, choice)
    if choice.layer is not None and choice.head is not None:
        own = None if norms is None else norms[choice.layer][choice.head]
        return head_rows(layers[choice.layer], choice.head, rows, reading=choice.reading, norms=own)
    heads = None if choice.layer is None else every_head(layers, of_layers=(choice.layer,))
    return average_rows(layers, rows, heads=heads, reading=choice.reading, norms=norms).weights


def norms_of(run: Run, choice: Choice) -> Sequence[Tensor] | None:
    """What the weights are multiplied with, layer by layer, if the choice says so."""
    return run.norms if choice.value_weighted else None


def unit_rows(run: Run, choice: Choice, first: int, last: int) -> Tensor:
    """float32 [units, all units]: rows `first` to `last` (not included), of words or of tokens."""
    if not choice.words:
        return token_rows(run, choice, range(first, last))
    own = run.words[first:last]
    weights = token_rows(run, choice, range(own[0].start, own[-1].stop))
    return read_by_words(read_from_words(weights, run.looked_at.words), own)


def rows_view(run: Run, choice: Choice, first: object) -> dict[str, Any]:
    """A block of rows from unit `first` on, each weight in one byte (square root)."""
    units = len(run.words) if choice.words else len(run.tokens)
    start = _index(first, units) or 0
    count = min(max(LEAST_ROWS, BLOCK_CELLS // units), units - start)
    rows = unit_rows(run, choice, start, start + count)
    # What no row of the block can see is left out.
    seen = rows if run.both_ways else rows[:, : start + count]
    return {
        "first": start, "count": count, "width": seen.shape[1], "units": rows.shape[1], "data": packed(compand(seen))
    }  # fmt: skip


def exact_row_view(run: Run, choice: Choice, query: object) -> dict[str, Any]:
    """One row as float32."""
    units = len(run.words) if choice.words else len(run.tokens)
    unit = _index(query, units) or 0
    return {"data": packed(unit_rows(run, choice, unit, unit + 1)[0])}


def tile_view(run: Run, choice: Choice, data: dict[str, Any]) -> dict[str, Any]:
    """A piece of the map of a choice, at most MOST_PIXELS to a side, pooled if it is larger."""
    tokens = len(run.tokens)
    top, left = _index(data.get("top"), tokens) or 0, _index(data.get("left"), tokens) or 0
    bottom, right = _end(data.get("bottom"), top, tokens), _end(data.get("right"), left, tokens)
    positions = [top + row for row in _looked_at(choice, bottom - top)]
    tile = tile_of(
        lambda part: token_rows(run, choice, positions[part.start : part.stop]),
        range(len(positions)), range(left, right), pool=choice.pool,
    )  # fmt: skip
    height, width = tile.weights.shape
    return {
        "height": height,
        "width": width,
        "sampled": len(positions) < bottom - top,
        "data": packed(compand(tile.weights)),
    }


def overview_view(run: Run, choice: Choice) -> dict[str, Any]:
    """All heads as small pictures, and what each does on this text."""
    norms = norms_of(run, choice)
    ids = same_word_ids(run.tokens) if run.source is None else None
    seen = overview(run.recording.layers, ids, pool=choice.pool, hide=run.resting, norms=norms)
    if seen is None:  # only a pass that is called off gives nothing
        raise InvalidInput(OUT_OF_DATE)
    pictures = seen.thumbnails_without_sink if choice.hide_first else seen.thumbnails
    return {"size": SIZE, "sampled": seen.sampled, "thumbnails": packed(pictures), "heads": _heads_view(seen)}


def strongest_pairs_view(run: Run, choice: Choice) -> dict[str, Any]:
    """The largest weights of the map of a choice as [query, key, weight]; a token's look at itself does not count."""
    tokens = len(run.tokens)
    found: list[tuple[float, int, int]] = []
    for own, rows in _row_blocks(run, choice, _looked_at(choice, tokens)):
        if run.source is None:
            rows[torch.arange(len(own)), torch.tensor(own)] = 0.0
        weights, places = rows.flatten().topk(min(PAIRS, rows.numel()))
        pairs, keys = zip(weights.tolist(), places.tolist(), strict=True), rows.shape[1]
        found += [(weight, own[place // keys], place % keys) for weight, place in pairs if weight > 0]
    best = sorted(found, reverse=True)[:PAIRS]
    return {"pairs": [[query, key, round(weight, 5)] for weight, query, key in best]}


def endpoint_view(run: Run, choice: Choice) -> dict[str, Any]:
    """The answer of the public endpoint."""
    weights = token_rows(run, choice, range(len(run.tokens))).double()
    return {
        "model": run.model,
        "tokens": list(run.tokens),
        "weights": [[round(weight, 4) for weight in row] for row in weights.tolist()],
        "caption": caption(run, choice),
    }


def packed(numbers: Tensor) -> str:
    """The bytes of a tensor in base64."""
    return base64.b64encode(numbers.contiguous().numpy().tobytes()).decode("ascii")


def _next_view(run: Run) -> dict[str, Any] | None:
    if not run.next_texts:
        return None
    logits = run.recording.logits.double()
    return {
        "tokens": [[text, round(logit, 4)] for text, logit in run.next_texts],
        "temperatures": list(TEMPERATURES),
        "log_sums": [round(float(torch.logsumexp(logits / value, 0)), 5) for value in TEMPERATURES],
    }


def _heads_view(seen: Overview) -> list[dict[str, Any]]:
    return [
        {"label": head.label, "sink": round(head.sink, 4), "strength": round(_strength(head), 4)} for head in seen.heads
    ]


def _strength(head: HeadFacts) -> float:
    return 0.0 if head.label == "mixed" else strength(head, head.label)


def _looked_at(choice: Choice, rows: int) -> list[int]:
    """The rows of a region that are computed: all, but for an average over a long text."""
    few = choice.head is not None or rows <= MOST_PIXELS
    return sample_rows(rows, rows if few else AVERAGED_ROWS)


def _row_blocks(run: Run, choice: Choice, positions: list[int]) -> Iterator[tuple[list[int], Tensor]]:
    for start in range(0, len(positions), ROWS_AT_ONCE):
        part = positions[start : start + ROWS_AT_ONCE]
        yield part, token_rows(run, choice, part)


def _index(value: object, count: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < count:
        raise InvalidInput(OUT_OF_DATE)
    return value


def _end(value: object, start: int, count: int) -> int:
    if not isinstance(value, int) or not start < value <= count:
        raise InvalidInput(OUT_OF_DATE)
    return value
