"""Tables from texts: what stands in them stands in the text, what is not said stays empty, nothing is lost."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from playground.errors import InvalidInput, ModelUnavailable, PlaygroundError
from playground.tasks.extraction import ExtractionRequest, Extractor
from playground.tasks.extraction_events import Event, Filled, Finished, Table
from playground.tasks.extraction_schema import PRESETS, Field, Schema, schema_of
from tests.tasks.extraction_fakes import ExtractEngine

MINUTES = (
    "The treasurer, Sam Okoro, reported 1,840 pounds on 4 March 2025. Ruth Ellison of Halton took the chair. "
    "Okoro will write to post@plots.example by 30 April. He lives in Lancaster."
)
PEOPLE, PLACES = ("Sam Okoro", "Ruth Ellison", "Okoro"), ("Halton", "Lancaster")


def extract(engine: ExtractEngine, text: str, schema: Any = "overview") -> Table:
    *_, last = events(engine, text, schema)
    assert isinstance(last, Finished)
    return last.table


def events(engine: ExtractEngine, text: str, schema: Any, cancel: threading.Event | None = None) -> list[Event]:
    wanted = schema if isinstance(schema, Schema) else schema_of(schema)
    return list(Extractor(engine).extract(ExtractionRequest(text, wanted), cancel=cancel or threading.Event()))


def texts(table: Table, row: int = 0) -> list[list[str]]:
    return [[value.text for value in cell] for cell in table.rows[row]]


def long_text(paragraphs: int) -> str:
    sentence = "In those days the miller of the place baked bread for everybody who came by, and nobody paid. "
    return "\n\n".join(f"{3 * sentence}There was also {name}." for name in names(paragraphs))


def names(count: int) -> list[str]:
    """So many names that differ."""
    return [f"Anna Bell{first}{second}" for first in "abcdefgh" for second in "abcdefgh"][:count]


def test_everything_is_found_with_its_places() -> None:
    table = extract(ExtractEngine(people=PEOPLE, places=PLACES), MINUTES)
    people, places, dates, amounts, emails, phones, links = texts(table)
    assert people == ["Sam Okoro", "Ruth Ellison"]
    assert places == ["Halton", "Lancaster"]
    assert (dates, amounts) == (["4 March 2025", "30 April"], ["1,840 pounds"])
    assert (emails, phones, links) == (["post@plots.example"], [], [])
    for cell in table.rows[0]:
        for value in cell:
            assert value.spans and value.grounded
            for start, end in value.spans:
                assert MINUTES[start:end].split()[-1] == value.text.split()[-1]


def test_each_name_is_judged_once_for_people_and_places() -> None:
    engine = ExtractEngine(people=PEOPLE, places=PLACES)
    extract(engine, MINUTES)
    assert len(engine.judged) == len(set(engine.judged)) and {"Sam Okoro", "Halton"} <= set(engine.judged)


def test_a_short_name_is_that_of_the_person_named_in_full() -> None:
    table = extract(ExtractEngine(people=PEOPLE), MINUTES, "people")
    assert [row[0][0].text for row in table.rows] == ["Sam Okoro", "Ruth Ellison"]
    assert [MINUTES[slice(*span)] for span in table.rows[0][0][0].spans] == ["Sam Okoro", "Okoro"]


def test_each_row_is_asked_for_from_its_own_sentences() -> None:
    def says(prompt: str) -> Sequence[str]:
        assert "Lancaster" not in prompt
        return ["treasurer"] if "“Sam Okoro”" in prompt else []

    table = extract(ExtractEngine(says, people=PEOPLE), MINUTES, "people")
    assert [texts(table, row) for row in range(2)] == [[["Sam Okoro"], ["treasurer"]], [["Ruth Ellison"], []]]


def test_no_answer_can_hold_what_it_is_about() -> None:
    engine = ExtractEngine(lambda prompt: ["treasurer"], people=PEOPLE)
    extract(engine, MINUTES, "people")
    for messages, params in engine.asked:
        key = re.findall("“([^”]*)”", messages[-1].content)[-1]
        assert params.grammar is not None
        assert key not in params.grammar.lark.replace('", "', "")


def test_what_the_model_makes_up_is_marked() -> None:
    """A model that cannot be held to a form may say anything."""
    table = extract(ExtractEngine(lambda prompt: ["Napoleon"]), MINUTES, [{"name": "guest"}])
    (value,) = table.rows[0][0]
    assert (value.text, value.how, value.spans, value.grounded) == ("Napoleon", "none", (), False)


def test_what_is_not_said_stays_empty() -> None:
    table = extract(ExtractEngine(), "Water boils at a lower temperature there.", ["deadline", "price"])
    assert texts(table) == [[], []]
    assert extract(ExtractEngine(), "Water boils.", "people").rows == ()


def test_nothing_of_the_examples_can_be_answered() -> None:
    engine = ExtractEngine()
    extract(engine, MINUTES, ["deadline"])
    ((messages, params),) = engine.asked
    shown = " ".join(message.content for message in messages[:-1])
    assert "12 dollars" in shown and params.grammar is not None
    for word in ("dollars", "Ashby", "Helen"):
        assert word not in params.grammar.lark


@pytest.mark.parametrize("kind", ["date", "amount", "number"])
def test_a_column_of_a_usual_form_chooses_among_what_has_it(kind: str) -> None:
    engine = ExtractEngine(lambda prompt: ["30 April"])
    extract(engine, MINUTES, [{"name": "deadline", "type": kind}])
    grammar = engine.asked[0][1].grammar
    assert grammar is not None
    found = {"date": "30 April", "amount": "1,840 pounds", "number": "1,840"}[kind]
    assert found in grammar.lark and "treasurer" not in grammar.lark


def test_a_text_without_any_date_is_not_asked_for_one() -> None:
    engine = ExtractEngine(lambda prompt: ["30 April"])
    assert texts(extract(engine, "Water boils.", [{"name": "deadline", "type": "date"}])) == [[]]
    assert not engine.asked


def test_a_choice_is_no_word_of_the_text_and_no_invention() -> None:
    schema = [{"name": "tone", "type": "choice", "choices": ["friendly", "cold"]}, {"name": "urgent", "type": "yes_no"}]
    engine = ExtractEngine(lambda prompt: ["friendly"] if "tone" in prompt else ["no"])
    (tone,), (urgent,) = extract(engine, MINUTES, schema).rows[0]
    assert (tone.text, tone.how, urgent.text, urgent.grounded) == ("friendly", "chosen", "no", True)


def test_what_rules_find_is_there_without_a_model() -> None:
    schema = Schema((Field("mail", "email", many=True), Field("dates", "date", many=True, every=True)))
    table = extract(ExtractEngine(loaded=False), MINUTES, schema)
    assert texts(table) == [["post@plots.example"], ["4 March 2025", "30 April"]]
    assert table.model_name == "" and {value.origin for cell in table.rows[0] for value in cell} == {"rule"}


def test_without_a_model_rules_come_first_and_then_the_reason() -> None:
    told: list[Event] = []
    with pytest.raises(ModelUnavailable):
        for event in Extractor(ExtractEngine(loaded=False)).extract(
            ExtractionRequest(MINUTES, PRESETS["overview"]), cancel=threading.Event()
        ):
            told.append(event)
    assert isinstance(told[0], Filled)
    assert [value.text for value in told[0].table.rows[0][4]] == ["post@plots.example"]


def test_a_date_comes_with_its_sentence_and_without_a_model() -> None:
    table = extract(ExtractEngine(loaded=False), MINUTES, "dates")
    assert [row[0] for row in map(texts, [table] * 2, range(2))] == [["4 March 2025"], ["30 April"]]
    for row in table.rows:
        (sentence,) = row[1]
        ((start, end),) = sentence.spans
        assert row[0][0].text in sentence.text == MINUTES[start:end]
        assert sentence.origin == "rule" and len(sentence.text) < len(MINUTES)


def test_of_a_sentence_without_an_end_the_words_around_are_shown() -> None:
    text = ", ".join(f"thing {number} of the long list" for number in range(300)) + " on 4 March 2025, and so on"
    ((_, (around,)),) = extract(ExtractEngine(loaded=False), text, "dates").rows
    assert "4 March 2025" in around.text and len(around.text) <= 400


def test_an_address_goes_to_the_person_before_it() -> None:
    text = "Anna Bell, tel. 01524 555 0142, anna@bell.example\nOtto Reed, tel. 01524 555 0177"
    schema = {
        "rows": True,
        "fields": [
            {"name": "person", "type": "name"},
            {"name": "phone", "type": "phone"},
            {"name": "mail", "type": "email"},
        ],
    }
    table = extract(ExtractEngine(people=("Anna Bell", "Otto Reed")), text, schema)
    assert texts(table, 0) == [["Anna Bell"], ["01524 555 0142"], ["anna@bell.example"]]
    assert texts(table, 1) == [["Otto Reed"], ["01524 555 0177"], []]


def test_a_long_text_is_read_part_by_part_and_what_is_there_twice_counts_once() -> None:
    text = long_text(60) + "\n\nAnd again Anna Bellab."
    table = extract(ExtractEngine(people=names(60)), text, "people")
    assert len(table.parts) > 2 and table.read == table.parts
    assert "".join(text[start:end] for start, end in table.parts) == text
    assert [row[0][0].text for row in table.rows] == names(60)
    assert len(table.rows[1][0][0].spans) == 2


def test_of_several_parts_a_column_for_one_value_keeps_the_surest() -> None:
    engine = ExtractEngine(lambda prompt: ["Bellab"] if "Bellab" in prompt else ["bread"])
    engine.logprob = -0.5
    table = extract(engine, long_text(60), ["miller"])
    assert texts(table) == [["bread"]]  # fewer letters, so more likely


def test_cancelling_keeps_what_was_found() -> None:
    cancel = threading.Event()
    engine = ExtractEngine(lambda prompt: ["bread"], on_stream=lambda number: cancel.set() if number == 2 else None)
    *_, last = events(engine, long_text(60), [{"name": "food", "many": True}], cancel)
    assert isinstance(last, Finished)
    assert last.table.cancelled and len(last.table.read) == 1 < len(last.table.parts)
    assert [value.text for value in last.table.rows[0][0]] == ["bread"]
    assert len(engine.asked) == 2


def test_what_the_engine_refuses_is_said() -> None:
    with pytest.raises(PlaygroundError, match="full"):
        extract(ExtractEngine(refuses=PlaygroundError("The memory is full.")), MINUTES, ["deadline"])


def test_a_model_that_goes_round_in_circles_is_stopped() -> None:
    engine = ExtractEngine(lambda prompt: ["pounds"] * 20)
    table = extract(engine, MINUTES, [{"name": "thing", "many": True}])
    assert texts(table) == [["pounds"]]


def test_chinese_and_emoji_do_not_move_places() -> None:
    text = "🦋🦋馆长王丽华说，2025年3月18日再见王丽华。"
    table = extract(ExtractEngine(lambda prompt: ["王丽华"], people=["王丽华"]), text)
    (person,), _, (date,) = table.rows[0][:3]
    assert [text[slice(*span)] for span in (*person.spans, *date.spans)] == ["王丽华", "王丽华", "2025年3月18日"]


def test_a_date_is_no_name_whatever_the_model_says() -> None:
    table = extract(ExtractEngine(lambda prompt: ["5月9日"], places=["5月9日"]), "诊所5月9日开业。")
    assert texts(table)[1:3] == [[], ["5月9日"]]


def test_a_text_without_a_letter_is_refused() -> None:
    with pytest.raises(InvalidInput):
        ExtractionRequest(" \n…", PRESETS["overview"])


def test_progress_counts_up_to_its_total() -> None:
    told = [event for event in events(ExtractEngine(people=PEOPLE), MINUTES, "people") if isinstance(event, Filled)]
    assert told[-1].done == told[-1].total > 0
    assert [event.done for event in told] == sorted(event.done for event in told)
