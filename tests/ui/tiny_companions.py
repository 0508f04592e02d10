"""Folders of tiny random models that stand beside the chat's: one that fills gaps, an encoder, two that translate.

They are opened as any folder that a person names. Words of SENTENCES are whole tokens or, the long ones, two pieces.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    MarianConfig,
    MarianMTModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

SENTENCE = "The small black cat sleeps on the old red chair."
TRANSLATION = "Le petit chat noir dort sur la vieille chaise rouge."
SENTENCES = (SENTENCE, TRANSLATION, "The capital of France is Paris .", "He sat on the bank of the river")
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIZES: dict[str, Any] = {
    "d_model": 48, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
}  # fmt: skip
START: dict[str, Any] = {"decoder_start_token_id": 0}


def bert_folder(folder: Path, *, masked: bool = True) -> Path:
    """A BERT of 3 layers with 4 heads and WordPiece; without `masked` an encoder that fills no gaps."""
    words = sorted({word for sentence in SENTENCES for word in sentence.lower().replace(".", " .").split()})
    # "suitcase" is in no sentence: it is made of pieces.
    table = {piece: index for index, piece in enumerate([*MARKS, *words, "suit", "##case", "trophy"])}
    backend = Tokenizer(models.WordPiece(table, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", table["[CLS]"]), ("[SEP]", table["[SEP]"])]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=backend, cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]", pad_token="[PAD]",
        unk_token="[UNK]",
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(table), hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=128, initializer_range=0.35, pad_token_id=0,
    )  # fmt: skip
    (BertForMaskedLM if masked else BertModel)(config).save_pretrained(folder)
    return folder


def marian_folder(folder: Path, *, languages: tuple[str, ...] = ()) -> Path:
    """A Marian of 2 and 2 layers with sentencepiece. `languages` (">>fra<<") are those that it can be told to write."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "text.txt"
    text.write_text("\n".join(SENTENCES * 20), "utf-8")
    for side in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(folder / side), vocab_size=90, hard_vocab_limit=False,
            minloglevel=2, num_threads=1,
        )  # fmt: skip
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
        (folder / f"{side}.vocab").unlink()
    text.unlink()
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    table = {"</s>": 0, "<unk>": 1} | {
        piece: index for index, piece in enumerate((p for p in pieces if p not in ("<s>", "</s>", "<unk>")), 2)
    }
    for name in (*languages, "<pad>"):
        table[name] = len(table)
    (folder / "vocab.json").write_text(json.dumps(table), "utf-8")
    settings = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "fr"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    torch.manual_seed(5)
    pad = table["<pad>"]
    config = MarianConfig(
        vocab_size=len(table), max_position_embeddings=64, init_std=0.4, pad_token_id=pad, eos_token_id=0,
        decoder_start_token_id=pad, forced_eos_token_id=None, **SIZES,
    )  # fmt: skip
    MarianMTModel(config).save_pretrained(folder)
    return folder


def t5_folder(folder: Path) -> Path:
    """A T5 of 2 and 2 layers, whose scores have a bias for the distance."""
    letters = sorted({sign for sentence in SENTENCES for sign in f"\u2581{sentence.replace(' ', chr(0x2581))}"})
    words = sorted({f"\u2581{word}" for sentence in SENTENCES for word in sentence.split()})
    names = ["<pad>", "</s>", "<unk>"]
    scores = [(name, 0.0) for name in names] + [(piece, -2.0 - len(piece) / 10) for piece in [*words, *letters]]
    backend = Tokenizer(models.Unigram(scores, unk_id=2))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = T5Config(
        vocab_size=len(scores), d_model=48, d_kv=12, d_ff=64, num_layers=2, num_heads=4, initializer_factor=4.0,
        pad_token_id=0, eos_token_id=1, **START,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder
