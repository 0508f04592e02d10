"""What is wanted is understood or refused with a sentence, and comes back from JSON as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import InvalidInput
from playground.tasks.extraction_schema import FIELD_TYPES, MOST_FIELDS, PRESETS, Field, Schema, schema_json, schema_of

fields = st.fixed_dictionaries(
    {
        "name": st.text(min_size=1, max_size=20), "type": st.sampled_from(FIELD_TYPES), "many": st.booleans(),
        "description": st.text(max_size=40), "choices": st.just(["a", "b"]),
    }
)  # fmt: skip


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_comes_back_from_json(name: str) -> None:
    assert schema_of(json.loads(json.dumps(schema_json(PRESETS[name])))) == PRESETS[name]
    assert schema_of(f" {name.upper()} ") == PRESETS[name]


@given(st.lists(fields, max_size=MOST_FIELDS + 2), st.booleans())
def test_any_fields_are_understood_or_refused_and_stay_what_they_are(
    given_fields: list[dict[str, Any]], rows: bool
) -> None:
    try:
        schema = schema_of({"fields": given_fields, "rows": rows})
    except InvalidInput as error:
        assert str(error).endswith(".")
        return
    assert 1 <= len(schema.fields) <= MOST_FIELDS
    assert schema_of(json.loads(json.dumps(schema_json(schema)))) == schema


def test_names_alone_are_columns_for_words_of_the_text() -> None:
    assert schema_of(["deadline", " price "]) == Schema((Field("deadline"), Field("price")))


def test_other_names_of_types_are_known() -> None:
    kinds = [
        ("string", "text"),
        ("boolean", "yes_no"),
        ("yes/no", "yes_no"),
        ("e-mail", "email"),
        ("url", "link"),
        ("integer", "number"),
    ]
    for said, meant in kinds:
        assert schema_of([{"name": "x", "type": said}]).fields[0].type == meant


def test_the_first_column_of_rows_holds_one_value() -> None:
    assert not schema_of({"fields": [{"name": "person", "many": True}], "rows": True}).fields[0].many


def test_choices_may_be_written_with_commas_of_two_languages() -> None:
    field = schema_of([{"name": "mood", "type": "choice", "choices": "good, bad，so so、 ,"}]).fields[0]
    assert field.choices == ("good", "bad", "so so")


@pytest.mark.parametrize(
    ("given_schema", "reason"),
    [
        ([], "no column"), ({"fields": [{}]}, "no column"), ([{"type": "date"}, "x"], None), (7, "cannot be read"),
        ({"fields": "x"}, "cannot be read"), ([["x"]], "cannot be read"), ("people, places", "no preset"),
        (["a", "A"], "Two columns"), ([{"name": "x", "type": "colour"}], "no type"), (["x"] * 13, "are the most"),
        ([{"name": "x", "type": "choice", "choices": "one"}], "at least two"),
        ([{"name": "", "description": "said"}], "no name"),
        ({"fields": [{"name": "x", "type": "yes_no"}], "rows": True}, "first column"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_a_reason(given_schema: Any, reason: str | None) -> None:
    if reason is None:
        assert len(schema_of(given_schema).fields) == 1  # a line that was left blank is none
        return
    with pytest.raises(InvalidInput, match=reason):
        schema_of(given_schema)


def test_what_rules_find_needs_no_model() -> None:
    assert not Schema((Field("e-mail", "email"), Field("dates", "date", every=True))).needs_model
    assert PRESETS["overview"].needs_model
