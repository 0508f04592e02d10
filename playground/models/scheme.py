"""How the weights of a model shall be held on this device, and why in one sentence.

A decision on plain values: touches no file, no tensor and no device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from playground.errors import InvalidInput
from playground.models.stored_weights import Scheme

QUANTIZATIONS = ("auto", "int4", "int8", "bf16", "nf4")


@dataclass(frozen=True)
class Choice:
    """`scheme` is for a CPU; `bitsandbytes`, when it is given, comes before it."""

    scheme: Scheme
    bitsandbytes: Literal["nf4", "int8"] | None
    reason: str


def known_quantization(wanted: str) -> str:
    """`wanted`, if it is one of QUANTIZATIONS. Raises InvalidInput."""
    if wanted not in QUANTIZATIONS:
        raise InvalidInput(f"Weights cannot be held as “{wanted}”; choose one of {', '.join(QUANTIZATIONS)}.")
    return wanted


def choose_scheme(
    wanted: str, *, device: str, is_gguf: bool, int4_is_faster: bool, has_kernels: bool = False
) -> Choice:
    """`device` is "cpu" or "cuda"; `int4_is_faster` as measured on this CPU; `has_kernels`: our own run on it.

    Raises InvalidInput.
    """
    known_quantization(wanted)
    if device != "cpu":
        return _on_gpu(wanted)
    if wanted == "nf4":
        return Choice(
            "bf16", "nf4", "4 bits by bitsandbytes (nf4), as you chose; on a CPU “auto” is several times faster."
        )
    if wanted == "bf16":
        return Choice("bf16", None, "16 bits, as you chose: nothing is lost, but it is slower and needs more memory.")
    if wanted == "int4":
        return Choice("int4", None, "4 bits, as you chose: the fastest on this computer, a little less exact.")
    if wanted == "int8":
        return Choice("int8", None, "8 bits, or fewer where the model's file has no more, as you chose.")
    if has_kernels and is_gguf:
        return Choice("int8", None, "No GPU: every weight as fine as in the model's file, and fast on this processor.")
    if not int4_is_faster:
        return Choice("bf16", None, "16 bits, because this computer multiplies them faster than 4 bits.")
    if is_gguf:
        return Choice("int8", None, "No GPU: 4 bits where the model's file has 4, 8 bits where it is finer.")
    return Choice("int4", None, "No GPU: 4 bits run fastest on this computer.")


def _on_gpu(wanted: str) -> Choice:
    if wanted == "bf16":
        return Choice("bf16", None, "16 bits on the GPU, as you chose.")
    if wanted == "int8":
        return Choice("bf16", "int8", "8 bits on the GPU, as you chose.")
    if wanted == "int4":
        return Choice("bf16", "nf4", "4 bits on the GPU, in the form that it calculates with (nf4).")
    return Choice("bf16", "nf4", "4 bits on the GPU (nf4): a quarter of the memory, nearly the same answers.")
