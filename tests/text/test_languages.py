"""Which language a text is in: the script decides first, short texts may be unsure, nothing ever raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.text.languages import CODES, FREQUENT_WORDS, LANGUAGES, detect, language
from playground.text.scripts import script, scripts


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The weather is nice today and we want to go out.", "en"),
        ("Le temps est beau aujourd'hui et nous voulons sortir.", "fr"),
        ("Das Wetter ist heute schön und wir wollen hinausgehen.", "de"),
        ("El tiempo está bueno hoy y queremos salir.", "es"),
        ("Il tempo è bello oggi e vogliamo uscire.", "it"),
        ("O tempo está bom hoje e nós queremos sair.", "pt"),
        ("Het weer is vandaag mooi en we willen naar buiten.", "nl"),
        ("Pogoda jest dziś ładna i chcemy wyjść.", "pl"),
        ("Bugün hava güzel ve dışarı çıkmak istiyoruz.", "tr"),
        ("Vädret är fint idag och vi vill gå ut.", "sv"),
        ("Cuaca hari ini bagus dan kami ingin keluar.", "id"),
        ("Hôm nay thời tiết đẹp và chúng tôi muốn ra ngoài.", "vi"),
        ("Погода сегодня хорошая, и мы хотим погулять.", "ru"),
        ("Сьогодні гарна погода, і ми хочемо погуляти.", "uk"),
        ("今天天气很好，我们想出去走走。", "zh"),
        ("今天天氣很好，我們想出去走走。", "zh"),
        ("今日は天気がいいので、出かけたいです。", "ja"),
        ("オレンジジュース", "ja"),
        ("駅前広場", "ja"),
        ("오늘은 날씨가 좋다.", "ko"),
        ("الطقس جميل اليوم.", "ar"),
        ("आज मौसम अच्छा है।", "hi"),
        ("วันนี้อากาศดี", "th"),
        ("Ο καιρός είναι καλός σήμερα.", "el"),
        ("מזג האוויר יפה היום.", "he"),
        ("HELLO EVERYBODY, PLEASE COME IN", "en"),
    ],
)
def test_a_sentence_is_recognised_and_sure(text: str, code: str) -> None:
    guess = detect(text)
    assert guess.code == code and guess.sure


@pytest.mark.parametrize(
    ("text", "code"),
    [("hello", "en"), ("Hello handsome", "en"), ("Hola", "es"), ("Ciao!", "it"), ("Bonjour", "fr"), ("danke", "de"),
     ("你好", "zh"), ("안녕", "ko"), ("Привіт", "uk"), ("obrigado", "pt")],
)  # fmt: skip
def test_greetings_are_recognised(text: str, code: str) -> None:
    assert detect(text).code == code and detect(text).sure


@pytest.mark.parametrize("text", ["ok", "Taxi", "I", "SMS"])
def test_words_of_many_languages_are_unsure_and_offer_choices(text: str) -> None:
    guess = detect(text)
    assert not guess.sure and len(guess.ranked) == 3


@pytest.mark.parametrize(
    "text", ["", "  \n", "12 345,67 %", "https://example.org/le-chat-est-la", "{name} `du code`", "😀"]
)
def test_nothing_is_guessed_where_there_are_no_words(text: str) -> None:
    guess = detect(text)
    assert (guess.code, guess.probability, guess.sure) == ("", 0.0, False)


def test_a_script_of_no_offered_language_is_not_guessed() -> None:
    assert detect("ქართული ენა").code == ""


def test_addresses_and_code_do_not_decide() -> None:
    text = "`for i in range(3): print(i)` 请看这里 https://example.org/what-is-the-meaning-of-this"
    assert detect(text).code == "zh"


def test_a_text_in_two_languages_tells_both() -> None:
    parts = dict(detect("The weather is nice today. 今天天气很好，我们想出去走走。").parts)
    assert set(parts) == {"en", "zh"} and sum(parts.values()) == pytest.approx(1)
    assert detect("The weather is nice today. We want to go out.").parts == ()


def test_chinese_with_english_terms_is_chinese() -> None:
    assert detect("我用 Python 和 PyTorch 写了一个 playground").code == "zh"


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=40))
def test_chinese_characters_are_never_taken_for_korean(text: str) -> None:
    assert detect(text).code in ("zh", "ja")


def test_a_text_keeps_its_language_whatever_was_asked_about_before_it() -> None:
    texts = {"Hello handsome": "en", "谢谢你": "zh", "Guten Morgen": "de", "Buenos días": "es", "12:30": ""}
    alone = {text: detect(text) for text in texts}
    assert {text: guess.code for text, guess in alone.items()} == texts
    for text in [*reversed(texts), *texts]:
        assert detect(text) == alone[text]


@pytest.mark.parametrize("text", ["Please restart the computer", "Wo ist der Bahnhof", "今天天气很好"])
def test_a_dot_at_the_end_capitals_and_blanks_change_no_language(text: str) -> None:
    code = detect(text).code
    for written in (f"{text}.", f"{text}!", text.upper(), f"  {text}\n", f"{text}, 3 %", f"- {text} {{name}}"):
        assert detect(written).code == code and detect(written).sure


def test_the_guess_stays_among_the_codes_given() -> None:
    assert detect("The weather is nice today.", among=("de", "fr")).code in ("de", "fr")
    assert detect("今天天气很好", among=("de", "fr")).code == ""


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_a_guess_with_sound_probabilities(text: str) -> None:
    guess = detect(text)
    assert 0 <= guess.probability <= 1 + 1e-9
    assert guess.code in ("", *CODES)
    assert all(first[1] >= second[1] for first, second in zip(guess.ranked, guess.ranked[1:], strict=False))


def test_names_are_known_by_code_and_region() -> None:
    assert language("zh-CN").native == "中文" and language("PT_br").english == "Portuguese"
    assert language("fr").flores == "fra_Latn" and language("ja").spaced is False and language("ar").right_to_left
    with pytest.raises(InvalidInput, match="no language “xx”"):
        language("xx")


def test_every_language_is_listed_once_and_frequent_words_are_of_listed_ones() -> None:
    assert len(set(CODES)) == len(LANGUAGES) == len({one.flores for one in LANGUAGES})
    assert set(FREQUENT_WORDS) <= set(CODES)


def test_letters_know_their_script() -> None:
    assert [script(letter) for letter in "aé中々ひカｶーЖ한1 ９"] == [
        "Latn", "Latn", "Hani", "Hani", "Kana", "Kana", "Kana", "Kana", "Cyrl", "Hang", "", "", "",
    ]  # fmt: skip
    assert scripts("ab中") == {"Latn": 2, "Hani": 1}
