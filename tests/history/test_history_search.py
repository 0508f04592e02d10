"""Search: everything a person keeps, in every script, whatever is typed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground.history.database import HistoryDatabase
from playground.history.search import snippet_of
from playground.history.store import HistoryStore


@pytest.fixture(params=["with trigrams", "without trigrams"])
def store(request, database: HistoryDatabase, clock) -> HistoryStore:
    database.has_trigram = request.param == "with trigrams"
    return HistoryStore(database, clock=clock)


def keep(store: HistoryStore, *texts: str, title: str = "untitled") -> list[str]:
    """Keep messages in one conversation; their ids."""
    conversation_id = store.create_conversation("ann").id
    store.rename("ann", conversation_id, title)
    return [store.add_message("ann", conversation_id, parent_id=None, role="user", content=text).id for text in texts]


def found(store: HistoryStore, query: str) -> list[str | None]:
    return [hit.message_id for hit in store.search("ann", query)]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("weather", "What is the WEATHER like?"),
        ("EATHE", "What is the weather like?"),
        ("天气", "今天天气怎么样"),
        ("今天天气", "今天天气怎么样"),
        ("好", "你好"),
        ("like weather", "What is the weather like?"),
        ("is like", "What is the weather like?"),
        ("ДА", "ну да конечно"),
        ("КОНЕЧНО", "ну да конечно"),
        ("ÜB", "überall"),
        ("50%", "a discount of 50% today"),
        ("%", "a discount of 50% today"),
        ("a_b", "the name a_b is taken"),
        ("_", "the name a_b is taken"),
        ("\\", "a back\\slash"),
        ('say "hi', 'they say "hi" to us'),
        ('"the weather"', "What is the weather like?"),
        ("😀", "good 😀 morning"),
        ("x" * 400, "x" * 1000),
    ],
)
def test_a_text_is_found(store: HistoryStore, query: str, text: str) -> None:
    wanted, _ = keep(store, text, "nothing of the kind")
    assert found(store, query) == [wanted]


@pytest.mark.parametrize("query", ["", "  ", "\0", "weather missing", '"like weather"', "we%er", "wea_her", "天象"])
def test_nothing_else_is_found(store: HistoryStore, query: str) -> None:
    keep(store, "What is the weather like? 天气")
    assert found(store, query) == []


HOSTILE = [
    "foo(",
    "a OR",
    "*",
    "'--",
    '"',
    '""',
    '"""',
    "NEAR(a b)",
    "content:x",
    "^a",
    "-a",
    "{a b}:c",
    "AND",
    "\ud800",
]


@pytest.mark.parametrize("query", [*HOSTILE, "x" * 100_000, "a b " * 10_000, '"' * 5_000, "%" * 5_000, "é" * 60_000])
def test_a_query_is_never_a_language(store: HistoryStore, query: str) -> None:
    (wanted,) = keep(store, f"before {query} after")
    assert set(found(store, query)) <= {wanted}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=30))
def test_what_was_written_is_found_by_its_own_words(store: HistoryStore, text: str) -> None:
    (wanted,) = keep(store, text)
    words = [word for word in text.replace("\0", "").split() if not word.startswith('"')]
    for word in words:
        assert wanted in found(store, word)


def test_titles_come_first_then_the_newest_text_of_messages_and_runs(store: HistoryStore) -> None:
    keep(store, "first about tides", title="Sea")
    run = store.add_run("ann", "translation", input="the tides", output="die Gezeiten", settings={})
    keep(store, "second about tides", title="All about tides")
    hits = store.search("ann", "tides")
    assert [hit.title for hit in hits] == ["All about tides", "All about tides", "translation", "Sea"]
    assert [hit.role for hit in hits] == [None, "user", None, "user"]
    assert hits[2].run_id == run.id and hits[2].conversation_id is None
    assert store.search("ann", "gezeiten")[0].run_id == run.id
    assert len(store.search("ann", "tides", limit=2)) == 2 and store.search("ann", "tides", limit=0) == []


def test_a_hit_opens_the_branch_that_holds_it(store: HistoryStore) -> None:
    first, second = keep(store, "one about tides", "the other version")
    (hit,) = store.search("ann", "tides")
    store.select_version("ann", hit.message_id)
    assert [entry.message.id for entry in store.thread("ann", hit.conversation_id)] == [first]
    assert second != first


def test_the_index_follows_every_change(store: HistoryStore) -> None:
    (message_id,) = keep(store, "about tides")
    store.update_message("ann", message_id, content="about volcanoes")
    assert found(store, "tides") == [] and found(store, "volcanoes") == [message_id]
    store.update_message("ann", message_id, status="streaming")
    store.update_message("ann", message_id, content="about glaciers")
    store.update_message("ann", message_id, status="done")
    assert found(store, "volcanoes") == [] and found(store, "glaciers") == [message_id]


def test_a_deleted_run_is_not_found_until_it_is_restored(store: HistoryStore) -> None:
    run = store.add_run("ann", "summary", input="about tides", output="short")
    store.delete_run("ann", run.id)
    assert store.search("ann", "tides") == []
    store.restore_run("ann", run.id)
    assert [hit.run_id for hit in store.search("ann", "tides")] == [run.id]


def test_a_snippet_shows_the_surroundings_and_marks_the_words() -> None:
    text = "start " * 50 + "here the\n\nMagic happens and <b>magic</b> again " + "end " * 50
    snippet = snippet_of(text, ["magic"])
    assert [piece for piece, is_match in snippet if is_match] == ["Magic", "magic"]
    joined = "".join(piece for piece, _ in snippet)
    assert joined.startswith("…") and joined.endswith("…") and len(joined) < 200
    assert "here the Magic happens and <b>magic</b> again" in joined
    assert snippet_of("short", ["nowhere"]) == (("short", False),)
    assert snippet_of("", ["a"]) == ()


def test_many_matching_titles_leave_room_for_texts(store: HistoryStore) -> None:
    for _ in range(12):
        keep(store, title="about tides")
    ids = keep(store, *["more about tides"] * 12)
    hits = store.search("ann", "tides", limit=10)
    assert [hit.message_id for hit in hits] == [None] * 5 + ids[:-6:-1]
    assert len(store.search("ann", "tides", limit=100)) == 24
