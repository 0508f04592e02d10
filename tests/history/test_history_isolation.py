"""Nobody meets anybody else's things, through any public method, also one that is added tomorrow."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from playground.errors import NotFound
from playground.history.records import NO_CONVERSATION, NO_MESSAGE, NO_PRESET, NO_RUN
from playground.history.store import HistoryStore

FOR_EVERYBODY = {"mark_interrupted", "purge_deleted", "purge_temporary"}
"""Called by the program at start-up; they give nothing but a number."""

SECRET = "heliotrope"


class Ids:
    """Everything of Ann's that has an id or a name."""

    def __init__(self, store: HistoryStore) -> None:
        self.conversation = store.create_conversation("ann", settings={"note": SECRET}).id
        self.message = store.add_message("ann", self.conversation, parent_id=None, role="user", content=SECRET).id
        store.update_message("ann", self.message, tokens=SECRET.encode())
        self.temporary = store.create_conversation("ann", temporary=True).id
        self.run = store.add_run("ann", "summary", input=SECRET, output=SECRET).id
        self.preset = store.save_preset("ann", SECRET, {"note": SECRET}).name


Attempt = Callable[[HistoryStore, Ids], object]

REFUSED: dict[str, tuple[str, Attempt]] = {
    "get_conversation": (NO_CONVERSATION, lambda store, ids: store.get_conversation("bob", ids.conversation)),
    "rename": (NO_CONVERSATION, lambda store, ids: store.rename("bob", ids.conversation, "mine")),
    "set_pinned": (NO_CONVERSATION, lambda store, ids: store.set_pinned("bob", ids.conversation, True)),
    "set_settings": (NO_CONVERSATION, lambda store, ids: store.set_settings("bob", ids.conversation, {})),
    "delete": (NO_CONVERSATION, lambda store, ids: store.delete("bob", ids.conversation)),
    "restore": (NO_CONVERSATION, lambda store, ids: store.restore("bob", ids.conversation)),
    "discard_temporary": (NO_CONVERSATION, lambda store, ids: store.discard_temporary("bob", ids.temporary)),
    "add_message": (
        NO_CONVERSATION,
        lambda store, ids: store.add_message("bob", ids.conversation, parent_id=None, role="user", content="x"),
    ),
    "get_message": (NO_MESSAGE, lambda store, ids: store.get_message("bob", ids.message)),
    "update_message": (
        NO_MESSAGE,
        lambda store, ids: store.update_message("bob", ids.message, content="x", tokens=b""),
    ),
    "load_tokens": (NO_MESSAGE, lambda store, ids: store.load_tokens("bob", ids.message)),
    "thread": (NO_CONVERSATION, lambda store, ids: store.thread("bob", ids.conversation)),
    "path_to": (NO_MESSAGE, lambda store, ids: store.path_to("bob", ids.message)),
    "select_version": (NO_MESSAGE, lambda store, ids: store.select_version("bob", ids.message)),
    "get_run": (NO_RUN, lambda store, ids: store.get_run("bob", ids.run)),
    "change_run": (NO_RUN, lambda store, ids: store.change_run("bob", ids.run, output="x")),
    "delete_run": (NO_RUN, lambda store, ids: store.delete_run("bob", ids.run)),
    "restore_run": (NO_RUN, lambda store, ids: store.restore_run("bob", ids.run)),
    "delete_preset": (NO_PRESET, lambda store, ids: store.delete_preset("bob", ids.preset)),
    "export_markdown": (NO_CONVERSATION, lambda store, ids: store.export_markdown("bob", ids.conversation)),
    "export_html": (NO_CONVERSATION, lambda store, ids: store.export_html("bob", ids.conversation)),
}
HARMLESS: dict[str, Attempt] = {
    "create_conversation": lambda store, ids: store.create_conversation("bob"),
    "list_conversations": lambda store, ids: store.list_conversations("bob"),
    "delete_all": lambda store, ids: store.delete_all("bob"),
    "add_run": lambda store, ids: store.add_run("bob", "summary", input="", output=""),
    "list_runs": lambda store, ids: store.list_runs("bob"),
    "save_preset": lambda store, ids: store.save_preset("bob", "mine", {}),
    "list_presets": lambda store, ids: store.list_presets("bob"),
    "search": lambda store, ids: store.search("bob", SECRET),
    "export_json": lambda store, ids: store.export_json("bob"),
    "import_json": lambda store, ids: store.import_json("bob", store.export_json("ann")),
}


def public_methods() -> dict[str, Callable[..., object]]:
    methods = inspect.getmembers(HistoryStore, inspect.isfunction)
    return {name: method for name, method in methods if not name.startswith("_")}


def everything_of_ann(store: HistoryStore, ids: Ids) -> tuple[object, ...]:
    return (
        store.export_json("ann"),
        store.list_conversations("ann"),
        store.get_conversation("ann", ids.temporary),
        store.list_runs("ann"),
        store.list_presets("ann"),
        store.load_tokens("ann", ids.message),
    )


def test_every_public_method_takes_the_owner_first_and_is_tried_here() -> None:
    methods = public_methods()
    assert set(methods) - FOR_EVERYBODY == {*REFUSED, *HARMLESS}
    for name, method in methods.items():
        parameters = list(inspect.signature(method).parameters.values())[1:]
        if name in FOR_EVERYBODY:
            assert "owner" not in [parameter.name for parameter in parameters]
        else:
            assert parameters[0].name == "owner" and parameters[0].default is inspect.Parameter.empty, name


@pytest.mark.parametrize("name", REFUSED)
def test_somebody_elses_thing_and_a_missing_one_give_the_same_sentence(store: HistoryStore, name: str) -> None:
    ids = Ids(store)
    before = everything_of_ann(store, ids)
    sentence, attempt = REFUSED[name]
    missing = Ids.__new__(Ids)
    missing.__dict__ = dict.fromkeys(vars(ids), "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    for target in (ids, missing):
        with pytest.raises(NotFound) as caught:
            attempt(store, target)
        assert str(caught.value) == sentence
    assert everything_of_ann(store, ids) == before


@pytest.mark.parametrize("name", HARMLESS)
def test_what_needs_no_id_neither_shows_nor_changes_anything_of_anns(store: HistoryStore, name: str) -> None:
    ids = Ids(store)
    before = everything_of_ann(store, ids)
    result = HARMLESS[name](store, ids)
    assert SECRET not in repr(result)
    assert everything_of_ann(store, ids) == before


def test_exporting_by_id_and_selecting_a_parent_are_refused_too(store: HistoryStore) -> None:
    ids = Ids(store)
    own = store.create_conversation("bob").id
    with pytest.raises(NotFound):
        store.export_json("bob", [own, ids.conversation])
    with pytest.raises(NotFound):
        store.add_message("bob", own, parent_id=ids.message, role="user", content="x")
    with pytest.raises(NotFound):
        store.restore("bob", [own, ids.conversation])
