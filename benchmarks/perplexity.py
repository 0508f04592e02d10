"""What holding the weights in 4 and 8 bits costs in quality, against the GGUF's own values dequantised."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.command_line import ALL_MODELS, QWEN_15B, SHORT_NAMES, Plan, main
from benchmarks.results import Figure, Result, Table, number
from benchmarks.sides import Side, llama_cpp_side, our_side

WAYS = (("auto", False), ("auto", True), ("int4", True), ("bf16", False))
"""How weights are held, and whether the text is read token by token, as an answer is written."""
FEW_WAYS = WAYS[:2]


def measure(plan: Plan) -> Result:
    """Nothing here depends on time, so once is enough."""
    figures: list[Figure] = []
    rows: list[tuple[str, ...]] = []
    for model in plan.choose(*ALL_MODELS):
        name = SHORT_NAMES[model]
        with Side(f"quality {model}", [sys.executable, "-m", "benchmarks.quality_side", model]) as side:
            ids = side.ask("ids")
            answers = [
                side.ask("compare", quantization=quantization, single=single)
                for quantization, single in (WAYS if model != QWEN_15B else FEW_WAYS)
            ]
        for (quantization, single), answer in zip(WAYS, answers, strict=False):
            rows.append(_row(f"{name}, {quantization}: {answer['held_as']}", single, answer))
        written = answers[1]
        figures.append(Figure(f"perplexity of what is written, {name}, ours / the file's values",
                              written["perplexity"] / written["exact_perplexity"], lower_is_better=True))  # fmt: skip
        if plan.peer_python:
            rows.append((f"{name}, llama.cpp", "in pieces", *_llama_cpp(model, ids, plan), "–", "–"))
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
        number(answer["divergence"]),
        f"{answer['same_top']:.1%}",
    )


def _llama_cpp(model: str, ids: list[int], plan: Plan) -> tuple[str, str, str]:
    assert plan.peer_python is not None
    with our_side(model) as ours:
        gguf = ours.ask("facts")["gguf"]
    with llama_cpp_side(model, gguf, plan.peer_python) as peer:
        answer = peer.ask("perplexity", ids=ids)
    return f"{answer['tokens']:,}", f"{answer['perplexity']:.2f}", "–"


if __name__ == "__main__":
    main(measure)
