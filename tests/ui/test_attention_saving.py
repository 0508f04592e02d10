"""Files of what is seen hold the numbers that are seen; texts in them stay text, and none is too large for its kind."""

from __future__ import annotations

import base64
import csv
import io
import json
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy
import pytest

from playground.errors import InvalidInput
from playground.ui import attention_saving
from playground.ui.attention_runs import Run
from playground.ui.attention_saving import Saving, file_of
from playground.ui.attention_view import Choice, token_rows, unit_rows
from tests.ui.tiny_runs import HOSTILE, tiny_run

TEXT = f"The cat sat; the cat slept. {HOSTILE[0]} =1+1"


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with tiny_run("qwen2", TEXT) as (_, made):
        yield made


def saved(run: Run, choice: Choice, form: str, what: str = "map", **data: Any) -> dict[str, Any]:
    return file_of(run, choice, {"format": form, "what": what, **data})


def numbers_of(file: dict[str, Any]) -> Any:
    return numpy.load(io.BytesIO(base64.b64decode(file["base64"])))


@pytest.mark.parametrize("choice", [Choice(), Choice(1), Choice(1, 2), Choice(1, 2, hide_first=True)])
def test_a_map_holds_the_weights_of_the_choice(run: Run, choice: Choice) -> None:
    expected = token_rows(run, choice, range(len(run.tokens))).numpy()
    file = numbers_of(saved(run, choice, "npz"))
    numpy.testing.assert_array_equal(file["weights"], expected)
    assert list(file["row_tokens"]) == list(run.tokens) == list(file["column_tokens"])
    written = json.loads(saved(run, choice, "json")["text"])
    numpy.testing.assert_allclose(written["weights"], expected, atol=1e-6)
    assert (written["model"], written["text"]) == ("Tiny", TEXT)
    assert (written["settings"]["layer"], written["settings"]["head"]) == (choice.layer, choice.head)
    lines = list(csv.reader(io.StringIO(saved(run, choice, "csv")["text"])))
    numpy.testing.assert_allclose([[float(cell) for cell in line[1:]] for line in lines[1:]], expected, rtol=1e-5)


def test_a_piece_of_the_map_is_saved_as_it_is_seen(run: Run) -> None:
    choice = Choice(0, 1)
    piece = numbers_of(saved(run, choice, "npz", top=3, bottom=9, left=2, right=7))
    whole = token_rows(run, choice, range(len(run.tokens))).numpy()
    numpy.testing.assert_array_equal(piece["weights"], whole[3:9, 2:7])
    assert list(piece["row_tokens"]) == list(run.tokens[3:9])


def test_a_map_between_two_texts_is_by_words_where_those_are_shown(run: Run) -> None:
    choice = Choice(0, 1, words=True)
    file = numbers_of(saved(replace(run, source=run), choice, "npz"))
    numpy.testing.assert_array_equal(file["weights"], unit_rows(run, choice, 0, len(run.words)).numpy())
    assert list(file["column_tokens"]) == [word.text for word in run.words]


@pytest.mark.parametrize("words", [True, False])
def test_the_looks_of_one_word_are_one_row(run: Run, words: bool) -> None:
    choice = Choice(words=words)
    file = numbers_of(saved(run, choice, "npz", "text", query=5))
    numpy.testing.assert_array_equal(file["weights"], unit_rows(run, choice, 5, 6).numpy())
    names = [word.text for word in run.words] if words else list(run.tokens)
    assert [str(token) for token in file["column_tokens"]] == names and str(file["row_tokens"][0]) == names[5]


@pytest.mark.parametrize("what", ["map", "text"])
def test_a_drawing_is_well_formed_and_hostile_words_stay_text_in_it(run: Run, what: str) -> None:
    title = "<script>alert(2)</script>"
    file = saved(run, Choice(), "svg", what, query=len(run.words) - 1 if what == "text" else None, title=title)
    root = ElementTree.fromstring(file["text"])
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "rect", "text", "title", "path"} and file["type"] == "image/svg+xml"
    texts = [element.text or "" for element in root.iter()]
    assert title in texts and any("explanation" in line for line in texts)
    assert not any(name.startswith("on") for element in root.iter() for name in element.attrib)


def test_a_spreadsheet_takes_no_token_for_a_formula(run: Run) -> None:
    cells = [cell for line in csv.reader(io.StringIO(saved(run, Choice(), "csv")["text"])) for cell in line]
    assert not any(cell.startswith("=") for cell in cells) and "'=" in cells


def test_a_table_that_is_too_long_is_refused_before_it_is_computed_and_npz_has_it_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_saving, "MOST_TABLE_NUMBERS", 100)
    for form in ("csv", "json"):
        with pytest.raises(InvalidInput, match="Save it as NPZ, or zoom"):
            saved(run, Choice(0, 0), form)
        assert saved(run, Choice(0, 0), form, top=0, bottom=5, left=0, right=5)["text"]
    assert numbers_of(saved(run, Choice(0, 0), "npz"))["weights"].shape == (len(run.tokens),) * 2


def test_names_of_files_are_the_apps_own(run: Run) -> None:
    assert saved(run, Choice(), "svg", title="../../x")["name"] == "attention-map-average.svg"
    assert saved(run, Choice(2, 3), "csv", "text", query=0)["name"] == "attention-text-layer-3-head-4.csv"
    assert saved(replace(run, text="../"), Choice(1), "npz")["name"] == "attention-map-layer-2.npz"


@pytest.mark.parametrize(
    "data",
    [{"format": "exe"}, {"format": "svg", "what": "text"}, {"format": "svg", "what": "text", "query": 10_000},
     {"format": "npz", "what": "map", "top": 5, "bottom": 5}, {"format": "npz", "what": "map", "right": 10_000},
     {"format": "npz", "what": "map", "left": "1"}],
)  # fmt: skip
def test_what_a_page_cannot_have_meant_is_refused(run: Run, data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="out of date"):
        file_of(run, Choice(), data)


def test_files_are_made_one_at_a_time(run: Run) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slowly(data: dict[str, Any], request: Any, view: Any) -> dict[str, Any]:
        started.set()
        assert go_on.wait(10)
        return {}

    saving = Saving(slowly)
    nobody: Any = None
    maker = threading.Thread(target=lambda: saving.save_view({}, nobody))
    maker.start()
    assert started.wait(10)
    with pytest.raises(InvalidInput, match="Another file"):
        saving.save_view({}, nobody)
    go_on.set()
    maker.join(10)
    assert saving.save_view({}, nobody) == {}
