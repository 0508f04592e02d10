"""What a long conversation does to the speed: decode behind 100 to 2,000 tokens of context."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.command_line import QWEN_05B, SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.decode import speed
from benchmarks.prefill import never_read
from benchmarks.results import Figure, Result, Table, ratio, with_spread
from benchmarks.sides import llama_cpp_side, our_side, take_turns

CONTEXTS = (100, 500, 1000, 2000)
NEW_TOKENS = 64
TARGETS = (0.6, 0.75)


def measure(plan: Plan) -> Result:
    """Both small models; the lengths take turns."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(SMOLLM2, QWEN_05B):
        name = SHORT_NAMES[model]
        for side, speeds in _speeds(model, plan).items():
            targets = TARGETS if side == "ours" else ()
            share = ratio(speeds[-1], speeds[0])
            figures.append(
                Figure(f"decode behind {CONTEXTS[-1]:,} tokens / behind {CONTEXTS[0]}, {name}, {side}", share, *targets)
            )
            rows.append((f"{name}, {side}", *(with_spread(values) for values in speeds)))
    return Result(
        "context_growth",
        "Growing context",
        f"Decode speed over {NEW_TOKENS} new tokens behind prompts of different lengths, greedy. Median "
        "(lowest–highest).",
        plan.long_rounds,
        tuple(figures),
        (Table(("tokens a second behind", *(f"{length:,}" for length in CONTEXTS)), tuple(rows)),),
    )


def _speeds(model: str, plan: Plan) -> dict[str, list[list[float]]]:
    """For each side the speeds at every length."""
    with ExitStack() as opened:
        ours = opened.enter_context(our_side(model))
        asked = [never_read(ours, length) for length in CONTEXTS]
        turns = [
            lambda _, prompt=prompt: speed(ours.ask("stream", turns=prompt["turns"], new_tokens=NEW_TOKENS))
            for prompt in asked
        ]
        if plan.peer_python:
            peer = opened.enter_context(llama_cpp_side(model, ours.ask("facts")["gguf"], plan.peer_python))
            turns += [
                lambda _, prompt=prompt: speed(peer.ask("stream", ids=prompt["ids"], new_tokens=NEW_TOKENS))
                for prompt in asked
            ]
        for turn in turns[:: len(CONTEXTS)]:
            turn(0)
        measured = take_turns(plan.long_rounds, *turns)
    sides = {"ours": measured[: len(CONTEXTS)]}
    return sides | {"llama.cpp": measured[len(CONTEXTS) :]} if plan.peer_python else sides


if __name__ == "__main__":
    main(measure)
