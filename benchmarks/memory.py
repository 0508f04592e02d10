"""How much memory a chat of 2,000 tokens takes beyond the weights themselves."""

from __future__ import annotations

from benchmarks.command_line import ALL_MODELS, QWEN_05B, SHORT_NAMES, Plan, main
from benchmarks.results import Figure, Result, Table, median, number, with_spread
from benchmarks.startup import first_answer

CHAT_TOKENS, NEW_TOKENS = 2000, 128
LIMIT_MB = (500, 300)
MB = 1e6


def measure(plan: Plan) -> Result:
    """Each model in fresh processes; the peak hardly varies."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(*ALL_MODELS):
        ends = [
            first_answer(model, prompt_tokens=CHAT_TOKENS - NEW_TOKENS, new_tokens=NEW_TOKENS)["end"]
            for _ in range(plan.long_rounds)
        ]
        over = [(end["peak"] - end["weights"]) / MB for end in ends]
        name = SHORT_NAMES[model]
        targets = LIMIT_MB if model == QWEN_05B else ()
        figures.append(
            Figure(f"memory over the weights, {name}", median(over), *targets, unit="MB", lower_is_better=True)
        )
        peaks = [end["peak"] / MB for end in ends]
        held = f"{number(ends[0]['weights'] / MB)} ({ends[0]['held_as']})"
        rows.append((name, f"{ends[0]['tokens']:,}", with_spread(peaks), held, number(ends[0]["files"] / MB)))
    columns = ("MB", "tokens of the chat", "peak, private and shared", "weights", "of their files resident at the end")
    return Result(
        "memory",
        "Memory",
        f"A fresh process answers one chat of {CHAT_TOKENS:,} tokens, {NEW_TOKENS} of them new. Peak resident memory, "
        "private and shared pages together (VmHWM), less the bytes of the weights. The weights are mapped from "
        "files: their pages count as resident as soon as they are read, which the last column shows. Python and its "
        "libraries are in the figure.",
        plan.long_rounds,
        tuple(figures),
        (Table(columns, tuple(rows)),),
    )


if __name__ == "__main__":
    main(measure)
