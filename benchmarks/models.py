"""Start-up time, memory and speed of the small models, each in a process of its own, one after the other.

    python -m benchmarks.models [model id ...]

Medians over rounds in which the models take turns, so that a busy minute does not hit one model alone. Writes a table
to standard output, in Markdown.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROUNDS = 3
NEW_TOKENS = 96
PROMPT = "Explain in detail how a bicycle works."
MODELS = ("smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct")
COLUMNS = {
    "import_s": "imports, s",
    "open_s": "open the prepared model, s",
    "first_token_s": "first token, s",
    "tokens_per_second": "tokens a second",
    "resident_mb": "memory of the process, MB",
    "weights_mb": "weights, MB",
    "held_as": "held as",
}


def main(models: list[str]) -> None:
    """Measure and print."""
    rows: dict[str, list[dict]] = {model: [] for model in models}
    for model in models:  # the first run fetches and prepares
        measure_apart(model)
    for _ in range(ROUNDS):
        for model in models:
            rows[model].append(measure_apart(model))
    print(
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores {platform.machine()}, Python {platform.python_version()}"
    )
    print(", ".join(f"{name} {version(name)}" for name in ("torch", "transformers")))
    print(f"\n| model | {' | '.join(COLUMNS.values())} |\n|---|{'---|' * len(COLUMNS)}")
    for model, runs in rows.items():
        cells = [_cell([run[key] for run in runs]) for key in COLUMNS]
        print(f"| {model} | {' | '.join(cells)} |")


def measure_apart(model: str) -> dict:
    """`measure` in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.models", "--one", model]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def measure(model: str) -> dict:
    """One model in this process: imports, opening, an answer to warm up, an answer that counts."""
    start_s = time.perf_counter()
    # The imports are a part of what is measured.
    import psutil  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from playground.engine.engine import Engine  # noqa: PLC0415
    from playground.messages import Message, SamplingParams  # noqa: PLC0415
    from playground.models.catalog import find  # noqa: PLC0415
    from playground.models.shelf import ModelShelf  # noqa: PLC0415
    from playground.models.weights import Sources  # noqa: PLC0415
    from playground.settings import Settings  # noqa: PLC0415

    import_s = time.perf_counter() - start_s
    settings = Settings.from_env(os.environ)
    torch.set_num_threads(settings.threads)
    shelf = ModelShelf(settings.cache_dir, Sources(), quantization=settings.quantization)
    engine = Engine(shelf.load)
    engine.open(find(model))
    while (state := engine.state).loaded is None:
        if state.error:
            raise state.error
        time.sleep(0.01)
    params = SamplingParams(temperature=0, max_new_tokens=NEW_TOKENS, alternatives=5)
    for _ in range(2):
        stats = list(engine.stream([Message("user", PROMPT)], params))[-1].stats
    return {
        "import_s": import_s,
        "open_s": state.loaded.load_s,
        "first_token_s": stats.first_token_s,
        "tokens_per_second": stats.tokens_per_second,
        "resident_mb": psutil.Process().memory_info().rss / 1e6,
        "weights_mb": state.loaded.weights_bytes / 1e6,
        "held_as": state.loaded.quantization,
    }


def _cell(values: list) -> str:
    if isinstance(values[0], str):
        return values[0]
    middle = statistics.median(values)
    return f"{middle:.2f}" if middle < 10 else f"{middle:.0f}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        os.chdir(Path(__file__).resolve().parent.parent)
        print(json.dumps(measure(sys.argv[2])))
        os._exit(0)  # no answer is running; the engine's thread needs no farewell
    main(sys.argv[1:] or list(MODELS))
