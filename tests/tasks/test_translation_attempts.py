"""One sentence: masks, the second try, pieces; and an answer that is watched while it is written."""

from __future__ import annotations

import threading

import pytest

from playground.messages import Message
from playground.tasks.glossary import Term
from playground.tasks.translation_attempts import Direction, translate_sentence
from playground.tasks.translation_events import TranslatedSentence
from playground.tasks.translation_prompts import Sentence
from playground.tasks.translation_writer import EngineWriter
from tests.tasks.translation_fakes import FakeWriter, Say, TokenEngine, writes

GREETING = "Hello {name}, open https://example.org/a?b=1 now."


def translated(say: Say, text: str, target: str = "de", *terms: Term) -> tuple[TranslatedSentence, FakeWriter]:
    writer = FakeWriter(say)
    found = translate_sentence(writer, text, Direction("en", target, terms), threading.Event(), lambda _: None)
    return found, writer


def test_a_good_first_try_is_the_only_one() -> None:
    found, writer = translated(lambda text, way: "Das ist ein guter Satz.", "This is a good sentence.")
    assert found.problems == () and found.tries == 1 and len(writer.asked) == 1


def test_a_bad_first_try_is_made_again_another_way() -> None:
    says = {"first": "This is a good sentence.", "second": "Das ist ein guter Satz."}
    found, _ = translated(lambda text, way: says[way], "This is a good sentence.")
    assert found.text == "Das ist ein guter Satz." and found.problems == () and found.tries == 2


def test_of_two_bad_tries_the_better_one_stays_with_its_badge() -> None:
    says = {"first": "", "second": "This is a good sentence."}
    found, _ = translated(lambda text, way: says[way], "This is a good sentence.")
    assert found.problems == ("echo",) and found.text


def test_what_is_unusable_after_two_tries_is_tried_in_every_other_way() -> None:
    source, said = "This is a good sentence.", "Das ist ein guter Satz."
    writer = FakeWriter(lambda text, way: said if way == "fourth" else source, compared=("first", "third", "fourth"))
    found = translate_sentence(writer, source, Direction("en", "de"), threading.Event(), lambda _: None)
    assert found.text == said and [way for _, way in writer.asked] == ["first", "second", "third", "fourth"]


def test_what_is_only_not_perfect_is_tried_twice() -> None:
    writer = FakeWriter(lambda text, way: "Das sind viele Leute hier.", compared=("first", "third"))
    found = translate_sentence(writer, "There are 42 people.", Direction("en", "de"), threading.Event(), lambda _: None)
    assert found.problems == ("number",) and len(writer.asked) == 2


def test_the_model_sees_marks_and_the_reader_what_was_there() -> None:
    found, writer = translated(lambda text, way: text.replace("Hello", "Hallo").replace("now", "jetzt"), GREETING)
    assert "{name}" not in writer.sentences[0].text
    assert "{name}" in found.text and "https://example.org/a?b=1" in found.text and "mark" not in found.problems


@pytest.mark.parametrize("said", ["Hallo, öffnen Sie das jetzt.", "[1] [1] [1] Hallo, öffnen Sie das.", ""])
def test_whatever_the_model_says_no_placeholder_is_lost_or_doubled(said: str) -> None:
    found, _ = translated(lambda text, way: said if "[" in text or "{" in text else text.upper(), GREETING)
    assert found.text.count("{name}") == 1 and found.text.count("https://example.org/a?b=1") == 1
    assert "pieces" in found.problems and "mark" not in found.problems


def test_a_term_that_is_passed_over_is_written_into_the_sentence() -> None:
    term = Term("library", "Bücherei")
    found, writer = translated(
        lambda text, way: "Die Bücherei ist jetzt offen." if "Bücherei" in text else "Die Bibliothek ist jetzt offen.",
        "The library is open now.", "de", term,
    )  # fmt: skip
    assert found.text == "Die Bücherei ist jetzt offen." and [use.used for use in found.terms] == [True]
    assert writer.asked[1][0] == "The Bücherei is open now."


def test_a_term_that_is_passed_over_even_in_the_sentence_is_kept_as_a_mark() -> None:
    term = Term("library", "ludoteca")

    def say(text: str, way: str) -> str:
        return text.replace("The", "La").replace("opens at nine", "abre a las nueve").replace("ludoteca", "biblioteca")

    found, writer = translated(say, "The library opens at nine.", "es", term)
    assert found.text == "La ludoteca abre a las nueve." and [use.used for use in found.terms] == [True]
    assert [text for text, _ in writer.asked][1:] == ["The ludoteca opens at nine.", "The [1] opens at nine."]


def test_terms_as_marks_go_on_behind_the_marks_of_placeholders() -> None:
    term = Term("library", "ludoteca")
    found, writer = translated(
        lambda text, way: text.replace("library", "biblioteca").replace("ludoteca", "biblioteca"),
        "Hello {name}, the library of {town} opens.", "es", term,
    )  # fmt: skip
    assert writer.asked[-1][0] == "Hello [1], the [3] of [2] opens."
    assert found.text == "Hello {name}, the ludoteca of {town} opens."


@pytest.mark.parametrize("text", ["42", "{name}", "https://example.org", "…", "`code`"])
def test_what_has_no_words_is_not_asked_for(text: str) -> None:
    found, writer = translated(lambda text, way: "x", text)
    assert found.text == text and found.kept == "no words" and writer.asked == []


def test_the_probability_is_told_in_plain_words() -> None:
    told = [TranslatedSentence("a", "b", probability=value).sureness for value in (None, 0.9, 0.6, 0.2)]
    assert told == [None, "sure", "fairly sure", "unsure"]


def write(engine: TokenEngine, text: str, target: str, *, chat: bool = True, way: str = "plain") -> str:
    writer = EngineWriter(engine, chat=chat)
    sentence = Sentence(text, "zh" if target == "en" else "en", target)
    return writer.write(sentence, way, threading.Event(), lambda _: None).text


def test_a_word_of_the_wrong_script_is_taken_back_and_the_next_likeliest_goes_on() -> None:
    def following(so_far: str) -> tuple[str, list[str]] | None:
        if so_far.endswith("the"):
            return "葬礼", ["葬", " funeral"]
        return {"": ("I saw the", []), "I saw the funeral": (" in Rome.", [])}.get(so_far)

    engine = TokenEngine(following)
    assert write(engine, "我在罗马看到了葬礼。", "en") == "I saw the funeral in Rome."
    assert engine.closed == len(engine.prefixes) == 2


def test_where_no_fitting_word_is_known_the_answer_stays_as_it_is() -> None:
    engine = TokenEngine(writes("the ", "葬礼"))
    assert write(engine, "葬礼", "en") == "the 葬礼"


def test_a_word_left_in_english_is_replaced_in_chinese_but_a_name_stays() -> None:
    def following(so_far: str) -> tuple[str, list[str]] | None:
        steps = {"": ("Maria", ["玛丽"]), "Maria": ("看到了", []), "Maria看到了": (" violence", ["暴力"]),
                 "Maria看到了暴力": ("。", [])}  # fmt: skip
        return steps.get(so_far)

    assert write(TokenEngine(following), "Maria saw violence.", "zh") == "Maria看到了暴力。"


def test_an_answer_in_circles_is_ended_early() -> None:
    engine = TokenEngine(lambda so_far: (" wieder und", ()))
    draft = EngineWriter(engine, chat=True).write(
        Sentence("The library is open every day except Sunday. " * 3, "en", "de"),
        "plain",
        threading.Event(),
        lambda _: None,
    )
    assert draft.cut and draft.new_tokens < 40 and engine.closed == 1


def test_cancelling_ends_an_answer() -> None:
    cancel = threading.Event()
    cancel.set()
    engine = TokenEngine(writes("Hallo"))
    assert EngineWriter(engine, chat=True).write(Sentence("Hi", "en", "de"), "plain", cancel, lambda _: None).cancelled


def test_a_chat_model_gets_examples_as_turns_and_a_base_model_as_lines() -> None:
    chat, plain = TokenEngine(writes("Hallo.")), TokenEngine(writes())
    write(chat, "Hello.", "de", way="examples")
    assert [message.role for message in chat.questions[0]] == ["system", *("user", "assistant") * 3, "user"]
    assert chat.questions[0][-1] == Message("user", "Hello.")
    write(plain, "Hello.", "de", chat=False, way="list")
    assert plain.prefixes[0].text.count("\n\n") == 5 and plain.prefixes[0].text.endswith(":")


@pytest.mark.parametrize("chat", [True, False])
def test_candidates_are_different_questions_of_the_engine(chat: bool) -> None:
    engine = TokenEngine(lambda so_far: None if so_far.endswith("Hallo.") else ("Hallo.", ()))
    writer = EngineWriter(engine, chat=chat)
    ways = writer.candidates("en", "de")
    for way in ways:
        assert writer.write(Sentence("Hello.", "en", "de"), way, threading.Event(), lambda _: None).text == "Hallo."
    asked = {(question, prefix.text) for question, prefix in zip(engine.questions, engine.prefixes, strict=True)}
    assert len(asked) == len(ways) == 3


def test_a_word_taken_back_in_an_entry_of_a_file_leaves_no_blank_before_it() -> None:
    def following(so_far: str) -> tuple[str, list[str]] | None:
        written = so_far.rpartition(': "')[2]
        return {"": ("葬礼", ["Funeral"]), "Funeral": (" in Rome.", [])}.get(written)

    engine = TokenEngine(following)
    assert write(engine, "在罗马的葬礼。", "en", way="entry") == "Funeral in Rome."
    assert engine.prefixes[-1].text.endswith(': "Funeral')
