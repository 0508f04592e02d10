"""Parts laid end to end are the text, rounds shrink, and what was read is counted right."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import PromptTooLong
from playground.tasks.summary_plan import (
    LEAST_PART_TOKENS,
    NOTE_TOKENS,
    Effort,
    SpeedBook,
    TokenMap,
    cut_parts,
    rounds_for,
    sizes,
)
from playground.tasks.summary_tree import Node, coverage, fit, group, join_spans

TEXTS = st.text(alphabet="ab é中。.!?\n-*😀", max_size=600)


def letters(text: str) -> list[int]:
    """Every character is a token."""
    return list(range(len(text)))


def words(text: str) -> int:
    return len(re.findall(r"\S+", text))


@settings(max_examples=80, deadline=None)
@given(text=TEXTS, budget=st.integers(1, 60))
def test_parts_laid_end_to_end_are_the_text_and_none_is_too_long(text: str, budget: int) -> None:
    tokens = TokenMap(text, letters)
    parts = cut_parts(text, tokens, budget)
    assert "".join(text[part.start : part.end] for part in parts) == text
    assert all(part.tokens == part.end - part.start <= budget for part in parts)


def test_a_text_is_rather_cut_between_paragraphs_than_within() -> None:
    paragraphs = [f"{letter * 20}. {letter * 18}.\n\n" for letter in "abcdef"]
    text = "".join(paragraphs)
    parts = cut_parts(text, TokenMap(text, letters), 90)
    assert [text[part.start : part.end] for part in parts] == ["".join(paragraphs[i : i + 2]) for i in (0, 2, 4)]


def test_a_long_text_is_counted_in_blocks_and_places_hold() -> None:
    text = ("The mill stood by the river. " * 40 + "\n") * 60
    tokens = TokenMap(text, lambda block: [match.start() for match in re.finditer(r"\S+", block)])
    assert tokens.count(0, len(text)) == words(text)
    end = tokens.end_of(0, 6)
    assert end is not None and text[end : end + 3] == "The"


@settings(max_examples=80, deadline=None)
@given(lengths=st.lists(st.integers(0, 50), min_size=1, max_size=80), budget=st.integers(1, 120))
def test_every_round_leaves_at_most_half_of_the_nodes_rounded_up(lengths: list[int], budget: int) -> None:
    nodes = [Node("a " * length, ((index, index + 1),)) for index, length in enumerate(lengths)]
    groups = group(nodes, words, budget)
    assert [node for members in groups for node in members] == nodes
    assert len(groups) <= (len(nodes) + 1) // 2


@settings(max_examples=80, deadline=None)
@given(text=TEXTS, most=st.integers(1, 200))
def test_a_fitted_text_fits_and_says_when_something_is_missing(text: str, most: int) -> None:
    fitting, shortened = fit(text, len, most)
    assert len(fitting) <= most
    assert shortened == (fitting != text)
    assert not shortened or text.startswith(fitting.removesuffix("…"))


def test_a_text_that_is_too_long_ends_after_a_sentence() -> None:
    assert fit("One two three. Four five six.", words, 4) == ("One two three.", True)


def test_coverage_joins_what_was_read_and_names_the_rest() -> None:
    leaves = [Node("a", ((0, 10),), read=((0, 10),)), Node("b", ((10, 20),)), Node("c", ((20, 30),), read=((20, 30),))]
    found = coverage(30, [Node("d", ((0, 30),), tuple(leaves))])
    assert (found.read, found.unread) == (((0, 10), (20, 30)), ((10, 20),))
    assert found.share == pytest.approx(2 / 3)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=20))
def test_joined_spans_hold_the_same_characters(pairs: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in pairs]
    joined = join_spans(spans)
    assert {place for span in joined for place in range(*span)} == {place for span in spans for place in range(*span)}
    assert all(one[1] < other[0] for one, other in itertools.pairwise(joined))


@given(parts=st.integers(2, 10_000), context_length=st.integers(700, 200_000))
def test_the_planned_rounds_end(parts: int, context_length: int) -> None:
    found = sizes(context_length, 500_000_000, 100)
    rounds, requests = rounds_for(parts, found)
    assert found.whole >= found.part >= LEAST_PART_TOKENS
    assert requests >= parts and rounds <= 14
    assert rounds > 0 or parts * NOTE_TOKENS <= found.whole


def test_a_window_too_small_for_a_summary_gets_a_sentence() -> None:
    with pytest.raises(PromptTooLong, match="Choose another model"):
        sizes(400, None, 200)


def test_larger_models_read_larger_parts() -> None:
    small, middle, large = (sizes(100_000, count, 100).part for count in (10**8, 2 * 10**9, 7 * 10**9))
    assert small < middle < large


def test_the_estimate_follows_what_was_measured() -> None:
    book = SpeedBook()
    guessed = book.seconds("one", 500_000_000, 1_000, 100, 8)
    book.learn("one", 500_000_000, 1_000, 100, 8, 10 * guessed)
    assert book.seconds("one", 500_000_000, 1_000, 100, 8) == pytest.approx(10 * guessed)
    assert book.seconds("another", 500_000_000, 1_000, 100, 8) == pytest.approx(guessed)


def test_parts_that_are_half_done_count_before_the_first_is_done() -> None:
    effort = Effort(8, guess_s=1_000_000.0, reading=0.5)
    for index in range(8):
        effort.read(index, 1.0)
    assert effort.share == pytest.approx(0.5)
    guided = Effort(8, guess_s=80.0, reading=0.5)
    for index in range(8):
        guided.read(index, 1.0)
    assert guided.remaining_s(40.0) == pytest.approx(40.0)


def test_before_anything_is_done_the_guess_is_what_is_left() -> None:
    assert Effort(12, guess_s=90.0, reading=0.5).remaining_s(0.0) == pytest.approx(90.0)


def test_what_it_took_outweighs_a_wrong_guess_more_and_more() -> None:
    effort, left = Effort(10, guess_s=10.0, reading=0.5), []
    for index in range(10):  # it takes ten times as long as guessed
        effort.end(index)
        left.append(effort.remaining_s(10.0 * (index + 1)) / max(1e-9, 100.0 - 10.0 * (index + 1)))
    assert left[0] < left[4] < left[8] < 1.0 and left[8] > 0.85
    assert effort.remaining_s(100.0) == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["read", "wrote", "end"]), st.floats(0, 3)), max_size=40))
def test_work_never_goes_backwards(steps: list[tuple[int, str, float]]) -> None:
    effort, before = Effort(6, guess_s=30.0, reading=0.4), 0.0
    for index, what, share in steps:
        effort.end(index) if what == "end" else getattr(effort, what)(index, share)
        assert before <= effort.share <= 1.0
        assert 0 <= effort.remaining_s(5.0) < 250
        before = effort.share
