"""A page of the web by its address, with the limits of a program that strangers use: public addresses only, checked
at the connection itself and at every redirect; size, time and kinds of content capped. Knows no model.

Written on http.client since the check has to sit between the name and the connection: a library that looks the
name up again would connect to whatever the second answer says (DNS rebinding).
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from email.message import Message
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from playground.errors import InvalidInput, PlaygroundError
from playground.text.readings import Reading, read_file, read_html

KINDS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "text/plain": ".txt", "text/markdown": ".md",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}  # fmt: skip
HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; LLM-Playground)",
    "Accept": "text/html,application/xhtml+xml,text/plain,application/pdf;q=0.9",
    "Accept-Encoding": "gzip",
}
REDIRECTS = (301, 302, 303, 307, 308)
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(?:%\w+)?")
CHUNK_BYTES = 65_536
# A name server may hang: looked up aside, so that the time limit holds.
LOOKUPS = ThreadPoolExecutor(4, thread_name_prefix="lookup")


class PageUnavailable(PlaygroundError):
    """The page cannot be had; the sentence says why."""


@dataclass(frozen=True)
class Page:
    """What an address gave: `address` after all redirects, `kind` as in KINDS, `charset` as declared or ""."""

    address: str
    kind: str
    charset: str
    data: bytes


def look_up(host: str, port: int) -> list[str]:
    """The numeric addresses of a host. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def is_public(numeric: str, port: int) -> bool:
    """Whether strangers may be sent to a numeric address: neither this machine nor its network, the usual ports."""
    try:
        found = ipaddress.ip_address(numeric.split("%")[0])
    except ValueError:
        return False
    inner = [found]
    if isinstance(found, ipaddress.IPv6Address):
        # Addresses of the old kind in the clothes of the new one lead to the same machines.
        inner += [old for old in (found.ipv4_mapped, found.sixtofour, *(found.teredo or ())) if old]
        if found in ipaddress.ip_network("64:ff9b::/96"):
            inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if found in ipaddress.ip_network("64:ff9b:1::/48") or found in ipaddress.ip_network("::/96"):
            return False
    return port in (80, 443) and all(one.is_global and not one.is_multicast for one in inner)


@dataclass(frozen=True)
class Limits:
    """What a fetch may cost, and whom it may ask. `look_up` and `allows` are given by tests only."""

    size_bytes: int = 5 * 1024 * 1024
    time_s: float = 10.0
    redirects: int = 5
    look_up: Callable[[str, int], list[str]] = look_up
    allows: Callable[[str, int], bool] = is_public


class CheckedConnection(http.client.HTTPConnection):
    """A connection to one numeric address that was checked, under the name that was asked for."""

    def __init__(self, parts: SplitResult, numeric: str, port: int, time_s: float) -> None:
        super().__init__(parts.hostname or "", port, timeout=time_s)
        self._numeric = numeric
        self._secure = parts.scheme == "https"
        # Kept, as http.client forgets the socket once an answer without a length has begun.
        self.wire: socket.socket | None = None

    def connect(self) -> None:
        """Connects; for https the certificate has to be the name's."""
        self.sock = self.wire = socket.create_connection((self._numeric, self.port), self.timeout)
        if self._secure:
            secured = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            # Known before the handshake, which a server may draw out, so that it can be ended.
            self.sock = self.wire = secured
            secured.do_handshake()


def read_page(address: str, limits: Limits | None = None) -> Reading:
    """The main text of a page (or of a PDF, Word or text file) by its address. Raises InvalidInput for an address
    that may not be asked or a file that cannot be read, PageUnavailable where the server does not give it."""
    page = fetch(address, limits or Limits())
    if page.kind == ".html":
        reading = read_html(page.data, page.address, page.charset, page.address)
        if not any(map(str.isalpha, reading.text)):
            raise InvalidInput("This page has no text without running its programs. Copy its text here instead.")
        return reading
    found = read_file(page.data, f"page{page.kind}")
    return Reading(found.text, page.address, found.format, found.title, found.page_starts, found.notes)


def fetch(address: str, limits: Limits) -> Page:
    """What stands at an address, redirects followed and each checked. Raises InvalidInput and PageUnavailable."""
    ends = time.monotonic() + limits.time_s
    current = checked_form(address)
    for _ in range(limits.redirects + 1):
        parts = urlsplit(current)
        with answered(parts, limits, ends) as (response, expired):
            if response.status in REDIRECTS and response.getheader("Location"):
                current = checked_form(urljoin(current, response.getheader("Location", "")))
                continue
            if response.status != 200:
                status = f"{response.status} {response.reason}"
                raise PageUnavailable(f"{parts.hostname} does not give this page ({status}). Check the address.")
            kind, charset = kind_of(response)
            data = body(response, limits.size_bytes, parts.hostname or "")
            # A connection that was cut looks like the end of the page.
            if expired.is_set():
                raise TimeoutError
            return Page(current, kind, charset, data)
    raise PageUnavailable("This address leads from one page to the next without end. Check the address.")


def checked_form(address: str) -> str:
    """The address with its scheme, in plain letters. Raises InvalidInput for anything but a page of the web."""
    address = address.strip()
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, UnicodeError):
        host, port = "", ""
    if not HOST.fullmatch(host) or parts.scheme not in ("http", "https") or parts.username or parts.password:
        raise InvalidInput("This is not the address of a page. It looks like https://example.org/page.")
    host = f"[{host}]" if ":" in host else host
    path, query = (quote(part, safe="/%:=&?~#+!$,;'@()*[]") for part in (parts.path or "/", parts.query))
    return f"{parts.scheme}://{host}{port}{path}" + (f"?{query}" if query else "")


@contextlib.contextmanager
def answered(
    parts: SplitResult, limits: Limits, ends: float
) -> Generator[tuple[http.client.HTTPResponse, threading.Event], None, None]:
    """The server's answer, and whether its time is up; whatever fails on the way becomes a sentence."""
    opened: list[CheckedConnection] = []
    expired = threading.Event()
    timer = threading.Timer(max(0.0, ends - time.monotonic()), lambda: expire(opened, expired))
    timer.daemon = True
    timer.start()
    try:
        connection = connected(parts, limits, ends, opened)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers=HEADERS)
        yield connection.getresponse(), expired
    except (OSError, http.client.HTTPException, zlib.error, ValueError, FutureTimeoutError) as error:
        raise PageUnavailable(reason(parts.hostname or "", error, expired.is_set(), limits)) from None
    finally:
        timer.cancel()
        for one in opened:
            one.close()


def expire(opened: list[CheckedConnection], expired: threading.Event) -> None:
    """Ends connections from another thread: a server that sends a letter now and then would hold them for ever."""
    expired.set()
    for connection in opened:
        if connection.wire:
            with contextlib.suppress(OSError):
                connection.wire.shutdown(socket.SHUT_RDWR)


def connected(parts: SplitResult, limits: Limits, ends: float, opened: list[CheckedConnection]) -> CheckedConnection:
    """A connection to the checked address of the host. Raises InvalidInput for one that may not be asked."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = LOOKUPS.submit(limits.look_up, host, port).result(max(0.0, ends - time.monotonic()))
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    if not all(limits.allows(numeric, port) for numeric in found):
        raise InvalidInput(f"{host} is not a public address of the web, so it is not read here. Copy its text instead.")
    for numeric in found:
        opened.append(CheckedConnection(parts, numeric, port, max(0.1, ends - time.monotonic())))
        try:
            opened[-1].connect()
            return opened[-1]
        except OSError:
            if numeric == found[-1]:
                raise
    raise AssertionError("unreachable")


def reason(host: str, error: Exception, expired: bool, limits: Limits) -> str:
    """The sentence for what went wrong on the way to a host."""
    if expired or isinstance(error, TimeoutError | FutureTimeoutError):
        return f"{host} took longer than {limits.time_s:.0f} seconds. Try again later, or copy the page's text here."
    if isinstance(error, socket.gaierror):
        return f"There is no site at {host}, or this machine is not connected. Check the address."
    if isinstance(error, ssl.SSLError):
        return f"The connection to {host} is not secure (its certificate is not valid), so the page was not read."
    return f"{host} cannot be reached or does not answer like a site. Check the address, or try again later."


def kind_of(response: http.client.HTTPResponse) -> tuple[str, str]:
    """(kind, charset) of an answer. Raises InvalidInput for what cannot be read."""
    header = Message()
    header["Content-Type"] = response.getheader("Content-Type") or "text/html"
    declared = header.get_content_type()
    kind = KINDS.get(declared)
    if kind is None:
        raise InvalidInput(f"At this address is a file of the kind {declared}. Choose a page, a PDF or a text.")
    return kind, header.get_content_charset() or ""


def body(response: http.client.HTTPResponse, size_bytes: int, host: str) -> bytes:
    """The content, unpacked, never more than the limit in memory. Raises PageUnavailable beyond it."""
    packing = (response.getheader("Content-Encoding") or "identity").lower()
    if packing not in ("identity", "gzip", "x-gzip", "deflate"):
        raise PageUnavailable(
            f"{host} sends this page packed in a way ({packing}) unknown here. Copy its text instead."
        )
    unpack = None if packing == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    data = b""
    while chunk := response.read1(CHUNK_BYTES):
        data += unpack.decompress(chunk, size_bytes + 1 - len(data)) if unpack else chunk
        if len(data) > size_bytes:
            limit = f"{size_bytes / 1024**2:.0f} MB"
            raise PageUnavailable(f"This page is larger than {limit}. Save it and choose the file, or copy its text.")
    return data
