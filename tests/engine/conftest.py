"""Tiny random models of several families, a byte-level tokenizer, and an engine over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from playground.engine import prefix_store
from playground.engine.engine import Engine
from playground.engine.int4_forward import Int4Forward
from playground.engine.transformers_forward import TransformersForward
from playground.kernels.library import Library
from playground.models.loader import LoadedModel
from tests.engine.packed_models import as_floats, quantised

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZES: dict[str, Any] = {
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": False,
    "initializer_range": 0.25,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}
LAYER_TYPES = ["sliding_attention", "full_attention", "sliding_attention"]
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", SIZES),
    "qwen2": ("Qwen2", SIZES),
    "qwen3": ("Qwen3", {**SIZES, "head_dim": 24}),
    "gemma3": ("Gemma3", {**SIZES, "head_dim": 16, "sliding_window": 8, "layer_types": LAYER_TYPES}),
    "gemma2": ("Gemma2", {**SIZES, "head_dim": 16, "sliding_window": 8, "layer_types": LAYER_TYPES}),
    "mistral": ("Mistral", {**SIZES, "sliding_window": 8}),
    "gpt2": (
        "GPT2",
        {
            "vocab_size": 320,
            "n_embd": 64,
            "n_layer": 3,
            "n_head": 4,
            "n_positions": 1024,
            "initializer_range": 0.25,
            "bos_token_id": None,
            "eos_token_id": None,
        },
    ),
    "opt": (
        "OPT",
        {
            "vocab_size": 320,
            "hidden_size": 64,
            "word_embed_proj_dim": 64,
            "ffn_dim": 96,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": 1024,
            "init_std": 0.25,
            "bos_token_id": None,
            "eos_token_id": None,
            "pad_token_id": None,
        },
    ),
}
CLASS_SUFFIXES = {"GPT2": ("Config", "LMHeadModel"), "Gemma3": ("TextConfig", "ForCausalLM")}


# Tiny matrices are slower on two threads, much slower on a busy machine.
torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="module")
def short_prefixes_count() -> Iterator[None]:
    """Tiny models are asked tiny questions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefix_store, "LEAST_TOKENS", 1)
        yield


@dataclass(frozen=True)
class FakeSpec:
    """What the engine needs of a catalogue entry."""

    id: str
    name: str


def build_model(family: str, **changes: Any) -> PreTrainedModel:
    """A random model in float32, the same at every call."""
    prefix, sizes = FAMILIES[family]
    config_suffix, model_suffix = CLASS_SUFFIXES.get(prefix, ("Config", "ForCausalLM"))
    config = getattr(transformers, prefix + config_suffix)(**{**sizes, **changes})
    torch.manual_seed(1)
    return getattr(transformers, prefix + model_suffix)(config).eval()


def build_tokenizer(chat_template: str | None = CHATML) -> PreTrainedTokenizerFast:
    """Every byte is a token; four special tokens behind them."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    names = ["<|im_start|>", "<|im_end|>", "<s>", "<pad>"]
    backend.add_special_tokens([AddedToken(name, special=True) for name in names])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", pad_token="<pad>")
    tokenizer.chat_template = chat_template
    return tokenizer


def greedy_ids(model: PreTrainedModel, prompt: list[int], count: int) -> list[int]:
    """What the model's own `generate` writes, greedily, with its own attention."""
    row = torch.tensor([prompt])
    output = model.generate(
        row, attention_mask=torch.ones_like(row), max_new_tokens=count, min_new_tokens=count, do_sample=False
    )
    return output[0, len(prompt) :].tolist()


def load_tiny(spec: FakeSpec, report: Callable[..., None], *, context_length: int = 1024) -> LoadedModel:
    """A loader as the engine wants it; the id of the spec is the family."""
    report("building", 0.5)
    return LoadedModel(
        spec=spec,
        model=build_model(spec.id),
        tokenizer=build_tokenizer(),
        device=torch.device("cpu"),
        quantization="float32",
        context_length=context_length,
        eos_ids=(),
        reason="a test",
        load_s=0.0,
        weights_bytes=0,
    )


class Tiny:
    """The builders above, for tests to reach through a fixture."""

    families = FAMILIES
    spec = FakeSpec
    model = staticmethod(build_model)
    tokenizer = staticmethod(build_tokenizer)
    greedy_ids = staticmethod(greedy_ids)
    load = staticmethod(load_tiny)


@pytest.fixture(scope="session")
def tiny() -> type[Tiny]:
    return Tiny


@pytest.fixture(scope="session")
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer()


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine with a tiny Llama that never ends a reply by itself."""
    engine = Engine(load_tiny, most_running=3, chunk_tokens=16, grace_s=0.3)
    engine.open(FakeSpec("llama", "Tiny Llama"))
    engine.run(lambda loaded: None)
    yield engine
    engine.close()


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def build(library: Library) -> Callable[..., LoadedModel]:
    """A tiny model of a family in 4 bits, packed for our kernels."""
    return partial(quantised, Tiny, library)


@pytest.fixture(scope="session")
def forwards(build: Callable[..., LoadedModel]) -> Callable[[str], tuple[Int4Forward, TransformersForward]]:
    """The lean forward of a family and transformers' over the same weights as floats, made once."""

    @cache
    def both(family: str) -> tuple[Int4Forward, TransformersForward]:
        loaded = build(family)
        assert loaded.library is not None
        return Int4Forward(loaded, loaded.library), TransformersForward(as_floats(loaded.model))

    return both
