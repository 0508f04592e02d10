"""The cache folder: is there room, is a file the right one, what to say when it cannot be written.

Knows no source. A file that was hashed once is remembered by size and time, so that a start does not read 500 MB.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from pathlib import Path

from playground.errors import ModelUnavailable
from playground.models.transfer import Source, Transfer, size_text

BLOCK_BYTES = 1 << 20
MARGIN_BYTES = 100 * 10**6
"""Left free on the disk whatever is downloaded: the history and the system need room too."""


def free_bytes(folder: Path) -> int:
    """Free space of the disk that holds `folder`, which need not exist yet."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return shutil.disk_usage(existing).free


def require_space(folder: Path, needed_bytes: int, *, name: str) -> None:
    """Raise ModelUnavailable when `needed_bytes` and a margin do not fit."""
    free = free_bytes(folder)
    if needed_bytes and free < needed_bytes + MARGIN_BYTES:
        raise ModelUnavailable(
            f"{name} needs {size_text(needed_bytes + MARGIN_BYTES)} of free disk, but {folder} has {size_text(free)}. "
            "Make room there, or set PLAYGROUND_CACHE_DIR to a folder on a larger disk."
        )


def unwritable(error: OSError, folder: Path) -> ModelUnavailable:
    """The sentence for a disk that is full or that may not be written."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ModelUnavailable(
            f"The disk of {folder} is full. Make room and try again: what has arrived is kept. "
            "Or set PLAYGROUND_CACHE_DIR to a folder on a larger disk."
        )
    reason = (error.strerror or type(error).__name__).lower()
    return ModelUnavailable(
        f"The model cannot be stored in {folder} ({reason}). Set PLAYGROUND_CACHE_DIR to a folder that can be written."
    )


def sha256_of(
    path: Path, transfer: Transfer, *, source: Source, before_bytes: int = 0, total_bytes: int | None = None
) -> str:
    """Hex digest of a file, reported as phase "checking"; the last two place it among several files."""
    digest, done_bytes = hashlib.sha256(), before_bytes
    total_bytes = path.stat().st_size if total_bytes is None else total_bytes
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            done_bytes += len(block)
            transfer.report(source, "checking", done_bytes, total_bytes)
    return digest.hexdigest()


def is_remembered(path: Path, sha256: str, size_bytes: int) -> bool:
    """True when `path` was found right before and has not been touched since. Reads two small files, never `path`."""
    try:
        status = path.stat()
        remembered = json.loads(_marker(path).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return status.st_size == size_bytes and remembered == _facts(path, sha256)


def remember(path: Path, sha256: str) -> None:
    """Note that `path` was hashed and is right. A folder that cannot be written only costs another look next time."""
    try:
        _marker(path).write_text(json.dumps(_facts(path, sha256)), "utf-8")
    except OSError:
        return


def remove(path: Path) -> None:
    """Remove a file and what was remembered of it."""
    path.unlink(missing_ok=True)
    _marker(path).unlink(missing_ok=True)


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".verified.json")


def _facts(path: Path, sha256: str) -> dict[str, str | int]:
    status = path.stat()
    return {"sha256": sha256, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
