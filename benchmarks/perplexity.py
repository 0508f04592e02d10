"""What holding the weights in 4 and 8 bits costs in quality, against the GGUF's own values dequantised."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.command_line import ALL_MODELS, QWEN_15B, SHORT_NAMES, Plan, main
from benchmarks.results import Figure, Result, Table
from benchmarks.sides import Side, llama_cpp_side

READ, WRITTEN = ("auto", False), ("auto", True)
OUR_WAYS = (READ, WRITTEN)
OTHER_WAYS = (("int4", True), ("bf16", False))
"""How weights are held, and whether the text is read token by token, as an answer is written."""


def measure(plan: Plan) -> Result:
    """Nothing here depends on time, so once is enough."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(*ALL_MODELS):
        name = SHORT_NAMES[model]
        with Side(f"quality {model}", [sys.executable, "-m", "benchmarks.quality_side", model]) as side:
            ids, file = side.ask("ids"), side.ask("file")
            answers = {way: side.ask("compare", quantization=way[0], single=way[1]) for way in OUR_WAYS}
            if model != QWEN_15B:  # takes long, and the smaller ones show the same
                more = OTHER_WAYS if answers[WRITTEN]["held_as"] != "int4" else OTHER_WAYS[1:]
                answers |= {way: side.ask("compare", quantization=way[0], single=way[1]) for way in more}
        for (quantization, single), answer in answers.items():
            rows.append(_row(f"{name}, {quantization}: {answer['held_as']}", single, answer))
        added = 100 * (answers[WRITTEN]["perplexity"] / answers[WRITTEN]["exact_perplexity"] - 1)
        figures.append(Figure(f"perplexity added to what is written, {name}", added, unit="%", lower_is_better=True))
        if plan.peer_python:
            with llama_cpp_side(model, file, plan.peer_python) as peer:
                answer = peer.ask("perplexity", ids=ids)
            told = (f"{answer['tokens']:,}", f"{answer['perplexity']:.2f}")
            rows.append((f"{name}, llama.cpp", "in pieces", *told, "–", "–", "–"))
    columns = (
        "weights held as",
        "read",
        "tokens",
        "perplexity",
        "the file's values",
        "divergence, nats",
        "same likeliest token",
    )
    return Result(
        "perplexity",
        "Quality of the weights",
        "Perplexity over the first 2,048 tokens of benchmarks/texts/jargon_file.txt, against transformers' model in "
        "float32 with the values that the GGUF's blocks stand for. Read in pieces of 512 as a prompt is, or the last "
        "512 tokens one by one as an answer is written: these are different kernels.",
        1,
        tuple(figures),
        (Table(columns, tuple(rows)),),
    )


def _row(name: str, single: bool, answer: dict[str, Any]) -> tuple[str, ...]:
    return (
        name,
        "one by one" if single else "in pieces",
        f"{answer['tokens']:,}",
        f"{answer['perplexity']:.2f}",
        f"{answer['exact_perplexity']:.2f}",
        f"{answer['divergence']:.4f}",
        f"{answer['same_top']:.1%}",
    )


if __name__ == "__main__":
    main(measure)
