"""Folders of tiny random companion models, as they would come from the Hub, with tokenizers trained on a few lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedModel

from playground.models.catalog import ModelSpec, find
from playground.models.companion_models import LoadedCompanion
from playground.models.loader import load_companion

LINES = [
    "The cat sat on the mat; the cat slept well.",
    "Die Katze saß auf der Matte; die Katze schlief gut.",
    "Hello world, this is a small test of tokens and words!",
    "L'été à Noël, 北京 的 天气 很 好。 1,234.5 % of <b>it</b>",
]
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.4,
}
PAIR_SIZES: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 64,
    "init_std": 0.4,
}
NLLB_CODES = ["eng_Latn", "deu_Latn", "fra_Latn"]


def _word_pieces(folder: Path) -> int:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = transformers.BertTokenizer(vocab={name: index for index, name in enumerate(special)})
    backend = words.backend_tokenizer
    trainer = trainers.WordPieceTrainer(vocab_size=130, special_tokens=special, continuing_subword_prefix="##")
    backend.train_from_iterator(LINES, trainer)
    transformers.BertTokenizer(vocab=backend.get_vocab(), model_max_length=64).save_pretrained(folder)
    return backend.get_vocab_size()


def _byte_pairs(folder: Path) -> int:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    backend.train_from_iterator(LINES, trainer)
    facts = json.loads(backend.to_str())["model"]
    merges = [tuple(pair) for pair in facts["merges"]]
    tokenizer = transformers.RobertaTokenizer(vocab=facts["vocab"], merges=merges, model_max_length=64)
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def _sentence_pieces(folder: Path, name: str) -> list[str]:
    (folder / "lines.txt").write_text("\n".join(LINES * 20), "utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "lines.txt"), model_prefix=str(folder / name), vocab_size=110, hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    (folder / "lines.txt").unlink()
    (folder / f"{name}.model").rename(folder / f"{name}.spm")
    (folder / f"{name}.vocab").unlink()
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{name}.spm"))
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]


def _marian_pieces(folder: Path, codes: tuple[str, ...]) -> int:
    pieces = [*_sentence_pieces(folder, "source"), *_sentence_pieces(folder, "target")]
    names = list(dict.fromkeys(["</s>", "<unk>", *codes, *pieces, "<pad>"]))
    (folder / "vocab.json").write_text(json.dumps({name: index for index, name in enumerate(names)}), "utf-8")
    facts = {"tokenizer_class": "MarianTokenizer", "model_max_length": 64, "source_lang": "en", "target_lang": "de"}
    (folder / "tokenizer_config.json").write_text(json.dumps(facts), "utf-8")
    return len(names)


def _unigrams(folder: Path) -> int:
    special = ["<pad>", "</s>", "<unk>"]
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=110, special_tokens=special, unk_token="<unk>")
    backend.train_from_iterator(LINES, trainer)
    vocabulary = [(token, score) for token, score in json.loads(backend.to_str())["model"]["vocab"]]
    tokenizer = transformers.T5Tokenizer(vocab=vocabulary, extra_ids=0, model_max_length=64)
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def _nllb_pairs(folder: Path) -> int:
    backend = Tokenizer(models.BPE(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=140, special_tokens=["<s>", "<pad>", "</s>", "<unk>"])
    backend.train_from_iterator(LINES, trainer)
    facts = json.loads(backend.to_str())["model"]
    merges = [tuple(pair) for pair in facts["merges"]]
    tokenizer = transformers.NllbTokenizer(
        vocab=facts["vocab"], merges=merges, additional_special_tokens=NLLB_CODES, src_lang="eng_Latn",
        model_max_length=64,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def _encoder(config: str, model: str, tokenizer: Callable[[Path], int], **changes: Any) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        sizes = {**SIZES, **changes, "vocab_size": tokenizer(folder)}
        _save(getattr(transformers, model)(getattr(transformers, config)(**sizes)), folder)

    return build


def _save(model: PreTrainedModel, folder: Path) -> None:
    model.eval().save_pretrained(folder)


def _marian(*codes: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        count = _marian_pieces(folder, codes)
        config = transformers.MarianConfig(
            **PAIR_SIZES, vocab_size=count, pad_token_id=count - 1, eos_token_id=0, bos_token_id=None,
            decoder_start_token_id=count - 1, forced_eos_token_id=None, num_beams=4, bad_words_ids=[[count - 1]],
        )  # fmt: skip
        _save(transformers.MarianMTModel(config), folder)

    return build


def _t5(folder: Path) -> None:
    config = transformers.T5Config(
        vocab_size=_unigrams(folder), d_model=32, d_kv=8, d_ff=48, num_layers=3, num_decoder_layers=2, num_heads=4,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, initializer_factor=1.5,
    )  # fmt: skip
    _save(transformers.T5ForConditionalGeneration(config), folder)


def _nllb(folder: Path) -> None:
    config = transformers.M2M100Config(
        **PAIR_SIZES, vocab_size=_nllb_pairs(folder), pad_token_id=1, bos_token_id=0, eos_token_id=2,
        decoder_start_token_id=2, encoder_layerdrop=0.0, decoder_layerdrop=0.0,
    )  # fmt: skip
    _save(transformers.M2M100ForConditionalGeneration(config), folder)


DISTIL = {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "num_labels": 3}
ROBERTA = {"max_position_embeddings": 66, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
MODERN = {
    "pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3,
    "local_attention": 8, "global_attn_every_n_layers": 2,
}  # fmt: skip
FAMILIES: dict[str, Callable[[Path], None]] = {
    "bert": _encoder("BertConfig", "BertForMaskedLM", _word_pieces),
    "minilm": _encoder("BertConfig", "BertModel", _word_pieces),
    "roberta": _encoder("RobertaConfig", "RobertaForMaskedLM", _byte_pairs, **ROBERTA),
    "distilbert": _encoder("DistilBertConfig", "DistilBertForSequenceClassification", _word_pieces, **DISTIL),
    "modernbert": _encoder("ModernBertConfig", "ModernBertForMaskedLM", _word_pieces, **MODERN),
    "mpnet": _encoder("MPNetConfig", "MPNetForMaskedLM", _word_pieces),
    "marian": _marian(),
    "marian-many": _marian(">>deu<<", ">>fra<<"),
    "t5": _t5,
    "nllb": _nllb,
}
ENCODERS = ("bert", "minilm", "roberta", "distilbert", "modernbert")
MASKED = ("bert", "roberta", "modernbert")
TRANSLATORS = ("marian", "t5", "nllb")


def build_folder(family: str, parent: Path) -> ModelSpec:
    """A new folder of a tiny model in `parent`, the same weights at every call."""
    folder = parent / family
    folder.mkdir(parents=True)
    torch.manual_seed(3)
    FAMILIES[family](folder)
    return find(str(folder))


def load_folder(
    spec: ModelSpec, report: Callable[..., None] = print, cancelled: Callable[[], bool] = lambda: False
) -> LoadedCompanion:
    """A loader as `Companions` wants it, for folders."""
    assert spec.folder is not None
    return load_companion(spec, spec.folder)
