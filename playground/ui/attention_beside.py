"""What the attention page may ask about models beside the chat's. Handlers only; what they give is made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.ui.attention_companions import CompanionLooks
from playground.ui.attention_pairs import alignment_view
from playground.ui.attention_runs import Run
from playground.ui.attention_view import Choice
from playground.ui.edge import language_in

Computed = Callable[[dict[str, Any], gr.Request, Callable[[Run, Choice], dict[str, Any]]], dict[str, Any]]
"""A view of the visitor's own run that the data names."""


class BesideHandlers:
    """The tab's handlers for models beside the chat's; plain methods, so that a test calls them without a browser."""

    def __init__(self, looks: CompanionLooks, computed: Computed) -> None:
        self._looks = looks
        self._computed = computed

    def look_models(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The models that can be looked into."""
        return self._looks.models(language_in(data))

    def guess(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """What would stand in place of a word."""
        return self._computed(
            data, request, lambda run, choice: self._looks.guesses(run, data.get("first"), data.get("end"))
        )

    def alignment(self, data: dict[str, Any], request: gr.Request) -> dict[str, Any]:
        """The map of a translation looking at its source."""
        return self._computed(data, request, alignment_view)
