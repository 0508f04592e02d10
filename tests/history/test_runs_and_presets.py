"""Runs of the other tabs, and settings under a name."""

from __future__ import annotations

import pytest

from playground.errors import InvalidInput, NotFound
from playground.history.store import HistoryStore


def test_a_run_comes_back_as_it_was(store: HistoryStore) -> None:
    run = store.add_run(
        "ann", "translation", input="Hello\0", output="你好\ud800", settings={"to": "zh"}, stats={"seconds": 0.25}
    )
    assert (run.input, run.output) == ("Hello", "你好\ufffd")
    assert (run.task, run.settings, run.stats) == ("translation", {"to": "zh"}, {"seconds": 0.25})
    assert store.get_run("ann", run.id) == run


def test_the_newest_runs_come_first_of_one_task_or_all(store: HistoryStore) -> None:
    ids = [store.add_run("ann", task, input="", output="").id for task in ("summary", "translation", "summary")]
    assert [run.id for run in store.list_runs("ann")] == ids[::-1]
    assert [run.id for run in store.list_runs("ann", task="summary")] == [ids[2], ids[0]]
    assert [run.id for run in store.list_runs("ann", limit=1)] == [ids[2]]


def test_a_deleted_run_is_gone_until_it_is_restored(store: HistoryStore) -> None:
    run = store.add_run("ann", "summary", input="", output="")
    store.delete_run("ann", run.id)
    assert store.list_runs("ann") == []
    for operation in (store.get_run, store.delete_run):
        with pytest.raises(NotFound):
            operation("ann", run.id)
    store.restore_run("ann", run.id)
    assert store.list_runs("ann") == [run]


def test_a_run_that_is_changed_keeps_its_place_and_is_found_by_its_new_text_alone(store: HistoryStore) -> None:
    first = store.add_run("ann", "translation", input="Good day", output="Bonjour", stats={"seconds": 1.5})
    second = store.add_run("ann", "translation", input="Good night", output="Bonsoir")
    changed = store.change_run("ann", first.id, output="Salutations", settings={"to": "fr"})
    assert (changed.input, changed.output, changed.settings, changed.stats) == (
        "Good day", "Salutations", {"to": "fr"}, {"seconds": 1.5},
    )  # fmt: skip
    assert [run.id for run in store.list_runs("ann")] == [second.id, first.id]
    assert [hit.run_id for hit in store.search("ann", "Salutations")] == [first.id]
    assert store.search("ann", "Bonjour") == []
    for owner, run_id in (("bob", first.id), ("ann", "nothing")):
        with pytest.raises(NotFound):
            store.change_run(owner, run_id, output="x")
    assert store.get_run("ann", first.id) == changed


def test_presets_are_kept_by_name_and_replaced(store: HistoryStore) -> None:
    store.save_preset("ann", " calm ", {"temperature": 0.1})
    store.save_preset("ann", "Bold", {"temperature": 1.2})
    store.save_preset("bob", "calm", {"temperature": 9})
    saved = store.save_preset("ann", "calm", {"temperature": 0.2})
    assert [(preset.name, preset.settings["temperature"]) for preset in store.list_presets("ann")] == [
        ("Bold", 1.2),
        ("calm", 0.2),
    ]
    assert saved in store.list_presets("ann")
    store.delete_preset("ann", "calm")
    assert [preset.name for preset in store.list_presets("ann")] == ["Bold"]
    assert len(store.list_presets("bob")) == 1
    with pytest.raises(NotFound):
        store.delete_preset("ann", "calm")
    with pytest.raises(InvalidInput):
        store.save_preset("ann", "  ", {})
