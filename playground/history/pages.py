"""A conversation as something to read elsewhere: a Markdown file, or one HTML page that needs nothing else.

Owns both layouts. The page runs nothing and loads nothing: model and user text is escaped or rendered without raw
HTML and without pictures, and the page forbids everything else itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from playground.history.rows import MessageRow

RENDERED_CHARACTERS = 100_000
"""A longer message is shown as plain text: rendering it would take seconds."""


@dataclass(frozen=True)
class PageWords:
    """The few words of the page itself, in the reader's language."""

    language: str = "en"
    untitled: str = "Conversation"
    user: str = "You"
    assistant: str = "Assistant"
    system: str = "Instructions"
    streaming: str = "still being written"
    stopped: str = "stopped"
    interrupted: str = "interrupted"
    error: str = "ended by an error"

    def speaker(self, message: MessageRow) -> str:
        """Who says a message, with the model that wrote it."""
        name = {"user": self.user, "assistant": self.assistant}.get(message.role, self.system)
        return f"{name} ({message.model})" if message.model else name

    def ending(self, status: str) -> str:
        """How an unfinished message ended, "" for a finished one."""
        words = {"stopped": self.stopped, "interrupted": self.interrupted, "error": self.error}
        return "" if status == "done" else words.get(status, self.streaming)


_STYLE = """
:root { color-scheme: light dark; --text: #1c1c21; --quiet: #5c5c66; --page: #ffffff; --soft: #f3f3f7; --line: #dcdce3;
  --accent: #4338ca; }
@media (prefers-color-scheme: dark) { :root { --text: #ececf1; --quiet: #a3a3b0; --page: #17171b; --soft: #232329;
  --line: #37373f; --accent: #a5b4fc; } }
body { margin: 0; background: var(--page); color: var(--text); line-height: 1.5;
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 24px 16px 40px; overflow-wrap: anywhere; }
h1 { font-size: 1.25rem; margin: 0 0 4px; }
section { margin-top: 24px; } section > h2 { font-size: .875rem; color: var(--quiet); margin: 0 0 4px; }
.user > div { background: var(--soft); border-radius: 10px; padding: 8px 16px; }
.plain { white-space: pre-wrap; } .quiet { color: var(--quiet); font-size: .875rem; } a { color: var(--accent); }
pre { background: var(--soft); border-radius: 10px; padding: 8px 16px; overflow-x: auto; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: 4px 8px; }
blockquote { margin: 0; padding-left: 16px; border-left: 2px solid var(--line); color: var(--quiet); }
@media print { main { max-width: none; } }
"""


def markdown_page(title: str, messages: Sequence[MessageRow], words: PageWords) -> str:
    """The messages under headings; model text stays the Markdown that it is."""
    parts = [f"# {title or words.untitled}"]
    for message in messages:
        ending = words.ending(message.status)
        parts += [f"## {words.speaker(message)}", _closed(message.content)]
        parts += [f"*({ending})*"] if ending else []
    return "\n\n".join(part for part in parts if part) + "\n"


def html_page(title: str, messages: Sequence[MessageRow], words: PageWords) -> str:
    """A complete page; light or dark as the reader's system is."""
    shown = escape(title or words.untitled)
    sections = "\n".join(_section(message, words) for message in messages)
    when = f'<p class="quiet">{_day(messages[0].created_at)}</p>' if messages else ""
    return f"""<!doctype html>
<html lang="{escape(words.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{shown}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1 dir="auto">{shown}</h1>
{when}
{sections}
</main>
</body>
</html>
"""


def _section(message: MessageRow, words: PageWords) -> str:
    renders = message.role == "assistant" and len(message.content) <= RENDERED_CHARACTERS
    body = _MARKDOWN.render(message.content) if renders else escape(message.content)
    ending = words.ending(message.status)
    note = f'<p class="quiet">({ending})</p>' if ending else ""
    kind = "" if renders else ' class="plain"'
    return (
        f'<section class="{escape(message.role)}"><h2>{escape(words.speaker(message))}</h2>'
        f'<div dir="auto"{kind}>{body}</div>{note}</section>'
    )


def _closed(text: str) -> str:
    """The text with its last code block closed: an interrupted one would swallow the next heading."""
    fences = sum(1 for line in text.splitlines() if line.lstrip().startswith("```"))
    return f"{text}\n```" if fences % 2 else text


def _day(time_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time_s))


def _open_link(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return renderer.renderToken(tokens, index, options, env)


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    markdown.add_render_rule("link_open", _open_link)
    return markdown


_MARKDOWN = _markdown()
