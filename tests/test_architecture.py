"""The rules of the tree, held by reading it: imports go one way, libraries stay at home, files stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted([ROOT / "app.py", *(ROOT / "playground").rglob("*.py")])
# The peers of the benchmarks live in a venv below them.
BENCHMARKS = sorted(path for path in (ROOT / "benchmarks").rglob("*.py") if ".venv" not in path.parts)
ALL = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *BENCHMARKS]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_ROOT_LINES = 40

# Package -> what it may import inside the playground. Everybody may use the words, the errors and the hardware.
EVERYBODY = {"messages", "errors", "hardware"}
MAY_IMPORT = {
    "messages": set(),
    "errors": set(),
    "hardware": set(),
    "settings": set(),
    "kernels": {"kernels"},
    "models": {"models", "kernels"},
    "engine": {"engine", "models", "kernels"},
    "text": {"text"},
    "tasks": {"tasks", "engine", "text", "models"},
    "attention": {"attention", "engine", "models"},
    "history": {"history"},
    "start": {"engine", "history", "models", "settings"},
    "ui": {"ui", "tasks", "attention", "history", "engine", "models", "settings", "text"},
}
HOME_OF = {
    "gradio": "ui",
    "sqlite_utils": "history",
    "sqlite3": "history",
    "huggingface_hub": "models",
    "bitsandbytes": "models",
    "gguf": "models",
    "llvmlite": "kernels",
    "spaces": "engine",
    "py3langid": "text",
    "sentencex": "text",
    "sacrebleu": "text",
    "pypdf": "text",
    "trafilatura": "text",
    "lxml": "text",
}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "misc"}


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def package_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "playground" and len(parts) > 1 else parts[0]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def named(paths: list[Path]) -> list:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


@pytest.mark.parametrize("path", named([p for p in SOURCES if package_of(p) in MAY_IMPORT]))
def test_imports_go_one_way(path: Path) -> None:
    package = package_of(path)
    allowed = MAY_IMPORT[package] | EVERYBODY
    for module in imports(parsed(path)):
        parts = module.split(".")
        if parts[0] == "playground" and len(parts) > 1 and parts[1] in MAY_IMPORT:
            assert parts[1] in allowed, f"{package} must not import {module}"


def test_every_package_has_its_rule() -> None:
    found = {package_of(path) for path in SOURCES} - {"app", "__init__"}
    assert found <= set(MAY_IMPORT), "a new package needs its line in MAY_IMPORT"


@pytest.mark.parametrize("path", named(SOURCES))
def test_libraries_stay_at_home(path: Path) -> None:
    for module in imports(parsed(path)):
        home = HOME_OF.get(module.split(".")[0])
        assert home is None or package_of(path) == home, f"{module} belongs into {home}/"


@pytest.mark.parametrize("path", named(SOURCES))
def test_only_settings_reads_the_environment(path: Path) -> None:
    # app.py hands the environment over; a subprocess may get a copy of it as a whole.
    if path in (ROOT / "playground/settings.py", ROOT / "app.py"):
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv"):
            assert not (isinstance(node.value, ast.Name) and node.value.id == "os"), f"line {node.lineno}"


@pytest.mark.parametrize("path", named(ALL))
def test_files_and_functions_stay_within_their_budgets(path: Path) -> None:
    lines = path.read_text("utf-8").count("\n")
    assert lines <= (MAX_ROOT_LINES if path == ROOT / "app.py" else MAX_FILE_LINES)
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", named(ALL))
def test_a_file_is_named_after_its_noun(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES


@pytest.mark.parametrize("path", named(SOURCES))
def test_every_module_states_what_it_owns(path: Path) -> None:
    if path.name == "__init__.py" and not path.read_text("utf-8").strip():
        return
    assert ast.get_docstring(parsed(path))


@pytest.mark.parametrize("path", named([p for p in SOURCES if package_of(p) != "app"]))
def test_public_functions_are_documented_and_annotated(path: Path) -> None:
    for node in parsed(path).body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) and not member.name.startswith("_"):
                inherited = isinstance(node, ast.ClassDef) and node.bases and ast.get_docstring(node)
                assert ast.get_docstring(member) or inherited, f"{member.name} has no docstring"
                assert member.returns is not None, f"{member.name} has no return annotation"


def test_one_tab_never_imports_another() -> None:
    tabs = [path for path in (ROOT / "playground/ui/tabs").glob("*.py") if path.stem != "__init__"]
    for path in tabs:
        others = {f"playground.ui.tabs.{other.stem}" for other in tabs if other != path}
        assert not others & set(imports(parsed(path)))


def test_nothing_is_loaded_from_another_machine() -> None:
    for path in [*(ROOT / "assets/js").rglob("*.js"), *(ROOT / "assets/css").rglob("*.css")]:
        text = path.read_text("utf-8")
        assert "http://" not in text.replace("http://www.w3.org", "") and "https://" not in text, path.name
