"""How good the tasks are, over all embedded models, and docs/quality.md from it.

    python -m benchmarks.quality [--data FOLDER] [--rows 0:50] [--models MODEL ...] [--only SECTION ...] [--from-kept]

Every section is a script of its own, `benchmarks/quality_<section>.py`, which takes the same arguments and keeps a
Result with --keep; a further section is one more name in SECTIONS. Without a folder of data the small texts of
assets/examples/ are used, and nothing is written. Below KEPT_FROM_HERE the page is written by hand and stays.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import Figure, Result, figures_table, load_all, markdown_table
from benchmarks.sides import RESULTS, ROOT
from playground.models import measured

PAGE = ROOT / "docs" / "quality.md"
KEPT_FROM_HERE = "<!-- Everything below this line is written by hand; `make quality` keeps it. -->"
SECTIONS = ("translation", "summaries", "sentiment", "reading", "extraction")


def page(results: Sequence[Result], before: str) -> str:
    """The whole page. `before` is what it was: its hand-written part is taken over."""
    figures: list[Figure] = [figure for result in results for figure in result.figures if figure.must_reach is not None]
    newest = max(results, key=lambda result: result.machine.get("date", ""))
    parts = [
        "# Quality",
        "Written by `make quality`. Prompts were chosen on other rows of the same sets than those that are reported. "
        "Seconds depend on the machine and on what else it did: compare, do not quote.",
        "\n".join(f"- {name}: {fact}" for name, fact in newest.machine.items()),
        markdown_table(figures_table(figures)),
        *(_section(result) for result in results),
        KEPT_FROM_HERE,
    ]
    _, _, by_hand = before.partition(KEPT_FROM_HERE)
    return "\n\n".join(parts) + (by_hand or "\n")


def _section(result: Result) -> str:
    told = [figure for figure in result.figures if figure.must_reach is None]
    parts = [f"## {result.title}", result.how, *([markdown_table(figures_table(told))] if told else [])]
    return "\n\n".join([*parts, *(markdown_table(table) for table in result.tables)])


def _measure(section: str, arguments: Sequence[str]) -> bool:
    """Run one script in a process of its own, whose memory ends with it. Whether it went well."""
    command = [sys.executable, "-m", f"benchmarks.quality_{section}", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure the quality of all tasks and write docs/quality.md.")
    parser.add_argument("--data", type=Path, help="the folder with the sets")
    parser.add_argument("--rows", help="which rows, such as 0:50; without it what each section reports")
    parser.add_argument("--models", nargs="+", help="only these models")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="only these sections")
    parser.add_argument("--from-kept", action="store_true", help="measure nothing, write the page from what is kept")
    given = parser.parse_args()
    there = given.data is not None and given.data.is_dir()
    if not there and not given.from_kept:
        print("There is no folder with data (--data): small texts are used, and the page is not written.")
    arguments = ["--rows", given.rows] if given.rows else []
    arguments += ["--data", str(given.data.resolve()), "--keep"] if there else []
    arguments += ["--models", *given.models] if given.models else []
    failed = [] if given.from_kept else [section for section in given.only if not _measure(section, arguments)]
    if there or given.from_kept:
        results = load_all(RESULTS, [f"quality_{section}" for section in SECTIONS])
        if not results:
            sys.exit("Nothing has been measured yet.")
        for result in results:
            measured.keep(result.by_model)
        PAGE.write_text(page(results, PAGE.read_text("utf-8") if PAGE.exists() else ""), "utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}")


if __name__ == "__main__":
    _main()
