"""Recording of what a model looks at, in a process of its own: its time, its memory, how exact its weights are.

    python -m benchmarks.attention_side MODEL THREADS      (started by attention.py)

Runs are made as the engine makes them, piece by piece, but without its queue. The reference for the weights is
transformers' own eager attention in float32 over the very numbers that the packed weights stand for.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from benchmarks import prompts
from benchmarks.first_answer import status_bytes
from benchmarks.serving import Operations, serve
from playground.attention.weights import layer_rows
from playground.engine.batch import pack
from playground.engine.kv_cache import KVCache
from playground.engine.recorded_run import RecordedRun
from playground.engine.recording import UNCHANGED, Recording
from playground.engine.session import Session, open_session
from playground.engine.transformers_forward import TransformersForward
from playground.kernels.formats import unpack
from playground.models.catalog import find
from playground.models.loader import LoadedModel
from playground.models.opening import in_transformers
from playground.models.packed_layers import PackedEmbedding, PackedLinear
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.settings import Settings

PIECE_TOKENS = 512
"""As the engine reads a prompt."""
NEW_PEAK = "5"
"""Written to a process's `clear_refs`, Linux forgets its peak."""


class AttentionSide:
    """The operations that the parent may ask for."""

    def __init__(self, model: str, threads: int) -> None:
        torch.set_num_threads(threads)
        settings = Settings.from_env(os.environ)
        self._shelf = ModelShelf(settings.cache_dir, Sources(), quantization=settings.quantization)
        self._spec = find(model)
        self._session = open_session(self._load())
        self._read(PIECE_TOKENS)

    def operations(self) -> Operations:
        """By name."""
        return {operation.__name__: operation for operation in (self.seconds, self.memory, self.weights, self.text)}

    def seconds(self, tokens: int, recorded: bool) -> float:
        """Seconds for a text of so many tokens, plainly read or recorded."""
        start_s = time.perf_counter()
        self._record(self._session, tokens) if recorded else self._read(tokens)
        return time.perf_counter() - start_s

    def memory(self, tokens: int, recorded: bool) -> dict[str, int]:
        """Bytes over what the process had before: at the most, and of the recording that is left. Linux only; to be
        asked once of a process."""
        before = status_bytes("VmRSS")
        Path("/proc/self/clear_refs").write_text(NEW_PEAK)
        held = self._record(self._session, tokens).nbytes if recorded else self._read(tokens) or 0
        return {"peak": status_bytes("VmHWM") - before, "recording": held}

    def weights(self, tokens: int) -> dict[str, float]:
        """The largest difference of any weight from eager float32: of a recording of the model as it runs, of one in
        float32, and of what transformers' eager attention gives in bf16. And the self-check of the first."""
        ids = self._ids(tokens)
        floats = with_plain_weights(in_transformers(self._load().model))
        expected = eager_weights(floats, ids)
        halves = eager_weights(floats.bfloat16(), ids)
        recording = self._record(self._session, tokens)
        exact = with_plain_weights(in_transformers(self._load().model))
        in_floats = open_session(self._loaded_with(exact), lambda loaded: TransformersForward(loaded.model))
        return {
            "as it runs": largest_difference(recorded_weights(recording), expected),
            "float32": largest_difference(recorded_weights(self._record(in_floats, tokens)), expected),
            "eager bf16": largest_difference(halves, expected),
            "self-check": recording.deviation,
        }

    def text(self, tokens: int) -> str:
        """A text of about so many tokens; cut in another place, a word may become another number of them."""
        return self._session.loaded.tokenizer.decode(self._ids(tokens))

    def _load(self) -> LoadedModel:
        return self._shelf.load(self._spec, lambda *progress: None)

    def _loaded_with(self, model: PreTrainedModel) -> LoadedModel:
        loaded = self._load()
        return LoadedModel(**{name: getattr(loaded, name) for name in vars(loaded)} | {"model": model, "library": None})

    def _ids(self, tokens: int) -> list[int]:
        ids = list(self._session.prompts.reply_ids(prompts.text()))
        return (ids * (tokens // len(ids) + 1))[:tokens]

    def _read(self, tokens: int) -> None:
        ids, cache = self._ids(tokens), KVCache()
        for start in range(0, tokens, PIECE_TOKENS):
            piece = ids[start : start + PIECE_TOKENS]
            self._session.forward.step(pack([(cache, piece, int(start + len(piece) == tokens))]))

    def _record(self, session: Session, tokens: int) -> Recording:
        run = RecordedRun(session, self._ids(tokens), UNCHANGED, chunk_tokens=PIECE_TOKENS)
        while run.done_tokens < run.total_tokens:
            run.read_piece(session)
        return run.recording()


def with_plain_weights(model: PreTrainedModel) -> PreTrainedModel:
    """`model` with float32 layers in the place of packed ones; it is changed."""
    model = model.float()
    for name, module in list(model.named_modules()):
        if isinstance(module, PackedLinear):
            linear = nn.Linear(module.in_features, module.out_features, bias=module.bias is not None)
            linear.weight.data = unpack(module.packed)
            if module.bias is not None:
                linear.bias.data = module.bias.float()
            model.set_submodule(name, linear)
        elif isinstance(module, PackedEmbedding):
            model.set_submodule(name, nn.Embedding.from_pretrained(unpack(module.packed) * module.multiplier))
    return model


@torch.inference_mode()
def eager_weights(model: PreTrainedModel, ids: Sequence[int]) -> list[Tensor]:
    """What `output_attentions` gives: float32 [heads, T, T] of each layer."""
    model.set_attn_implementation("eager")
    output: Any = model(torch.tensor([ids]), use_cache=False, output_attentions=True)
    return [weights[0].float() for weights in output.attentions]


def recorded_weights(recording: Recording) -> list[Tensor]:
    """The same out of a recording, as every view of the page computes it."""
    rows = range(len(recording.token_ids))
    return [layer_rows(layer, rows) for layer in recording.layers]


def largest_difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Of all weights of all layers."""
    return max((one - other).abs().max().item() for one, other in zip(found, expected, strict=True))


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    serve(lambda: AttentionSide(given.model, given.threads).operations())


if __name__ == "__main__":
    _main()
