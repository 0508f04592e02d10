"""Messages: branches, versions, states, and texts of every kind."""

from __future__ import annotations

import pytest

from playground.errors import NotFound
from playground.history.rows import MessageRow
from playground.history.store import HistoryStore


class Talk:
    """One conversation of Ann's, with short ways to write in it."""

    def __init__(self, store: HistoryStore) -> None:
        self.store = store
        self.id = store.create_conversation("ann").id

    def user(self, text: str, parent: MessageRow | None = None) -> MessageRow:
        return self._add("user", text, parent)

    def reply(self, text: str, parent: MessageRow | None = None) -> MessageRow:
        return self._add("assistant", text, parent)

    def _add(self, role: str, text: str, parent: MessageRow | None) -> MessageRow:
        parent_id = None if parent is None else parent.id
        return self.store.add_message("ann", self.id, parent_id=parent_id, role=role, content=text)

    def shown(self) -> list[str]:
        return [entry.message.content for entry in self.store.thread("ann", self.id)]

    def versions(self) -> list[tuple[int, int]]:
        return [(entry.version, entry.versions) for entry in self.store.thread("ann", self.id)]


@pytest.fixture
def talk(store: HistoryStore) -> Talk:
    return Talk(store)


def test_an_empty_conversation_has_an_empty_thread(talk: Talk) -> None:
    assert talk.shown() == []


def test_a_retry_adds_a_version_and_the_old_one_can_be_shown_again(talk: Talk) -> None:
    question = talk.user("question")
    first, second, third = (talk.reply(text, question) for text in ("one", "two", "three"))
    assert talk.shown() == ["question", "three"] and talk.versions() == [(1, 1), (3, 3)]
    assert talk.store.thread("ann", talk.id)[1].sibling_ids == (first.id, second.id, third.id)
    talk.store.select_version("ann", second.id)
    assert talk.shown() == ["question", "two"] and talk.versions() == [(1, 1), (2, 3)]


def test_an_edit_makes_a_branch_and_going_back_finds_everything(talk: Talk) -> None:
    question = talk.user("question")
    answer = talk.reply("answer", question)
    follow = talk.user("follow", answer)
    talk.reply("second answer", follow)
    edited = talk.user("edited question")
    talk.reply("other answer", edited)
    assert talk.shown() == ["edited question", "other answer"] and talk.versions()[0] == (2, 2)
    talk.store.select_version("ann", question.id)
    assert talk.shown() == ["question", "answer", "follow", "second answer"]


def test_a_version_opens_where_it_was_left(talk: Talk) -> None:
    question = talk.user("question")
    left, right = talk.reply("left", question), talk.reply("right", question)
    older, newer = talk.user("older", left), talk.user("newer", left)
    talk.store.select_version("ann", older.id)
    talk.store.select_version("ann", right.id)
    talk.store.select_version("ann", left.id)
    assert talk.shown()[-1] == "older", "not the newest leaf but the one used last"
    talk.store.select_version("ann", newer.id)
    talk.store.select_version("ann", right.id)
    talk.store.select_version("ann", question.id)
    assert talk.shown()[-1] == "right"


def test_the_path_to_a_message_does_not_depend_on_what_is_shown(talk: Talk) -> None:
    question = talk.user("question")
    answer = talk.reply("answer", question)
    talk.user("something else")
    assert [message.content for message in talk.store.path_to("ann", answer.id)] == ["question", "answer"]


def test_a_parent_must_be_in_the_same_conversation(store: HistoryStore, talk: Talk) -> None:
    elsewhere = Talk(store).user("elsewhere")
    with pytest.raises(NotFound):
        talk.reply("answer", elsewhere)
    assert talk.shown() == []


def test_an_unknown_role_or_status_is_a_mistake_of_the_program(talk: Talk) -> None:
    with pytest.raises(ValueError, match="role"):
        talk.store.add_message("ann", talk.id, parent_id=None, role="tool", content="")
    with pytest.raises(ValueError, match="status"):
        talk.store.update_message("ann", talk.user("question").id, status="thinking")


def test_a_reply_grows_and_ends_with_its_figures(talk: Talk) -> None:
    reply = talk.reply("", talk.user("question"))
    talk.store.update_message("ann", reply.id, status="streaming", model="qwen")
    talk.store.update_message("ann", reply.id, content="Half a")
    assert talk.store.get_message("ann", reply.id).status == "streaming"
    talk.store.update_message("ann", reply.id, content="Half an answer", status="stopped", stats={"new_tokens": 3})
    message = talk.store.get_message("ann", reply.id)
    assert (message.content, message.status, message.model) == ("Half an answer", "stopped", "qwen")
    assert message.stats == {"new_tokens": 3}
    assert message.updated_at > message.created_at == reply.created_at


def test_an_error_stays_until_the_status_changes(talk: Talk) -> None:
    reply = talk.reply("", talk.user("question"))
    talk.store.update_message("ann", reply.id, status="error", error="The model ran out of memory.")
    talk.store.update_message("ann", reply.id, content="so far")
    assert talk.store.get_message("ann", reply.id).error == "The model ran out of memory."
    talk.store.update_message("ann", reply.id, status="streaming")
    assert talk.store.get_message("ann", reply.id).error is None


def test_tokens_are_loaded_only_when_asked_for(talk: Talk) -> None:
    reply = talk.reply("answer", talk.user("question"))
    assert talk.store.load_tokens("ann", reply.id) is None and not reply.has_tokens
    for data in (bytes(range(256)), b""):
        talk.store.update_message("ann", reply.id, tokens=data)
        assert talk.store.load_tokens("ann", reply.id) == data
    assert talk.store.thread("ann", talk.id)[1].message.has_tokens


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("a\0b", "ab"),
        ("broken \ud83d half", "broken \ufffd half"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ("😀 ' \" ; DROP TABLE messages; -- <img src=x onerror=alert(1)> ${x}", None),
        ("  spaces \r\n\t stay \x07\x1b[31m ", None),
    ],
)
def test_every_text_can_be_kept(talk: Talk, given: str, kept: str | None) -> None:
    message = talk.user(given)
    assert message.content == (given if kept is None else kept)
    talk.store.update_message("ann", message.id, content=given, error=given, model=given)
    assert talk.shown() == [given if kept is None else kept]


def test_five_megabytes_can_be_kept_grown_and_found(talk: Talk) -> None:
    text = "needle " + "天气 weather " * 450_000
    message = talk.user(text)
    talk.store.update_message("ann", message.id, content=text + "end")
    assert talk.shown() == [text + "end"]
    assert [hit.message_id for hit in talk.store.search("ann", "needle") if hit.message_id] == [message.id]
    assert len(talk.store.get_conversation("ann", talk.id).title) <= 41


def test_strange_ids_are_simply_not_found(talk: Talk) -> None:
    for identifier in ("", "nope", "\ud800", "a\0b", "' OR 1=1 --", "x" * 100_000):
        with pytest.raises(NotFound):
            talk.store.thread("ann", identifier)
        with pytest.raises(NotFound):
            talk.store.path_to("ann", identifier)
