"""Where the page's files lie, and Gradio's theme in our colours. No layout, no events."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).resolve().parents[2] / "assets"
ASSETS_URL = "playground-assets"
"""Path under which the browser finds `assets/`, relative to the page."""
STYLESHEETS = (
    "vendor/katex/katex.min.css",
    "css/tokens.css",
    "css/frame.css",
    "css/chat.css",
    "css/attention.css",
    "css/attention_models.css",
    "css/translate.css",
    "css/source.css",
    "css/summarize.css",
    "css/ask.css",
    "css/extract.css",
    "css/sentiment.css",
    "css/sentiment_many.css",
)

_FONTS = ["system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]


def theme() -> gr.themes.Base:
    """System fonts (nothing is fetched), one accent, quiet lines: for what `assets/css` does not reach."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.indigo,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_lg,
        font=_FONTS,
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
