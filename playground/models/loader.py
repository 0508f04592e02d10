"""Files of a model -> a `LoadedModel` that is ready to run.

The only caller of `from_pretrained`, and the one place where what transformers, safetensors and bitsandbytes raise
becomes a sentence. Owns the choice of how weights are held on a device. Knows nothing of downloads, prompts or engines.
"""

from __future__ import annotations

import gc
import logging
import shutil
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from playground.errors import ModelUnavailable, PlaygroundError
from playground.hardware import free_memory_bytes
from playground.kernels.library import Library, open_library
from playground.models import machine, opening
from playground.models.catalog import ModelSpec
from playground.models.companion_models import (
    CLASSES,
    EXACT_UP_TO,
    LoadedCompanion,
    count_parameters,
    kind_of,
    refuse_lacking,
)
from playground.models.gguf_tokenizer import TURN_ENDS
from playground.models.prepared import prepare
from playground.models.quantization import bitsandbytes_config, held_as, quantize_model
from playground.models.scheme import Choice, choose_scheme
from playground.models.stored_weights import Scheme

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)
# Marian tokenizers say so whenever one is opened, but they do not use it.
warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")

DEFAULT_CONTEXT_LENGTH = 2048
MEMORY_WORDS = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model that is ready to run, in evaluation mode, with the tokenizer that belongs to it."""

    spec: ModelSpec
    model: Any
    """transformers' model; where our own kernels run it, the `PackedNetwork` of its weights, which cannot be called."""
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    quantization: str
    """How the weights are held: "bf16", "nf4", "int4", or the fewest and most bits of a layer, such as "int4+int8"."""
    context_length: int
    """Most tokens that prompt and answer may have together."""
    eos_ids: tuple[int, ...]
    """Every token that ends a turn."""
    reason: str
    """One sentence for the user: why the weights are held this way."""
    load_s: float
    weights_bytes: int
    library: Library | None = None
    """Our own kernels, where this processor can run them."""


def load(
    spec: ModelSpec,
    files: Path,
    *,
    cache_dir: Path,
    device: str = "cpu",
    quantization: str = "auto",
    progress: Callable[[str, float | None], None] = lambda detail, fraction: None,
) -> LoadedModel:
    """Open a GGUF file, or a folder with config.json and safetensors.

    `device`: "cpu", "cuda", "cuda:1" or "auto". `quantization`: "auto", "int4", "int8", "bf16" or "nf4"; what a device
    cannot do becomes the nearest that it can, which `reason` says. `progress(detail, fraction)` is called on this
    thread. Raises ModelUnavailable.
    """
    start = time.perf_counter()
    target = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    for_kernels = target.type == "cpu" and quantization not in ("bf16", "nf4")
    library = open_library(cache_dir, threads=torch.get_num_threads()) if for_kernels else None
    is_gguf = files.is_file()
    fast = library is not None or _torch_kernels_are_fast(cache_dir)
    circumstances = {"is_gguf": is_gguf, "int4_is_faster": fast, "has_kernels": library is not None}
    choice = choose_scheme(quantization, device=target.type, **circumstances)
    with _plain_sentences(spec, files):
        if is_gguf and choice.bitsandbytes is None and target.type == "cpu":
            model, tokenizer = _open_prepared(spec, files, choice.scheme, cache_dir, progress, library)
        else:
            folder = files
            if is_gguf:
                folder = prepare(files, spec.folder_name, scheme="bf16", cache_dir=cache_dir, report=progress)
            _require_model_files(spec, folder)
            progress("opening", None)
            model, tokenizer = _open_folder(folder, target, choice, library), _open_tokenizer(folder)
    model.eval().requires_grad_(False)
    machine.give_back_memory()
    return LoadedModel(
        spec=spec,
        model=model,
        tokenizer=tokenizer,
        device=target,
        quantization=choice.bitsandbytes or held_as(model),
        context_length=_context_length(spec, model),
        eos_ids=_eos_ids(model, tokenizer),
        reason=choice.reason,
        load_s=time.perf_counter() - start,
        weights_bytes=_weights_bytes(model),
        library=library,
    )


def load_companion(
    spec: ModelSpec,
    folder: Path,
    *,
    device: str = "cpu",
    progress: Callable[[str, float | None], None] = lambda detail, fraction: None,
) -> LoadedCompanion:
    """Open the folder of an encoder, a translator or a classifier: in 32 bits on a CPU up to EXACT_UP_TO parameters,
    else in bfloat16. Raises ModelUnavailable."""
    with _plain_sentences(spec, folder):
        _require_model_files(spec, folder)
        progress("opening", None)
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        kind = kind_of(spec, config)
        parameters, target = count_parameters(folder), torch.device(device)
        exact = target.type == "cpu" and parameters <= EXACT_UP_TO
        if target.type == "cpu" and parameters * (4 if exact else 2) > free_memory_bytes():
            raise MemoryError
        model, report = getattr(transformers, CLASSES[kind]).from_pretrained(
            folder,
            config=config,
            dtype=torch.float32 if exact else torch.bfloat16,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
        refuse_lacking(spec, set(report["missing_keys"]))
        model = model.to(target).eval().requires_grad_(False)
        tokenizer = _open_tokenizer(folder)
    machine.give_back_memory()
    return LoadedCompanion(replace(spec, kind=kind), kind, model, tokenizer, target, _weights_bytes(model))


def free(loaded: LoadedModel | LoadedCompanion) -> None:
    """Give the memory of a model back, whoever still refers to it. It cannot be used any more."""
    for module in loaded.model.modules():
        module._parameters.clear()
        module._buffers.clear()
    gc.collect()
    if loaded.device.type == "cuda":
        torch.cuda.empty_cache()


def _torch_kernels_are_fast(cache_dir: Path) -> bool:
    speed = machine.kernel_speed(cache_dir)
    machine.apply(speed)
    return speed.int4_is_faster


def _open_prepared(
    spec: ModelSpec,
    file: Path,
    scheme: Scheme,
    cache_dir: Path,
    progress: Callable[[str, float | None], None],
    library: Library | None,
) -> tuple[Any, PreTrainedTokenizerBase]:
    for attempt in (1, 2):
        packed = library is not None
        folder = prepare(file, spec.folder_name, scheme=scheme, cache_dir=cache_dir, report=progress, packed=packed)
        progress("opening", None)
        try:
            return opening.open_folder(folder, library), opening.open_tokenizer(folder)
        except PlaygroundError:
            raise
        except Exception:  # tokenizers raises a bare Exception for a broken file
            if attempt == 2:
                raise
            log.warning("the prepared folder %s is broken and is made again", folder, exc_info=True)
            shutil.rmtree(folder, ignore_errors=True)
    raise AssertionError


def _open_folder(folder: Path, device: torch.device, choice: Choice, library: Library | None) -> PreTrainedModel:
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=torch.bfloat16,
        attn_implementation="sdpa",
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        device_map={"": device},
        quantization_config=bitsandbytes_config(choice.bitsandbytes) if choice.bitsandbytes else None,
    )
    if choice.bitsandbytes is None and device.type == "cpu" and choice.scheme != "bf16":
        quantize_model(model, bits=4 if choice.scheme == "int4" else 8, library=library)
    return model


def _open_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    if (folder / "manifest.json").exists():
        return opening.open_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    if tokenizer is None:
        raise ModelUnavailable(f"The folder {folder} has no tokenizer.json. Download the whole model again.")
    return tokenizer


def _require_model_files(spec: ModelSpec, folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelUnavailable(
            f"{spec.name} cannot be opened: the folder {folder} has no config.json. Give the folder of a model as it "
            "is published on the Hugging Face Hub."
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelUnavailable(
            f"{spec.name} cannot be opened: the folder {folder} has no .safetensors file. Other formats can run "
            "foreign code and are not opened; choose a model that is published as safetensors."
        )


@contextmanager
def _plain_sentences(spec: ModelSpec, files: Path) -> Generator[None, None, None]:
    """Whatever goes wrong inside becomes ModelUnavailable, with the cause in the log."""
    try:
        yield
    except PlaygroundError:
        raise
    except Exception as error:
        log.exception("opening %s from %s", spec.id, files)
        raise ModelUnavailable(_sentence(spec, files, error)) from error


def _sentence(spec: ModelSpec, files: Path, error: Exception) -> str:
    text = str(error)
    short_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    if short_of_memory or any(words in text.lower() for words in MEMORY_WORDS):
        return f"There is not enough free memory for {spec.name}. Close other programs or choose a smaller model."
    if "model type" in text or "Unrecognized model" in text or "Unrecognized configuration class" in text:
        return f"{spec.name} is of a kind that cannot chat here. Choose a text model, such as Qwen/Qwen3-0.6B."
    if isinstance(error, (SafetensorError, EOFError, UnicodeDecodeError)):
        return f"A file of {spec.name} in {files} is damaged or incomplete. Delete it and download it again."
    if isinstance(error, ImportError):
        return (
            f"{spec.name} needs a library that is not installed ({error.name or 'see the log'}). Choose another model."
        )
    return f"{spec.name} cannot be opened from {files}; the log has the details. Choose another model."


def _context_length(spec: ModelSpec, model: Any) -> int:
    configured = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    lengths = [length for length in (spec.context_length, configured) if length]
    return min(lengths) if lengths else DEFAULT_CONTEXT_LENGTH


def _eos_ids(model: Any, tokenizer: PreTrainedTokenizerBase) -> tuple[int, ...]:
    stated = getattr(model.generation_config, "eos_token_id", None)
    stated = list(stated) if isinstance(stated, (list, tuple)) else [stated]
    added = tokenizer.get_added_vocab()
    known = [added[name] for name in TURN_ENDS if name in added]
    return tuple(dict.fromkeys(id for id in [*stated, tokenizer.eos_token_id, *known] if id is not None))


def _weights_bytes(model: Any) -> int:
    tensors = [*model.parameters(), *model.buffers()]
    return sum({tensor.data_ptr(): tensor.nbytes for tensor in tensors}.values())
