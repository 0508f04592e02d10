"""The kernels of this machine, compiled once for all tests."""

from __future__ import annotations

import pytest
import torch

from playground.kernels.library import Library, open_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = open_library(tmp_path_factory.mktemp("cache"), threads=2)
    if library is None:
        pytest.skip("this processor has no AVX-512 VNNI")
    return library


@pytest.fixture(autouse=True)
def the_same_numbers_every_time() -> None:
    torch.manual_seed(0)
