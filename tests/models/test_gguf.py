from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from tokenizers.decoders import DecodeStream

from playground.errors import ModelUnavailable
from playground.models.gguf import GgufFile
from playground.models.gguf_architecture import configuration, weights
from playground.models.gguf_tokenizer import read_tokenizer
from tests.models.tiny_gguf import TinyModel, write_tiny_model

TRICKY = [
    "the The  the\t\n\n  the",
    "1234567890 3.14159 ²½",
    "你好，世界！ 今天天气怎么样？",
    "😀👩‍👩‍👧 🇫🇷 ﬁ",
    "def f(x):\n    return x**2\n",
    "   leading and trailing   ",
    "it's I'LL don't",
    "\r\n\x00\x7f",
    "",
]
SENTENCEPIECE = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "  "]
SENTENCEPIECE += ["▁", "t", "h", "e", "▁t", "he", "▁the", "你", "\n", "<turn>"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return write_tiny_model(tmp_path_factory.mktemp("gguf"), "llama")


def test_metadata_and_tensors_are_those_that_the_reference_reader_finds(tiny: TinyModel) -> None:
    ours, reference = GgufFile(tiny.file), GGUFReader(tiny.file)
    fields = {key: field.contents() for key, field in reference.fields.items() if not key.startswith("GGUF.")}
    assert ours.metadata == fields
    assert list(ours.tensors) == [tensor.name for tensor in reference.tensors]
    for tensor in reference.tensors:
        found = ours.tensors[tensor.name]
        assert found.shape == tuple(reversed(tensor.shape.tolist()))
        assert found.kind == tensor.tensor_type
        assert np.array_equal(found.data.reshape(-1), tensor.data.reshape(-1).view(np.uint8))


def test_every_tensor_has_the_name_and_values_of_the_original_network(tiny: TinyModel) -> None:
    expected = dict(tiny.reference.named_parameters())
    found = dict(weights(GgufFile(tiny.file)))
    assert set(found) == set(expected)
    for name, tensor in found.items():
        assert np.allclose(tensor.floats(), expected[name].numpy(), rtol=1e-5, atol=1e-6), name


def test_parts_of_a_tensor_join_to_the_whole(tiny: TinyModel) -> None:
    table = GgufFile(tiny.file).tensors["token_embd.weight"]
    parts = [part.floats() for part in table.parts(100)]
    assert [len(part) for part in parts] == [100, 100, 100, 20]
    assert np.array_equal(np.concatenate(parts), table.floats())


@pytest.mark.parametrize("cut", [0, 3, 20, 500, 5_000, -1])
def test_a_file_that_was_cut_off_anywhere_gets_a_sentence(tiny: TinyModel, tmp_path: Path, cut: int) -> None:
    part = tmp_path / "part.gguf"
    part.write_bytes(tiny.file.read_bytes()[:cut])
    with pytest.raises(ModelUnavailable, match=r"part\.gguf cannot be read.*download it again"):
        GgufFile(part)


def test_a_file_of_another_kind_gets_a_sentence(tmp_path: Path) -> None:
    other = tmp_path / "page.gguf"
    other.write_text("<html>not found</html>")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        GgufFile(other)


def test_a_network_of_unknown_kind_gets_a_sentence_that_lists_the_known_ones(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "mamba.gguf", "mamba")
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), np.float32), raw_dtype=GGMLQuantizationType.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelUnavailable, match=r"mamba.*llama, qwen2"):
        configuration(GgufFile(tmp_path / "mamba.gguf"))


def test_a_tensor_with_no_place_in_the_network_is_refused_rather_than_dropped(tiny: TinyModel) -> None:
    file = GgufFile(tiny.file)
    file.tensors["rope_freqs.weight"] = next(iter(file.tensors.values())).__class__(
        "rope_freqs.weight", (8,), GGMLQuantizationType.F32, np.zeros((1, 32), np.uint8)
    )
    with pytest.raises(ModelUnavailable, match="rope_freqs"):
        list(weights(file))


def test_the_tokenizer_gives_back_every_text(tiny: TinyModel) -> None:
    tokenizer = read_tokenizer(GgufFile(tiny.file)).tokenizer
    for text in TRICKY:
        ids = tokenizer.encode(text).ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == text
        stream = DecodeStream(skip_special_tokens=False)
        assert "".join(stream.step(tokenizer, id) or "" for id in ids) == text


def test_merges_special_tokens_and_filler_are_read_as_they_are_meant(tiny: TinyModel) -> None:
    read = read_tokenizer(GgufFile(tiny.file))
    encoding = read.tokenizer.encode("<|im_start|>the the<|im_end|>")
    assert encoding.tokens == ["<|im_start|>", "t", "he", "Ġthe", "<|im_end|>"]
    assert read.eos_ids == (2, 0)
    assert read.tokenizer.token_to_id("[PAD300]") is None


@pytest.mark.parametrize(("pre", "longest"), [("qwen2", 1), ("smollm", 1), ("llama-bpe", 3), ("gpt-2", 99)])
def test_digits_are_cut_as_the_vocabulary_was_learnt(tiny: TinyModel, pre: str, longest: int) -> None:
    file = GgufFile(tiny.file)
    file.metadata["tokenizer.ggml.pre"] = pre
    cut = read_tokenizer(file).tokenizer.pre_tokenizer.pre_tokenize_str("a1234567")
    digits = "1234567"
    assert [part for part, _ in cut] == ["a", *(digits[start : start + longest] for start in range(0, 7, longest))]


def test_an_unknown_way_of_cutting_text_is_refused_rather_than_guessed(tiny: TinyModel) -> None:
    file = GgufFile(tiny.file)
    file.metadata["tokenizer.ggml.pre"] = "tomorrow-bpe"
    with pytest.raises(ModelUnavailable, match="tomorrow-bpe"):
        read_tokenizer(file)


def test_a_sentencepiece_vocabulary_falls_back_to_bytes_and_begins_with_bos(tiny: TinyModel) -> None:
    file = GgufFile(tiny.file)
    control = {"<pad>", "<eos>", "<bos>", "<unk>", "<turn>"}
    file.metadata = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": SENTENCEPIECE,
        "tokenizer.ggml.token_type": [3 if t in control else 6 if t.startswith("<0x") else 1 for t in SENTENCEPIECE],
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 3,
        "tokenizer.ggml.add_space_prefix": False,
    }
    read = read_tokenizer(file)
    assert read.tokenizer.encode("the the").tokens == ["<bos>", "t", "he", "▁the"]
    assert read.tokenizer.encode("你😀").tokens == ["<bos>", "你", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]
    assert read.tokenizer.encode("t  h").tokens == ["<bos>", "t", "▁▁", "h"]
    for text in ("the the", "  the\n", "你好 😀", " e "):
        assert read.tokenizer.decode(read.tokenizer.encode(text).ids) == text
