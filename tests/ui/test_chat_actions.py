from __future__ import annotations

import threading

import pytest

from playground.errors import InvalidInput, ModelUnavailable, NotFound, PromptTooLong, StorageError
from playground.history.store import HistoryStore
from playground.messages import Message, Prefix
from playground.models.catalog import SMALLEST
from playground.tasks.chat import ChatSettings, app_messages
from playground.ui.chat_actions import Outcome
from playground.ui.chat_view import conversation_view
from playground.ui.turns import Turn
from tests.ui.conftest import Desk, until


def half_an_answer(desk: Desk) -> tuple[Outcome, Turn]:
    """An answer that stands still at "Hello"."""
    desk.engine.gate = threading.Semaphore(5)
    outcome = desk.act("send", text="Hi", parent_id=None)
    turn = desk.services.turns.running_in("local", outcome.conversation_id)
    assert turn is not None
    until(lambda: turn.text == "Hello")
    return outcome, turn


def test_a_message_and_its_answer_are_kept(desk: Desk) -> None:
    chat = desk.send("Hi")
    assert desk.texts(chat) == ["Hi", "Hello there."]
    assert desk.thread(chat)[-1].message.status == "done"
    assert desk.services.history.get_conversation("local", chat).title == "Hi"


def test_the_message_is_stored_before_the_model_is_asked(desk: Desk) -> None:
    desk.engine.gate = threading.Semaphore(0)
    outcome = desk.act("send", text="Precious", parent_id=None)
    assert outcome.accepted
    until(lambda: desk.engine.requests)
    assert desk.texts(outcome.conversation_id)[0] == "Precious"
    assert desk.thread(outcome.conversation_id)[-1].message.status == "streaming"


def test_the_instructions_of_the_persona_come_first_and_empty_turns_never(desk: Desk) -> None:
    desk.engine.answers = ["", "Fine."]
    chat = desk.send("Hi", settings={"persona": "teacher"})
    desk.send("Again", chat, settings={"persona": "teacher"})
    messages = desk.engine.requests[-1][0]
    assert messages[0].role == "system" and "teacher" in messages[0].content
    assert [(one.role, one.content) for one in messages[1:]] == [("user", "Hi"), ("user", "Again")]


def test_stop_keeps_what_was_written_and_the_chat_goes_on(desk: Desk) -> None:
    outcome, turn = half_an_answer(desk)
    assert desk.services.turns.stop("local", turn.reply.message_id)
    desk.wait(outcome.conversation_id)
    reply = desk.thread(outcome.conversation_id)[-1].message
    assert (reply.content, reply.status, reply.error) == ("Hello", "stopped", None)
    desk.engine.gate = None
    desk.send("Go on", outcome.conversation_id)
    assert desk.texts(outcome.conversation_id)[-1] == "Hello there."


def test_retry_adds_a_version_and_keeps_the_first(desk: Desk) -> None:
    desk.engine.answers = ["One", "Two"]
    chat = desk.send("Hi")
    first = desk.thread(chat)[-1].message.id
    desk.act("retry", message_id=first)
    desk.wait(chat)
    last = desk.thread(chat)[-1]
    assert (last.message.content, last.version, last.versions) == ("Two", 2, 2)
    desk.act("version", message_id=first)
    assert desk.texts(chat) == ["Hi", "One"]


def test_editing_starts_a_branch_and_destroys_nothing(desk: Desk) -> None:
    chat = desk.send("First wording")
    desk.send("Second question", chat)
    question = desk.thread(chat)[0].message.id
    desk.act("edit", message_id=question, text="Other wording")
    desk.wait(chat)
    assert desk.texts(chat) == ["Other wording", "Hello there."]
    desk.act("version", message_id=question)
    assert desk.texts(chat) == ["First wording", "Hello there.", "Second question", "Hello there."]


def test_continue_goes_on_with_the_very_tokens_of_the_answer(desk: Desk) -> None:
    outcome, turn = half_an_answer(desk)
    desk.services.turns.stop("local", turn.reply.message_id)
    desk.wait(outcome.conversation_id)
    desk.engine.gate = None
    desk.act("continue", message_id=turn.reply.message_id)
    desk.wait(outcome.conversation_id)
    assert desk.texts(outcome.conversation_id) == ["Hi", "Hello there."]
    assert desk.engine.requests[-1][2] == Prefix(tuple(map(ord, "Hello")), "Hello", SMALLEST.id)
    assert desk.thread(outcome.conversation_id)[-1].versions == 1


def test_a_click_on_an_alternative_branches_there(desk: Desk) -> None:
    chat = desk.send("Hi")
    reply = desk.thread(chat)[-1].message.id
    desk.act("branch", message_id=reply, index=2, token_id=ord("X"))
    desk.wait(chat)
    last = desk.thread(chat)[-1]
    assert last.message.content.startswith("HeX") and last.versions == 2
    assert desk.engine.requests[-1][2] == Prefix((ord("H"), ord("e"), ord("X")), "HeX", SMALLEST.id)


@pytest.mark.parametrize("wrong", [{"index": 99, "token_id": 88}, {"index": 1, "token_id": 5}, {"index": "x"}])
def test_a_branch_that_the_model_did_not_offer_is_refused(desk: Desk, wrong: dict) -> None:
    chat = desk.send("Hi")
    with pytest.raises(InvalidInput):
        desk.act("branch", message_id=desk.thread(chat)[-1].message.id, **wrong)
    assert desk.texts(chat) == ["Hi", "Hello there."]


@pytest.mark.parametrize("text", ["", "   \n", None, 5, "x" * 400_001])
def test_bad_messages_are_refused_before_anything_is_stored(desk: Desk, text: object) -> None:
    with pytest.raises(InvalidInput):
        desk.act("send", text=text, parent_id=None)
    assert desk.services.history.list_conversations("local") == []


def test_a_message_beyond_the_window_is_refused_while_it_stands_in_the_box(desk: Desk) -> None:
    with pytest.raises(PromptTooLong):
        desk.act("send", text="x" * 2000, parent_id=None)
    assert desk.services.history.list_conversations("local") == []


def test_control_characters_and_lone_surrogates_do_not_break_a_chat(desk: Desk) -> None:
    chat = desk.send("a\x00b\x1b[31m\ud800c")
    assert "\x00" not in desk.texts(chat)[0]
    desk.send("next", chat)
    assert len(desk.texts(chat)) == 4


def test_an_error_of_the_model_becomes_a_sentence_at_the_reply(desk: Desk) -> None:
    desk.engine.answers = [ModelUnavailable("No model is open.")]
    chat = desk.send("Hi")
    reply = desk.thread(chat)[-1].message
    assert (reply.status, reply.error) == ("error", "No model is open.")


def test_an_unforeseen_error_names_a_reference_and_no_code(desk: Desk) -> None:
    desk.engine.stream = lambda *a, **k: 1 / 0  # type: ignore[method-assign]
    chat = desk.send("Hi")
    reply = desk.thread(chat)[-1].message
    assert reply.status == "error" and "reference" in reply.error and "Zero" not in reply.error


def test_one_conversation_writes_one_answer_at_a_time(desk: Desk) -> None:
    desk.engine.gate = threading.Semaphore(0)
    outcome = desk.act("send", text="Hi", parent_id=None)
    reply = desk.thread(outcome.conversation_id)[-1].message.id
    for kind, values in [("retry", {"message_id": reply}), ("send", {"text": "x", "parent_id": reply})]:
        with pytest.raises(InvalidInput):
            desk.act(kind, conversation_id=outcome.conversation_id, **values)
    assert len(desk.thread(outcome.conversation_id)) == 2


def test_nobody_acts_in_the_chat_of_another(desk: Desk) -> None:
    chat = desk.send("Secret")
    question, reply = (entry.message.id for entry in desk.thread(chat))
    desk.owner = "visitor:other"
    attempts = [
        ("open", {"conversation_id": chat}), ("open", {"message_id": reply}), ("retry", {"message_id": reply}),
        ("edit", {"message_id": question, "text": "x"}), ("continue", {"message_id": reply}),
        ("branch", {"message_id": reply, "index": 0, "token_id": 88}), ("version", {"message_id": reply}),
        ("send", {"text": "x", "conversation_id": chat, "parent_id": reply}),
    ]  # fmt: skip
    for kind, values in attempts:
        with pytest.raises(NotFound):
            desk.act(kind, **values)
    assert desk.services.turns.find("visitor:other", reply) is None


def test_a_turn_outlives_its_page_and_is_flushed_while_it_runs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.ui.turns.FLUSH_EVERY_S", 0.0)
    desk.engine.gate = threading.Semaphore(4)
    outcome = desk.act("send", text="Hi", parent_id=None)
    until(lambda: desk.texts(outcome.conversation_id)[-1] == "Hell")
    assert desk.thread(outcome.conversation_id)[-1].message.status == "streaming"


def test_settings_out_of_range_are_put_into_range(desk: Desk) -> None:
    wild = {
        "temperature": 99,
        "top_k": -3,
        "seed": "x",
        "max_new_tokens": float("nan"),
        "stop": ["", "END", 3],
        "persona": "?",
    }
    chat = desk.send("Hi", settings=wild)
    params = desk.engine.requests[-1][1]
    assert (params.temperature, params.top_k, params.seed, params.max_new_tokens) == (2.0, 0, 0, 1024)
    assert params.stop == ("END", "3")
    assert desk.services.history.get_conversation("local", chat).settings["persona"] == "assistant"


def test_a_temporary_chat_is_listed_and_found_nowhere(desk: Desk) -> None:
    chat = desk.send("Whisper", temporary=True)
    assert desk.services.history.list_conversations("local") == []
    assert desk.services.history.search("local", "Whisper") == []
    assert desk.texts(chat) == ["Whisper", "Hello there."]


def view_of(desk: Desk, chat: str) -> dict:
    return conversation_view(desk.services.history, desk.services.turns, desk.owner, chat)


def test_an_answer_whose_tokens_were_not_kept_is_continued_from_its_text_again_and_again(desk: Desk) -> None:
    history = desk.services.history
    chat = history.create_conversation("local").id
    question = history.add_message("local", chat, parent_id=None, role="user", content="Hi")
    reply = history.add_message(
        "local", chat, parent_id=question.id, role="assistant", content="Hel", status="streaming"
    )
    assert view_of(desk, chat)["messages"][-1]["status"] == "interrupted"
    for _ in range(2):
        desk.act("continue", message_id=reply.id)
        desk.wait(chat)
        prefix = desk.engine.requests[-1][2]
        assert prefix.ids == () and prefix.text.startswith("Hel")
    assert desk.texts(chat)[-1] == "Hello there."


def test_an_answer_that_cannot_be_stored_is_shown_and_stored_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("playground.ui.turns.RETRY_SAVING_S", (0.3, 0.3))
    full = True
    store = HistoryStore.update_message

    def update(self: HistoryStore, *args: object, **changes: object) -> None:
        if full and changes.get("status"):
            raise StorageError("The disk is full.")
        store(self, *args, **changes)  # type: ignore[arg-type]

    monkeypatch.setattr(HistoryStore, "update_message", update)
    chat = desk.send("Hi")
    shown = view_of(desk, chat)["messages"][-1]
    assert (shown["text"], shown["status"], shown["error"]) == ("Hello there.", "error", "The disk is full.")
    full = False
    until(lambda: desk.thread(chat)[-1].message.status == "done")
    assert desk.texts(chat)[-1] == "Hello there."
    assert view_of(desk, chat)["messages"][-1]["status"] == "done"


def test_when_the_program_ends_answers_are_interrupted_not_stopped_by_somebody(desk: Desk) -> None:
    desk.engine.gate = threading.Semaphore(3)
    outcome = desk.act("send", text="Hi", parent_id=None)
    until(lambda: desk.services.turns.running_in("local", outcome.conversation_id).text == "Hel")  # type: ignore[union-attr]
    desk.services.turns.close()
    reply = desk.thread(outcome.conversation_id)[-1].message
    assert (reply.status, reply.content, reply.error) == ("interrupted", "Hel", None)


def test_a_start_that_is_refused_leaves_the_question_and_the_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.ui.turns.MAX_RUNNING", 0)
    outcome = desk.act("send", text="Hi", parent_id=None)
    assert outcome.accepted
    question, reply = desk.thread(outcome.conversation_id)
    assert question.message.content == "Hi"
    assert reply.message.status == "error" and "Too many" in str(reply.message.error)


def test_instructions_can_be_those_of_the_persona_own_ones_or_none(desk: Desk) -> None:
    for given, expected in ((None, "helpful assistant"), ("Be a cat.", "Be a cat."), ("", None)):
        desk.send("Hi", settings={"system_prompt": given})
        first = desk.engine.requests[-1][0][0]
        assert (first.role == "system" and expected in first.content) if expected else first.role == "user"


@pytest.mark.parametrize(("given", "count"), [(None, 1), ("Be a cat.", 0), ("", 0)])
def test_the_engine_hears_who_asks_and_what_the_apps_own_text_is(desk: Desk, given: str | None, count: int) -> None:
    desk.send("Hi", settings={"system_prompt": given})
    assert desk.engine.askers[-1] == ("local", count)


def test_without_instructions_no_words_of_a_visitor_pass_for_the_apps_own() -> None:
    assert app_messages(ChatSettings(), [Message("user", "secret")]) == 0
