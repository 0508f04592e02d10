"""What guessing tokens from the prompt gains in a summary, and that it changes no token of it."""

from __future__ import annotations

from typing import Any

from benchmarks.command_line import QWEN_05B, SHORT_NAMES, SMOLLM2, Plan, main
from benchmarks.decode import speed
from benchmarks.prefill import never_read
from benchmarks.results import Figure, Result, Table, median, with_spread
from benchmarks.sides import Side, our_side, take_turns

TEXT_TOKENS = 1000
MOST_NEW_TOKENS = 256
PASSAGES = (0, 700, 1400)
"""First words of the texts that are summarised."""
TASKS = {
    "summary": "Summarize this text:",
    "key sentences": "Copy the five most important sentences of this text, word for word:",
}
TARGETS = (1.3, 2.0)


def measure(plan: Plan) -> Result:
    """Both small models, both tasks, several passages; with and without take turns."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(SMOLLM2, QWEN_05B):
        with our_side(model, ends_itself=True) as ours:
            for task in TASKS:
                answers, plain = _both_ways(ours, TASKS[task], plan)
                name = f"{task}, {SHORT_NAMES[model]}"
                speeds, plain_speeds = ([speed(answer) for answer in side] for side in (answers, plain))
                targets = TARGETS if task == "summary" else ()
                gains = [one / two for one, two in zip(speeds, plain_speeds, strict=True)]
                figures.append(Figure(f"{name}, with / without prompt lookup", median(gains), *targets))
                same = sum(one["ids"] == two["ids"] for one, two in zip(answers, plain, strict=True))
                guessed = sum(answer["accepted_tokens"] for answer in answers) / sum(a["new_tokens"] for a in answers)
                row = (with_spread(speeds), with_spread(plain_speeds), f"{guessed:.0%}", f"{same} of {len(answers)}")
                rows.append((name, *row))
    return Result(
        "prompt_lookup",
        "Prompt lookup",
        f"{len(PASSAGES)} texts of {TEXT_TOKENS:,} tokens, greedy, at most {MOST_NEW_TOKENS} new tokens; an answer "
        "ends where the model ends it, so that no endless repetition flatters the figure. Decode speed; median "
        "(lowest–highest) over texts and rounds; the figure is the median of the gains for each text.",
        plan.long_rounds,
        tuple(figures),
        (Table(("tokens a second", "with", "without", "tokens guessed", "the same answer"), tuple(rows)),),
    )


def _both_ways(ours: Side, task: str, plan: Plan) -> list[list[dict[str, Any]]]:
    asked = [never_read(ours, TEXT_TOKENS, task=task, start=start)["turns"] for start in PASSAGES]

    def write(number: int, *, prompt_lookup: bool) -> dict[str, Any]:
        turns = asked[number % len(asked)]
        return ours.ask("stream", turns=turns, new_tokens=MOST_NEW_TOKENS, prompt_lookup=prompt_lookup)

    write(0, prompt_lookup=False)
    rounds = plan.long_rounds  # one a passage
    return take_turns(
        rounds, lambda number: write(number, prompt_lookup=True), lambda number: write(number, prompt_lookup=False)
    )


if __name__ == "__main__":
    main(measure)
