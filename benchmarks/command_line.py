"""What a script may be told when it is started, and what happens with what it found.

Owns the arguments that all scripts share. Knows nothing of what they measure.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import Neighbours, describe_machine
from benchmarks.results import Result, markdown, save
from benchmarks.sides import PEER_PYTHON, RESULTS, SideFailed

SMOLLM2, QWEN_05B, QWEN_15B = "smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct"
ALL_MODELS = (SMOLLM2, QWEN_05B, QWEN_15B)
SHORT_NAMES = {SMOLLM2: "SmolLM2-135M", QWEN_05B: "Qwen2.5-Coder-0.5B", QWEN_15B: "Qwen2.5-Coder-1.5B"}
ROUNDS = 5
MOST_LONG_ROUNDS = 3
QUICK_ROUNDS = 1
QUICK_MODELS = (SMOLLM2, QWEN_05B)
NOISY = 0.05
"""A twentieth of the processors for others is enough to make one side or the other wait."""


@dataclass(frozen=True)
class Plan:
    """How much to measure, and with which peers."""

    rounds: int = ROUNDS
    models: tuple[str, ...] | None = None
    """None: those that the figure is defined for."""
    peer_python: Path | None = None
    """The interpreter that has llama-cpp-python; None: that peer is left out."""

    @property
    def long_rounds(self) -> int:
        """Rounds of what takes more than half a minute a round."""
        return min(self.rounds, MOST_LONG_ROUNDS)

    def choose(self, *defined: str) -> tuple[str, ...]:
        """The models to measure out of those that a figure is defined for."""
        return defined if self.models is None else tuple(model for model in defined if model in self.models)


Measure = Callable[[Plan], Result]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every script takes."""
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often the sides take turns")
    parser.add_argument("--quick", action="store_true", help="one round, small models; nothing is kept")
    parser.add_argument("--models", nargs="+", choices=ALL_MODELS, help="only these models")
    parser.add_argument("--peer-python", type=Path, default=PEER_PYTHON, help="an interpreter with llama-cpp-python")


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The plan that the arguments ask for; says so when the peer is missing."""
    peer_python: Path | None = arguments.peer_python
    if peer_python is None or not peer_python.exists():
        print("llama.cpp is not there and is left out; `make bench-peers` builds it.", file=sys.stderr)
        peer_python = None
    models = tuple(arguments.models) if arguments.models else QUICK_MODELS if arguments.quick else None
    return Plan(QUICK_ROUNDS if arguments.quick else max(1, arguments.rounds), models, peer_python)


def measure_and_keep(measure: Measure, plan: Plan) -> Result:
    """Measure, note the machine, and keep the result for the report unless some models were left out."""
    neighbours = Neighbours()
    result = measure(plan)
    disturbed = neighbours.share()
    if disturbed > NOISY:
        print(
            f"Other programs took {disturbed:.0%} of the processors: measure again on a quiet machine.", file=sys.stderr
        )
    result = replace(result, machine=describe_machine() | {"used by other programs": f"{disturbed:.0%}"})
    if plan.models is None:
        save(result, RESULTS)
    return result


def main(measure: Measure, argv: Sequence[str] | None = None) -> None:
    """Run one script: measure, keep, and print a section in Markdown."""
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    add_arguments(parser)
    try:
        print(markdown(measure_and_keep(measure, plan_of(parser.parse_args(argv)))))
    except SideFailed as error:
        sys.exit(str(error))
