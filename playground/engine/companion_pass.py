"""One pass of a companion model over token ids: recorded, or asked what stands in a gap or which class it is.

Owns what has to be known of encoders and encoder-decoders to run their halves, their limits, and where their output
projections lie. The caller holds the companion's lock. Knows no text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from playground.engine.companion_attention import NAME, Part, PassRecorder, recorded_by, register
from playground.engine.recording import Recording
from playground.errors import InvalidInput, ModelUnavailable, PromptTooLong
from playground.hardware import free_memory_bytes

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel

    from playground.models.companion_models import LoadedCompanion

DEFAULT_LENGTH = 512
"""Tokens of a model that states no limit: what most of them were trained on."""
UNLIMITED = 1_000_000
OUTPUT_NAMES = ("out_proj", "o_proj", "o", "out_lin", "Wo", "wo", "c_proj", "dense")
"""What families call W_O inside the attention module; BERT's is in `output.dense` beside it."""


def take_over_attention(model: PreTrainedModel) -> None:
    """Let a model's attention pass by the recorder, where its family allows that."""
    register()
    model.set_attn_implementation(NAME)


def most_tokens(loaded: LoadedCompanion) -> int:
    """Longest text that a model reads."""
    config: Any = loaded.model.config
    limits = [loaded.spec.context_length, getattr(config, "max_position_embeddings", None)]
    limits.append(min(int(loaded.tokenizer.model_max_length), UNLIMITED))
    for name, module in loaded.model.named_modules():
        # RoBERTa counts positions from behind the padding token's.
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            limits.append(module.num_embeddings - module.padding_idx - 1)
    known = [limit for limit in limits if limit and 0 < limit < UNLIMITED]
    return min(known) if known else DEFAULT_LENGTH


def require_sense(loaded: LoadedCompanion, token_ids: Sequence[int], limit: int) -> None:
    """Raise InvalidInput or PromptTooLong for tokens that a model cannot read."""
    if not token_ids:
        raise InvalidInput("There is no text to look at yet. Write a few words first.")
    table: Any = loaded.model.get_input_embeddings()
    if not 0 <= min(token_ids) <= max(token_ids) < table.num_embeddings:
        raise InvalidInput("These tokens are not of the model that is open now. Start from the text itself.")
    if len(token_ids) > limit:
        raise PromptTooLong(f"Your text is {len(token_ids):,} tokens; this model reads {limit:,}. Choose a part of it.")


def require_room(loaded: LoadedCompanion, lengths: Sequence[int], most_bytes: int) -> None:
    """Raise PromptTooLong where a recording over texts of these lengths would not fit into memory."""
    config: Any = loaded.model.config
    layers = config.num_hidden_layers
    itemsize = loaded.model.dtype.itemsize
    tokens = sum(lengths)
    # Self-attention in every layer, and a translator's cross-attention once more.
    per_token = 3 * layers * config.hidden_size * itemsize * (2 if len(lengths) > 1 else 1)
    room = min(most_bytes, free_memory_bytes() // 2)
    if tokens * per_token > room:
        raise PromptTooLong(
            f"Your text is {tokens:,} tokens; there is memory to look inside {room // per_token:,} of them. Choose a "
            "part of it."
        )


def record_encoder(
    loaded: LoadedCompanion, token_ids: Sequence[int], recorder: PassRecorder, made_with: Any
) -> Recording:
    """Read a text with an encoder, or with an encoder-decoder's encoder."""
    _read(loaded, token_ids, recorder)
    return recorder.finish("encoder", tuple(token_ids), torch.empty(0), made_with)


def record_both(
    loaded: LoadedCompanion,
    source_ids: Sequence[int],
    target_ids: Sequence[int],
    made_with: Any,
    cancel: threading.Event | None,
) -> tuple[Recording, Recording, Recording]:
    """Read a source and what a decoder has of the target: the recordings of encoder, decoder and cross-attention."""
    recorder = PassRecorder(cancel)
    encoded = _read(loaded, source_ids, recorder)
    recorder.stage = "decoder"
    call: Callable[..., Any] = loaded.model
    with recorded_by(recorder):
        given = torch.tensor([list(target_ids)], device=loaded.device)
        output = call(encoder_outputs=encoded, decoder_input_ids=given, use_cache=False)
    logits = output.logits[0, -1].float().cpu().clone()
    source, target = tuple(source_ids), tuple(target_ids)
    return (
        recorder.finish("encoder", source, torch.empty(0), made_with),
        recorder.finish("decoder", target, logits, made_with),
        recorder.finish("cross", target, torch.empty(0), made_with),
    )


def gap_logits(loaded: LoadedCompanion, token_ids: Sequence[int], position: int) -> Tensor:
    """float32 [vocabulary]: what a model that fills gaps would put at `position`, given the other tokens."""
    head = loaded.model.get_output_embeddings()

    def only_the_gap(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0][..., position : position + 1, :], *inputs[1:])

    # The output layer over every token of a long text would take the memory of a vocabulary for each.
    hook = head.register_forward_pre_hook(only_the_gap) if head is not None else None
    call: Callable[..., Any] = loaded.model
    try:
        logits = call(input_ids=torch.tensor([list(token_ids)], device=loaded.device)).logits[0]
    finally:
        if hook is not None:
            hook.remove()
    return logits[0 if len(logits) == 1 else position].float().cpu()


def class_logits(loaded: LoadedCompanion, inputs: dict[str, Tensor]) -> Tensor:
    """float32 [rows, labels] of padded rows."""
    call: Callable[..., Any] = loaded.model
    given = {name: inputs[name].to(loaded.device) for name in ("input_ids", "attention_mask")}
    return call(**given).logits.float().cpu()


def output_weights(loaded: LoadedCompanion, part: Part, layer: int) -> Tensor:
    """float32 [hidden, heads * value size]: W_O of a layer, without its bias.

    Raises ModelUnavailable for a model where it cannot be found, IndexError for a layer that it does not have.
    """
    probe = PassRecorder()
    ids = [0, 0]
    if part == "encoder":
        _read(loaded, ids, probe)
    else:
        record_probe = _read(loaded, ids, probe)
        probe.stage = "decoder"
        call: Callable[..., Any] = loaded.model
        with recorded_by(probe):
            given = torch.tensor([ids], device=loaded.device)
            call(encoder_outputs=record_probe, decoder_input_ids=given, use_cache=False)
    modules = probe.modules[part]
    if not 0 <= layer < len(modules):
        raise IndexError(f"there is no layer {layer} among {len(modules)}")
    linear = _output_layer(loaded.model, modules[layer])
    return linear.weight.detach().float().cpu().clone()


def _read(loaded: LoadedCompanion, token_ids: Sequence[int], recorder: PassRecorder) -> Any:
    """What the encoder makes of a text."""
    model: Any = loaded.model
    encoder = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    with recorded_by(recorder):
        return encoder(input_ids=torch.tensor([list(token_ids)], device=loaded.device), return_dict=True)


def _output_layer(model: PreTrainedModel, attention: nn.Module) -> nn.Linear:
    beside = [
        parent
        for parent in model.modules()
        if any(child is attention for child in parent.children()) and hasattr(parent, "output")
    ]
    found = [getattr(attention, name, None) for name in OUTPUT_NAMES]
    found += [getattr(parent.output, "dense", None) for parent in beside]
    for part in found:
        if isinstance(part, nn.Linear):
            return part
    raise ModelUnavailable(
        f"In this kind of model ({model.config.model_type}) it cannot be told what each head adds. "
        "Choose another model."
    )
