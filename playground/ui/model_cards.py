"""The model chip and its cards as plain values, in the visitor's language."""

from __future__ import annotations

from typing import Any

from playground.engine.engine import EngineState
from playground.models.catalog import ModelSpec
from playground.models.measured import Skill, skills
from playground.models.scheme import QUANTIZATIONS
from playground.models.shelf import Download, ModelShelf, ShelfEntry
from playground.models.transfer import size_text
from playground.ui.strings import sentence, text

BITS = {"nf4": "4", "bf16": "16", "fp32": "32"}


def panel_state(state: EngineState, shelf: ModelShelf, language: str, can_switch: bool) -> dict[str, Any]:
    """Everything that the chip and the panel show."""
    loaded = state.loaded
    return {
        "phase": state.phase,
        "id": state.spec.id if state.spec else None,
        "name": state.spec.name if state.spec else "",
        "how": how_it_runs(loaded.quantization, loaded.device.type, language) if loaded else "",
        "reason": _reason(state, language),
        "error": sentence(language, str(state.error)) if state.error else "",
        "detail": opening_text(state, language),
        "seconds": round(state.opening_for_s, 1),
        "running": state.running + state.waiting,
        "can_switch": can_switch,
        "quantization": shelf.quantization,
        "quantizations": list(QUANTIZATIONS),
        "models": [_card(entry, language) for entry in shelf.entries()],
    }


def _reason(state: EngineState, language: str) -> str:
    """Why the weights are held as they are, and whether the fast path runs them."""
    if state.loaded is None:
        return ""
    parts = [sentence(language, state.loaded.reason), text(language, "fast_path") if state.fast_path else ""]
    return ("" if language == "zh" else " ").join(part for part in parts if part)


def how_it_runs(quantization: str, device: str, language: str) -> str:
    """ "4-bit · CPU" """
    bits = text(language, "bits", bits=BITS.get(quantization, quantization.replace("int", "").replace("+", "–")))
    return f"{bits} · {'GPU' if device == 'cuda' else device.upper()}"


def opening_detail(state: EngineState, language: str) -> str:
    """What the opening of a model is at, and how much of it is done."""
    share = "" if state.opening_fraction is None else f" {state.opening_fraction:.0%}"
    return (sentence(language, state.opening_detail) if state.opening_detail else "") + share


def opening_text(state: EngineState, language: str) -> str:
    """The line of the chip while a model is opened, else ""."""
    if state.phase != "opening":
        return ""
    detail = opening_detail(state, language)
    return text(language, "opening_chip", seconds=int(state.opening_for_s), detail=detail).strip(" ·")


def _card(entry: ShelfEntry, language: str) -> dict[str, Any]:
    spec = entry.spec
    return {
        "id": spec.id,
        "name": spec.name,
        "good_at": sentence(language, spec.good_at),
        "skills": _skills(spec, language),
        "languages": _languages(spec, language),
        "size": size_text(spec.download_bytes) if spec.download_bytes else "?",
        "memory": size_text(spec.memory_bytes) if spec.memory_bytes else "?",
        "context_length": spec.context_length or 0,
        "licence": spec.licence,
        "here": entry.here,
        "reason": sentence(language, entry.reason) if entry.reason else None,
        "speed": entry.tokens_per_second,
        "problem": sentence(language, entry.problem) if entry.problem else None,
        "download": _download(entry.download, language) if entry.download else None,
    }


def _skills(spec: ModelSpec, language: str) -> list[dict[str, Any]]:
    """How well it does each task: the task's tab, a level from 1 to 3, and the figure in words."""
    return [
        {
            "task": text(language, f"tab_{skill.task}"),
            "level": skill.level,
            "about": text(language, f"skill_{skill.task}", figure=_figure(skill)),
        }
        for skill in skills(spec.id)
    ]


def _figure(skill: Skill) -> str:
    return f"{skill.figure:.0f}" if skill.task == "summarize" else f"{100 * skill.figure:.0f}"


def _languages(spec: ModelSpec, language: str) -> str:
    if not spec.languages:
        return text(language, "languages_unknown")
    if len(spec.languages) > 3:
        return text(language, "languages_many", count=len(spec.languages))
    return ", ".join(text(language, f"language_{code}") for code in spec.languages)


def _download(download: Download, language: str) -> dict[str, Any]:
    if download.phase == "downloading" and download.total_bytes:
        words = f"{size_text(download.done_bytes)} / {size_text(download.total_bytes)}"
    else:
        words = text(language, f"download_{download.phase}")
    return {"done": download.done_bytes, "total": download.total_bytes, "text": words}
