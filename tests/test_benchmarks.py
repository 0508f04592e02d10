"""The benchmarks' own arithmetic: medians, ratios, verdicts, turns, the page. Nothing here measures time."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import prompts, report, sides
from benchmarks.command_line import Plan
from benchmarks.ours import Stopwatch, slowest_share
from benchmarks.results import (
    Figure,
    Result,
    Table,
    load_all,
    markdown,
    markdown_table,
    number,
    ratio,
    save,
    with_spread,
)
from playground.messages import Chunk, Stats, Token

ROOT = Path(__file__).resolve().parent.parent
MACHINE = {"date": "2026-01-02", "processor": "a fast one", "used by other programs": "3%"}
ECHO = "from benchmarks.serving import serve\nserve(lambda: {'twice': lambda value: 2 * value, 'fail': lambda: 1 / 0})"


def result(script: str = "decode", value: float | None = 1.2) -> Result:
    figure = Figure("decode, a model, ours / theirs", value, 1.0, 1.3)
    return Result(script, "Decode", "How.", 5, (figure,), (Table(("a", "b"), (("1", "2"),)),), MACHINE)


def test_a_ratio_is_that_of_the_medians_so_one_bad_run_does_not_count() -> None:
    assert ratio([10, 20, 900], [10, 10, 0.1]) == 2.0
    assert ratio([1.0], []) is None and ratio([1.0], None) is None


@given(st.lists(st.floats(0.001, 1e6), min_size=1), st.floats(0.01, 100))
def test_a_ratio_turns_round_with_its_sides(values: list[float], factor: float) -> None:
    scaled = [value * factor for value in values]
    assert ratio(scaled, values) == pytest.approx(factor)
    assert ratio(values, scaled) == pytest.approx(1 / factor)


@pytest.mark.parametrize(
    ("value", "lower_is_better", "verdict"),
    [
        (1.3, False, "aim reached"),
        (1.0, False, "reached"),
        (0.999, False, "missed"),
        (None, False, "not measured"),
        (0.9, True, "reached"),
        (1.1, True, "missed"),
    ],
)
def test_a_figure_says_how_it_stands_to_its_targets(value: float | None, lower_is_better: bool, verdict: str) -> None:
    aim = 0.5 if lower_is_better else 1.3
    assert Figure("f", value, 1.0, aim, lower_is_better=lower_is_better).verdict == verdict


def test_a_figure_without_targets_has_no_verdict() -> None:
    assert Figure("f", 3.0).verdict == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0812, "0.081"), (0.9999, "1.00"), (1.236, "1.24"), (9.999, "10.0"), (63.12, "63.1"), (99.96, "100"),
     (1627.4, "1,627"), (None, "–")],
)  # fmt: skip
def test_numbers_have_three_digits_that_mean_something(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_spread_shows_median_and_range_and_a_dash_for_a_missing_peer() -> None:
    assert with_spread([3.0, 1.0, 2.0]) == "2.00 (1.00–3.00)"
    assert with_spread([2.0]) == "2.00"
    assert with_spread([]) == "–"


def test_a_table_has_as_many_cells_in_every_line() -> None:
    lines = markdown_table(Table(("a", "b"), (("1", "2"), ("3", "4")))).splitlines()
    assert lines == ["| a | b |", "| --- | --- |", "| 1 | 2 |", "| 3 | 4 |"]


def test_a_section_has_the_figure_its_targets_and_the_command_that_repeats_it() -> None:
    section = markdown(result())
    assert "| decode, a model, ours / theirs | 1.20 | ≥ 1 | ≥ 1.3 | reached |" in section
    assert "`python -m benchmarks.decode --rounds 5`, 2026-01-02, other programs used 3%" in section


def test_a_kept_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    kept = [result("decode"), result("prefill", None)]
    for one in kept:
        save(one, tmp_path)
    assert load_all(tmp_path, ["prefill", "never_run", "decode"]) == kept[::-1]


def test_the_page_keeps_what_is_written_by_hand_and_only_that() -> None:
    first = report.page([result()], "")
    by_hand = "\n\nThe limit is the memory.\n"
    second = report.page([result(value=0.5)], first.rstrip("\n") + by_hand)
    assert second.endswith(report.KEPT_FROM_HERE + by_hand)
    assert "missed" in second and "| reached |" not in second
    assert report.page([result(value=0.5)], second) == second


def test_every_script_of_the_report_is_a_module_that_runs_alone() -> None:
    for script in report.SCRIPTS:
        source = (ROOT / "benchmarks" / f"{script}.py").read_text("utf-8")
        assert 'if __name__ == "__main__":\n    main(measure)' in source


def test_sides_take_turns_and_never_overlap() -> None:
    order: list[str] = []
    measured = sides.take_turns(
        3, lambda round_: order.append(f"a{round_}") or round_, lambda round_: order.append(f"b{round_}") or -round_
    )
    assert order == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert measured == [[0, 1, 2], [0, -1, -2]]


def test_a_side_answers_says_what_went_wrong_and_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sides, "RESULTS", tmp_path)
    with sides.Side("echo", [sys.executable, "-c", ECHO]) as side:
        assert side.ask("twice", value=21) == 42
        with pytest.raises(sides.SideFailed, match="ZeroDivisionError"):
            side.ask("fail")
        with pytest.raises(sides.SideFailed, match="unknown"):
            side.ask("unknown")
        assert side.ask("twice", value=1) == 2
        process = side._process
    assert process.returncode == 0


def test_a_side_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sides, "RESULTS", tmp_path)
    with pytest.raises(sides.SideFailed, match="the reason is in"):
        sides.Side("broken", [sys.executable, "-c", "raise SystemExit(1)"])


def test_the_peers_python_needs_none_of_our_libraries() -> None:
    allowed = {*sys.stdlib_module_names, "llama_cpp", "numpy"}
    for name in ("__init__", "serving", "peers/__init__", "peers/llama_cpp_side"):
        tree = ast.parse((ROOT / f"benchmarks/{name}.py").read_text("utf-8"))
        modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert {module.split(".")[0] for module in modules if module != "benchmarks.serving"} <= allowed


def test_a_passage_is_a_piece_of_the_text_with_so_many_words() -> None:
    passage = prompts.passage(300, start=50)
    assert passage in prompts.text() and len(passage.split()) == 300
    assert prompts.passage(0) == ""
    assert prompts.passage(10**6) == prompts.text().strip()


@given(st.integers(0, 500), st.integers(1, 7), st.integers(0, 60))
def test_the_longest_text_within_a_limit_is_found(limit: int, tokens_a_word: int, template_tokens: int) -> None:
    def count(words: int) -> int:
        return template_tokens + tokens_a_word * words

    words = prompts.longest(limit, count, 100)
    assert words == -1 or count(words) <= limit
    assert words == 100 or count(words + 1) > limit


def test_two_openings_share_nothing_but_the_template() -> None:
    one, two = (prompts.reading("Read:", 20, opening=opening) for opening in ("abc.", "xyz."))
    assert one[0]["content"].split()[0] != two[0]["content"].split()[0]
    assert one[1] == two[1]


def test_equal_visitors_have_their_fair_share_and_a_starved_one_has_not() -> None:
    steady = [(float(second), 1 + 10 * second) for second in range(11)]
    slow = [(float(second), 1 + 5 * second) for second in range(21)]
    assert slowest_share([steady, steady]) == 1.0
    assert slowest_share([steady, slow]) == pytest.approx(2 * 5 / 15)


def test_the_stopwatch_counts_tokens_behind_the_first_chunk_that_has_one() -> None:
    watch = Stopwatch()
    for count in (0, 2, 2, 5):
        watch.see(Chunk(text="x", tokens=(Token(count, "x"),), stats=Stats(new_tokens=count)))
    reported = watch.report()
    assert reported["later_tokens"] == 3 and reported["new_tokens"] == 5
    assert reported["decode_s"] >= 0 and reported["first_token_s"] is not None


def test_a_plan_leaves_out_models_that_nobody_asked_for() -> None:
    assert Plan().choose("one", "two") == ("one", "two")
    assert Plan(models=("two", "three")).choose("one", "two") == ("two",)
