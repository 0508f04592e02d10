"""How fast one answer is written: ours against llama.cpp on the same file and against `model.generate` in bf16."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from benchmarks import prompts
from benchmarks.command_line import ALL_MODELS, QWEN_05B, QWEN_15B, SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.results import Figure, Result, Table, ratio, with_spread
from benchmarks.sides import Side, llama_cpp_side, our_side, take_turns, transformers_side

NEW_TOKENS = 128
WARM_UP_TOKENS = 16
AGAINST_LLAMA_CPP = {SMOLLM2: (1.0, 1.3), QWEN_05B: (1.15, 1.4), QWEN_15B: (0.9, 1.1)}
AGAINST_GENERATE = (4.0, 5.0)
SAMPLING = (0.95, 1.0)
"""Sampling may cost a twentieth of a step."""
COLUMNS = ("tokens a second", "ours", "ours, sampled as in a chat", "llama.cpp", "`model.generate`, bf16")


def measure(plan: Plan) -> Result:
    """All models, one after the other; their sides take turns."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    built = "not there"
    for model in plan.choose(*ALL_MODELS):
        ours, sampled, llama, generate, built = _speeds(model, plan)
        name = SHORT_NAMES[model]
        figures += [
            Figure(f"decode, {name}, ours / llama.cpp", ratio(ours, llama), *AGAINST_LLAMA_CPP[model]),
            Figure(f"decode, {name}, ours / `model.generate` bf16", ratio(ours, generate), *AGAINST_GENERATE),
            Figure(f"decode, {name}, sampled as in a chat / greedy", ratio(sampled, ours), *SAMPLING),
        ]
        rows.append((name, *(with_spread(speeds) for speeds in (ours, sampled, llama, generate))))
    return Result(
        "decode",
        "Decode",
        f"Greedy, {NEW_TOKENS} new tokens after a short question, after a warm-up; tokens after the first, divided by "
        "the time between the first and the last. Ours through the public engine with text and statistics; sampled: "
        "the chat's own settings (temperature, top-k, top-p, repetition penalty, five alternatives a token). "
        f"llama.cpp: {built}. Median (lowest–highest).",
        plan.rounds,
        tuple(figures),
        (Table(COLUMNS, tuple(rows)),),
    )


def speed(answer: dict[str, Any]) -> float:
    """Tokens a second after the first token."""
    return answer["later_tokens"] / answer["decode_s"]


def _speeds(model: str, plan: Plan) -> tuple[list[float], list[float], list[float], list[float], str]:
    """Speeds of ours, ours sampled, llama.cpp and `generate`, and how llama.cpp was built."""
    turns = prompts.question_alone(prompts.SHORT)
    with ExitStack() as opened:
        ours = opened.enter_context(our_side(model))
        peers: list[Side] = []
        if plan.peer_python:
            peers.append(opened.enter_context(llama_cpp_side(model, ours.ask("facts")["gguf"], plan.peer_python)))
        peers.append(opened.enter_context(transformers_side(model)))
        ids = ours.ask("ids", turns=turns)

        def write(_: int, tokens: int = NEW_TOKENS, *, as_in_a_chat: bool = False) -> float:
            return speed(ours.ask("stream", turns=turns, new_tokens=tokens, as_in_a_chat=as_in_a_chat))

        def sample(number: int) -> float:
            return write(number, as_in_a_chat=True)

        facts = peers[0].ask("facts") if plan.peer_python else None
        asked = [lambda _, peer=peer: speed(peer.ask("stream", ids=ids, new_tokens=NEW_TOKENS)) for peer in peers]
        write(0, WARM_UP_TOKENS)
        for peer in peers:
            peer.ask("stream", ids=ids, new_tokens=WARM_UP_TOKENS)
        ours_speeds, sampled, *others = take_turns(plan.rounds, write, sample, *asked)
    llama, generate = others if plan.peer_python else ([], *others)
    built = f"version {facts['version']}, {facts['system'].strip()}" if facts else "not there"
    return ours_speeds, sampled, llama, generate, built


if __name__ == "__main__":
    main(measure)
