"""Text files of any age are read in the encoding that they were written in."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.text.encodings import decode

CHINESE = "今天天气很好，我们想出去走走。"


@pytest.mark.parametrize("times", [1, 8])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", CHINESE),
        ("big5", "今天天氣很好，我們想出去走走。"),
        ("shift_jis", "今日は天気がいいので、出かけたいです。"),
        ("euc_jp", "今日は天気がいいので、出かけたいです。"),
        ("euc_kr", "오늘은 날씨가 좋아서 밖에 나가고 싶다."),
        ("cp1251", "Погода сегодня хорошая, и мы хотим погулять."),
        ("koi8_r", "Погода сегодня хорошая, и мы хотим погулять."),
        ("cp1252", "Le temps est beau aujourd’hui et l’été à Orléans était très chaud."),
        ("latin-1", "Das schöne Mädchen trägt größere Schuhe."),
        ("utf-8", "été 中文 😀"),
        ("utf-16", CHINESE),
        ("utf-8-sig", CHINESE),
        ("utf-16-le", "Plain words without a mark."),
        ("utf-16-be", "Plain words without a mark."),
    ],
)
def test_the_encoding_is_found(encoding: str, text: str, times: int) -> None:
    assert decode((text * times).encode(encoding)).text == text * times


def test_what_a_page_declares_wins_over_the_guess_but_not_over_utf8() -> None:
    assert decode("naïve".encode("cp1252"), "iso-8859-1").text == "naïve"
    assert decode("été".encode(), "iso-8859-1").text == "été"
    assert decode(CHINESE.encode("gb18030"), "gb2312").text == CHINESE
    assert decode(CHINESE.encode("gb18030"), "no-such-encoding").text == CHINESE


def test_a_few_broken_bytes_do_not_make_utf8_another_encoding() -> None:
    data = (CHINESE * 5).encode()
    assert decode(data[:-1]).text.startswith(CHINESE) and decode(data[:-1]).encoding == "utf-8"
    assert decode(b"\xff" + data).text.endswith(CHINESE)


@pytest.mark.parametrize("data", [bytes(range(256)) * 4, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 3, b"\0" * 100])
def test_a_file_that_is_no_text_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a text"):
        decode(data)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80))
def test_utf8_is_always_read_as_such(text: str) -> None:
    assert decode(codecs.BOM_UTF8 + text.encode()).text == text
    assert decode(("." + text).encode()).text == "." + text


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except InvalidInput as error:
        assert str(error)
