"""What a follow-up question costs after a long conversation, with and without the prefix store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import prompts
from benchmarks.command_line import QWEN_05B, SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.prefill import never_read
from benchmarks.results import Figure, Result, Table, median, ratio, with_spread
from benchmarks.sides import Side, our_side, take_turns

CONVERSATION_TOKENS = 1500
ANSWER_TOKENS = 32
TARGETS = (0.15, 0.08)
TASK = "What does this text say?"
ANSWER = (
    "It describes how a community of programmers makes up words of its own, plays with them, and tells by them who "
    "belongs."
)
"""About as long as an answer of ANSWER_TOKENS, for a conversation that was never held."""

Turn = Callable[[int], dict[str, Any]]


def measure(plan: Plan) -> Result:
    """Both small models; turns with and without take turns."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(SMOLLM2, QWEN_05B):
        with our_side(model) as ours:
            with_store, without = take_turns(plan.rounds, _with_store(ours), _without_store(ours))
        name = SHORT_NAMES[model]
        seconds, cold = ([answer["first_token_s"] for answer in answers] for answers in (with_store, without))
        figure = f"follow-up after {CONVERSATION_TOKENS:,} tokens, with / without the prefix store, {name}"
        figures.append(Figure(figure, ratio(seconds, cold), *TARGETS, lower_is_better=True))
        reused = " / ".join(f"{median([a['cached_tokens'] for a in answers]):.0f}" for answers in (with_store, without))
        read = f"{median([answer['prompt_tokens'] for answer in with_store]):.0f}"
        rows.append((name, with_spread(seconds), with_spread(cold), f"{reused} of {read}"))
    return Result(
        "follow_up",
        "Follow-up turn",
        f"A question about a text of {CONVERSATION_TOKENS:,} tokens is answered, then a second question is asked: "
        "seconds from there to the first token. Without the store: the same conversation in a form that nobody has "
        "asked before (other first words). Median (lowest–highest).",
        plan.rounds,
        tuple(figures),
        (Table(("seconds to the first token", "with", "without", "tokens reused, with / without"), tuple(rows)),),
    )


def _with_store(ours: Side) -> Turn:
    def turn(_: int) -> dict[str, Any]:
        first = never_read(ours, CONVERSATION_TOKENS, task=TASK)["turns"]
        answer = ours.ask("stream", turns=first, new_tokens=ANSWER_TOKENS)["text"]
        return ours.ask("stream", turns=_second(first, answer), new_tokens=1)

    return turn


def _without_store(ours: Side) -> Turn:
    def turn(_: int) -> dict[str, Any]:
        first = never_read(ours, CONVERSATION_TOKENS, task=TASK)["turns"]
        return ours.ask("stream", turns=_second(first, ANSWER), new_tokens=1)

    return turn


def _second(first: prompts.Turns, answer: str) -> prompts.Turns:
    return [*first, {"role": "assistant", "content": answer}, {"role": "user", "content": prompts.FOLLOW_UP}]


if __name__ == "__main__":
    main(measure)
