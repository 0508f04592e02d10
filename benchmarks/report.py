"""All figures, one after the other, and docs/performance.md from them.

    python -m benchmarks.report [--quick] [--only SCRIPT ...] [--from-kept]

With --quick or --models the sections are only printed. Results of scripts that are not run now are taken from
benchmarks/results, where every whole run leaves its own. In the page everything below KEPT_FROM_HERE is written by
hand and stays.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    attention,
    attention_page,
    context_growth,
    decode,
    follow_up,
    memory,
    perplexity,
    prefill,
    prompt_lookup,
    startup,
    visitors,
)
from benchmarks.command_line import Measure, Plan, add_arguments, measure_and_keep, plan_of
from benchmarks.results import Figure, Result, figures_table, load_all, markdown, markdown_table
from benchmarks.sides import RESULTS, ROOT, SideFailed

PAGE = ROOT / "docs" / "performance.md"
KEPT_FROM_HERE = "<!-- Everything below this line is written by hand; `make bench` keeps it. -->"
SCRIPTS: dict[str, Measure] = {
    "decode": decode.measure,
    "prefill": prefill.measure,
    "context_growth": context_growth.measure,
    "follow_up": follow_up.measure,
    "visitors": visitors.measure,
    "prompt_lookup": prompt_lookup.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "perplexity": perplexity.measure,
    "attention": attention.measure,
    "attention_page": attention_page.measure,
}


def page(results: Sequence[Result], before: str) -> str:
    """The whole page. `before` is what it was: its hand-written part is taken over."""
    figures: list[Figure] = [figure for result in results for figure in result.figures if figure.must_reach is not None]
    parts = [
        "# Performance",
        "Written by `make bench` (peers: `make bench-peers`, once). Every figure is a ratio of medians of runs that "
        "alternate on one machine, two threads a side: compare figures with each other and do not quote a speed.",
        _machines(results),
        markdown_table(figures_table(figures)),
        *(markdown(result).rstrip() for result in results),
        KEPT_FROM_HERE,
    ]
    _, _, by_hand = before.partition(KEPT_FROM_HERE)
    return "\n\n".join(parts) + (by_hand or "\n")


def _machines(results: Sequence[Result]) -> str:
    """Where it was measured, the newest run's word."""
    newest = max(results, key=lambda result: result.machine.get("date", ""))
    shown = {name: fact for name, fact in newest.machine.items() if name != "used by other programs"}
    return "\n".join(f"- {name}: {fact}" for name, fact in shown.items())


def _measure(names: Sequence[str], plan: Plan) -> bool:
    """Run the scripts; one that fails is told and passed over. Whether all went well."""
    well = True
    for name in names:
        start_s = time.perf_counter()
        try:
            print(markdown(measure_and_keep(SCRIPTS[name], plan)), flush=True)
        except SideFailed as error:
            well = False
            print(error, file=sys.stderr)
        print(f"{name}: {time.perf_counter() - start_s:.0f} s", file=sys.stderr, flush=True)
    return well


def _write(path: Path) -> None:
    results = load_all(RESULTS, list(SCRIPTS))
    if not results:
        sys.exit("Nothing has been measured yet.")
    before = path.read_text("utf-8") if path.exists() else ""
    path.write_text(page(results, before), "utf-8")
    print(f"wrote {path.relative_to(ROOT)}")


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure all figures and write docs/performance.md.")
    add_arguments(parser)
    parser.add_argument("--only", nargs="+", choices=SCRIPTS, default=list(SCRIPTS), help="measure only these")
    parser.add_argument("--from-kept", action="store_true", help="measure nothing, write the page from kept results")
    arguments = parser.parse_args()
    plan = plan_of(arguments)
    well = arguments.from_kept or _measure(arguments.only, plan)
    if plan.models is None:
        _write(PAGE)
    if not well:
        sys.exit(1)


if __name__ == "__main__":
    _main()
