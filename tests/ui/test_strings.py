"""Every text exists in every language, and every sentence that the program can say has its translation."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from playground.tasks.chat import PERSONAS
from playground.ui.strings import LANGUAGES, language_of, sentence, text, texts

ROOT = Path(__file__).resolve().parents[2]
HOLE = re.compile(r"\{(\w+)\}")
HAN = re.compile(r"[\u4e00-\u9fff]")
FOR_MODELS = ("_prompts", "_examples")
"""Endings of modules whose sentences are for models to read."""


def script_keys() -> set[str]:
    keys = set()
    for path in (ROOT / "assets/js").rglob("*.js"):
        keys |= set(re.findall(r"\bt\(\s*\"(\w+)\"", path.read_text("utf-8")))
        keys |= set(re.findall(r"\bt\([^()\"]*\?\s*\"(\w+)\"\s*:\s*\"\w+\"", path.read_text("utf-8")))
    return keys


def test_all_languages_have_the_same_texts_with_the_same_holes() -> None:
    first = texts(LANGUAGES[0])
    for language in LANGUAGES[1:]:
        other = texts(language)
        assert set(first) == set(other)
        for key, english in first.items():
            assert set(HOLE.findall(english)) == set(HOLE.findall(other[key])), key


def test_every_text_that_a_script_asks_for_exists() -> None:
    keys = script_keys()
    assert len(keys) > 80
    assert keys <= set(texts("en"))


def test_every_persona_has_its_texts() -> None:
    for persona in PERSONAS:
        for ending in ("", "_about", "_prompt"):
            assert text("zh", f"persona_{persona.id}{ending}")


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [
        ("zh", "en", "zh"), ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("", "fr,en;q=0.5,zh;q=0.9", "zh"),
        ("", "fr", "en"), ("xx", "", "en"), ("", "en;q=nonsense,zh", "zh"),
    ],
)  # fmt: skip
def test_the_language_is_the_choice_then_the_browsers_then_english(cookie: str, header: str, language: str) -> None:
    assert language_of({"playground_language": cookie}, {"accept-language": header}) == language


def spoken() -> set[str]:
    """What reads like a sentence for a person in the program's source, with "{}" where values go."""
    found = set()
    for package in ("engine", "history", "models", "tasks", "text", "ui"):
        for path in (ROOT / "playground" / package).rglob("*.py"):
            if path.stem.endswith(FOR_MODELS):
                continue
            tree = ast.parse(path.read_text("utf-8"))
            documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
            for node in ast.walk(tree):
                if id(node) not in documentation | parts and (template := template_of(node)):
                    found.add(template)
    return found


def template_of(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        template = re.sub(r"\{\w+\}", "{}", node.value)
    elif isinstance(node, ast.JoinedStr):
        template = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
        template = re.sub(r"\{\w+\}", "{}", template)
    else:
        return ""
    template = template.replace("{}{}", "{}")
    is_sentence = re.fullmatch(r"[A-Z{0-9][^\n]*[a-z}) ,;:][^\n]*\.", template) and template.count(" ") >= 4
    return template if is_sentence else ""


def test_every_sentence_of_the_program_has_a_translation() -> None:
    sentences = spoken()
    assert len(sentences) > 60
    missing = [one for one in sorted(sentences) if not HAN.search(sentence("zh", one.replace("{}", "VALUE")))]
    assert not missing, json.dumps(missing, indent=1)


def test_values_in_a_sentence_survive_translation() -> None:
    english = "Port 7860 on 127.0.0.1 cannot be used (Address in use)."
    assert sentence("en", english) == english
    assert sentence("zh", "Something nobody translated.") == "Something nobody translated."
