"""Whatever a model writes within the grammar stands in the text, and an answer that was cut short is read as far as it
goes."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from playground.messages import Token
from playground.tasks.extraction_grammar import can_copy, chosen, copied, read, repeats
from playground.text.places import TextPlaces

BYTES = LLTokenizer("byte")
TEXTS = (
    'The treasurer, Sam Okoro, said: "It is 1,840 pounds." That is more\nthan last year.\n\nRuth Ellison agreed.',
    "馆长王丽华主持会议，副馆长陈志强介绍了预算：今年共有经费12.5万元。",
    "🦋 Dr. Anke Wulff, Hafenstraße 7, 24103 Kiel \\ {x} 👩‍👧",
)


def walk(lark: str, chance: random.Random, *, most: int = 400) -> str:
    """A random answer in the form of a grammar; it prefers to go on, and may be cut short."""
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(lark), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    written = bytearray()
    while not matcher.is_stopped() and len(written) < most:
        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
        allowed = [int(one) for one in np.flatnonzero(bits) if one < 256]
        if not allowed:
            break
        token = chance.choice(allowed)
        assert matcher.consume_token(token)
        written.append(token)
    return written.decode("utf-8", "ignore")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TEXTS), st.booleans(), st.randoms(use_true_random=False))
def test_every_value_stands_in_the_text(text: str, names: bool, chance: random.Random) -> None:
    answer = walk(copied(text, 3, names=names), chance)
    places = TextPlaces(text)
    for value in read(answer):
        assert places.find(value.text).how in ("exact", "normalised"), (answer, value)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_every_choice_is_one_of_those_offered(options: list[str], chance: random.Random) -> None:
    answer = walk(chosen(options, 2), chance, most=4000)
    shown = {" ".join("".join(filter(str.isprintable, option)).split()) for option in options}
    assert {value.text for value in read(answer)} <= shown


@pytest.mark.parametrize("names", [True, False])
def test_a_text_can_say_nothing_of_it(names: bool) -> None:
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(copied(TEXTS[0], 3, names=names)), log_level=0)
    assert matcher.consume_tokens(list(b"[]"))


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("Sam Okoro", True),
        ("Ruth Ellison", True),
        ("Okoro", True),
        ("the", False),
        ("treasurer", False),
        ("1,840", False),
    ],
)
def test_names_begin_and_end_like_names(value: str, fits: bool) -> None:
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(copied(TEXTS[0], 1, names=True)), log_level=0)
    answer = json.dumps([value], ensure_ascii=False).encode()
    assert (matcher.validate_tokens(list(answer)) == len(answer)) is fits


def test_a_line_break_within_a_paragraph_is_a_blank_and_an_empty_line_ends_a_value() -> None:
    grammar = copied(TEXTS[0], 1)
    for value, fits in (("more than last year", True), ("year. Ruth", False)):
        matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(grammar), log_level=0)
        answer = json.dumps([value]).encode()
        assert (matcher.validate_tokens(list(answer)) == len(answer)) is fits, value


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.booleans(), st.randoms(use_true_random=False))
def test_no_answer_ends_in_a_place_from_where_nothing_leads_on(text: str, names: bool, chance: random.Random) -> None:
    if not can_copy(text, names=names):
        return
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(copied(text, 2, names=names)), log_level=0)
    for _ in range(200):
        if matcher.is_stopped():
            break
        bits = np.unpackbits(np.frombuffer(matcher.compute_bitmask(), np.uint8), bitorder="little")
        assert not matcher.is_error(), matcher.get_error()
        allowed = [int(one) for one in np.flatnonzero(bits) if one < 256]
        assert allowed or matcher.is_accepting()
        if not allowed:
            break
        matcher.consume_token(chance.choice(allowed))


def test_where_there_is_nothing_to_copy_nothing_is_asked() -> None:
    assert not can_copy("\n\n, (…)") and not can_copy("only small words", names=True)
    assert can_copy("Only", names=True) and can_copy("王", names=True) and can_copy("only small")


def test_an_answer_that_was_cut_short_is_read_as_far_as_it_goes() -> None:
    assert [value.text for value in read('["Sam Okoro", "Ruth El')] == ["Sam Okoro"]
    assert read("[") == ()
    assert [value.text for value in read('["a \\"b\\"","A \\"B\\"", "  "]')] == ['a "b"']


def test_going_round_in_circles_is_noticed() -> None:
    assert repeats('["Kiel", "Bergen", "kiel"')
    assert not repeats('["Kiel", "Bergen"]')


def test_a_value_is_as_sure_as_its_own_tokens() -> None:
    tokens = [
        Token(0, text, logprob)
        for text, logprob in (('["', 0.0), ("Sam", -0.5), ('", "', 0.0), ("Ruth", -2.0), ('"]', 0.0))
    ]
    first, second = read('["Sam", "Ruth"]', tokens)
    assert first.sure == pytest.approx(math.exp(-0.5))
    assert second.sure == pytest.approx(math.exp(-2.0))
