"""How long a prompt of 600 tokens takes that nobody has read before: ours against llama.cpp on the same file."""

from __future__ import annotations

import uuid
from contextlib import ExitStack

from benchmarks.command_line import ALL_MODELS, QWEN_05B, QWEN_15B, SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.results import Figure, Result, Table, ratio, with_spread
from benchmarks.sides import Side, llama_cpp_side, our_side, take_turns

PROMPT_TOKENS = 600
TARGETS = {SMOLLM2: (1.8, 2.5), QWEN_05B: (1.6, 2.2), QWEN_15B: (1.2, 1.6)}


def measure(plan: Plan) -> Result:
    """All models, one after the other; the sides take turns."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(*ALL_MODELS):
        ours, llama = _seconds(model, plan)
        name = SHORT_NAMES[model]
        figures.append(
            Figure(f"prefill {PROMPT_TOKENS} tokens, {name}, ours / llama.cpp", ratio(llama, ours), *TARGETS[model])
        )
        rows.append((name, with_spread(ours), with_spread(llama)))
    return Result(
        "prefill",
        "Prefill",
        f"Seconds from the request to the first token of the answer to a prompt of {PROMPT_TOKENS} tokens. Its first "
        "words are new in every round, so that no cache of either side helps; both sides get the same tokens. The "
        "figure is the ratio of the speeds. Median (lowest–highest).",
        plan.rounds,
        tuple(figures),
        (Table(("seconds to the first token", "ours", "llama.cpp"), tuple(rows)),),
    )


def never_read(ours: Side, tokens: int, **choices: object) -> dict:
    """A prompt of `tokens` tokens with first words that no earlier one had."""
    return ours.ask("prompt", tokens=tokens, opening=f"{uuid.uuid4().hex[:8]}.", **choices)


def _seconds(model: str, plan: Plan) -> list[list[float]]:
    with ExitStack() as opened:
        ours = opened.enter_context(our_side(model))
        peer = None
        if plan.peer_python:
            peer = opened.enter_context(llama_cpp_side(model, ours.ask("facts")["gguf"], plan.peer_python))
        fresh = [never_read(ours, PROMPT_TOKENS) for _ in range(plan.rounds + 1)]

        def read(number: int) -> float:
            answer = ours.ask("stream", turns=fresh[number]["turns"], new_tokens=1)
            return answer["first_token_s"]

        def let_peer_read(number: int) -> float:
            return peer.ask("stream", ids=fresh[number]["ids"], new_tokens=1)["first_token_s"] if peer else 0.0

        turns = [read, let_peer_read] if peer else [read]
        for turn in turns:
            turn(plan.rounds)
        measured = take_turns(plan.rounds, *turns)
    return measured if peer else [*measured, []]


if __name__ == "__main__":
    main(measure)
