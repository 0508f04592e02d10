"""The page as a whole: the frame, then every tab, and how it is served. Knows no tab by name."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from playground.tasks.chat import MAX_MESSAGE_CHARACTERS, PERSONAS, ChatSettings
from playground.ui import frame
from playground.ui.contract import Services
from playground.ui.page import PageMiddleware
from playground.ui.strings import LANGUAGES, sentence, text, texts
from playground.ui.tabs import TABS
from playground.ui.theme import ASSETS, ASSETS_URL, theme


def build_app(services: Services) -> gr.Blocks:
    """All components and events, not served yet."""
    with gr.Blocks(title="LLM Playground", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as demo:
        frame.build(services)
        with gr.Tabs(elem_id="tabs"):
            for tab in TABS:
                with gr.Tab(_translated(f"tab_{tab.name}"), id=tab.name):
                    tab.build(services)
    demo.queue(max_size=256)
    return demo


def launch_options(services: Services) -> dict[str, Any]:
    """Keyword arguments for `launch`: address, look, language, and nothing that talks to anybody else."""
    settings = services.settings
    return {
        "server_name": settings.server_name,
        "server_port": settings.server_port,
        "inbrowser": settings.open_browser,
        "theme": theme(),
        "i18n": _translations(),
        "share": False,
        "show_error": False,
        "run_history": False,
        "enable_monitoring": False,
        "allowed_paths": [],
        "max_file_size": "1mb",
        "blocked_paths": [str(settings.data_dir)],
        "footer_links": ["api", "settings"],
        "ssr_mode": False,
        "pwa": False,
        "quiet": True,
        "favicon_path": str(ASSETS / "favicon.png"),
        "app_kwargs": _surroundings(services),
    }


def _surroundings(services: Services) -> dict[str, Any]:
    """What FastAPI gets beside Gradio: our files, and the middleware that dresses the page."""
    settings, facts = services.settings, partial(page_facts, services)
    return {
        "routes": [Mount(f"/{ASSETS_URL}", Assets(directory=ASSETS))],
        "middleware": [
            Middleware(PageMiddleware, facts=facts, shared=settings.shared, server_name=settings.server_name)
        ],
    }


class Assets(StaticFiles):
    """Files of ours. A browser asks each time whether one has changed, or an update would meet half an old page."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, or "not modified"."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def page_facts(services: Services, language: str) -> dict[str, Any]:
    """What the page's scripts know from the start."""
    personas = [
        {
            "id": persona.id,
            "name": text(language, f"persona_{persona.id}"),
            "about": text(language, f"persona_{persona.id}_about"),
            "prompt": text(language, f"persona_{persona.id}_prompt"),
        }
        for persona in PERSONAS
    ]
    return {
        "language": language,
        "strings": texts(language),
        "shared": services.settings.shared,
        "personas": personas,
        "chat_defaults": ChatSettings().as_dict(),
        "longest_message": MAX_MESSAGE_CHARACTERS,
        "notice": sentence(language, services.notice),
    }


def _translated(key: str) -> Any:
    return _translations()(key)


def _translations() -> gr.I18n:
    own = {language: texts(language) for language in LANGUAGES}
    return gr.I18n(en=own["en"], zh=own["zh"], **{"zh-CN": own["zh"]})
