"""A link reopens the view; whatever else an address says is as if it were not there."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.attention.links import Order, View, ViewState, fitted, from_query, to_query

INDEX = st.one_of(st.none(), st.integers(0, 1_000_000))
STATES = st.builds(
    ViewState,
    run=st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True),
    view=st.sampled_from(get_args(View)),
    layer=INDEX,
    head=INDEX,
    query=INDEX,
    key=INDEX,
    hide_sink=st.booleans(),
    words=st.booleans(),
    value_weighted=st.booleans(),
    how=st.sampled_from(["mean", "max"]),
    pool=st.sampled_from(["mean", "max"]),
    order=st.sampled_from(get_args(Order)),
    temperature=st.floats(0.05, 5.0),
)


@settings(max_examples=300, deadline=None)
@given(state=STATES)
def test_a_link_reopens_the_view(state: ViewState) -> None:
    assert from_query(to_query(state)) == state
    assert from_query("?" + to_query(state)) == state


def test_a_link_says_only_what_differs() -> None:
    assert to_query(ViewState()) == ""
    assert to_query(ViewState(view="grid", layer=3, hide_sink=False)) == "view=grid&layer=3&hide_sink=0"


@settings(max_examples=300, deadline=None)
@given(query=st.text(max_size=80))
def test_no_address_is_an_error(query: str) -> None:
    assert isinstance(from_query(query), ViewState)


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from([one.name for one in fields(ViewState)]), value=st.text() | st.floats() | st.integers())
def test_wild_values_become_defaults_or_stay_within_bounds(name: str, value: object) -> None:
    state = from_query({name: value})
    assert from_query(to_query(state)) == state, "what was let in is a state that can be linked to"


@pytest.mark.parametrize(
    "query",
    [
        "view=<script>", "layer=-1", "layer=1e3", "layer=٣", "layer=99999999999", "temperature=nan", "temperature=0",
        "temperature=999", "run=../../etc/passwd", "run=a b", "hide_sink=yes", "pool=median", "nothing=1", "layer=%00",
        "run=" + "a" * 65, "layer=1\n",
    ],
)  # fmt: skip
def test_what_is_unknown_or_out_of_bounds_is_the_default(query: str) -> None:
    assert from_query(query) == ViewState()


def test_a_view_is_fitted_to_a_smaller_run() -> None:
    wide = ViewState(layer=5, head=3, query=100, key=7)
    assert fitted(wide, layers=6, heads=4, queries=50, keys=50) == ViewState(layer=5, head=3, key=7)
    assert fitted(wide, layers=5, heads=4, queries=101, keys=50) == ViewState(query=100, key=7)
    assert fitted(ViewState(head=2), layers=5, heads=4, queries=9, keys=9) == ViewState()
