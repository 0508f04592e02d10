"""A second, small model beside the chat's: an encoder, a model that fills gaps, a translator or a classifier.

Owns the face that tabs and tasks see, and the lock that lets one caller at a time compute. It does not go through the
engine's worker: these models are small, keep nothing between two calls and have no steps to share. Knows no task.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from playground.engine import companion_pass
from playground.engine.companion_attention import PassRecorder, known_part
from playground.engine.companion_results import Filled, Generation, PairRecording
from playground.engine.companion_text import CompanionText
from playground.engine.companion_translation import Translation
from playground.engine.memory_budget import is_out_of_memory
from playground.engine.recorded_run import MOST_BYTES
from playground.engine.recording import Recording, RecordingStopped
from playground.engine.split_tokens import SplitToken
from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError
from playground.models.catalog import ModelSpec
from playground.models.companion_models import CompanionKind, LoadedCompanion
from playground.models.loader import free

__all__ = ["Companion", "Filled", "Generation", "PairRecording"]

CANCEL_CHECK_S = 0.05
BATCH_ROWS = 16
_NOUNS: dict[CompanionKind, str] = {
    "encoder": "an encoder",
    "masked": "a model that fills gaps",
    "translator": "a translation model",
    "classifier": "a classifier",
}


class Companion:
    """One opened model. Thread-safe; callers take turns, so what is called back must not call it.

    Ask `Companions` for it each time instead of keeping it: it is closed when another one needs its place, and from
    then on raises ModelUnavailable.
    """

    def __init__(self, loaded: LoadedCompanion) -> None:
        companion_pass.take_over_attention(loaded.model)
        self._loaded = loaded
        self._lock = threading.Lock()
        self._closed = False
        # In an encoder's text [MASK] and [SEP] may be meant; a text to translate or to judge is text alone.
        self._text = CompanionText(loaded.tokenizer, literal=loaded.kind in ("translator", "classifier"))
        self._most_tokens = companion_pass.most_tokens(loaded)

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        return self._loaded.spec

    @property
    def kind(self) -> CompanionKind:
        """What it can do: an "encoder" and a "masked" one `record`, the latter can `fill` too, a "classifier" also has
        `class_logits`, a "translator" has `generate` and `record_pair`."""
        return self._loaded.kind

    @property
    def labels(self) -> tuple[str, ...]:
        """A classifier's labels in the order of `class_logits`; empty for other kinds."""
        if self.kind != "classifier":
            return ()
        return tuple(str(label) for _, label in sorted((self._loaded.model.config.id2label or {}).items()))

    @property
    def independent_labels(self) -> bool:
        """Whether each of a classifier's labels has a probability of its own (sigmoid), as where several may fit."""
        return getattr(self._loaded.model.config, "problem_type", None) == "multi_label_classification"

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes that `generate` and `record_pair` take, as the model spells them ("fra_Latn", ">>fra<<", "fr_XX");
        empty where a translator has one direction, or is told in the text what to do (T5)."""
        return self._text.languages

    @property
    def most_tokens(self) -> int:
        """Longest text, special tokens included."""
        return self._most_tokens

    def split(self, text: str, *, source_language: str = "", target_language: str = "") -> list[SplitToken]:
        """The tokens that the model reads for `text`, a translator's for the source. The `special` ones that it adds
        ([CLS], </s>) have an empty place; the `text` of the others put together is the text, blanks included.

        Raises InvalidInput for a language that the model does not know.
        """
        with self._turn():
            return self._text.source(text, source_language, target_language)

    def record(
        self, token_ids: Sequence[int], *, cancel: threading.Event | None = None, most_bytes: int = MOST_BYTES
    ) -> Recording:
        """Read `token_ids` (with their special tokens, as `split` gives them) and keep what attention computed; of a
        translator the encoder alone.

        Layers look both ways (causal=False); `logits` and `hidden` are empty: nothing comes behind the last token.
        Setting `cancel` raises RecordingStopped within a layer. Raises InvalidInput, PromptTooLong, and
        ModelUnavailable where attention cannot be seen, with the reason.
        """
        with self._turn(cancel):
            companion_pass.require_sense(self._loaded, token_ids, self._most_tokens)
            companion_pass.require_room(self._loaded, (len(token_ids),), most_bytes)
            return companion_pass.record_encoder(self._loaded, token_ids, PassRecorder(cancel), weakref.ref(self))

    def output_projection(self, layer: int, part: str = "encoder") -> Tensor:
        """float32 [hidden, heads * value size]: W_O of a layer, without its bias; `part` is "encoder", "decoder" or
        "cross". Raises ModelUnavailable where it cannot be found, IndexError for a layer that is not there."""
        if part != "encoder":
            self._require("translator")
        with self._turn():
            return companion_pass.output_weights(self._loaded, known_part(part), layer)

    def fill(self, token_ids: Sequence[int], position: int, top: int = 40) -> Filled:
        """What would stand at `position` if the token there were hidden behind the mask token.

        Raises ModelUnavailable for a kind other than "masked", InvalidInput for a special token.
        """
        self._require("masked")
        mask, ids = self._loaded.tokenizer.mask_token_id, list(token_ids)
        if not 0 <= position < len(ids) or (self._text.is_special(ids[position]) and ids[position] != mask):
            raise InvalidInput("Only a word of the text can be hidden. Choose one of its tokens.")
        if mask is None:
            raise ModelUnavailable(f"{self.spec.name} has no mask token. Choose another model.")
        original, ids[position] = ids[position], mask
        with self._turn():
            companion_pass.require_sense(self._loaded, ids, self._most_tokens)
            chances = torch.softmax(companion_pass.gap_logits(self._loaded, ids, position), dim=-1)
            best = chances.topk(min(top, len(chances)))
            guesses = zip(map(self._text.shown, best.indices.tolist()), best.values.tolist(), strict=True)
            own = (self._text.shown(original), float(chances[original]))
            return Filled(tuple(guesses), own, int((chances > chances[original]).sum()) + 1)

    def record_pair(
        self,
        source_text: str,
        target_text: str | None = None,
        *,
        source_language: str = "",
        target_language: str = "",
        cancel: threading.Event | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> PairRecording:
        """Read a text and its translation and keep what attention computed; without `target_text` the model first
        translates, greedily. Languages are out of `languages`, "" where the model has none.

        `on_progress(done, most)` counts target tokens while the model writes. Raises as `record`, and ModelUnavailable
        for other kinds than "translator".
        """
        self._require("translator")
        with self._turn(cancel):
            task = self._translation(source_language, target_language, cancel)
            return task.record(source_text, target_text, weakref.ref(self), on_progress, most_bytes)

    def generate(
        self,
        text: str,
        *,
        max_new_tokens: int = 256,
        source_language: str = "",
        target_language: str = "",
        beams: int = 1,
        cancel: threading.Event | None = None,
        on_text: Callable[[str], None] | None = None,
    ) -> Generation:
        """The translation of `text`; `beams` 1 is greedy, more look for the likeliest sentence (slower, often better).

        `on_text` gets the text so far, each time a piece is added (with several beams not at all). Setting `cancel`
        raises RecordingStopped within a token. Raises ModelUnavailable for other kinds than "translator", InvalidInput
        for an empty text and for an unknown or missing language, PromptTooLong.
        """
        self._require("translator")
        with self._turn(cancel):
            task = self._translation(source_language, target_language, cancel)
            return task.write([text], max_new_tokens, beams, on_text)[0]

    def generate_batch(
        self,
        texts: Sequence[str],
        *,
        max_new_tokens: int = 256,
        source_language: str = "",
        target_language: str = "",
        beams: int = 1,
        cancel: threading.Event | None = None,
    ) -> list[Generation]:
        """Several texts (sentences) at once, in their order; otherwise as `generate`. At most BATCH_ROWS are computed
        together, those of like length."""
        self._require("translator")
        written: dict[int, Generation] = {}
        for rows in _batches(texts):
            with self._turn(cancel):
                task = self._translation(source_language, target_language, cancel)
                found = task.write([texts[row] for row in rows], max_new_tokens, beams)
            written |= dict(zip(rows, found, strict=True))
        return [written[row] for row in range(len(texts))]

    def class_logits(self, texts: Sequence[str], *, cancel: threading.Event | None = None) -> Tensor:
        """float32 [n, labels] before the softmax. Raises ModelUnavailable for other kinds than "classifier",
        PromptTooLong where a text is too long."""
        self._require("classifier")
        found = torch.zeros(len(texts), len(self.labels))
        for rows in _batches(texts):
            with self._turn(cancel):
                tokens = [[token.id for token in self._text.source(texts[row])] for row in rows]
                for ids in tokens:
                    companion_pass.require_sense(self._loaded, ids, self._most_tokens)
                found[rows] = companion_pass.class_logits(self._loaded, self._text.padded(tokens))
        return found

    def close(self) -> None:
        """Give the memory back, after the call that is running."""
        with self._lock:
            if not self._closed:
                self._closed = True
                free(self._loaded)

    def _translation(self, source_language: str, target_language: str, cancel: threading.Event | None) -> Translation:
        languages = (source_language, target_language)
        return Translation(self._loaded, self._text, languages, self._most_tokens, cancel)

    def _require(self, kind: CompanionKind) -> None:
        if self.kind != kind:
            raise ModelUnavailable(f"{self.spec.name} is {_NOUNS[self.kind]}; this needs {_NOUNS[kind]}.")

    @contextmanager
    def _turn(self, cancel: threading.Event | None = None) -> Generator[None]:
        """This caller's turn to compute. Raises RecordingStopped where `cancel` comes before it."""
        while not self._lock.acquire(timeout=CANCEL_CHECK_S):
            if cancel is not None and cancel.is_set():
                raise RecordingStopped("Stopped before the model was free.")
        try:
            if self._closed:
                raise ModelUnavailable(f"{self.spec.name} was closed to make room for another model. Open it again.")
            with torch.no_grad():
                yield
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            raise PlaygroundError("The memory is full. Shorten your text, or choose a smaller model.") from error
        finally:
            self._lock.release()


def _batches(texts: Sequence[str]) -> list[list[int]]:
    """Indices of texts to compute together: of like length, so that little is computed for padding."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    return [order[start : start + BATCH_ROWS] for start in range(0, len(order), BATCH_ROWS)]
