"""Gradio components of ours: an empty element whose content one module of `assets/js` builds and keeps.

The template is static on purpose: Gradio would run text that is interpolated into a template as code. Values travel
as JSON, and the module puts them on the page as text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from playground.ui.theme import ASSETS_URL

_MOUNT = """
/* events: {events} */
const address = new URL('{url}/js/{module}', document.baseURI);
address.search = window.playground.version;
import(address).then((module) => module.mount(element.querySelector('.mount'), {{ trigger, watch, props, server }}));
"""


class ScriptedView(gr.HTML):
    """An element filled by `assets/js/<module>`, whose `mount(element, {trigger, watch, props, server})` is called.

    `events` are the names that the module may trigger, `functions` what it may call on the server.
    """

    def __init__(
        self,
        value: Any = None,
        *,
        module: str,
        events: tuple[str, ...] = (),
        functions: tuple[Callable[..., Any], ...] = (),
        **options: Any,
    ) -> None:
        names = " ".join(f"'{name}'" for name in events)
        super().__init__(
            value,
            html_template="<div class='mount'></div>",
            js_on_load=_MOUNT.format(events=names, url=ASSETS_URL, module=module),
            apply_default_css=False,
            server_functions=list(functions),
            **options,
        )

    def api_info(self) -> dict[str, Any]:
        """The value is any JSON."""
        return {"type": "object"}
