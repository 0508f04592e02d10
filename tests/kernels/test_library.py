"""The kept machine code: used again, and made anew whenever it cannot be trusted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from playground.kernels import compiler
from playground.kernels import library as library_module
from playground.kernels.formats import FORMATS, pack, unpack
from playground.kernels.library import KERNELS, Library, as_word, open_library
from tests.kernels.random_weights import random_groups

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compilations(library: Library, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every compilation from now on; each gives what the first one gave."""
    done: list[bytes] = []
    compiled = library_module._compile()

    def compile_again() -> bytes:
        done.append(compiled)
        return compiled

    monkeypatch.setattr(library_module, "_compile", compile_again)
    return done


def start(cache_dir: Path) -> Library | None:
    """What a new process does."""
    return open_library.__wrapped__(cache_dir, threads=1)


def check_works(library: Library | None) -> None:
    assert library is not None
    packed = pack(random_groups(FORMATS["q4_k"], 32, 256))
    rows = torch.randn(2, 256)
    expected = rows @ unpack(packed).T
    assert ((library.multiply(packed, rows) - expected).norm() / expected.norm()).item() < 0.02


def kept_file(cache_dir: Path) -> Path:
    (file,) = (cache_dir / "kernels").iterdir()
    return file


def test_the_next_start_uses_the_kept_code(tmp_path: Path, compilations: list[bytes]) -> None:
    check_works(start(tmp_path))
    assert len(compilations) == 1
    check_works(start(tmp_path))
    assert len(compilations) == 1


@pytest.mark.parametrize("damage", ["empty", "truncated", "one bit"])
def test_a_damaged_file_is_compiled_anew_and_replaced(tmp_path: Path, compilations: list[bytes], damage: str) -> None:
    start(tmp_path)
    file = kept_file(tmp_path)
    whole = file.read_bytes()
    damaged = {
        "empty": b"",
        "truncated": whole[:-1000],
        "one bit": whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
    }[damage]
    file.write_bytes(damaged)
    check_works(start(tmp_path))
    assert len(compilations) == 2
    assert kept_file(tmp_path).read_bytes() == whole


def test_code_of_another_version_or_processor_is_left_alone_and_then_goes(
    tmp_path: Path, compilations: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path)
    old = kept_file(tmp_path)
    monkeypatch.setattr(compiler, "processor", lambda: "another processor")
    check_works(start(tmp_path))
    assert len(compilations) == 2
    assert old.exists(), "a cache folder may belong to two machines"
    monkeypatch.setattr(compiler, "processor", lambda: "a third processor")
    os.utime(old, (0, 0))
    check_works(start(tmp_path))
    assert not old.exists()


def test_without_a_place_to_keep_it_the_code_still_works(tmp_path: Path, compilations: list[bytes]) -> None:
    (tmp_path / "kernels").write_text("a file where a folder should be")
    check_works(start(tmp_path))
    check_works(start(tmp_path))
    assert len(compilations) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for this user")
def test_a_read_only_folder_is_as_good_as_none(tmp_path: Path, compilations: list[bytes]) -> None:
    tmp_path.chmod(0o500)
    try:
        check_works(start(tmp_path))
    finally:
        tmp_path.chmod(0o700)
    assert len(compilations) == 1


def test_a_processor_without_the_instructions_gets_no_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "is_supported", lambda: False)
    assert start(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_compiler_that_fails_costs_speed_and_not_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bytes:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(library_module, "_compile", fail)
    assert start(tmp_path) is None


WITHOUT_MATRIX_UNIT = """
from llvmlite import binding, ir
from playground.kernels import compiler
from playground.kernels.formats import FORMATS
from playground.kernels.matrix import define_matrix

class Features(dict):
    def flatten(self):
        return ",".join(("+" if there and not name.startswith("amx") else "-") + name for name, there in self.items())

found = Features(binding.get_host_cpu_features())
binding.get_host_cpu_features = lambda: found
module = ir.Module("kernels")
define_matrix(module, FORMATS["q4_0"])
assert compiler.compile_module(module)
"""


def test_a_processor_without_a_matrix_unit_can_compile_all_kernels(library: Library) -> None:
    """In a process of its own, because LLVM aborts it otherwise."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_MATRIX_UNIT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["avx512vnni", "avx512f"])
def test_what_a_processor_lacks_is_asked_of_llvm(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    features = dict.fromkeys(compiler.NEEDED, True)
    monkeypatch.setattr(compiler.binding, "get_process_triple", lambda: "x86_64-unknown-linux-gnu")
    monkeypatch.setattr(compiler.binding, "get_host_cpu_features", lambda: features)
    assert compiler.is_supported()
    features[missing] = False
    assert not compiler.is_supported()


def test_other_architectures_get_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.binding, "get_process_triple", lambda: "arm64-apple-darwin23")
    assert not compiler.is_supported()


def test_every_kernel_has_its_own_name() -> None:
    assert len(set(KERNELS)) == len(KERNELS)


def test_arguments_become_words_of_eight_bytes() -> None:
    tensor = torch.empty(3)
    assert as_word(tensor) == tensor.data_ptr()
    assert as_word(None) == 0
    assert as_word(-5) == -5
    assert as_word(1.0) == 0x3F800000
    assert as_word(-0.0) & 0xFFFFFFFF == 0x80000000
