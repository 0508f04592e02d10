"""Any causal language model of transformers, on any device, as a function from a batch to logits.

Owns the way into `model.forward` and the check that a model really goes through the one attention function. Knows
nothing of sampling, text or threads. A quicker forward for a family has the same face: `step(batch)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from playground.engine.attention_function import NAME, attention_step, register
from playground.engine.batch import Batch, pack
from playground.engine.kv_cache import KVCache
from playground.errors import ModelUnavailable
from playground.kernels.library import Library

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel

# Families whose tokens are compared with `generate` by the tests; any other is compared once when it is opened.
_KNOWN_FAMILIES = frozenset(
    {"llama", "qwen2", "qwen3", "gemma2", "gemma3", "gemma3_text", "mistral", "gpt2", "opt", "phi3", "olmo2"}
)
_KNOWN_LAYERS = frozenset({"full_attention", "sliding_attention", "attention"})


class TransformersForward:
    """`step(batch) -> logits` over `model`. Raises ModelUnavailable for a model that cannot be driven this way."""

    exact_rows = 1
    """Libraries choose other kernels for other numbers of rows, which round differently."""

    def __init__(self, model: PreTrainedModel, library: Library | None = None) -> None:
        """`library`: the kernels that multiply the model's packed weights, if it has any."""
        parameters = inspect.signature(model.forward).parameters
        text_config = model.config.get_text_config()
        layer_types = set(getattr(text_config, "layer_types", None) or ())
        if model.config.is_encoder_decoder or "position_ids" not in parameters or layer_types - _KNOWN_LAYERS:
            raise _unsuitable(model)
        rope = getattr(text_config, "rope_parameters", None) or {}
        if rope.get("rope_type") in ("dynamic", "longrope"):
            # The angles follow the longest text of the row: one visitor's long text would change the others' answers.
            raise _unsuitable(model)
        self.model = model
        self._library = library
        self.device = model.device
        self._keeps_logits = "logits_to_keep" in parameters
        known = text_config.model_type in _KNOWN_FAMILIES
        if known:
            self._take_over_attention()
        else:
            self._take_over_after_comparison(text_config.vocab_size)

    def use_threads(self, count: int) -> None:
        """How many threads PyTorch, or the kernels, use from now on."""
        if self._library is None:
            torch.set_num_threads(count)
        else:
            self._library.use_threads(count)

    @torch.inference_mode()
    def step(self, batch: Batch) -> torch.Tensor:
        """Logits [rows, vocabulary] in float32 for `batch.logit_indices`; appends to every sequence's cache.

        A step that raises leaves every cache at its former length.
        """
        if self._library is not None:
            torch.set_num_threads(1)  # PyTorch's own threads would fight with the kernels' for the cores
        packed = torch.tensor([batch.token_ids, batch.positions], device=self.device)
        indices = torch.tensor(batch.logit_indices, device=self.device, dtype=torch.long)
        keep = {"logits_to_keep": indices} if self._keeps_logits else {}
        with attention_step(batch, library=self._library) as step, self._watched_layers(batch):
            output = self.model(input_ids=packed[:1], position_ids=packed[1:], use_cache=False, **keep)
        if not step.layers_seen:
            raise _unsuitable(self.model)
        for piece in batch.slices:
            piece.cache.advance(piece.kept)
        logits = output.logits[0] if self._keeps_logits else output.logits[0, indices]
        return logits.float()

    @contextmanager
    def _watched_layers(self, batch: Batch) -> Generator[None, None, None]:
        """Within this context whoever watches a sequence is shown the residual stream at its newest token.

        The models' own `output_hidden_states` gives the last layer's behind the norm, and that of every token.
        """
        if not batch.watched:
            yield
            return

        def show(level: int, hidden: torch.Tensor) -> None:
            for piece, watch in batch.watched:
                watch.take_residual(level, hidden[0, piece.stop - 1])

        def before(_: torch.nn.Module, inputs: tuple, named: dict[str, Any]) -> None:
            show(0, inputs[0] if inputs else named["hidden_states"])

        def behind(level: int, _: torch.nn.Module, __: tuple, output: Any) -> None:
            show(level, output[0] if isinstance(output, tuple) else output)

        layers = decoder_layers(self.model)
        hooks = [layers[0].register_forward_pre_hook(before, with_kwargs=True)]
        hooks += [layer.register_forward_hook(partial(behind, index + 1)) for index, layer in enumerate(layers)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _take_over_attention(self) -> None:
        register()
        self.model.set_attn_implementation(NAME)
        if self.model.config.get_text_config()._attn_implementation != NAME:
            raise _unsuitable(self.model)

    @torch.inference_mode()
    def _take_over_after_comparison(self, vocabulary: int) -> None:
        """Refuse a model that gives other logits packed and in pieces than alone in one piece."""
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(0, vocabulary, (12,), generator=generator).tolist()
        row = torch.tensor([ids], device=self.device)
        expected = self.model(input_ids=row, use_cache=False).logits[0, -1].float()
        self._take_over_attention()
        first, second = KVCache(), KVCache()
        try:
            self.step(pack([(second, ids[5:], 0), (first, ids[:7], 0)]))
            got = self.step(pack([(second, ids[:3], 1), (first, ids[7:], 1)]))[-1]
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as error:
            raise _unsuitable(self.model) from error
        similarity = torch.nn.functional.cosine_similarity(expected - expected.mean(), got - got.mean(), dim=0)
        if not similarity > 0.98:
            raise _unsuitable(self.model)


def decoder_layers(model: PreTrainedModel) -> torch.nn.ModuleList:
    """The layers of the language model in order. Raises ModelUnavailable where they cannot be told."""
    count = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if not isinstance(module, torch.nn.ModuleList) or len(module) != count:
            continue
        if any(hasattr(part, "layer_idx") for part in module[0].modules()):  # not those of an eye or an ear
            return module
    raise _unsuitable(model)


def _unsuitable(model: PreTrainedModel) -> ModelUnavailable:
    return ModelUnavailable(
        f"The playground cannot run this kind of model ({model.config.model_type}): it does not compute its "
        "attention in a way that several conversations could share. Please choose another model."
    )
