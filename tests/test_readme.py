"""The README tells the truth: its tree, its settings, its card, its pictures and its commands."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from playground.settings import describe
from playground.ui.strings import texts

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def tree() -> str:
    """The annotated tree: every module with the first sentence of its own docstring."""
    lines = ["app.py  " + summary(ROOT / "app.py")]
    for folder in sorted({path.parent for path in (ROOT / "playground").rglob("*.py")}):
        lines.append(f"{folder.relative_to(ROOT).as_posix()}/")
        modules = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
        width = max((len(path.name) for path in modules), default=0) + 2
        lines += [f"  {path.name:{width}}{summary(path)}" for path in modules]
    return "\n".join(lines)


def summary(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return text.split("\n")[0].split(". ")[0].rstrip(".")


def test_the_tree_is_that_of_the_files() -> None:
    assert f"```text\n{tree()}\n```" in README, f"put this into README.md:\n{tree()}"


def test_every_setting_is_explained() -> None:
    for name, default, meaning in describe():
        assert f"| `{name}` | {default} | {meaning} |" in README


def test_the_card_of_a_space_fits_the_project() -> None:
    card = re.match(r"---\n(.*?)\n---\n", README, re.DOTALL).group(1)  # type: ignore[union-attr]
    fields = dict(line.split(": ", 1) for line in card.splitlines())
    assert fields["sdk"] == "gradio" and fields["app_file"] == "app.py"
    requirement = re.search(r"^gradio>=(\d+)\.(\d+),<(\d+)$", (ROOT / "requirements.txt").read_text(), re.M)
    assert requirement is not None
    version = [int(part) for part in fields["sdk_version"].strip('"').split(".")]
    assert [int(requirement[1]), int(requirement[2])] <= version[:2] < [int(requirement[3]), 0]


def test_every_picture_and_link_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r"(?:src|srcset)=\"([^\"]+)\"", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize("command", ["run", "test", "lint", "setup", "screenshots", "bench", "bench-peers"])
def test_the_commands_exist(command: str) -> None:
    assert f"make {command}" in README
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.M)


def test_every_shortcut_of_the_page_is_in_the_readme() -> None:
    script = (ROOT / "assets/js/frame/main.js").read_text("utf-8")
    for keys, text_key in re.findall(r"\[\"([^\"]+)\", \"(key_\w+)\"\]", script):
        assert f"| {keys} | {texts('en')[text_key]} |" in README
