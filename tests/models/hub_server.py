"""A small Hub on loopback: the answers that huggingface_hub's client needs, and the ways in which they go wrong.

Serves `GET /api/models/{repo}`, its pull requests, and `HEAD|GET /{repo}/resolve/{revision}/{file}`, the latter by a
redirect to `/cdn/...` under another host name, as the real one does for large files.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c" * 40
PULL_REQUEST_COMMIT = "d" * 40


@dataclass
class Request:
    """What a client asked for."""

    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class HubServer:
    """Files by repo and name, and the faults to play. Use as a context manager."""

    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    stated: dict[str, bytes] = field(default_factory=dict)
    """By file name: content whose size and fingerprint are stated, while `repos` has what is really sent."""
    offers: dict[str, tuple[str, str, dict[str, bytes]]] = field(default_factory=dict)
    """By repo: a pull request's author, title and added files, at refs/pr/7."""
    cut_after_bytes: list[int] = field(default_factory=list)
    """Each download takes one number from here and breaks off after so many bytes."""
    knows_ranges: bool = True
    gated: bool = False
    valid_token: str | None = None
    status: int = 0
    """Answer everything with this status."""
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> HubServer:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def downloads(self) -> list[Request]:
        """The requests for bytes."""
        return [request for request in self.requests if request.path.startswith("/cdn/")]

    def _content(self, repo: str) -> dict[str, bytes]:
        return {**self.repos[repo], **self.offers.get(repo, ("", "", {}))[2]}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.requests.append(Request(handler.command, path, handler.headers.get("Range"), token))
        if self.status:
            return _send(handler, self.status, {}, b"")
        if path.startswith("/cdn/"):
            return self._send_bytes(handler, path.removeprefix("/cdn/"))
        if self.gated and (token is None or token != self.valid_token):
            return _send(handler, 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, b"")
        if path.startswith("/api/models/"):
            repo, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            if repo.endswith("/discussions"):
                return self._send_offers(handler, repo.removesuffix("/discussions"))
            return self._send_listing(handler, repo, offered=revision == "refs/pr/7")
        repo, _, rest = path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repo not in self.repos:
            return _send(handler, 401, {"X-Error-Code": "RepoNotFound"}, b"")
        offered = revision == PULL_REQUEST_COMMIT
        if name not in (self._content(repo) if offered else self.repos[repo]):
            return _send(handler, 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b"")
        stated = self.stated.get(name, self._content(repo)[name])
        facts = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Size": str(len(stated)),
            "X-Linked-ETag": f'"{hashlib.sha256(stated).hexdigest()}"',
            "Location": f"{self.endpoint.replace('127.0.0.1', 'localhost')}/cdn/{repo}/{name}",
        }
        return _send(handler, 302, facts, b"")

    def _send_offers(self, handler: BaseHTTPRequestHandler, repo: str) -> None:
        author, title, _ = self.offers.get(repo, ("", "", {}))
        facts = {
            "num": 7, "author": {"name": author}, "title": title, "status": "open", "isPullRequest": True,
            "repo": {"name": repo, "type": "model"}, "createdAt": "2026-01-01T00:00:00.000Z",
        }  # fmt: skip
        listing = {"discussions": [facts] if author else [], "count": int(bool(author)), "start": 0}
        return _send(handler, 200, {"Content-Type": "application/json"}, json.dumps(listing).encode())

    def _send_listing(self, handler: BaseHTTPRequestHandler, repo: str, *, offered: bool = False) -> None:
        if repo not in self.repos:
            return _send(handler, 401, {"X-Error-Code": "RepoNotFound"}, b"")
        files = {**self.repos[repo], **(self.offers[repo][2] if offered else {})}
        siblings = [_sibling(name, self.stated.get(name, content)) for name, content in files.items()]
        commit = PULL_REQUEST_COMMIT if offered else COMMIT
        listing = json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode()
        return _send(handler, 200, {"Content-Type": "application/json"}, listing)

    def _send_bytes(self, handler: BaseHTTPRequestHandler, path: str) -> None:
        owner, name, file = path.split("/", 2)
        content = self._content(f"{owner}/{name}")[file]
        start = 0
        if self.knows_ranges and (wanted := handler.headers.get("Range")):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        end = start + self.cut_after_bytes.pop(0) if self.cut_after_bytes else len(content)
        handler.wfile.write(content[start:end])
        handler.close_connection = True


def _sibling(name: str, content: bytes) -> dict[str, object]:
    """Large files are stated by their sha256, small ones by git's sha1, as the Hub does."""
    facts: dict[str, object] = {"rfilename": name, "size": len(content)}
    facts["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    if name.endswith((".safetensors", ".bin")):
        sha256 = hashlib.sha256(content).hexdigest()
        facts["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 130}
    return facts


def _send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
