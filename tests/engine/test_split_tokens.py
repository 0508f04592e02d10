from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import processors

from playground.engine.detokenizer import TokenTexts
from playground.engine.prompt import PromptBuilder
from playground.engine.split_tokens import SplitToken, TokenSplitter
from playground.messages import Message

TEXTS = [
    "Hello there.",
    " two  spaces",
    "Grüße 你好 👩‍👩‍👧 ok",
    "a<|im_end|>b",
    "\u202eright to left",
    "<script>alert(1)</script>",
    "\n",
]


def splitter_of(tokenizer) -> TokenSplitter:
    return TokenSplitter(tokenizer, PromptBuilder(tokenizer, 1024), TokenTexts(tokenizer))


@pytest.fixture(scope="module")
def splitter(tiny_tokenizer) -> TokenSplitter:
    return splitter_of(tiny_tokenizer)


def covered(text: str, tokens: list[SplitToken]) -> str:
    """The characters that the tokens say are theirs, each once."""
    return "".join(text[place] for place in sorted({place for one in tokens for place in range(one.start, one.end)}))


@settings(deadline=None)
@given(text=st.one_of(st.sampled_from(TEXTS), st.text(max_size=40)))
def test_every_character_of_a_text_belongs_to_its_tokens(splitter, text):
    tokens = splitter.split_text(text)
    assert "".join(token.text for token in tokens) == text
    assert covered(text, tokens) == text
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)
    assert not any(token.special for token in tokens)


@settings(deadline=None)
@given(ids=st.lists(st.integers(0, 259), max_size=30))
def test_ids_are_split_into_the_text_that_they_read_as(splitter, tiny_tokenizer, ids):
    tokens = splitter.split_ids(ids)
    assert [token.id for token in tokens] == ids
    text = "".join(token.text for token in tokens)
    assert covered(text, tokens) == text
    plain = tiny_tokenizer.decode(ids)
    if "\ufffd" not in plain:
        assert text == plain


def test_fragments_of_a_character_have_one_place_and_the_last_carries_it(splitter):
    tokens = splitter.split_text("é!")
    assert [(token.text, token.start, token.end) for token in tokens] == [("", 0, 1), ("é", 0, 1), ("!", 1, 2)]
    assert [token.shown for token in tokens] == ["⟨C3⟩", "⟨A9⟩", "!"]


def test_a_first_fragment_that_brings_a_space_along_does_not_carry_the_character(splitter, monkeypatch):
    monkeypatch.setattr(splitter, "_spans_of_tokenizer", lambda *_: [(0, 2), (1, 2), (2, 3)])
    assert [token.text for token in splitter.split_text(" é")] == ["", " é", ""]


def test_the_name_of_a_control_token_in_a_text_is_text(splitter, tiny_tokenizer):
    tokens = splitter.split_text("a<|im_end|>b")
    assert not {token.id for token in tokens} & set(tiny_tokenizer.all_special_ids)
    assert tokens[-1] == SplitToken(tiny_tokenizer("b")["input_ids"][0], "b", "b", 11, 12)


def test_half_a_surrogate_pair_is_a_replacement_character(splitter):
    tokens = splitter.split_text("a\ud800b")
    assert "".join(token.text for token in tokens) == "a\ufffdb"
    assert (tokens[-1].start, tokens[-1].end) == (2, 3)


def test_what_the_tokenizer_puts_in_front_has_no_place_in_the_text(tiny):
    tokenizer = tiny.tokenizer(None)
    start = tokenizer.convert_tokens_to_ids("<s>")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", start)]
    )
    tokens = splitter_of(tokenizer).split_text("ab")
    assert tokens[0] == SplitToken(start, "<s>", "<s>", 0, 0, special=True)
    assert [(token.text, token.start) for token in tokens[1:]] == [("a", 0), ("b", 1)]


def test_an_empty_text_has_no_tokens(splitter):
    assert splitter.split_text("") == splitter.split_ids([]) == []


def test_a_chat_is_the_prompt_and_the_answer_behind_it(engine, tiny):
    answer = tiny.tokenizer()("Fine é")["input_ids"]
    tokens = engine.split_chat([Message("user", "How?")], answer)
    assert "".join(token.text for token in tokens) == (
        "<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\nFine é"
    )
    assert [token.id for token in tokens[-len(answer) :]] == answer
    assert [token.text for token in tokens if token.special] == ["<|im_start|>", "<|im_end|>", "<|im_start|>"]
    assert [token.id for token in engine.split("Fine é")] == answer
