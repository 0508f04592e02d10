"""Prepared models: a GGUF file rewritten once into a folder that opens in about a second.

Owns the folder: what is in it, when it is out of date, how it comes to be whole or not at all. The folder is in
transformers' own format (config.json, tokenizer.json, safetensors with an index); layers that are held in 4 or 8 bits
have their buffers there instead of `weight`, and `manifest.json` says which. The order of 4-bit numbers depends on the
CPU, so its capability is part of the folder's name. Knows nothing of devices or of how a model is chosen.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from playground.models import disk
from playground.models.gguf import GgufFile, GgufTensor
from playground.models.gguf_architecture import configuration, weights
from playground.models.gguf_tokenizer import GgufTokenizer, read_tokenizer
from playground.models.quantization import packed_layout
from playground.models.stored_weights import Scheme, ShardWriter, hold, hold_packed

log = logging.getLogger(__name__)

VERSION = 3
ABANDONED_AFTER_S = 3600
GROWTH, BF16_GROWTH = 2, 4
"""A prepared folder is at most so many times as large as the file that it was made from."""
EMBEDDING, HEAD = "model.embed_tokens", "lm_head"
SAME_TABLE = 0.12
"""Two tables that differ by less than this part of their size are one table in two precisions."""
PROBED_ROWS = 256

Report = Callable[[str, float], None]
"""Called as `report(what is being done, how much of it)`, the latter from 0 to 1."""


def prepared_folder(model_id: str, *, scheme: Scheme, cache_dir: Path, packed: bool) -> Path:
    """Where the model lies or would lie once it is prepared. `packed`: for our own kernels, not for PyTorch's."""
    capability = "packed" if packed else torch.backends.cpu.get_cpu_capability().lower().replace(" ", "-")
    kind = f"{scheme}-{capability}" if scheme != "bf16" else scheme
    return cache_dir / "prepared" / f"{model_id}-{kind}-v{VERSION}"


def is_current(folder: Path, file: Path) -> bool:
    """Whether the folder is whole and was made from this very file for this very kernel."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        whole = all((folder / name).stat().st_size == size for name, size in manifest["files"].items())
        return whole and manifest["source"] == _source(file) and manifest["layout"] == _layout()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def prepare(
    file: Path, model_id: str, *, scheme: Scheme, cache_dir: Path, report: Report, packed: bool = False
) -> Path:
    """The prepared folder of a GGUF file; made when it is missing, broken or out of date.

    Raises ModelUnavailable.
    """
    folder = prepared_folder(model_id, scheme=scheme, cache_dir=cache_dir, packed=packed)
    if is_current(folder, file):
        return folder
    source = GgufFile(file)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        _remove_abandoned(folder)
        temporary.mkdir(parents=True)
        needed_bytes = file.stat().st_size * (BF16_GROWTH if scheme == "bf16" else GROWTH)
        disk.require_space(temporary, needed_bytes, name=f"Preparing {model_id}")
        _write(source, temporary, scheme, report, packed=packed)
        if not is_current(folder, file):  # another process may have been quicker
            shutil.rmtree(folder, ignore_errors=True)
            os.replace(temporary, folder)
        return folder
    except OSError as error:
        if is_current(folder, file):
            return folder
        raise disk.unwritable(error, folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(source: GgufFile, folder: Path, scheme: Scheme, report: Report, *, packed: bool) -> None:
    tokenizer = read_tokenizer(source)
    tied = _tables_are_tied(source)
    config = _configuration(source, tokenizer, tied)
    (folder / "config.json").write_text(json.dumps(config, indent=1), "utf-8")
    _write_tokenizer(tokenizer, folder, config["max_position_embeddings"])
    kinds: dict[str, str] = {}
    shards = ShardWriter(folder)
    total = sum(tensor.data.nbytes for tensor in source.tensors.values())
    done = 0
    for name, tensor in _in_order(source, tied):
        module = name.removesuffix(".weight")
        keep = hold_packed if packed and scheme != "bf16" else hold
        held = keep(tensor, scheme, is_table=module in (EMBEDDING, HEAD))
        if held.kind != "bf16":
            kinds[module] = held.kind
        shards.add({f"{module}.{suffix}" if suffix else name: value for suffix, value in held.tensors.items()})
        done += tensor.data.nbytes
        report("preparing the model, only this once", done / total)
    shards.close()
    files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    manifest = {
        "version": VERSION,
        "source": _source(source.path),
        "layout": _layout(),
        "modules": kinds,
        "eos_ids": tokenizer.eos_ids,
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")


def _in_order(source: GgufFile, tied: bool) -> Iterator[tuple[str, GgufTensor]]:
    """The tensors to store; of two tables that are one, the finer, under the embedding's name."""
    tensors = dict(weights(source))
    head = tensors.get(f"{HEAD}.weight")
    if tied and head is not None:
        del tensors[f"{HEAD}.weight"]
        if head.data.nbytes > tensors[f"{EMBEDDING}.weight"].data.nbytes:
            tensors[f"{EMBEDDING}.weight"] = head
    yield from tensors.items()


def _tables_are_tied(source: GgufFile) -> bool:
    """Whether embedding and output layer are one. Some files hold the one table twice, in different precisions."""
    embedding, head = source.tensors["token_embd.weight"], source.tensors.get("output.weight")
    if head is None:
        return True
    if head.shape != embedding.shape:
        return False
    step = max(1, head.shape[0] // PROBED_ROWS)
    one, two = (table.every(step).floats() for table in (embedding, head))
    return float(((one - two) ** 2).sum()) < SAME_TABLE**2 * float((two**2).sum())


def _configuration(source: GgufFile, tokenizer: GgufTokenizer, tied: bool) -> dict[str, Any]:
    facts = configuration(source)
    config = AutoConfig.for_model(
        **facts,
        tie_word_embeddings=tied,
        bos_token_id=tokenizer.bos_id,
        eos_token_id=list(tokenizer.eos_ids),
        pad_token_id=tokenizer.pad_id,
        dtype="bfloat16",
        architectures=[MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[facts["model_type"]]],
    )
    return json.loads(config.to_json_string(use_diff=False))  # whole: read without the class that has the defaults


def _write_tokenizer(tokenizer: GgufTokenizer, folder: Path, context_length: int) -> None:
    tokenizer.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    facts = {key: value for key, value in tokenizer.configuration.items() if key != "chat_template"}
    facts |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": context_length}
    (folder / "tokenizer_config.json").write_text(json.dumps(facts, indent=1), "utf-8")
    if template := tokenizer.configuration.get("chat_template"):
        (folder / "chat_template.jinja").write_text(template, "utf-8")
    generation = {"eos_token_id": tokenizer.eos_ids, "bos_token_id": tokenizer.bos_id, "pad_token_id": tokenizer.pad_id}
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=1), "utf-8")


def _source(file: Path) -> dict[str, Any]:
    state = file.stat()
    return {"name": file.name, "bytes": state.st_size, "modified_ns": state.st_mtime_ns}


def _layout() -> list[Any] | None:
    layout = packed_layout()
    return list(layout) if layout else None


def _remove_abandoned(folder: Path) -> None:
    """Half-written folders of processes that were killed."""
    for part in folder.parent.glob(f".{folder.name}.*.part"):
        if time.time() - part.stat().st_mtime > ABANDONED_AFTER_S:
            shutil.rmtree(part, ignore_errors=True)
