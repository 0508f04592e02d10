"""Gradio components of ours: an empty element whose content one module of `assets/js` builds and keeps.

The template is static on purpose: Gradio would run text that is interpolated into a template as code. Values travel
as JSON, and the module puts them on the page as text. A function, not a subclass: Gradio writes a stub file next to
the source of every subclass of its components.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.ui.edge import answered
from playground.ui.theme import ASSETS_URL

MAX_STREAMS = 1000
"""Pages that wait for something at the same time."""

_MOUNT = """
/* events: {events} */
const address = new URL('{url}/js/{module}', document.baseURI);
import(address).then((module) => module.mount(element.querySelector('.mount'), {{ trigger, watch, props, server }}));
"""


def scripted_view(
    value: Any = None,
    *,
    module: str,
    elem_id: str,
    events: tuple[str, ...] = (),
    functions: tuple[Callable[..., Any], ...] = (),
) -> gr.HTML:
    """An element filled by `assets/js/<module>`, whose `mount(element, {trigger, watch, props, server})` is called.

    `events` are the names that the module may trigger, `functions` what it may call on the server.
    """
    return gr.HTML(
        value,
        html_template="<div class='mount'></div>",
        js_on_load=_MOUNT.format(events=" ".join(f"'{name}'" for name in events), url=ASSETS_URL, module=module),
        apply_default_css=False,
        server_functions=list(functions),
        elem_id=elem_id,
    )


def tab_view(
    name: str,
    value: Any,
    *,
    stream: Callable[..., Any],
    functions: tuple[Callable[..., dict[str, Any]], ...],
    event: str | None = None,
) -> gr.HTML:
    """The page of a tab: `assets/js/<name>/main.js`, which triggers `event` (the tab's name where none is given) and
    hears what the async generator `stream` tells; an error of one of the `functions` becomes a sentence."""
    event = event or name
    view = scripted_view(
        value, module=f"{name}/main.js", events=(event,), functions=tuple(answered(one) for one in functions),
        elem_id=name,
    )  # fmt: skip
    getattr(view, event)(
        stream, None, view, show_progress="hidden", trigger_mode="multiple", concurrency_id="pages",
        concurrency_limit=MAX_STREAMS, api_visibility="private", api_name=f"{name}_page",
    )  # fmt: skip
    return view
