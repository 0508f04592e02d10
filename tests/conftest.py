"""What tests share: the real model, our kernels, and what to do when one of them or the browser cannot be had."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from playground.errors import ModelUnavailable
from playground.kernels.library import Library, open_library
from playground.models.catalog import SMALLEST, find
from playground.models.weights import Sources, fetch
from playground.settings import Settings

REQUIRED = os.environ.get("PLAYGROUND_TEST_REQUIRE", "").split(",")
"""Of "real" and "browser", what must not be missing: then a test fails that would be left out elsewhere."""
MODEL = os.environ.get("PLAYGROUND_TEST_MODEL", SMALLEST.id)


def cannot(need: str, reason: str) -> NoReturn:
    """Leave the test out, or fail where this machine is expected to have what is missing."""
    if need in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def real_cache() -> Path:
    """The cache folder of this user with the real small model in it, fetched when it is missing."""
    settings = Settings.from_env(os.environ)
    sources = Sources(settings.use_hub, settings.use_mirror, settings.hub_endpoint, settings.hub_token)
    try:
        fetch(find(MODEL), cache_dir=settings.cache_dir, sources=sources)
    except ModelUnavailable as error:
        cannot("real", f"the real model cannot be had: {error}")
    return settings.cache_dir


@pytest.fixture(scope="session")
def own_kernels(tmp_path_factory: pytest.TempPathFactory) -> Library | None:
    """The kernels of this machine, compiled once for all tests; None where it cannot run them."""
    return open_library(tmp_path_factory.mktemp("cache"), threads=2)


@pytest.fixture(scope="session")
def library(own_kernels: Library | None) -> Library:
    """The kernels of this machine; without them the test is left out."""
    if own_kernels is None:
        pytest.skip("this processor has no AVX-512 VNNI")
    return own_kernels
