"""The parent's end: the processes that are compared, and the turns they take.

Owns how a side is started and asked, and that never two of them work at once. Knows nothing of figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PEER_PYTHON = ROOT / "benchmarks" / "peers" / ".venv" / "bin" / "python"
THREADS = 2

Measurement = TypeVar("Measurement")


class SideFailed(Exception):
    """A side could not start or measure; the text says where its log is."""


class Side:
    """A process that has loaded one model and measures one thing at a time. Use it as a context manager.

    `command` is run in the root of the repository, with the threads as its last argument. What it writes to standard
    error is kept in `benchmarks/results/<name>.log`. Raises SideFailed when it cannot start.
    """

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        RESULTS.mkdir(parents=True, exist_ok=True)
        self._log = RESULTS / f"{name.replace('/', '-').replace(' ', '-')}.log"
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [*command, str(THREADS)], cwd=ROOT, text=True, encoding="utf-8",
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Let the side do `operation` and wait for what it measured. Raises SideFailed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"operation": operation, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process; it ends by itself when its input does."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SideFailed(f"{self.name} ended; the reason is in {self._log}")
        answer = json.loads(line)
        if "error" in answer:
            raise SideFailed(f"{self.name} failed:\n{answer['error']}(its log: {self._log})")
        return answer["result"]


def our_side(model: str, *, ends_itself: bool = False) -> Side:
    """The playground's engine. `ends_itself`: an answer may end where the model ends it; else only its length does."""
    options = ["--ends-itself"] if ends_itself else []
    return Side(f"ours {model}", [sys.executable, "-m", "benchmarks.ours", *options, model])


def llama_cpp_side(model: str, gguf: str, peer_python: Path) -> Side:
    """llama.cpp through its Python binding, on the same file."""
    return Side(f"llama.cpp {model}", [str(peer_python), "-m", "benchmarks.peers.llama_cpp_side", gguf])


def transformers_side(model: str) -> Side:
    """transformers with the same weights in bf16: `model.generate` and continuous batching."""
    return Side(f"transformers {model}", [sys.executable, "-m", "benchmarks.peers.transformers_side", model])


def take_turns(rounds: int, *turns: Callable[[int], Measurement]) -> list[list[Measurement]]:
    """A B C A B C ... for `rounds` rounds; each turn is told the number of its round. One list for each turn."""
    measured: list[list[Measurement]] = [[] for _ in turns]
    for number in range(rounds):
        for turn, kept in zip(turns, measured, strict=True):
            kept.append(turn(number))
    return measured
