"""BertViz's views of what a model looks at, as files with all that a browser needs but three scripts.

    PYTHONPATH=peers/.venv/bertviz python -m benchmarks.peers.bertviz_side MODEL THREADS  (started by attention_page.py)

The weights are those that our own page shows, so that both draw the same. What BertViz loads from a network of scripts
(require.js, d3, jQuery) is no part of the file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bertviz import head_view, model_view

from benchmarks.attention_side import AttentionSide, recorded_weights
from benchmarks.serving import Operations, serve

DECIMALS = 4
"""Rounded for BertViz, which writes every weight as text: without it each takes up to twice as many bytes."""


class BertVizSide(AttentionSide):
    """The operations that the parent may ask for."""

    def operations(self) -> Operations:
        """By name."""
        return {"write": self.write, "text": self.text}

    def write(self, view: str, tokens: int, path: str) -> int:
        """Bytes of a page with the "model" view of all layers, or the "head" view of the one in the middle."""
        recording = self._record(self._session, tokens)
        texts = [self._session.loaded.tokenizer.decode([token_id]) for token_id in recording.token_ids]
        layers = [weights.double().round(decimals=DECIMALS) for weights in recorded_weights(recording)]
        if view == "model":
            shown: Any = model_view([weights[None] for weights in layers], texts, html_action="return")
        else:
            shown = head_view([layers[len(layers) // 2][None]], texts, html_action="return")
        page = f"<!doctype html><meta charset=utf-8><body>{shown.data}</body>"
        return Path(path).write_bytes(page.encode("utf-8"))


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("threads", type=int)
    given = parser.parse_args()
    serve(lambda: BertVizSide(given.model, given.threads).operations())


if __name__ == "__main__":
    _main()
