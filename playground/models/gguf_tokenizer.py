"""The tokenizer that a GGUF file describes, as a `tokenizers.Tokenizer` with what transformers wants to know about it.

Owns how text is cut before merging (`tokenizer.ggml.pre`), which tokens are special, which of them end a turn.
Knows nothing of weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE

from playground.errors import ModelUnavailable
from playground.models.gguf import GgufFile

CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
"""`tokenizer.ggml.token_type`: special; matched whole but ordinary; filler that makes the table a round number."""

TURN_ENDS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "<eos>")
"""Names of tokens after which nothing more belongs to an answer. Files name only one of them."""

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ONE_DIGIT = rf"{CONTRACTIONS}|{WORDS}|\p{{N}}|{REST}"
THREE_DIGITS = rf"{CONTRACTIONS}|{WORDS}|\p{{N}}{{1,3}}|{REST}"
SPLITS = {"qwen2": ONE_DIGIT, "deepseek-r1-qwen": ONE_DIGIT, "llama-bpe": THREE_DIGITS, "llama3": THREE_DIGITS}
COMPOSED = ("qwen2", "deepseek-r1-qwen")
"""Vocabularies learnt on text in Unicode's composed form (NFC)."""
DIGITS_FIRST = ("smollm",)
"""Vocabularies in which every digit is a token, learnt with GPT-2's split otherwise."""
GPT2 = ("default", "gpt-2")


@dataclass(frozen=True)
class GgufTokenizer:
    """`configuration`: keyword arguments of `PreTrainedTokenizerFast` beside the tokenizer itself."""

    tokenizer: Tokenizer
    configuration: dict[str, Any]
    bos_id: int | None
    pad_id: int | None
    eos_ids: tuple[int, ...]


def read_tokenizer(file: GgufFile) -> GgufTokenizer:
    """Raises ModelUnavailable when the file's kind of tokenizer is unknown: a near miss would garble every text."""
    facts = {key.split(".", 1)[1]: value for key, value in file.metadata.items() if key.startswith("tokenizer.")}
    try:
        tokens, kind = facts["ggml.tokens"], facts["ggml.model"]
    except KeyError as error:
        raise ModelUnavailable(f"The model file {file.path.name} holds no vocabulary; choose another one.") from error
    types = facts.get("ggml.token_type") or [1] * len(tokens)
    if kind == "gpt2":
        tokenizer = _byte_level(file, facts, tokens, types)
    elif kind == "llama":
        tokenizer = _sentencepiece(facts, tokens)
    else:
        raise _unknown(file, kind)
    _add_whole_tokens(tokenizer, tokens, types)
    special = {
        name: tokens[facts[f"ggml.{key}_token_id"]]
        for name, key in (
            ("bos_token", "bos"),
            ("eos_token", "eos"),
            ("unk_token", "unknown"),
            ("pad_token", "padding"),
        )
        if f"ggml.{key}_token_id" in facts
    }
    if facts.get("ggml.add_bos_token", kind == "llama") and "bos_token" in special:
        bos = special["bos_token"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, facts["ggml.bos_token_id"])]
        )
    return GgufTokenizer(
        tokenizer,
        {**special, "chat_template": facts.get("chat_template"), "clean_up_tokenization_spaces": False},
        facts.get("ggml.bos_token_id"),
        facts.get("ggml.padding_token_id"),
        _eos_ids(facts, tokens, types),
    )


def _unknown(file: GgufFile, kind: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The model in {file.path.name} cuts text into pieces in a way ({kind}) that is not known here. "
        "Choose another model."
    )


def _eos_ids(facts: dict[str, Any], tokens: list[str], types: list[int]) -> tuple[int, ...]:
    named = [facts[key] for key in ("ggml.eos_token_id", "ggml.eot_token_id") if key in facts]
    ids = {token: id for id, token in enumerate(tokens) if types[id] == CONTROL}
    return tuple(dict.fromkeys([*named, *(ids[name] for name in TURN_ENDS if name in ids)]))


def _byte_level(file: GgufFile, facts: dict[str, Any], tokens: list[str], types: list[int]) -> Tokenizer:
    pre = facts.get("ggml.pre", "default")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pre in DIGITS_FIRST + GPT2)
    if pre in SPLITS:
        first = pre_tokenizers.Split(Regex(SPLITS[pre]), behavior="isolated")
    elif pre in DIGITS_FIRST:
        first = pre_tokenizers.Digits(individual_digits=True)
    elif pre in GPT2:
        first = None
    else:
        raise _unknown(file, pre)
    vocabulary = {token: id for id, token in enumerate(tokens) if types[id] != UNUSED}
    merges = [tuple(merge.split(" ", 1)) for merge in facts["ggml.merges"]]
    # llama.cpp ignores merges here when a whole piece is a token; only Llama 3's own tokenizer does that.
    tokenizer = Tokenizer(BPE(vocabulary, merges, ignore_merges=pre in ("llama-bpe", "llama3")))
    tokenizer.pre_tokenizer = byte_level if first is None else pre_tokenizers.Sequence([first, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    if pre in COMPOSED:
        tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def _sentencepiece(facts: dict[str, Any], tokens: list[str]) -> Tokenizer:
    """Gemma and Llama 2: spaces are written as U+2581, bytes outside the vocabulary as <0xNN>."""
    # The file spells tokens that are nothing but spaces with real spaces.
    tokens = ["▁" * len(token) if token and not token.strip(" ") else token for token in tokens]
    vocabulary = {token: id for id, token in enumerate(tokens)}
    unknown = tokens[facts["ggml.unknown_token_id"]] if "ggml.unknown_token_id" in facts else None
    model = BPE(vocabulary, _merges(vocabulary), fuse_unk=True, byte_fallback=True, unk_token=unknown)
    tokenizer = Tokenizer(model)
    spaces = normalizers.Replace(" ", "▁")
    decoding = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if facts.get("ggml.add_space_prefix", True):
        spaces = normalizers.Sequence([normalizers.Prepend("▁"), spaces])
        decoding.append(decoders.Strip(" ", 1, 0))
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    tokenizer.normalizer = spaces
    tokenizer.decoder = decoders.Sequence(decoding)
    return tokenizer


def _merges(vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """Every cut of every token into two tokens, in the order of the vocabulary, which is the order of learning."""
    merges = []
    for token in vocabulary:
        cuts = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [pair for pair in cuts if pair[0] in vocabulary and pair[1] in vocabulary]
        merges += sorted(known, key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
    return merges


def _add_whole_tokens(tokenizer: Tokenizer, tokens: list[str], types: list[int]) -> None:
    known = tokenizer.get_vocab(with_added_tokens=False)
    whole = [(tokens[id], kind) for id, kind in enumerate(types) if kind in (CONTROL, USER_DEFINED)]
    whole = [(token, kind) for token, kind in whole if token in known]
    tokenizer.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t, kind in whole if kind == CONTROL]
    )
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t, kind in whole if kind == USER_DEFINED])
