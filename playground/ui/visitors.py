"""Who asks: the owner of everything that a request may see.

On one person's own machine there is one owner. On a shared machine a visitor is a random name in a cookie that no
script can read and no other site is sent; its hash is the owner, so that the database does not hold the key to itself.
"""

from __future__ import annotations

import hashlib
import secrets

import gradio as gr

from playground.errors import NotFound

LOCAL_OWNER = "local"
VISITOR_COOKIE = "playground_visitor"
YEAR_S = 365 * 24 * 3600


def owner_of(request: gr.Request, *, shared: bool) -> str:
    """The owner of a request. Raises NotFound for a shared machine's visitor without a name."""
    if not shared:
        return LOCAL_OWNER
    user = getattr(request, "username", None)
    if user:
        return f"user:{user}"
    name = request.cookies.get(VISITOR_COOKIE, "")
    if not 32 <= len(name) <= 128:
        raise NotFound(
            "This browser does not accept cookies, so your chats cannot be kept apart. Allow cookies and reload."
        )
    return "visitor:" + hashlib.sha256(name.encode()).hexdigest()[:32]


def owner_of_program(request: gr.Request | None, *, shared: bool) -> str:
    """Who calls an endpoint; "" for a program without a visitor's name: it shares nothing with anybody."""
    try:
        return "" if request is None else owner_of(request, shared=shared)
    except NotFound:
        return ""


def visitor_cookie(*, secure: bool) -> str:
    """A Set-Cookie value that names a new visitor.

    Over https the page may stand in a frame of another site (a Space does), where only a partitioned cookie survives.
    """
    reach = "; SameSite=None; Secure; Partitioned" if secure else "; SameSite=Lax"
    return f"{VISITOR_COOKIE}={secrets.token_urlsafe(32)}; Path=/; Max-Age={YEAR_S}; HttpOnly{reach}"
