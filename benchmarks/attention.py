"""What looking inside costs: time and memory of a recording beside a plain forward, and how exact its weights are."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from benchmarks.command_line import SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.results import Figure, Result, Table, median, number, ratio, with_spread
from benchmarks.sides import Side, take_turns

TEXT_TOKENS, LONG_TOKENS, COMPARED_TOKENS = 1024, 4096, 256
MB = 1e6
MOST_MB = {TEXT_TOKENS: 100, LONG_TOKENS: 400}
MILLIONTHS = 1e6
MOST_MILLIONTHS = {"as it runs": 1000, "float32": 10}


def measure(plan: Plan) -> Result:
    """One model in fresh processes; plain and recorded runs take turns."""
    models = plan.choose(SMOLLM2)
    figures: list[Figure] = []
    tables: list[Table] = []
    for model in models:
        for found, table in (_time(model, plan), _memory(model, plan), _weights(model)):
            figures += found
            tables.append(table)
    return Result(
        "attention",
        "Looking inside",
        "A recording keeps queries, keys and values of every layer while a text is read. Time: plain and recorded runs "
        f"of {TEXT_TOKENS:,} tokens take turns in one process. Memory: the peak over what a fresh process had before, "
        "the cache and all buffers of the run included. Weights: every weight of every head and layer for a text of "
        f"{COMPARED_TOKENS} tokens against transformers' eager attention in float32 over the same dequantised weights. "
        "As the model runs, with activations of 8 and 16 bits, no weight can be nearer to that than the model's own "
        "arithmetic is; transformers' eager attention in bf16 shows how far 16 bits lead. The self-check compares what "
        "was recorded with what the model computed.",
        plan.rounds,
        tuple(figures),
        tuple(tables),
    )


def attention_side(model: str) -> Side:
    """A process that records."""
    return Side(f"attention {model}", [sys.executable, "-m", "benchmarks.attention_side", model])


def _time(model: str, plan: Plan) -> tuple[list[Figure], Table]:
    with attention_side(model) as side:
        for recorded in (False, True):
            side.ask("seconds", tokens=TEXT_TOKENS, recorded=recorded)
        plain, recorded_s = take_turns(
            plan.rounds,
            lambda _: side.ask("seconds", tokens=TEXT_TOKENS, recorded=False),
            lambda _: side.ask("seconds", tokens=TEXT_TOKENS, recorded=True),
        )
    name = f"recording of {TEXT_TOKENS:,} tokens / plain forward, {SHORT_NAMES[model]}"
    figure = Figure(name, ratio(recorded_s, plain), 1.3, lower_is_better=True)
    columns = (f"seconds for {TEXT_TOKENS:,} tokens", "plain", "recorded")
    return [figure], Table(columns, ((SHORT_NAMES[model], with_spread(plain), with_spread(recorded_s)),))


def _memory(model: str, plan: Plan) -> tuple[list[Figure], Table]:
    figures, rows = [], []
    for tokens, most_mb in MOST_MB.items():
        plain, recorded = [], []
        for _ in range(plan.long_rounds):
            for wanted, kept in ((False, plain), (True, recorded)):
                with ExitStack() as opened:  # a process that has run before has memory in reserve
                    side = opened.enter_context(attention_side(model))
                    kept.append(side.ask("memory", tokens=tokens, recorded=wanted))
        peaks = [[run["peak"] / MB for run in runs] for runs in (plain, recorded)]
        name = f"memory of a recording of {tokens:,} tokens, {SHORT_NAMES[model]}"
        figures.append(Figure(name, median(peaks[1]), most_mb, unit="MB", lower_is_better=True))
        held = number(recorded[0]["recording"] / MB)
        rows.append((f"{tokens:,}", with_spread(peaks[0]), with_spread(peaks[1]), held))
    columns = ("tokens, MB", "plain forward, peak", "recording, peak", "of it left: the recording")
    return figures, Table(columns, tuple(rows))


def _weights(model: str) -> tuple[list[Figure], Table]:
    with attention_side(model) as side:
        differences = side.ask("weights", tokens=COMPARED_TOKENS)
    name = SHORT_NAMES[model]
    figures = [
        Figure(
            f"largest difference of a weight, {how}, {name}",
            differences[how] * MILLIONTHS,
            most,
            unit="millionths",
            lower_is_better=True,
        )
        for how, most in MOST_MILLIONTHS.items()
    ]
    cells = tuple(f"{differences[how]:.1e}" for how in ("as it runs", "eager bf16", "float32", "self-check"))
    columns = ("largest difference from eager float32", "as it runs", "eager in bf16", "float32", "self-check")
    return figures, Table(columns, ((name, *cells),))


if __name__ == "__main__":
    main(measure)
