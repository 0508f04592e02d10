"""One translation by a companion model: written, or read together with its source and recorded.

Owns the order of the steps, and what stands in front of a translation. Lives for one call, under the companion's lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from playground.engine import companion_generation, companion_pass
from playground.engine.companion_generation import Order
from playground.engine.companion_results import Generation, PairRecording
from playground.engine.companion_text import CompanionText
from playground.engine.split_tokens import SplitToken
from playground.errors import InvalidInput

if TYPE_CHECKING:
    from playground.models.companion_models import LoadedCompanion

MOST_RECORDED = 256
"""Tokens of a translation that is written to be looked at."""


class Translation:
    """`languages` are the codes of source and target, "" where the model has none. Setting `cancel` ends any step with
    RecordingStopped. Raises InvalidInput for a language that is unknown, or missing."""

    def __init__(
        self,
        loaded: LoadedCompanion,
        text: CompanionText,
        languages: tuple[str, str],
        most_tokens: int,
        cancel: threading.Event | None,
    ) -> None:
        self._loaded, self._text, self._languages = loaded, text, languages
        self._most_tokens, self._cancel = most_tokens, cancel
        if text.languages and not languages[1]:
            raise InvalidInput(
                f"This model writes in several languages. Say in which one, such as {text.languages[0]}."
            )
        self._first_id = text.first_id(languages[1])

    def write(
        self, texts: Sequence[str], most_new: int, beams: int = 1, on_text: Callable[[str], None] | None = None
    ) -> list[Generation]:
        """The translations of `texts`; `on_text` is given what there is of a single one. Raises InvalidInput for an
        empty text, PromptTooLong."""
        tokens = [self._source(text) for text in texts]
        said = ""

        def listen(ids: list[int]) -> None:
            nonlocal said
            text = self._text.read(ids)
            if on_text is not None and text != said and not text.endswith("\ufffd"):
                said = text
                on_text(text)

        inputs = self._inputs(tokens)
        written = self._write(inputs, most_new, beams, listen if on_text is not None else None)
        result = []
        for own, one in zip(tokens, written, strict=True):
            single = self._inputs([own])
            skip = int(bool(one.ids) and one.ids[0] == self._first_id)
            logprob = companion_generation.mean_logprob(self._loaded.model, single, one.ids, skip)
            ids = tuple(id_ for id_ in one.ids if not self._text.is_special(id_))
            result.append(Generation(self._text.read(ids), ids, logprob, one.complete))
        return result

    def record(
        self,
        source_text: str,
        target_text: str | None,
        made_with: Any,
        on_progress: Callable[[int, int], None] | None,
        most_bytes: int,
    ) -> PairRecording:
        """Both texts with what each looked at; without `target_text` the model translates first."""
        source = self._source(source_text)
        most_new = min(MOST_RECORDED, self._most_tokens - 2)

        def count(ids: list[int]) -> None:
            if on_progress is not None:
                on_progress(len(ids), most_new)

        if target_text is None:
            written = self._write(self._inputs([source]), most_new, 1, count)[0]
            target = self._text.written(written.ids)
        else:
            target = self._text.target(target_text)
        start = [self._text.special_token(id_) for id_ in self._start_ids()]
        source_ids, target_ids = ([token.id for token in side] for side in (source, [*start, *target]))
        companion_pass.require_sense(self._loaded, target_ids, self._most_tokens)
        companion_pass.require_room(self._loaded, [len(source_ids), len(target_ids)], most_bytes)
        recordings = companion_pass.record_both(self._loaded, source_ids, target_ids, made_with, self._cancel)
        text = "".join(token.text for token in target) if target_text is None else target_text
        return PairRecording(tuple(source), (*start, *target), source_text, text, target_text is None, *recordings)

    def _source(self, text: str) -> list[SplitToken]:
        if not text.strip():
            raise InvalidInput("There is no text to translate yet. Write a few words first.")
        tokens = self._text.source(text, *self._languages)
        companion_pass.require_sense(self._loaded, [token.id for token in tokens], self._most_tokens)
        return tokens

    def _inputs(self, tokens: Sequence[Sequence[SplitToken]]) -> dict[str, Tensor]:
        rows = self._text.padded([[token.id for token in row] for row in tokens])
        return {name: rows[name].to(self._loaded.device) for name in ("input_ids", "attention_mask")}

    def _write(
        self, inputs: dict[str, Tensor], most_new: int, beams: int, on_ids: Callable[[list[int]], None] | None
    ) -> list[companion_generation.Written]:
        order = Order(max(1, min(most_new, self._most_tokens - 2)), beams, self._first_id)
        return companion_generation.write(self._loaded.model, inputs, order, cancel=self._cancel, on_ids=on_ids)

    def _start_ids(self) -> list[int]:
        """What stands in front of every translation: the start token, and a language code where there is one."""
        model = self._loaded.model
        forced = getattr(model.generation_config, "forced_bos_token_id", None)
        first = self._first_id if self._first_id is not None else forced
        return [companion_generation.start_id(model)] + ([] if first is None else [int(first)])
