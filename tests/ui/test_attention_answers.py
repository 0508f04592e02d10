"""An answer of a chat is looked into as it was written: the same prompt, the same tokens, the same next word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.engine.engine import Engine
from playground.errors import InvalidInput, NotFound
from playground.messages import Token
from playground.ui.attention_answers import LEFT_OUT, NO_WORD, RETOKENISED, answer_material, find_answer
from playground.ui.attention_runs import Run, read_material
from playground.ui.chat_actions import ChatActions
from playground.ui.reply_tokens import pack, unpack
from tests.ui.conftest import Desk, make_services
from tests.ui.tiny_runs import engine_over, tiny_loaded

GREEDY = {"temperature": 0, "max_new_tokens": 12, "persona": "teacher", "repetition_penalty": 1}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with engine_over(tiny_loaded("qwen2")) as opened:
        yield opened


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Iterator[Desk]:
    services = make_services(engine, tmp_path)  # type: ignore[arg-type]
    yield Desk(services, ChatActions(services.history, services.engine, services.turns))
    services.turns.close()


def answer_of(desk: Desk, text: str = "Hi there.", chat: str | None = None, **settings: object) -> str:
    """The id of an answer that the model wrote."""
    chat = desk.send(text, chat, settings={**GREEDY, **settings})
    return desk.thread(chat)[-1].message.id


def tokens_of(desk: Desk, message_id: str) -> list[Token]:
    return unpack(desk.services.history.load_tokens(desk.owner, message_id))[1]


def look(desk: Desk, message_id: str, index: int | None = None, owner: str = "local", language: str = "en") -> Run:
    asked = {"message_id": message_id, "index": index}
    stored = find_answer(desk.services.history, owner, asked, language)
    engine = desk.services.engine
    return read_material(engine, owner, lambda: answer_material(engine, stored))


@pytest.mark.parametrize("index", [0, 1, 7])
def test_the_likeliest_word_behind_the_run_is_the_one_that_was_written(desk: Desk, index: int) -> None:
    message_id = answer_of(desk)
    written = tokens_of(desk, message_id)
    run = look(desk, message_id, index)
    assert int(run.recording.logits.argmax()) == written[index].id, "the model is asked what it was asked then"
    assert run.answer is not None and run.answer.word == written[index].text
    ids = tuple(token.id for token in written[:index])
    assert run.recording.token_ids[run.answer.start :] == ids and not run.notes
    assert run.text.startswith("<|im_start|>system\nYou are a patient teacher.")


def test_a_whole_answer_is_the_prompt_and_all_of_its_tokens(desk: Desk) -> None:
    message_id = answer_of(desk)
    run = look(desk, message_id)
    assert run.answer is not None and run.answer.index is None and run.answer.word == ""
    assert run.recording.token_ids[run.answer.start :] == tuple(token.id for token in tokens_of(desk, message_id))


def test_earlier_turns_are_part_of_the_prompt_and_later_ones_are_not(desk: Desk) -> None:
    first = answer_of(desk, "Apples?")
    chat = desk.services.history.get_message("local", first).conversation_id
    second = answer_of(desk, "Pears?", chat)
    assert "Pears?" not in look(desk, first).text
    assert "Apples?" in look(desk, second).text and "Pears?" in look(desk, second).text


def test_the_instructions_stay_in_the_language_that_they_had(desk: Desk) -> None:
    message_id = answer_of(desk)
    assert look(desk, message_id, language="zh").text == look(desk, message_id).text


def test_what_was_left_out_of_a_long_chat_is_left_out_again(desk: Desk) -> None:
    first = answer_of(desk, "An apple. " * 60)
    chat = desk.services.history.get_message("local", first).conversation_id
    message_id = answer_of(desk, "A pear. " * 60, chat)
    stats = desk.services.history.get_message("local", message_id).stats
    assert stats is not None and stats["dropped_messages"] == 2
    run = look(desk, message_id, 0)
    assert "apple" not in run.text and not run.notes
    assert int(run.recording.logits.argmax()) == tokens_of(desk, message_id)[0].id


def test_tokens_that_were_not_kept_are_made_again_and_that_is_said(desk: Desk) -> None:
    message_id = answer_of(desk)
    history = desk.services.history
    history.update_message("local", message_id, content="A new text.", tokens=pack("other", []))
    run = look(desk, message_id)
    assert run.text.endswith("A new text.") and run.notes == (RETOKENISED,)
    with pytest.raises(InvalidInput, match="not there any more"):
        look(desk, message_id, 0)


def test_an_answer_of_another_model_is_cut_again_at_the_same_place(desk: Desk) -> None:
    message_id = answer_of(desk)
    history = desk.services.history
    others = [Token(7, "One "), Token(8, "two "), Token(9, "three")]
    history.update_message(
        "local", message_id, content="One two three", model="Elsewhere 3B", tokens=pack("elsewhere", others)
    )
    run = look(desk, message_id, 2)
    assert run.text.endswith("One two ") and run.answer is not None and run.answer.word == "t"
    assert run.notes == ("Elsewhere 3B wrote this answer; you see how Tiny reads it.",)


def test_a_chat_that_does_not_fit_any_more_says_what_is_left_out(desk: Desk) -> None:
    first = answer_of(desk, "An apple. " * 60)
    chat = desk.services.history.get_message("local", first).conversation_id
    message_id = answer_of(desk, "A pear. " * 60, chat)
    # As if a model with a longer memory had written it.
    desk.services.history.update_message("local", message_id, stats={"dropped_messages": 0})
    run = look(desk, message_id)
    assert "apple" not in run.text and run.notes == (LEFT_OUT,)


def test_the_look_of_the_last_token_is_its_own(desk: Desk) -> None:
    message_id = answer_of(desk, "Hi")
    desk.services.history.update_message(
        "local", message_id, content="abcdef", tokens=pack("tiny", [Token(ord(sign), sign) for sign in "abcdef"])
    )
    run = look(desk, message_id, 4)
    assert run.words[-1].stop - run.words[-1].start == 1, "not the mean over the word that it ends"
    assert look(desk, message_id).words[-1].text == "abcdef"


def test_strangers_questions_and_unfinished_answers_are_refused(desk: Desk) -> None:
    message_id = answer_of(desk)
    history = desk.services.history
    question = history.get_message("local", message_id).parent_id
    with pytest.raises(NotFound):
        find_answer(history, "somebody else", {"message_id": message_id}, "en")
    for asked in ({"message_id": message_id, "index": index} for index in (-1, 99, "0", True)):
        with pytest.raises(InvalidInput, match=NO_WORD):
            find_answer(history, "local", asked, "en")
    with pytest.raises(InvalidInput, match="Only an answer"):
        find_answer(history, "local", {"message_id": question}, "en")
    with pytest.raises(NotFound):
        find_answer(history, "local", None, "en")
    history.update_message("local", message_id, status="streaming")
    with pytest.raises(InvalidInput, match="still being written"):
        find_answer(history, "local", {"message_id": message_id}, "en")
