from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from playground.engine.detokenizer import Detokenizer, TokenTexts
from playground.messages import Token


@pytest.fixture(scope="module")
def sentencepiece() -> PreTrainedTokenizerFast:
    """Words with a leading ▁, bytes as a way out, the first space of a text dropped, as Llama 2 and Gemma do."""
    vocabulary = {"<unk>": 0, **{f"<0x{byte:02X}>": byte + 1 for byte in range(256)}}
    for word in ["▁", "▁the", "▁cat", "s", ".", "▁sat", "t", "h", "e", "c", "a", "▁t", "▁c"]:
        vocabulary[word] = len(vocabulary)
    merges = [("▁", "t"), ("▁", "c")]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens([AddedToken("<s>", special=True)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>")


def stream(tokenizer, ids: list[int], **options) -> tuple[list[Token], Detokenizer]:
    detokenizer = Detokenizer(tokenizer, **options)
    shown = [token for token_id in ids for token in detokenizer.push(Token(token_id, ""))]
    return [*shown, *detokenizer.flush()], detokenizer


def joined(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def encode(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
@example("中文🙂 naïve\r\n\t\u200d👩‍👩‍👧 \ufffd end")
@example("\ufffd" * 20)
def test_the_pieces_joined_are_the_text(tiny_tokenizer, text):
    text = text.encode("utf-8", "replace").decode()
    ids = encode(tiny_tokenizer, text)
    tokens, _ = stream(tiny_tokenizer, ids)
    assert joined(tokens) == tiny_tokenizer.decode(ids) == text
    assert [token.id for token in tokens] == ids


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 259), max_size=80))
def test_any_bytes_give_what_decoding_all_at_once_gives(tiny_tokenizer, ids):
    tokens, _ = stream(tiny_tokenizer, ids)
    assert joined(tokens) == tiny_tokenizer.decode(ids, skip_special_tokens=True)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="the cats.中🙂", max_size=40))
def test_words_with_leading_spaces_come_out_right(sentencepiece, text):
    ids = encode(sentencepiece, text)
    tokens, _ = stream(sentencepiece, ids)
    assert joined(tokens) == sentencepiece.decode(ids)


def test_half_a_character_is_never_shown(tiny_tokenizer):
    text, seen = "a中🙂é", ""
    detokenizer = Detokenizer(tiny_tokenizer)
    for token_id in encode(tiny_tokenizer, text):
        seen += joined(list(detokenizer.push(Token(token_id, ""))))
        assert text.startswith(seen)
    assert seen == text


def test_an_incomplete_character_shows_at_the_end(tiny_tokenizer):
    tokens, _ = stream(tiny_tokenizer, encode(tiny_tokenizer, "ok 中")[:-1])
    assert joined(tokens) == "ok \ufffd"


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="a 中🙂é", max_size=12), st.data())
def test_an_answer_cut_anywhere_and_continued_loses_nothing(tiny_tokenizer, sentencepiece, text, data):
    for tokenizer in (tiny_tokenizer, sentencepiece):
        ids = encode(tokenizer, text)
        cut = data.draw(st.integers(0, len(ids)))
        detokenizer = Detokenizer(tokenizer)
        first = [token for token_id in ids[:cut] for token in detokenizer.push(Token(token_id, ""))]
        first += detokenizer.flush(show_incomplete=False)
        second, _ = stream(tokenizer, ids[cut:], prefix_ids=ids[:cut])
        assert [token.id for token in first] == ids[:cut]
        assert joined(first) + joined(second) == tokenizer.decode(ids)


def test_every_token_carries_its_share(tiny_tokenizer):
    tokens, _ = stream(tiny_tokenizer, encode(tiny_tokenizer, "a中b"))
    assert [token.text for token in tokens] == ["a", "", "", "中", "b"]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_continued_answer_keeps_the_space_of_its_first_word(sentencepiece, cut):
    ids = [sentencepiece.convert_tokens_to_ids(word) for word in ["▁the", "▁cat", "s", "▁sat", "."]]
    tokens, _ = stream(sentencepiece, ids[cut:], prefix_ids=ids[:cut])
    assert sentencepiece.decode(ids[:cut]) + joined(tokens) == sentencepiece.decode(ids)


def test_special_tokens_are_not_text_and_do_not_eat_a_space(sentencepiece):
    the, cat = (sentencepiece.convert_tokens_to_ids(word) for word in ["▁the", "▁cat"])
    tokens, _ = stream(sentencepiece, [the, *[sentencepiece.bos_token_id] * 20, cat])
    assert joined(tokens) == "the cat"


def test_the_start_is_stripped_only_where_the_format_asks(tiny_tokenizer):
    ids = encode(tiny_tokenizer, " \n hi there ")
    assert joined(stream(tiny_tokenizer, ids, strip_start=True)[0]) == "hi there "
    assert joined(stream(tiny_tokenizer, ids, strip_start=True, prefix_ids=[1])[0]) == " \n hi there "


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab中", max_size=25), st.lists(st.text(alphabet="ab中", max_size=4), max_size=3))
@example("aaab", ["aab"])
@example("xab", ["ab", "b"])
def test_no_part_of_a_stop_string_is_ever_shown(tiny_tokenizer, text, stop):
    detokenizer, seen = Detokenizer(tiny_tokenizer, stop=stop), ""
    stop = [string for string in stop if string]
    end = min((text.index(string) + len(string) for string in stop if string in text), default=len(text))
    expected = text[: min((text.index(string) for string in stop if string in text[:end]), default=end)]
    for token_id in encode(tiny_tokenizer, text):
        seen += joined(list(detokenizer.push(Token(token_id, ""))))
        assert expected.startswith(seen)
    seen += joined(list(detokenizer.flush()))
    assert seen == expected
    assert detokenizer.stopped == any(string in text for string in stop)


def test_a_stop_string_inside_a_token_cuts_the_token(sentencepiece):
    ids = [sentencepiece.convert_tokens_to_ids(word) for word in ["▁the", "▁cat", "s"]]
    tokens, detokenizer = stream(sentencepiece, ids, stop=["at"])
    assert detokenizer.stopped and [token.text for token in tokens] == ["the", " c"]


def test_long_replies_cost_no_more_per_token(tiny_tokenizer):
    ids = random.Random(0).choices(range(256), k=4000)

    def spent(count: int) -> float:
        start = time.process_time()
        stream(tiny_tokenizer, ids[:count])
        return time.process_time() - start

    spent(500)
    assert spent(4000) < 8 * 4 * max(spent(500), 0.005)


def test_single_tokens_read_as_text_or_as_bytes(tiny_tokenizer, sentencepiece):
    texts = TokenTexts(tiny_tokenizer)
    assert [texts[token_id] for token_id in encode(tiny_tokenizer, "a 中")] == ["a", " ", "⟨E4⟩", "⟨B8⟩", "⟨AD⟩"]
    assert texts[tiny_tokenizer.convert_tokens_to_ids("<|im_end|>")] == "<|im_end|>"
    assert texts[10**6] == ""
    texts = TokenTexts(sentencepiece)
    assert texts[sentencepiece.convert_tokens_to_ids("▁cat")] == " cat"
    assert texts[sentencepiece.convert_tokens_to_ids("<0xE4>")] == "⟨E4⟩"
