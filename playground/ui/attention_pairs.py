"""What a translation model did with a text and its translation: three maps as runs, and the views of the alignment.

Owns which row of the model belongs to which word of the translation. Knows no visitor and no event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from playground.attention import sink
from playground.attention.average import average_rows
from playground.attention.thumbnails import sample_rows
from playground.attention.words import with_blanks, words
from playground.engine.companion import PairRecording
from playground.engine.recording import LayerRecord, Recording
from playground.engine.split_tokens import SplitToken
from playground.errors import InvalidInput
from playground.models.catalog import ModelSpec
from playground.ui.attention_runs import Run, RunKind
from playground.ui.attention_view import Choice, packed, run_view, unit_rows

MOST_CELLS = 1 << 20
READ = "read"
"""The part of a pair whose rows are those that read a word, not those that wrote it."""


@dataclass(frozen=True, eq=False)
class PairRun(Run):
    """The translation looking at the source: row i is what the model looked at when it wrote token i.

    `parts` are "source" and "translation", what the model did inside either, and "read": the rows one step later, when
    the model had token i before it, which often align better (Chen et al. 2020, "Accurate Word Alignment Induction from
    Neural Machine Translation").
    """

    generated: bool = False
    """The model wrote the translation itself."""
    languages: tuple[str, ...] = ()
    """What the model can be told to translate from and to; empty where it needs no telling."""
    source_language: str = ""
    target_language: str = ""


def run_of_tokens(
    tokens: Sequence[SplitToken], recording: Recording, *, owner: str, name: str, spec: ModelSpec, text: str,
    kind: RunKind, source: Run | None = None,
) -> Run:  # fmt: skip
    """A run of a model beside the chat's over `tokens`, which the rows of the recording belong to."""
    special = frozenset(index for index, token in enumerate(tokens) if token.special)
    spans = [(token.start, token.end) for token in tokens]
    groups = words([token.text for token in tokens], offsets=spans, alone=special)
    rows = average_rows(recording.layers, sample_rows(len(tokens))).weights
    around = special if source is None else source.special
    return Run(
        owner, name, spec.name, text, tuple(token.shown or token.text for token in tokens),
        with_blanks(groups, alone=special), (), recording, kind=kind, special=special,
        resting=sink.resting_places(rows.mean(0), around), spec=spec, source=source,
    )  # fmt: skip


def pair_run(
    pair: PairRecording, *, owner: str, name: str, spec: ModelSpec, languages: tuple[str, ...],
    source_language: str = "", target_language: str = "",
) -> PairRun:  # fmt: skip
    """The runs of a text and its translation as one. Raises InvalidInput where there is no translation."""
    first = next((index for index, token in enumerate(pair.target) if not token.special), len(pair.target))
    written = pair.target[first:]
    if not written:
        raise InvalidInput(
            "The model translates this text into nothing, so there is nothing to compare. Try another text, or type a "
            "translation."
        )
    end, make = len(pair.target), partial(run_of_tokens, owner=owner, spec=spec)
    source = make(pair.source, pair.encoder, name=f"{name}.source", text=pair.source_text, kind="source")
    translation = make(pair.target, pair.decoder, name=f"{name}.translation", text=pair.target_text, kind="translation")
    across = partial(make, written, text=pair.source_text, source=source)
    cross = across(_with_rows(pair.cross, first - 1, end - 1), name=name, kind="cross")
    read = across(_with_rows(pair.cross, first, end), name=f"{name}.{READ}", kind="read")
    values = {one.name: getattr(cross, one.name) for one in fields(Run)}
    values["parts"] = {"source": source, "translation": translation, READ: read}
    return PairRun(
        **values, generated=pair.generated, languages=languages,
        source_language=source_language, target_language=target_language,
    )  # fmt: skip


def view_of(run: Run) -> dict[str, Any]:
    """What a page needs before it asks for weights; of a pair both texts."""
    view = run_view(run)
    if not isinstance(run, PairRun):
        return view
    source, translation = run.looked_at, run.parts["translation"]
    return {
        **view,
        "source": {
            "tokens": list(source.tokens),
            "words": [[word.start, word.stop, word.text] for word in source.words],
            "special": sorted(source.special),
        },
        "translation": translation.text,
        "generated": run.generated,
        "languages": list(run.languages),
        "source_language": run.source_language,
        "target_language": run.target_language,
    }


def alignment_view(run: Run, choice: Choice) -> dict[str, Any]:
    """The whole map of a translation looking at its source, float32 [rows, columns], of words or of tokens.

    Raises InvalidInput for a run of another kind, and for a map that a page could not draw.
    """
    if run.source is None:
        raise InvalidInput("Only a translation model looks from one text at another. Choose one of those.")
    rows = len(run.words) if choice.words else len(run.tokens)
    columns = len(run.source.words) if choice.words else len(run.source.tokens)
    if rows * columns > MOST_CELLS:
        raise InvalidInput("These texts are too long for a map of both. Look into a part of them.")
    return {"rows": rows, "columns": columns, "data": packed(unit_rows(run, choice, 0, rows))}


def _with_rows(recording: Recording, first: int, end: int) -> Recording:
    """The same look at the source, of some of the queries; nothing is copied."""
    return replace(
        recording,
        token_ids=recording.token_ids[first:end],
        layers=tuple(_layer_rows(layer, first, end) for layer in recording.layers),
    )


def _layer_rows(layer: LayerRecord, first: int, end: int) -> LayerRecord:
    bias = None if layer.bias is None else layer.bias[:, first:end]
    return replace(layer, query=layer.query[:, first:end], bias=bias)
