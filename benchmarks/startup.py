"""How long a fresh process takes to its first token: imports, opening a prepared model, reading a short question."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.command_line import ALL_MODELS, QWEN_05B, SHORT_NAMES, Plan, main
from benchmarks.results import Figure, Result, Table, median, with_spread
from benchmarks.sides import ROOT, THREADS, SideFailed, take_turns

LIMIT_S = (3.0, 1.5)


def measure(plan: Plan) -> Result:
    """Models take turns, each answer in a process of its own."""
    models = plan.choose(*ALL_MODELS)
    for model in models:  # fetches and prepares what is not there yet
        first_answer(model)
    runs = take_turns(plan.rounds, *(lambda _, model=model: first_answer(model) for model in models))
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model, answers in zip(models, runs, strict=True):
        name = SHORT_NAMES[model]
        imports = [answer["imports"]["s"] for answer in answers]
        opening = [answer["opened"]["s"] - answer["imports"]["s"] for answer in answers]
        reading = [answer["first token"]["s"] - answer["opened"]["s"] for answer in answers]
        engine = [one + two for one, two in zip(opening, reading, strict=True)]
        targets = LIMIT_S if model == QWEN_05B else ()
        figures.append(
            Figure(f"first token of {name}, imports left out", median(engine), *targets, unit="s", lower_is_better=True)
        )
        rows.append((name, *(with_spread(values) for values in (imports, opening, reading))))
    columns = (
        "seconds",
        "from the start of the process to the end of the imports",
        "opening the prepared model",
        "first token",
    )
    return Result(
        "startup",
        "Start",
        "A fresh process with the engine alone, no server and no page; the model is prepared and its file lies in "
        "the system's cache. Median (lowest–highest).",
        plan.rounds,
        tuple(figures),
        (Table(columns, tuple(rows)),),
    )


def first_answer(model: str, *, prompt_tokens: int = 0, new_tokens: int = 1) -> dict[str, dict[str, Any]]:
    """What `first_answer.py` says at each event, with `s`: seconds since its process was started."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.first_answer",
        model,
        str(prompt_tokens),
        str(new_tokens),
        str(THREADS),
    ]
    start_s = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        events = {}
        for line in process.stdout:
            facts = json.loads(line)
            events[facts.pop("event")] = facts | {"s": time.perf_counter() - start_s}
        problem = process.stderr.read()
    if "end" not in events:
        raise SideFailed(f"a fresh process with {model} failed:\n{problem}")
    return events


if __name__ == "__main__":
    main(measure)
