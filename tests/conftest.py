"""What tests share: the real model, and what to do when it or the browser cannot be had."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from playground.errors import ModelUnavailable
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
