"""What a summary says is traced to the sentences that say it, and what no sentence says is flagged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.tasks.grounding import Source
from playground.tasks.summary_flags import SourceFacts

SOURCE = (
    "Scotland's health minister Jane Fairweather said on 3 March 2021 that 1,234,567 people had been vaccinated. "
    "The National Health Service hired 40 nurses in Glasgow. "
    "“We will not rest until everybody is safe,” she told the BBC. "
    "Sales of masks fell by 12.5% to £3.4m."
)


def flags(summary: str, source: str = SOURCE) -> list[tuple[str, str]]:
    return [(flag.kind, flag.text) for flag in SourceFacts(source).invented(summary)]


@pytest.mark.parametrize(
    "summary",
    [
        "The NHS hired 40 nurses in Glasgow.",
        "Jane Fairweather, the Scottish minister, spoke in March 2021.",
        "About 1.2 million people have been vaccinated.",
        "More than 1,230,000 people were vaccinated.",
        "Mask sales fell by 12.5 % to 3,400,000 pounds.",
        "Two things happened: nurses were hired and sales fell.",
        "Nurses In Glasgow Were Hired By The Health Service Says Minister",
        "Officials say that everybody should be safe.",
    ],
)
def test_what_the_source_says_in_other_words_is_no_invention(summary: str) -> None:
    assert flags(summary) == []


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("The service hired 50 nurses.", [("number", "50")]),
        ("Minister John Miller spoke.", [("name", "John Miller")]),
        ("John Miller spoke.", [("name", "John Miller")]),
        ("She spoke in April.", [("date", "April")]),
        ("She spoke in 1999.", [("date", "1999")]),
        ("She spoke on 7 March.", [("date", "7")]),
        ("Nurses were hired in Paris.", [("name", "Paris")]),
        ("It fell on Tuesday.", [("date", "Tuesday")]),
    ],
)
def test_numbers_names_and_dates_from_elsewhere_are_flagged(summary: str, expected: list[tuple[str, str]]) -> None:
    assert flags(summary) == expected


def test_flags_point_at_their_characters() -> None:
    summary = "😀 In Paris 50 nurses met Herbert Quain."
    for flag in SourceFacts(SOURCE).invented(summary):
        assert summary[flag.start : flag.end] == flag.text


def test_chinese_names_and_numbers_are_compared_too() -> None:
    source = "李敏教授说，图书馆去年新招了十二名工作人员。唐纳德·特朗普没有到场。"
    assert flags("李敏教授说，图书馆新招了12名工作人员。", source) == []
    found = flags("王刚教授说，图书馆新招了25名工作人员，约翰·史密斯到场。", source)
    assert found == [("name", "王刚"), ("number", "25"), ("name", "约翰·史密斯")]


def test_german_nouns_are_not_taken_for_names() -> None:
    source = "Die Stadt baut eine Schule. Im Frühjahr beginnen die Arbeiten."
    grounding = Source(source, "de").ground("Die Gemeinde errichtet ein Gebäude für Kinder.")
    assert grounding.flags == ()


def test_names_in_another_language_are_not_compared() -> None:
    assert Source(SOURCE, "en").ground("Des infirmières ont été embauchées à Édimbourg.", "fr").flags == ()


def test_every_sentence_of_the_summary_is_traced_to_its_sentences() -> None:
    source = Source(SOURCE)
    grounding = source.ground("40 nurses were hired in Glasgow. Sales of masks fell.")
    assert [one.text for one in grounding.sentences] == ["40 nurses were hired in Glasgow.", "Sales of masks fell."]
    best = [one.evidence[0] for one in grounding.sentences]
    assert [evidence.text for evidence in best] == [
        "The National Health Service hired 40 nurses in Glasgow.",
        "Sales of masks fell by 12.5% to £3.4m.",
    ]
    assert all(SOURCE[evidence.start : evidence.end] == evidence.text for evidence in best)


def test_a_sentence_of_two_sentences_has_both_as_evidence() -> None:
    grounding = Source(SOURCE).ground("Forty nurses were hired in Glasgow while sales of masks fell by 12.5%.")
    assert len(grounding.sentences[0].evidence) == 2


def test_what_nothing_carries_has_no_evidence_and_no_support() -> None:
    sentence = Source(SOURCE).ground("Whales sing under polar ice.").sentences[0]
    assert (sentence.evidence, sentence.support) == ((), 0.0)


def test_words_tied_to_other_things_have_less_support_than_the_source_s_own_order() -> None:
    source = Source(
        "In order to preserve a pastime that requires vast open space, the club has managed to protect a patchwork of "
        "land that is larger than Manhattan."
    )
    faithful = source.ground("The club has managed to protect a patchwork of land.")
    twisted = source.ground("The pastime has managed to protect a club larger than Manhattan.")
    assert twisted.support < faithful.support <= 1.0


def test_a_quote_is_found_whatever_its_quotation_marks_blanks_and_case() -> None:
    found = Source(SOURCE).quote('"we will not rest  until everybody is SAFE"')
    assert found is not None and found.text == "We will not rest until everybody is safe"


def test_a_quote_that_is_not_there_becomes_the_nearest_sentence_or_nothing() -> None:
    source = Source(SOURCE)
    near = source.quote("The Health Service hired forty nurses in Glasgow")
    assert near is not None and near.text == "The National Health Service hired 40 nurses in Glasgow."
    assert source.quote("Whales sing under the polar ice.") is None


@settings(max_examples=60, deadline=None)
@given(
    source=st.text(alphabet="abcABC 12.,\n“”'é中文。ßİ-", max_size=200),
    summary=st.text(alphabet="abcABC 12.,\n“”'é中文。ßİ-", max_size=120),
)
def test_any_two_texts_can_be_compared_and_all_offsets_hold(source: str, summary: str) -> None:
    made = Source(source)
    grounding = made.ground(summary)
    for sentence in grounding.sentences:
        assert 0 <= sentence.support <= 1.0 + 1e-9
        assert all(source[one.start : one.end] == one.text for one in sentence.evidence)
    for flag in grounding.flags:
        assert summary[flag.start : flag.end] == flag.text
    quote = made.quote(summary)
    assert quote is None or source[quote.start : quote.end] == quote.text
