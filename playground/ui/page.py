"""The page around Gradio: its own first script and styles, the visitor's name and language.

Gradio adds what it is given to the page only after it has started; a theme, a language or a layout that arrives that
late is seen to change. So this small middleware writes into the HTML itself, and leaves every other answer alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playground.ui.strings import language_of
from playground.ui.theme import ASSETS_URL, STYLESHEETS
from playground.ui.visitors import VISITOR_COOKIE, visitor_cookie

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
PageFacts = Callable[[str], dict[str, Any]]
"""Language -> what the page's scripts read as `window.playground`."""


def head(facts: dict[str, Any]) -> str:
    """What comes first in the page's <head>."""
    # "<" cannot end the script early when it is written as an escape.
    data = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    styles = "".join(f'<link rel="stylesheet" href="{ASSETS_URL}/{escape(path)}">' for path in STYLESHEETS)
    return f'<script>window.playground={data}</script><script src="{ASSETS_URL}/js/boot.js"></script>{styles}'


@dataclass
class PageMiddleware:
    """ASGI middleware; `shared` gives nameless visitors a name."""

    app: ASGIApp
    facts: PageFacts
    shared: bool
    server_name: str = "127.0.0.1"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not self.shared and not self._is_own(headers):
            refusal = PlainTextResponse("This address is not the playground's own.", status_code=403)
            await refusal(scope, receive, send)
            return
        if scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        cookies = _cookies(headers)
        page: list[Message] = []

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                if Headers(raw=message["headers"]).get("content-type", "").startswith("text/html"):
                    page.append(message)
                    return
            elif page:
                page.append(message)
                if not message.get("more_body"):
                    await self._send_page(page, cookies, headers, scope, send)
                return
            await send(message)

        await self.app(scope, receive, write)

    def _is_own(self, headers: Headers) -> bool:
        """Whether a request comes from our own page, or from a program, to an address that is ours.

        On one person's machine nobody signs in, so any web page that the person visits could otherwise write to this
        server, and read from it once its own name is made to point here (DNS rebinding).
        """
        host = headers.get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name.strip("[]") not in {*LOOPBACK_NAMES, self.server_name}:
            return False
        origin = headers.get("origin")
        return origin is None or origin.partition("://")[2] == host

    async def _send_page(
        self, page: list[Message], cookies: dict[str, str], headers: Headers, scope: Scope, send: Send
    ) -> None:
        start, *rest = page
        body = b"".join(part.get("body", b"") for part in rest)
        answer = MutableHeaders(raw=list(start["headers"]))
        if "content-encoding" not in answer:
            own = head(self.facts(language_of(cookies, headers)))
            body = body.replace(b"<head>", b"<head>" + own.encode(), 1)
        answer["content-length"] = str(len(body))
        answer["cache-control"] = "no-store"
        if self.shared and VISITOR_COOKIE not in cookies:
            secure = "https" in (scope.get("scheme"), headers.get("x-forwarded-proto", "").split(",")[0])
            answer.append("set-cookie", visitor_cookie(secure=secure))
        await send({**start, "headers": answer.raw})
        await send({"type": "http.response.body", "body": body})


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}
