"""The Hugging Face Hub as a source: one file, or the files that a transformers model needs.

Speaks through the session, the headers and the errors of huggingface_hub, but writes the bytes itself: its own
download keeps nothing of a file that was interrupted, and hands on 10 MB at a time, too coarse to stop or to watch.
Never fetches pickles or code. Knows no mirror.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub.constants
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from playground.models import disk
from playground.models.transfer import CONNECT, SourceFailed, Transfer

log = logging.getLogger(__name__)

# Read at every call, and the environment variable of that name only at import: without it, building a header asks
# the Hub which program runs us.
huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True

CONNECT_TIMEOUT_S = 8
READ_TIMEOUT_S = 20
ATTEMPTS = 4
"""Tries in a row that may bring no byte before the connection counts as lost."""
PAUSE_S = 0.5
CONVERTER = "SFconvertbot"
CONVERSION_TITLE = "Adding `safetensors` variant of this model"

_SHARD = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_EXTRAS = re.compile(
    r"[\w.-]+\.(json|jinja)|tokenizer\.model|(merges|vocab)\.txt|[\w.-]+\.tiktoken|(source|target)\.spm|"
    r"spiece\.model|sentencepiece\.bpe\.model"
)


@dataclass(frozen=True)
class Hub:
    """Where the Hub is and who asks. `token=None` uses a login of `hf auth login` if there is one."""

    endpoint: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class RemoteFile:
    """A file at one commit. `digest` is a sha256, or the sha1 that git gives a small file; "" when unknown."""

    repo: str
    name: str
    commit: str
    size_bytes: int
    digest: str


def locate(hub: Hub, repo: str, name: str) -> RemoteFile:
    """Ask for one file's size and fingerprint. Raises SourceFailed."""

    def ask() -> RemoteFile:
        url = hf_hub_url(repo, name, endpoint=hub.endpoint)
        found = get_hf_file_metadata(url, token=hub.token, timeout=CONNECT_TIMEOUT_S, endpoint=hub.endpoint)
        if not found.commit_hash or not found.etag or found.size is None:
            raise SourceFailed("gave an answer that does not come from a Hub (a proxy or a login page?)")
        return RemoteFile(repo, name, found.commit_hash, found.size, found.etag)

    return _translated(repo, ask)


def list_model_files(hub: Hub, repo: str) -> tuple[RemoteFile, ...]:
    """The files of a transformers model: safetensors, configuration, tokenizer; where the repo has other weights, from
    the Hub's own conversion of it. Raises SourceFailed."""
    files = _translated(repo, lambda: _files_at(hub, repo))
    if not any(file.name.endswith(".safetensors") for file in files):
        try:
            revision = _translated(repo, lambda: _conversion(hub, repo))
        except SourceFailed:  # a Hub that keeps no discussions; what is missing is said below
            revision = None
        if revision is not None:
            files = _translated(repo, lambda: _files_at(hub, repo, revision))
    return _needed(files)


def _files_at(hub: Hub, repo: str, revision: str | None = None) -> tuple[RemoteFile, ...]:
    info = HfApi(endpoint=hub.endpoint, token=hub.token).model_info(
        repo, revision=revision, files_metadata=True, timeout=CONNECT_TIMEOUT_S
    )
    return tuple(
        RemoteFile(
            repo,
            sibling.rfilename,
            info.sha or "main",
            sibling.size or 0,
            sibling.lfs.sha256 if sibling.lfs else (sibling.blob_id or ""),
        )
        for sibling in info.siblings or ()
    )


def _conversion(hub: Hub, repo: str) -> str | None:
    """The revision at which the Hub's robot offers a repo's weights as safetensors, if it does. Many older models, most
    translators among them, have them nowhere else. Anybody can offer such a change; only the robot's is taken."""
    offers = HfApi(endpoint=hub.endpoint, token=hub.token).get_repo_discussions(
        repo, author=CONVERTER, discussion_type="pull_request", discussion_status="open"
    )
    found = [offer for offer in offers if offer.author == CONVERTER and offer.title == CONVERSION_TITLE]
    return f"refs/pr/{max(offer.num for offer in found)}" if found else None


def _needed(files: tuple[RemoteFile, ...]) -> tuple[RemoteFile, ...]:
    """Files in the repo's top folder only; a second copy of the weights in another layout is left out."""
    shards = [file for file in files if _SHARD.fullmatch(file.name)]
    if not shards:
        shards = [file for file in files if re.fullmatch(r"[\w.-]+\.safetensors", file.name)]
    extras = [file for file in files if _EXTRAS.fullmatch(file.name)]
    names = {file.name for file in extras}
    if "config.json" not in names or not shards:
        what = "safetensors weights" if "config.json" in names else "config.json"
        raise SourceFailed(
            f"has that model without {what}, so it cannot be opened here",
            remedy="Pick a model whose page lists config.json and model.safetensors.",
        )
    return (*extras, *shards)


def download(
    hub: Hub, file: RemoteFile, part: Path, *, transfer: Transfer, before_bytes: int = 0, total_bytes: int | None = None
) -> None:
    """Bring `part` to the whole length of `file`, going on from the bytes that it has.

    `before_bytes` and `total_bytes` place this file within a larger transfer. Raises SourceFailed with the bytes so
    far kept, Cancelled likewise, and OSError when the disk refuses.
    """
    total_bytes = file.size_bytes if total_bytes is None else total_bytes
    _take_from_cache(file, part)
    failures = 0
    while True:
        has_bytes = _size(part)
        if has_bytes > file.size_bytes:
            part.unlink()
            has_bytes = 0
        transfer.report("hub", "downloading", before_bytes + has_bytes, total_bytes)
        if has_bytes == file.size_bytes and part.exists():
            return
        try:
            _stream(
                hub, file, part, lambda done: transfer.report("hub", "downloading", before_bytes + done, total_bytes)
            )
        except HTTPError as error:
            failures = 0 if _size(part) > has_bytes else failures + 1
            if failures >= ATTEMPTS or not _is_transient(error):
                raise _failure(file.repo, error) from error
            log.info("Hub: %s; trying again", error)
            transfer.wait(PAUSE_S * 2**failures)
        else:
            if _size(part) < file.size_bytes:  # an answer that ended early without saying so
                failures = 0 if _size(part) > has_bytes else failures + 1
                if failures >= ATTEMPTS:
                    raise SourceFailed("sent less than the whole file")


def _take_from_cache(file: RemoteFile, part: Path) -> None:
    """Use the copy that another program, or the build of a Space, left in the Hub client's own cache."""
    cached = try_to_load_from_cache(file.repo, file.name, revision=file.commit)
    if part.exists() or not isinstance(cached, str) or _size(Path(cached)) != file.size_bytes:
        return
    try:
        os.link(os.path.realpath(cached), part)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(cached, part)


def _stream(hub: Hub, file: RemoteFile, part: Path, report: Callable[[int], None]) -> None:
    """One request, from the end of `part` on. The client drops the token when it is sent on to another host."""
    headers = {**build_hf_headers(token=hub.token), "Accept-Encoding": "identity"}
    done_bytes = _size(part)
    if done_bytes:
        headers["Range"] = f"bytes={done_bytes}-"
    url = hf_hub_url(file.repo, file.name, revision=file.commit, endpoint=hub.endpoint)
    with get_session().stream("GET", url, headers=headers, timeout=READ_TIMEOUT_S, follow_redirects=True) as response:
        hf_raise_for_status(response)
        if response.status_code != 206:
            done_bytes = 0  # the server does not know ranges and starts at the beginning
        with part.open("ab") as output:
            if _size(part) > done_bytes:
                output.truncate(done_bytes)
            # No block size: the client would hold back a block that is not full, and lose it with the connection.
            for block in response.iter_bytes():
                output.write(block)
                done_bytes += len(block)
                report(done_bytes)
                if done_bytes > file.size_bytes:
                    return


def is_right(
    path: Path, file: RemoteFile, transfer: Transfer, *, before_bytes: int = 0, total_bytes: int | None = None
) -> bool:
    """Whether a downloaded file has the length and the fingerprint that the Hub stated."""
    if _size(path) != file.size_bytes:
        return False
    if len(file.digest) == 64:
        found = disk.sha256_of(path, transfer, source="hub", before_bytes=before_bytes, total_bytes=total_bytes)
        return found == file.digest
    if len(file.digest) == 40:
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.digest
    return True


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _is_transient(error: Exception) -> bool:
    response = getattr(error, "response", None) if isinstance(error, HfHubHTTPError) else None
    return response is None or response.status_code in (408, 429) or response.status_code >= 500


def _translated(repo: str, ask: Callable):
    """Run one question to the Hub; what its client raises becomes SourceFailed."""
    try:
        return ask()
    except (HTTPError, OSError, ValueError) as error:
        raise _failure(repo, error) from error


def _failure(repo: str, error: Exception) -> SourceFailed:
    log.info("Hub: %s: %s", type(error).__name__, error)
    page = f"https://huggingface.co/{repo}"
    if isinstance(error, GatedRepoError):
        return SourceFailed(
            "gives this model only to people who accepted its terms",
            remedy=f"Accept them on {page} and set HF_TOKEN to an access token of that account.",
        )
    if isinstance(error, RepositoryNotFoundError):
        return SourceFailed(
            f"has no public model “{repo}”",
            remedy="Check the name; for a private model set HF_TOKEN to an access token.",
        )
    if isinstance(error, EntryNotFoundError):
        return SourceFailed("does not have that file any more")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return SourceFailed("refused the access token", remedy="Set HF_TOKEN to a valid access token, or unset it.")
        if status == 429:
            return SourceFailed("is asked too often from here", remedy="Wait some minutes and try again.")
        return SourceFailed(f"has a problem of its own (answer {status})")
    if isinstance(error, HTTPError):
        return SourceFailed("could not be reached", remedy=CONNECT)
    return SourceFailed("gave an answer that does not come from a Hub (a proxy or a login page?)")
