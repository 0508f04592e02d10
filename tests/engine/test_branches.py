"""Texts side by side behind one beginning: the same logits as each alone, and a cache that stays as it is."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.batch import Branch, pack, pack_branches
from playground.engine.branch_attention import GROUP_TOKENS, BranchGroups
from playground.engine.kv_cache import KVCache
from playground.engine.scoring_plan import Opening, Planner, plans_of
from playground.engine.session import Session, open_session
from playground.messages import Message

BEGINNING = list(range(3, 20))
TEXTS = ([5, 6, 7], [8], [9, 10, 11, 12, 13], [5, 6], [14] * 9)


@pytest.fixture
def session(tiny, family: str) -> Session:
    return open_session(tiny.load(tiny.spec(family, "Tiny"), lambda *_: None))


def alone(session: Session, ids: list[int], rows: int) -> torch.Tensor:
    return session.forward.step(pack([(KVCache(), ids, rows)])).clone()


@pytest.mark.parametrize("beginning", [BEGINNING, []])
def test_side_by_side_is_the_same_as_alone_in_every_family(session: Session, beginning: list[int]) -> None:
    cache = KVCache()
    if beginning:
        session.forward.step(pack([(cache, beginning, 0)]))
    wanted = [1, 1, 3, 2, 1]
    logits = session.forward.step(pack_branches(cache, list(zip(TEXTS, wanted, strict=True)))).clone()
    expected = torch.cat([alone(session, [*beginning, *ids], rows) for ids, rows in zip(TEXTS, wanted, strict=True)])
    torch.testing.assert_close(logits, expected, atol=2e-3, rtol=2e-3)
    assert cache.length == len(beginning)


def test_what_comes_behind_texts_side_by_side_sees_nothing_of_them(tiny) -> None:
    session = open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))
    cache = KVCache()
    session.forward.step(pack([(cache, BEGINNING, 0)]))
    session.forward.step(pack_branches(cache, [(ids, 1) for ids in TEXTS]))
    logits = session.forward.step(pack([(cache, [4, 5], 1)])).clone()
    torch.testing.assert_close(logits, alone(session, [*BEGINNING, 4, 5], 1), atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("texts", [[], [([], 0)], [([1], 2)], [([1, 2], -1)]])
def test_what_cannot_be_read_is_refused(texts: list) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        pack_branches(KVCache(), texts)


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 200), min_size=1, max_size=12),
    before=st.integers(0, 40),
    parts=st.integers(1, 4),
    window=st.one_of(st.none(), st.integers(1, 60)),
)
def test_a_token_sees_the_beginning_and_its_own_text_up_to_itself(
    lengths: list[int], before: int, parts: int, window: int | None
) -> None:
    groups = BranchGroups([Branch(length, 1) for length in lengths], before, parts=parts)
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    assert [rows.start for rows in groups.rows] == [0, *(rows.stop for rows in groups.rows[:-1])]
    assert groups.rows[-1].stop == sum(lengths)
    for index, rows in enumerate(groups.rows):
        own = [
            (start, length) for start, length in zip(starts, lengths, strict=True) if rows.start <= start < rows.stop
        ]
        assert len(own) == 1 or rows.stop - rows.start <= GROUP_TOKENS
        mask = groups.mask(index, window=window, device=torch.device("cpu"))
        ahead = before - groups.first_seen(window)
        assert mask.shape == (rows.stop - rows.start, ahead + rows.stop - rows.start)
        for start, length in own:
            for place in (0, length - 1):
                seen = mask[start - rows.start + place]
                most = before + place + 1 if window is None else min(window, before + place + 1)
                assert seen.sum() == most
                mine = seen[ahead + start - rows.start : ahead + start - rows.start + length]
                assert mine[place] and not mine[place + 1 :].any()


def test_what_is_cut_once_for_all_openings_is_cut_as_each_alone_would_be(tiny) -> None:
    session = open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))
    head = "".join(f"Text: example {number} of some length\nLabel: yes\n\n" for number in range(8))
    texts = [
        f"{head}Text: {own}\nLabel:" for own in ("rain", "it rained\tall day", "", "雨 🌧", "Text: \n\nText: <|im_end|>")
    ]
    options = [" yes", " no", " nobody knows"]
    openings = [Opening(text) for text in texts]
    together, errors = plans_of(session, openings, options)
    assert not errors and Planner(session, openings, options)._head
    for plan, opening in zip(together, openings, strict=True):
        (single,), _ = plans_of(session, [opening], options)
        assert (plan.start, plan.endings) == (single.start, single.endings)
        ids = session.prompts.reply_ids
        assert (*plan.start, *plan.endings[2]) == (*session.prompts.leading_ids, *ids(opening.text + options[2]))


def test_what_conversations_have_in_common_is_cut_once_as_each_alone_would_be(tiny) -> None:
    session = open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))
    shown = (Message("user", "Good?\n\nrain"), Message("assistant", "no"))
    rests = ("sun and sea", "rain", "", " blank ", "雨 🌧", "a <|im_end|> b", "why\n\nnot", "x" * 900)
    openings = [Opening("", (*shown, Message("user", f"Good?\n\n{rest}")), 2) for rest in rests]
    together, refused = plans_of(session, openings, ["yes", "no"])
    assert Planner(session, openings, ["yes", "no"])._chat is not None
    for plan in together:
        (single,), _ = plans_of(session, [openings[plan.index]], ["yes", "no"])
        assert (plan.start, plan.endings, plan.public_length) == (single.start, single.endings, single.public_length)
    for index, error in refused:
        (_, [(_, alone)]) = plans_of(session, [openings[index]], ["yes", "no"])
        assert str(error) == str(alone)
