"""Several visitors at once: how much they get together, how evenly, and how long a newcomer waits."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks import prompts
from benchmarks.command_line import QWEN_05B, SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.prefill import never_read
from benchmarks.results import Figure, Result, Table, median, ratio, with_spread
from benchmarks.sides import Side, our_side, take_turns, transformers_side

NEW_TOKENS = 128
CROWDS = (1, 4, 8)
COMPARED_CROWD = 4
LONG_PROMPT_TOKENS = 2000
ALL_TOGETHER = (2.0, 2.4)
FAIRNESS = (0.8, 0.9)


def measure(plan: Plan) -> Result:
    """Both small models; the crowds and the peer take turns."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    waits: list[tuple[str, ...]] = []
    for model in plan.choose(SMOLLM2, QWEN_05B):
        name = SHORT_NAMES[model]
        crowds, alone, newcomers = _measure(model, plan)
        totals = [[answer["tokens"] / answer["wall_s"] for answer in crowd] for crowd in crowds]
        waited = [answer["first_token_s"] for answer in newcomers]
        long_waited = [answer["long_first_token_s"] for answer in newcomers]
        fairness = [answer["fair_share"] for answer in crowds[len(CROWDS) - 1]]
        figures += _figures(name, totals, fairness, ratio(waited, long_waited))
        rows.append((name, *(with_spread(values) for values in totals)))
        waits.append(
            (
                name,
                *(
                    with_spread(values)
                    for values in ([answer["first_token_s"] for answer in alone], waited, long_waited)
                ),
            )
        )
    together = ("tokens a second together", *(f"{count} at once" for count in CROWDS))
    return Result(
        "visitors",
        "Several visitors",
        f"Visitors ask different short questions at the same moment, {NEW_TOKENS} new tokens each, greedy: all new "
        "tokens, divided by the time from the first request to the last token. The fair share is counted while all "
        "of them are being answered. The newcomer asks a short question while another visitor's "
        f"{LONG_PROMPT_TOKENS:,} tokens are being read. Continuous batching: `generate_batch` of transformers, bf16. "
        "Median (lowest–highest).",
        plan.long_rounds,
        tuple(figures),
        (
            Table((*together, f"continuous batching, {COMPARED_CROWD} at once"), tuple(rows)),
            Table(
                ("seconds to the first token", "alone", "while the long prompt is read", "the long prompt"),
                tuple(waits),
            ),
        ),
    )


def _figures(name: str, totals: list[list[float]], fairness: list[float], waiting: float | None) -> list[Figure]:
    return [
        Figure(
            f"{CROWDS[1]} visitors, total tokens/s / one visitor, {name}",
            ratio(totals[1], totals[0]),
            *ALL_TOGETHER,
        ),
        Figure(f"{CROWDS[-1]} visitors, slowest's share of the fair share, {name}", median(fairness), *FAIRNESS),
        Figure(
            f"{COMPARED_CROWD} prompts, total tokens/s, ours / continuous batching, {name}",
            ratio(totals[1], totals[-1]),
        ),
        Figure(f"a newcomer's wait / that of the long prompt before it, {name}", waiting),
    ]


def _measure(model: str, plan: Plan) -> tuple[list[list[dict[str, Any]]], list[dict[str, Any]], list[dict[str, Any]]]:
    """What each crowd and, last, continuous batching gave; a short question alone; the same as a newcomer."""
    questions = [prompts.question_alone(question) for question in prompts.QUESTIONS]
    with ExitStack() as opened:
        ours = opened.enter_context(our_side(model))
        peer = opened.enter_context(transformers_side(model))
        ids = [ours.ask("ids", turns=turns) for turns in questions[:COMPARED_CROWD]]
        ours.ask("crowd", conversations=questions, new_tokens=8)
        peer.ask("batch", prompts=ids, new_tokens=8)
        *crowds, batches = take_turns(
            plan.long_rounds,
            *(
                lambda _, count=count: ours.ask("crowd", conversations=questions[:count], new_tokens=NEW_TOKENS)
                for count in CROWDS
            ),
            lambda _: peer.ask("batch", prompts=ids, new_tokens=NEW_TOKENS),
        )
        alone, newcomers = take_turns(plan.long_rounds, lambda _: _ask_alone(ours), lambda _: _come_later(ours))
    return [*crowds, batches], alone, newcomers


def _short(ours: Side) -> prompts.Turns:
    return never_read(ours, 60)["turns"]


def _ask_alone(ours: Side) -> dict[str, Any]:
    return ours.ask("stream", turns=_short(ours), new_tokens=1)


def _come_later(ours: Side) -> dict[str, Any]:
    return ours.ask("newcomer", long=never_read(ours, LONG_PROMPT_TOKENS)["turns"], short=_short(ours))


if __name__ == "__main__":
    main(measure)
