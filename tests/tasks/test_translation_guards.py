"""What is seen to be wrong with a translation, and what is cleaned away before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.tasks.translation_guards import (
    LETTERS_PER_ENGLISH,
    OWN_LETTERS,
    Problem,
    badness,
    expected_length,
    has_loop,
    is_over,
    problems,
    tidy,
)
from playground.text.languages import LANGUAGES

SENTENCE = "The library is open every day except Sunday."


@pytest.mark.parametrize(
    "answer",
    [
        "Die Bibliothek ist täglich geöffnet.",
        "Here is the translation: Die Bibliothek ist täglich geöffnet.",
        "Sure! Here's the German version: Die Bibliothek ist täglich geöffnet.",
        'Translation: "Die Bibliothek ist täglich geöffnet."',
        "„Die Bibliothek ist täglich geöffnet.“",
        "Die Bibliothek ist täglich geöffnet.\n\nNote: I kept the tone formal.",
        "Die Bibliothek ist täglich geöffnet. (Note: formal tone)",
        "  Die Bibliothek ist täglich geöffnet.\nThe library is open.",
        "German: Die Bibliothek ist täglich geöffnet.",
        "Deutsch: „Die Bibliothek ist täglich geöffnet.“",
        "The German translation is: Die Bibliothek ist täglich geöffnet.",
        "Here are a few options:\n\n1. Die Bibliothek ist täglich geöffnet.\n2. Die Bücherei hat täglich auf.",
        "Here are some options:\n\n**Option 1 (Formal):** Die Bibliothek ist täglich geöffnet.",
        "- **Formal:** Die Bibliothek ist täglich geöffnet.\n- **Informal:** Die Bücherei hat täglich auf.",
        "**Die Bibliothek ist täglich geöffnet.**",
        "```text\nDie Bibliothek ist täglich geöffnet.\n```",
        "<t>Die Bibliothek ist täglich geöffnet.</t>",
        "<translation>\nDie Bibliothek ist täglich geöffnet.\n</translation>",
        "<think>\nThe user wants German.\n</think>\n\nDie Bibliothek ist täglich geöffnet.",
        "Die Bibliothek ist täglich geöffnet.<|im_end|>",
        f"{SENTENCE}\nDie Bibliothek ist täglich geöffnet.",
        f"English: {SENTENCE}\nGerman: Die Bibliothek ist täglich geöffnet.",
        f"{SENTENCE} -> Die Bibliothek ist täglich geöffnet.",
        "Die Bibliothek ist täglich geöffnet. (The library is open daily.)",
        'The English text translates to German as:\n\n"Die Bibliothek ist täglich geöffnet."\n\nIt is',
        f'The English sentence "{SENTENCE}" translates to German as "Die Bibliothek ist täglich geöffnet."',
    ],
)
def test_only_the_translation_is_left_of_an_answer(answer: str) -> None:
    assert tidy(answer, SENTENCE) == "Die Bibliothek ist täglich geöffnet."


def test_an_answer_is_over_when_a_paragraph_has_ended_that_introduces_nothing() -> None:
    growing = "\nThe text translates as:\n\nDie Bibliothek ist offen.\n\nN"
    over = [length for length in range(len(growing) + 1) if is_over(growing[:length])]
    assert over == [len(growing) - 1, len(growing)]
    assert not is_over("Die Bibliothek\nist offen.") and not is_over("\n\n")
    assert not is_over("<think>\nIt is about a library.\n\nSo the noun comes first.\n\n")


def test_a_number_and_more_is_one_number() -> None:
    assert problems("有 400 多万人前往罗马。", "Over four million people went to Rome.", "zh", "en") == ()
    assert "number" in problems("有 400 多万人前往罗马。", "Over 400 million people went to Rome.", "zh", "en")


def test_what_the_source_has_itself_is_no_addition() -> None:
    assert tidy("Hinweis: Geschlossen.", "Note: closed.") == "Hinweis: Geschlossen."
    assert tidy("«Bonjour»", '"Hello"') == "«Bonjour»"
    assert tidy("翻译：你好。", "Translation: hello.") == "翻译：你好。"
    assert tidy("Deutsch: mangelhaft.", "German: poor.") == "Deutsch: mangelhaft."
    assert tidy("1. Öffnen Sie es.", "1. Open it.") == "1. Öffnen Sie es."
    assert tidy("<t>Hallo</t>", "<t>Hello</t>") == "<t>Hallo</t>"
    assert tidy("**Wichtig**", "**Important**") == "**Wichtig**"
    assert tidy("Sie kam (endlich nach Hause).", "She came (home at last).") == "Sie kam (endlich nach Hause)."
    assert tidy("Er kam heim (er war müde).", "He came home, being tired.") == "Er kam heim (er war müde)."
    assert tidy('The word "oui" means "yes".', "Le mot « oui » signifie « yes ».") == 'The word "oui" means "yes".'


@pytest.mark.parametrize(
    ("source", "translation", "pair", "problem"),
    [
        (SENTENCE, "", "en-de", "empty"),
        (SENTENCE, SENTENCE, "en-de", "echo"),
        ("图书馆每天开放，星期日除外。", "图书馆每天开放，星期日除外。", "zh-en", "echo"),
        ("Good morning", "Good morning", "en-de", "echo"),
        ("Thank you.", "Thank you!", "en-fr", "echo"),
        (SENTENCE, f"„{SENTENCE}“ heißt: Die Bibliothek ist offen.", "en-de", "note"),
        (SENTENCE, "La bibliothèque est ouverte tous les jours sauf le dimanche.", "en-de", "language"),
        (SENTENCE, "Die Bibliothek ist täglich außer am 星期日 geöffnet.", "en-de", "foreign"),
        (SENTENCE, "Die Bibliothek", "en-zh", "language"),
        (SENTENCE, "Ja.", "en-de", "short"),
        (SENTENCE, "Die Bibliothek ist an jedem Tag der Woche geöffnet, nur nicht am Sonntag, und " + SENTENCE * 2,
         "en-de", "long"),
        (SENTENCE, "Die Bücherei ist offen, ist offen, ist offen, ist offen, ist offen.", "en-de", "loop"),
        ("He was born in 1962 in Paris.", "Er wurde in Paris geboren.", "en-de", "number"),
    ],
)  # fmt: skip
def test_each_fault_is_seen(source: str, translation: str, pair: str, problem: Problem) -> None:
    assert problem in problems(source, translation, *pair.split("-"))


@pytest.mark.parametrize(
    ("source", "translation", "pair"),
    [
        (SENTENCE, "Die Bibliothek ist täglich außer sonntags geöffnet.", "en-de"),
        (SENTENCE, "图书馆除星期日外每天开放。", "en-zh"),
        ("图书馆除星期日外每天开放。", SENTENCE, "zh-en"),
        ("Barack Obama", "Barack Obama", "en-de"),
        ("The Beatles", "The Beatles", "en-de"),
        ("Hotel", "Hotel", "en-de"),
        ("OK!", "D'accord !", "en-fr"),
        ("The price is 1,250.50 euros.", "Der Preis beträgt 1.250,50 Euro.", "en-de"),
        ("Very, very good.", "Sehr, sehr gut.", "en-de"),
        ("He bought an iPhone from Apple Inc.", "他从 Apple Inc. 买了一部 iPhone。", "en-zh"),
    ],
)
def test_a_good_translation_has_no_problem(source: str, translation: str, pair: str) -> None:
    assert problems(source, translation, *pair.split("-")) == ()


def test_an_answer_that_was_broken_off_is_told() -> None:
    assert "cut" in problems(SENTENCE, "Die Bibliothek ist täglich außer am Sonntag", "en", "de", cut=True)


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("pre-pre-pre-pre-pre-", True),
        ("任何一举败将，任何一举败将，任何一举败将，任何一举败将，", True),
        ("the the the the", True),
        ("He said that she said that he said it.", False),
        ("1000000000000000000000000", False),
        ("-" * 80, False),
        ("ha ha ha", False),
    ],
)
def test_going_in_circles_is_seen(text: str, loop: bool) -> None:
    assert has_loop(text) is loop


def test_the_expected_length_goes_there_and_back() -> None:
    assert expected_length("x" * 100, "en", "zh") == pytest.approx(33)
    assert expected_length("x" * 33, "zh", "en") == pytest.approx(100)


def test_every_language_of_the_app_has_its_letters_and_its_length() -> None:
    for language in LANGUAGES:
        assert language.code == "en" or language.code in LETTERS_PER_ENGLISH
        assert language.flores.endswith("_Latn") or language.code in OWN_LETTERS


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["en", "zh", "fr", "ja", "ru"]))
def test_any_texts_can_be_judged(source: str, answer: str, target: str) -> None:
    text = tidy(answer, source)
    assert "\n" not in text
    assert badness(problems(source, text, "de", target)) >= 0
