"""An opened model with everything that belongs to it, and what the engine says about itself.

Owns nothing that runs: the worker's thread uses a session, other threads may count tokens with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch

from playground.engine.batch import Batch
from playground.engine.detokenizer import TokenTexts
from playground.engine.grammar import GrammarVocabulary
from playground.engine.int4_forward import Int4Forward
from playground.engine.llama_family import Unsuitable
from playground.engine.prefix_store import PrefixStore
from playground.engine.prompt import PromptBuilder
from playground.engine.split_tokens import TokenSplitter
from playground.engine.transformers_forward import TransformersForward
from playground.errors import PlaygroundError
from playground.models.opening import in_transformers
from playground.models.packed_layers import PackedLinear

if TYPE_CHECKING:
    from playground.models.catalog import ModelSpec
    from playground.models.loader import LoadedModel

logger = logging.getLogger(__name__)

Phase = Literal["empty", "opening", "ready", "failed"]
ReportOpening = Callable[..., None]
"""Called by a loader as `report(detail, fraction)`: a few plain words, and how much is done (0 to 1) if known."""
LoadModel = Callable[["ModelSpec", ReportOpening], "LoadedModel"]


class Forward(Protocol):
    """A model as a function of a batch."""

    exact_rows: int
    """The most rows a step may have while each row's logits, keys and values are bit for bit those of the same row in a
    step alone, also where several rows belong to one sequence. 1: nothing is promised, so nothing is drafted."""

    def use_threads(self, count: int) -> None:
        """How many threads the following steps may use."""
        ...

    def step(self, batch: Batch) -> torch.Tensor:
        """Logits [rows, vocabulary] in float32; a step that raises leaves every cache at its former length."""
        ...


@dataclass(frozen=True)
class EngineState:
    """What the engine is doing now. Seconds, tokens per second, numbers of requests."""

    phase: Phase = "empty"
    spec: ModelSpec | None = None
    loaded: LoadedModel | None = None
    error: PlaygroundError | None = None
    opening_for_s: float = 0.0
    opening_detail: str = ""
    opening_fraction: float | None = None
    running: int = 0
    waiting: int = 0
    fast_path: bool = False
    """The model is run by our own kernels and forward pass."""
    tokens_per_second: float | None = None
    """Decode speed of the latest answers, as one visitor sees it."""


@dataclass(frozen=True, eq=False)
class Session:
    """One opened model."""

    loaded: LoadedModel
    forward: Forward
    prompts: PromptBuilder
    token_texts: TokenTexts
    prefixes: PrefixStore = field(default_factory=lambda: PrefixStore(0))
    """What the model has read already; for the worker's thread alone, and gone with the session."""

    @cached_property
    def splitter(self) -> TokenSplitter:
        """Cuts texts into the model's tokens."""
        return TokenSplitter(self.loaded.tokenizer, self.prompts, self.token_texts)

    @cached_property
    def grammar_vocabulary(self) -> GrammarVocabulary:
        """What answers that must have a form are held to. Raises ModelUnavailable."""
        loaded = self.loaded
        size = loaded.model.config.get_text_config().vocab_size
        return GrammarVocabulary(loaded.tokenizer, size=size, end_ids=loaded.eos_ids)

    @property
    def model(self) -> Any:
        """The network that runs, with transformers' names; only what the fast path runs cannot be called itself."""
        return self.forward.model if isinstance(self.forward, TransformersForward) else self.loaded.model

    @property
    def has_fast_path(self) -> bool:
        """Whether our own forward pass runs the model."""
        return isinstance(self.forward, Int4Forward)


def forward_for(loaded: LoadedModel) -> Forward:
    """The quickest forward that this model and device have."""
    if loaded.library is not None:
        try:
            forward = Int4Forward(loaded, loaded.library)
        except Unsuitable as reason:
            logger.info("%s is run by transformers: %s", loaded.spec.id, reason)
        else:
            logger.info("%s is run by our own kernels", loaded.spec.id)
            return forward
    model = in_transformers(loaded.model)
    has_packed_layers = any(isinstance(module, PackedLinear) for module in model.modules())
    return TransformersForward(model, loaded.library if has_packed_layers else None)


def open_session(
    loaded: LoadedModel,
    make_forward: Callable[[LoadedModel], Forward] = forward_for,
    *,
    prefix_store_bytes: int = 0,
) -> Session:
    """Everything that answers with `loaded` need. Raises ModelUnavailable for a model that cannot be driven."""
    return Session(
        loaded,
        make_forward(loaded),
        PromptBuilder(loaded.tokenizer, loaded.context_length),
        TokenTexts(loaded.tokenizer),
        PrefixStore(prefix_store_bytes),
    )
