"""What of the network itself a view of a recording needs: its last norm and output layer, its output projections.

Owns the way to these parts in any model that the engine runs, and the check that the model is still the one that read
the text. Works on the model's thread, on the session that it is given. Knows no text and no view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import transformers
from torch import Tensor, nn

from playground.engine.batch import pack
from playground.engine.int4_forward import Int4Forward
from playground.engine.kv_cache import KVCache
from playground.engine.recording import Recording
from playground.engine.session import Session
from playground.engine.transformers_forward import decoder_layers
from playground.errors import ModelUnavailable
from playground.kernels.formats import unpack
from playground.models.packed_layers import PackedLinear

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel

OUTPUT_NAMES = ("o_proj", "out_proj", "c_proj", "dense", "wo")
"""What families call W_O, inside a module whose class is named after attention."""
DUMMY_ID = 0


def require_model_of(session: Session, recording: Recording | None) -> Session:
    """`session`, if it is the one that made `recording` (any is, for None). Raises ModelUnavailable."""
    if recording is not None and (recording.made_with is None or recording.made_with() is not session):
        raise ModelUnavailable("The model that read this text is not open any more. Look inside the text again.")
    return session


def read_out(session: Session, hidden: Tensor) -> Tensor:
    """float32 logits [n, vocabulary] of rows of the residual stream, float32 [n, hidden]: the last norm, the output
    layer, and whatever else the model does behind its last layer. Raises ModelUnavailable where that cannot be told."""
    if isinstance(session.forward, Int4Forward):
        return session.forward.read_out(hidden).cpu().clone()
    return _in_place_of_the_last_layer(session, hidden).float().cpu().clone()


@torch.no_grad()
def output_projection(session: Session, layer: int) -> Tensor:
    """float32 [hidden, heads * value size]: W_O of one layer, whatever its weights are held in; without its bias.

    Head h reads the columns h * value size on. Raises ModelUnavailable for a model where it cannot be found, and
    IndexError for a layer that the model does not have.
    """
    if isinstance(session.forward, Int4Forward):
        outputs: list[nn.Module] = [one.output for one in session.forward.layers]
        device = torch.device("cpu")
    else:
        model = session.model
        outputs = [_output_layer(model, block) for block in decoder_layers(model)]
        device = model.device
    if not 0 <= layer < len(outputs):
        raise IndexError(f"there is no layer {layer} among {len(outputs)}")
    return _weights_of(outputs[layer], device)


def _in_place_of_the_last_layer(session: Session, hidden: Tensor) -> Tensor:
    """The logits of a step over as many tokens as `hidden` has rows, whose last layer gives these rows.

    What stands behind the layers differs too much to be named (caps, scales, projections), so the model does it
    itself; the price is the rest of the step.
    """
    replaced = False

    def replace(_: nn.Module, __: tuple, output: Any) -> Any:
        nonlocal replaced
        stream = output[0] if isinstance(output, tuple) else output
        if stream.shape != (1, *hidden.shape):
            return output
        replaced = True
        rows = hidden.to(stream).unsqueeze(0)
        return (rows, *output[1:]) if isinstance(output, tuple) else rows

    rows, model = len(hidden), session.model
    hook = decoder_layers(model)[-1].register_forward_hook(replace)
    try:
        logits = session.forward.step(pack([(KVCache(), [DUMMY_ID] * rows, rows)]))
    finally:
        hook.remove()
    if not replaced:
        raise ModelUnavailable(
            f"This kind of model ({model.config.model_type}) cannot be read layer by layer. Choose another model."
        )
    return logits


def _output_layer(model: PreTrainedModel, block: nn.Module) -> nn.Module:
    for module in block.modules():
        if "attention" not in type(module).__name__.lower():
            continue
        for name in OUTPUT_NAMES:
            part = getattr(module, name, None)
            if isinstance(part, nn.Module):
                return part
    raise ModelUnavailable(
        f"In this kind of model ({model.config.model_type}) it cannot be told what each head adds. "
        "Choose another model."
    )


def _weights_of(linear: nn.Module, device: torch.device) -> Tensor:
    """float32 [out, in] on the CPU."""
    if isinstance(linear, PackedLinear):
        return unpack(linear.packed)
    if type(linear) is nn.Linear:
        return linear.weight.detach().float().cpu().clone()
    if isinstance(linear, transformers.Conv1D):
        return linear.weight.detach().float().cpu().T.contiguous()
    # Weights in somebody's own layout: each column is what one 1 among zeros becomes.
    held: Any = linear
    columns = linear(torch.eye(held.in_features, dtype=torch.bfloat16, device=device)).float()
    if held.bias is not None:
        columns -= held.bias.float()
    return columns.T.cpu().contiguous()
