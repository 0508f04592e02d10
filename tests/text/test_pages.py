"""Pages by their address: public ones only, checked where the connection is made, and never too much of them."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from playground.errors import InvalidInput, PlaygroundError
from playground.text.pages import Limits, PageUnavailable, checked_form, fetch, is_public, read_page

ARTICLE = (
    "<html><head><title>The bridge</title></head><body><nav><a href=/>Home</a> <a href=/x>More</a></nav><article>"
    + "".join(
        f"<p>Sentence {n} of the article says something about the old bridge over the river.</p>" for n in range(9)
    )
    + "</article><footer>Imprint</footer></body></html>"
)


class Site(BaseHTTPRequestHandler):
    """A few pages, good and bad."""

    stopped = threading.Event()

    def do_GET(self) -> None:
        """Answers by the path."""
        getattr(self, f"send_{self.path.strip('/').split('?')[0] or 'article'}")()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def answer(self, body: bytes, kind: str = "text/html", **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_article(self) -> None:
        self.answer(ARTICLE.encode())

    def send_packed(self) -> None:
        self.answer(gzip.compress(ARTICLE.encode()), Content_Encoding="gzip")

    def send_bomb(self) -> None:
        self.answer(gzip.compress(b" " * 5_000_000), Content_Encoding="gzip")

    def send_brotli(self) -> None:
        self.answer(b"x", Content_Encoding="br")

    def send_large(self) -> None:
        self.answer(b"<p>" + b"word " * 100_000)

    def send_latin(self) -> None:
        self.answer(
            "<p>L'été à Orléans est très beau cette année.</p>".encode("cp1252"), "text/html; charset=iso-8859-1"
        )

    def send_text(self) -> None:
        self.answer("Plain words, 中文.".encode(), "text/plain; charset=utf-8")

    def send_picture(self) -> None:
        self.answer(b"\x89PNG", "image/png")

    def send_empty(self) -> None:
        self.answer(b"<div id=root></div><script>start()</script>")

    def send_missing(self) -> None:
        self.send_error(404)

    def send_moved(self) -> None:
        self.redirect("/article?from=moved")

    def send_inward(self) -> None:
        self.redirect("http://inside.test/secret")

    def send_file(self) -> None:
        self.redirect("file:///etc/passwd")

    def send_circle(self) -> None:
        self.redirect("/circle")

    def send_drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.stopped.wait(0.01):
            try:
                self.wfile.write(b".")
            except OSError:
                return


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    Site.stopped.set()
    server.shutdown()
    server.server_close()
    thread.join()


def limits(port: int, **changes: object) -> Limits:
    """Loopback is allowed at the site's port alone, under public names; inside.test is a private machine."""
    given = {
        "look_up": lambda host, _: ["10.0.0.7"] if host == "inside.test" else ["127.0.0.1"],
        "allows": lambda numeric, asked: numeric == "127.0.0.1" and asked == port,
    } | changes
    return Limits(**given)  # type: ignore[arg-type]


def page(port: int, path: str) -> str:
    return f"http://site.test:{port}/{path}"


@pytest.mark.parametrize("path", ["article", "packed", "moved"])
def test_the_main_text_of_a_page_is_read_without_its_menus(site: int, path: str) -> None:
    reading = read_page(page(site, path), limits(site))
    assert reading.title == "The bridge" and "Sentence 8 of the article" in reading.text
    assert "Home" not in reading.text and "Imprint" not in reading.text


def test_texts_and_declared_encodings_are_read(site: int) -> None:
    assert read_page(page(site, "text"), limits(site)).text == "Plain words, 中文."
    assert "été à Orléans" in read_page(page(site, "latin"), limits(site)).text


def test_the_address_after_redirects_is_told(site: int) -> None:
    assert fetch(page(site, "moved"), limits(site)).address == page(site, "article?from=moved")


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("inward", InvalidInput, "not a public address"),
        ("file", InvalidInput, "not the address of a page"),
        ("circle", PageUnavailable, "without end"),
        ("missing", PageUnavailable, "404"),
        ("picture", InvalidInput, "image/png"),
        ("empty", InvalidInput, "running its programs"),
        ("large", PageUnavailable, "larger than"),
        ("bomb", PageUnavailable, "larger than"),
        ("brotli", PageUnavailable, "packed in a way"),
    ],
)
def test_what_is_not_read_says_why(site: int, path: str, error: type[PlaygroundError], says: str) -> None:
    with pytest.raises(error, match=says):
        read_page(page(site, path), limits(site, size_bytes=100_000))


def test_a_server_that_sends_for_ever_is_left(site: int) -> None:
    with pytest.raises(PageUnavailable, match="took longer"):
        read_page(page(site, "drip"), limits(site, time_s=0.3))


def test_a_name_server_that_hangs_is_left(site: int) -> None:
    released = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        released.wait(60)
        return ["127.0.0.1"]

    with pytest.raises(PageUnavailable, match="took longer"):
        read_page(page(site, "article"), limits(site, look_up=hanging, time_s=0.2))
    released.set()


def test_the_checked_address_is_the_one_connected_to(site: int) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.7"]])
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    assert read_page(page(site, "article"), limits(site, look_up=rebinding)).text
    assert asked == ["site.test"]


def test_one_private_address_among_public_ones_is_enough_to_refuse(site: int) -> None:
    with pytest.raises(InvalidInput, match="not a public address"):
        read_page(page(site, "article"), limits(site, look_up=lambda *_: ["127.0.0.1", "10.0.0.7"]))


def test_a_site_that_is_not_there_says_so(site: int) -> None:
    with pytest.raises(PageUnavailable, match="no site"):
        read_page(page(site, ""), limits(site, look_up=lambda *_: []))
    with pytest.raises(PageUnavailable, match="cannot be reached"):
        read_page("http://site.test:9/", limits(site, allows=lambda *_: True, time_s=5.0))
    with pytest.raises(PageUnavailable, match=r"not secure|cannot be reached"):
        read_page(f"https://site.test:{site}/", limits(site))


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://2130706433/", "http://0x7f.0.0.1/",
        "http://10.1.2.3/", "http://192.168.0.1/", "http://169.254.169.254/latest", "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/", "http://[fe80::1]/", "http://[fd00::1]/", "http://8.8.8.8:22/",
    ],
)  # fmt: skip
def test_private_machines_and_odd_ports_are_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="not a public address"):
        read_page(address)


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org/x", "file:///etc/passwd", "javascript:alert(1)", "", "http://", "http://user:pass@example.org/",
     "https://exa mple.org", "http://example.org:99999/", "gopher://x", "http://[::1/"],
)  # fmt: skip
def test_what_is_no_address_of_a_page_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="not the address"):
        read_page(address, limits(1))


def test_addresses_are_completed_and_written_in_plain_letters() -> None:
    assert checked_form(" example.org/a b ") == "https://example.org/a%20b"
    assert checked_form("http://bücher.example/straße?q=ä#top") == "http://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4"


@pytest.mark.parametrize(
    ("numeric", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1:248:1893:25c8:1946", True), ("127.8.8.8", False),
        ("172.16.0.1", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::", False),
        ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:7f00:1::", False), ("::127.0.0.1", False),
        ("fe80::1%eth0", False), ("ff02::1", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_public(numeric: str, public: bool) -> None:
    assert is_public(numeric, 443) is public


def test_only_the_ports_of_the_web_are_asked() -> None:
    assert is_public("93.184.216.34", 80) and not is_public("93.184.216.34", 6379)
