"""The served page over HTTP, as programs and strangers meet it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client

from playground.errors import ModelUnavailable
from playground.ui.app import build_app, launch_options
from playground.ui.contract import Services
from tests.ui.conftest import make_services, until
from tests.ui.fakes import FakeEngine


@dataclass
class Served:
    services: Services
    url: str
    demo: Any

    @property
    def engine(self) -> FakeEngine:
        return self.services.engine  # type: ignore[return-value]

    def call(self, view: str, function: str, data: dict[str, Any], cookies: dict[str, str] | None = None) -> Any:
        """What the page's scripts do: call a function of one of our views."""
        ids = {c["props"].get("elem_id"): c["id"] for c in self.demo.config["components"]}
        body = {"data": data, "component_id": ids[view], "fn_name": function, "session_hash": "test"}
        content, headers = json.dumps(body), {"content-type": "application/json"}
        answer = httpx.post(
            f"{self.url}gradio_api/component_server/", content=content, headers=headers, cookies=cookies
        )
        answer.raise_for_status()
        return answer.json()


def serve(folder: Path, **environ: str) -> Served:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        environ["GRADIO_SERVER_PORT"] = str(probe.getsockname()[1])
    services = make_services(FakeEngine(), folder, **environ)
    demo = build_app(services)
    _, url, _ = demo.launch(**{**launch_options(services), "inbrowser": False}, prevent_thread_lock=True)
    return Served(services, url, demo)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = serve(tmp_path_factory.mktemp("local"))
    yield served
    served.demo.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = serve(tmp_path_factory.mktemp("shared"), PLAYGROUND_SHARED="on")
    yield served
    served.demo.close()


def visitor_of(served: Served) -> dict[str, str]:
    return dict(httpx.get(served.url).cookies)


def test_every_tab_has_its_public_endpoint_whose_first_argument_is_enough(local: Served) -> None:
    client = Client(local.url, verbose=False)
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/chat", "/attention", "/translate", "/summarize", "/sentiment", "/ask", "/extract"}
    for endpoint in endpoints.values():
        assert all(parameter["parameter_has_default"] for parameter in endpoint["parameters"][1:])
    assert client.predict("Hi", api_name="/chat") == "Hello there."


def test_the_translation_endpoint_gives_sentences_with_what_is_wrong_with_them(local: Served) -> None:
    answer = Client(local.url, verbose=False).predict("Bonjour à tous, comment allez-vous ?", api_name="/translate")
    assert (answer["translation"], answer["source"], answer["target"]) == ("Hello there.", "fr", "en")
    assert [set(one) for one in answer["sentences"]] == [{"source", "translation", "problems", "probability"}]


def test_the_extraction_endpoint_takes_columns_as_json_and_as_values(local: Served) -> None:
    columns = [{"name": "mail", "type": "email"}]
    for given in (columns, json.dumps(columns)):
        answer = Client(local.url, verbose=False).predict("🦋 Write to post@plots.example.", given, api_name="/extract")
        ((value,),) = answer["rows"][0].values()
        assert (value["text"], value["start"], value["in_text"]) == ("post@plots.example", 11, True)


def test_the_endpoint_passes_its_settings_on(local: Served) -> None:
    Client(local.url, verbose=False).predict("Hi", "Be brief.", 0, 9, 4, api_name="/chat")
    messages, params, _ = local.engine.requests[-1]
    assert messages[0].content == "Be brief."
    assert (params.temperature, params.max_new_tokens, params.seed) == (0, 9, 4)


def test_the_endpoint_says_who_asks(local: Served, shared: Served) -> None:
    Client(local.url, verbose=False).predict("Hi", api_name="/chat")
    assert local.engine.askers[-1] == ("local", 1)
    Client(local.url, verbose=False).predict("Hi", "Be brief.", api_name="/chat")
    assert local.engine.askers[-1] == ("local", 0)
    for _ in range(2):
        Client(shared.url, verbose=False).predict("Hi", api_name="/chat")
    (first, _), (second, _) = shared.engine.askers[-2:]
    assert first == second == "" or first != second, "programs without a visitor's name are nobody"
    cookies = visitor_of(shared)
    Client(shared.url, verbose=False, httpx_kwargs={"cookies": cookies}).predict("Hi", api_name="/chat")
    assert shared.engine.askers[-1][0].startswith("visitor:")


def test_the_endpoint_answers_bad_input_with_its_sentence(local: Served) -> None:
    client = Client(local.url, verbose=False)
    with pytest.raises(Exception, match="The message is empty"):
        client.predict("  ", api_name="/chat")
    local.engine.answers = [ModelUnavailable("No model <b>is</b> open.")]
    with pytest.raises(Exception, match="No model"):
        client.predict("Hi", api_name="/chat")
    local.engine.answers = ["Hello there."]


def test_the_page_carries_its_texts_before_any_script_and_cannot_be_broken_out_of(local: Served) -> None:
    local.services.shelf.note_speed("smollm2-135m-instruct", 50.0)
    page = httpx.get(local.url, headers={"accept-language": "zh"}).text
    first_script = page.index("<script>")
    assert page[first_script:].startswith("<script>window.playground={")
    facts = re.search(r"window\.playground=(\{.*?\})</script>", page).group(1)  # type: ignore[union-attr]
    assert "<" not in facts
    assert json.loads(facts)["language"] == "zh"


def test_our_files_are_served_and_nothing_beside_them(local: Served) -> None:
    assert httpx.get(f"{local.url}playground-assets/js/boot.js").headers["cache-control"] == "no-cache"
    for path in ("playground-assets/../app.py", "playground-assets/%2e%2e/app.py", "gradio_api/file=app.py"):
        assert httpx.get(local.url + path).status_code in (403, 404)


def test_one_persons_machine_gives_no_cookies(local: Served) -> None:
    assert "set-cookie" not in httpx.get(local.url).headers


def test_a_shared_machine_names_every_new_visitor_once(shared: Served) -> None:
    header = httpx.get(shared.url).headers["set-cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header
    cookies = visitor_of(shared)
    assert "set-cookie" not in httpx.get(shared.url, cookies=cookies).headers
    over_https = httpx.get(shared.url, headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert "Secure" in over_https and "Partitioned" in over_https


def test_strangers_reach_nothing_of_a_visitor(shared: Served) -> None:
    one, other = visitor_of(shared), visitor_of(shared)
    report = shared.call("frame", "import_chats", {"text": json.dumps(CHATGPT)}, one)
    assert report["conversations_added"] == 1
    chat = shared.call("frame", "list_chats", {}, one)["conversations"][0]["id"]
    assert shared.call("frame", "list_chats", {"query": "walrus"}, one)["hits"]
    for cookies in (other, {}, {"playground_visitor": "short"}):
        assert not shared.call("frame", "list_chats", {}, cookies).get("conversations")
        assert not shared.call("frame", "list_chats", {"query": "walrus"}, cookies).get("hits")
        for function in ("rename_chat", "pin_chat", "delete_chat", "restore_chat", "export_chats"):
            answer = shared.call("frame", function, {"id": chat, "title": "mine", "format": "json"}, cookies)
            assert set(answer) == {"error"}, function
        assert set(shared.call("chat", "discard_chat", {"conversation_id": chat}, cookies)) == {"error"}
    assert shared.call("frame", "list_chats", {}, one)["conversations"][0]["title"] == "About a walrus"


def test_on_a_shared_machine_nobody_changes_the_model(shared: Served) -> None:
    cookies = visitor_of(shared)
    assert shared.call("frame", "list_models", {}, cookies)["can_switch"] is False
    assert "error" in shared.call("frame", "use_model", {"id": "smollm2-135m-instruct"}, cookies)
    assert "error" in shared.call("frame", "cancel_download", {"id": "smollm2-135m-instruct"}, cookies)


def test_a_model_that_does_not_exist_is_a_sentence_in_the_visitors_language(local: Served) -> None:
    english = local.call("frame", "use_model", {"id": "no such model", "language": "en"})["error"]
    chinese = local.call("frame", "use_model", {"id": "no such model", "language": "zh"})["error"]
    assert "no such model" in english and "no such model" in chinese
    assert re.search(r"[一-鿿]", chinese)


def test_a_download_that_fails_says_so_on_its_card(local: Served) -> None:
    assert local.call("frame", "use_model", {"id": "gemma-3-270m"}) == {}

    def problem() -> str | None:
        cards = local.call("frame", "list_models", {})["models"]
        return next(card["problem"] for card in cards if card["id"] == "gemma-3-270m")

    until(problem)
    assert "switched off" in str(problem())


@pytest.mark.parametrize("data", [None, [], "x", {"id": 5}, {"format": "exe"}, {"query": "\ud800'\"*("}])
def test_nonsense_from_a_page_gets_an_answer(local: Served, data: Any) -> None:
    for function in ("list_chats", "rename_chat", "export_chats", "import_chats", "use_model", "list_models"):
        assert isinstance(local.call("frame", function, data), dict), function


def test_an_exported_page_speaks_the_readers_language(local: Served) -> None:
    local.call("frame", "import_chats", {"text": json.dumps(CHATGPT)})
    chat = local.call("frame", "list_chats", {"query": "walrus"})["hits"][0]["conversation_id"]
    for form, english, chinese in (("markdown", "## You", "## 你"), ("html", '<html lang="en">', '<html lang="zh">')):
        for language, words in (("en", english), ("zh", chinese)):
            exported = local.call("frame", "export_chats", {"id": chat, "format": form, "language": language})
            assert words in exported["text"]
            assert exported["name"].startswith("About a walrus.")


def test_presets_are_kept_and_removed(local: Served) -> None:
    local.call("chat", "save_preset", {"name": "Dry", "values": {"temperature": 0.1, "top_k": 10**9}})
    kept = local.call("chat", "list_presets", {})["presets"]
    assert [(one["name"], one["values"]["temperature"], one["values"]["top_k"]) for one in kept] == [("Dry", 0.1, 1000)]
    local.call("chat", "remove_preset", {"name": "Dry"})
    assert local.call("chat", "list_presets", {})["presets"] == []


CHATGPT = [
    {
        "title": "About a walrus",
        "create_time": 1.0,
        "current_node": "b",
        "mapping": {
            "r": {"id": "r", "message": None, "parent": None, "children": ["a"]},
            "a": {
                "id": "a", "parent": "r", "children": ["b"],
                "message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["a walrus?"]}},
            },
            "b": {
                "id": "b", "parent": "a", "children": [],
                "message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["yes"]}},
            },
        },
    }
]  # fmt: skip


def test_on_one_persons_machine_other_web_pages_reach_nothing(local: Served) -> None:
    own = httpx.URL(local.url)
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}):
        assert httpx.get(local.url, headers=headers).status_code == 403
        answer = httpx.post(f"{local.url}gradio_api/component_server/", json={}, headers=headers)
        assert answer.status_code == 403
    same = {"origin": f"http://{own.host}:{own.port}"}
    assert httpx.get(local.url, headers=same).status_code == 200
    assert httpx.get(f"http://localhost:{own.port}/").status_code == 200
