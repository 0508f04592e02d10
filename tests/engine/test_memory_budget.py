"""Answers begin while their prompts fit into memory: one always, nobody out of turn, and all of them in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.engine.kv_cache import BLOCK_TOKENS, KVCache
from playground.engine.memory_budget import MemoryBudget, free_bytes, is_out_of_memory
from playground.engine.reply import Reply, Request
from playground.engine.scheduler import Scheduler
from playground.engine.session import open_session
from playground.messages import Message, SamplingParams

BLOCK_BYTES = 2 * BLOCK_TOKENS * 4


@dataclass(eq=False)
class Answer:
    """What the budget looks at. `read` makes it one that has begun."""

    prompt_tokens: int
    begun: bool = False
    cache: KVCache = field(default_factory=KVCache)

    def read(self, tokens: int) -> Answer:
        self.begun = True
        self.cache.append(0, torch.zeros(1, tokens, 1), torch.zeros(1, tokens, 1))
        self.cache.advance(tokens)
        return self


def blocks(count: int) -> int:
    """Tokens of a prompt for which `count` blocks are needed."""
    return count * BLOCK_TOKENS - 1


def test_one_answer_always_may_however_long():
    budget = MemoryBudget(0)
    budget.admit([Answer(1).read(1)], 1)
    answers = [Answer(blocks(100)), Answer(1)]
    assert budget.admit(answers, 8) == answers[:1]


def test_a_prompt_waits_until_it_fits_beside_those_that_have_begun():
    budget = MemoryBudget(4 * BLOCK_BYTES)
    first, second, third = Answer(blocks(2)).read(1), Answer(blocks(3)), Answer(blocks(2))
    assert budget.admit([first, third], 8) == [first, third]
    assert budget.admit([first, second], 8) == [first]
    assert budget.admit([second], 8) == [second]


def test_nobody_overtakes_one_that_waits_for_memory_but_those_that_have_begun_go_on():
    budget = MemoryBudget(4 * BLOCK_BYTES)
    first, large, small, begun = Answer(blocks(1)).read(1), Answer(blocks(9)), Answer(1), Answer(1).read(1)
    assert budget.admit([first, large, small, begun], 8) == [first, begun]


def test_what_is_written_counts_too():
    budget = MemoryBudget(4 * BLOCK_BYTES)
    writer = Answer(1).read(blocks(3))
    assert budget.admit([writer, Answer(blocks(2))], 8) == [writer]


def test_places_are_not_exceeded():
    answers = [Answer(1) for _ in range(5)]
    assert MemoryBudget(1 << 30).admit(answers, 3) == answers[:3]


ANSWERS = st.lists(st.tuples(st.integers(1, 2000), st.sampled_from([0, 0, 1, 600])), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(ANSWERS, st.integers(0, 12), st.integers(1, 4))
def test_those_who_begin_fit_into_the_budget_beside_all_that_have_begun(described, limit_blocks, places):
    answers = [Answer(tokens).read(read) if read else Answer(tokens) for tokens, read in described]
    budget = MemoryBudget(limit_blocks * BLOCK_BYTES)
    budget.admit([Answer(1).read(1)], 1)
    admitted = budget.admit(answers, places)
    new = [answer for answer in admitted if not answer.begun]
    taken = [answer for answer in answers if answer.begun or answer in new]
    needed = sum(-(-(max(one.prompt_tokens, one.cache.length) + 1) // BLOCK_TOKENS) for one in taken)
    assert len(admitted) <= places and [one for one in answers if one in admitted] == admitted
    assert admitted and (not new or len(taken) == 1 or needed <= limit_blocks)


def test_long_prompts_are_answered_one_after_the_other_where_memory_is_short(tiny):
    session = open_session(tiny.load(tiny.spec("llama", "Tiny"), lambda *_: None))
    params = SamplingParams(temperature=0, max_new_tokens=5)
    answers = []
    for memory_bytes in (1 << 30, 1):
        scheduler = Scheduler(session, most_running=4, chunk_tokens=64, memory_bytes=memory_bytes)
        replies = [Reply(Request((Message("user", "x" * 200),), params, owner=str(number))) for number in range(3)]
        for reply in replies:
            scheduler.add(reply)
        most_begun = 0
        while scheduler.running + scheduler.waiting:
            scheduler.admit()
            scheduler.step()
            most_begun = max(most_begun, sum(one.cache.length > 0 for one in scheduler._answers))
        answers.append(["".join(chunk.text for chunk in reply.chunks()) for reply in replies])
        assert most_begun == (3 if memory_bytes > 1 else 1)
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"), True),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_a_full_memory_is_told_from_other_errors(error, full):
    assert is_out_of_memory(error) is full


def test_pytorch_still_says_it_that_way():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 52)
    assert is_out_of_memory(caught.value)
    assert free_bytes(torch.device("cpu")) > 0
