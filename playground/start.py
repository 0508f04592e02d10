"""How the program starts: what hardware there is, which model suits it, what is left from the last run.

Used by `app.py` alone. Builds nothing that it does not need to decide.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import filelock
import torch

from playground.engine.companions import Companions
from playground.engine.engine import Engine
from playground.errors import PlaygroundError, SettingsError, StorageError
from playground.hardware import free_memory_bytes
from playground.history.database import open_database
from playground.history.store import HistoryStore
from playground.models import disk
from playground.models.catalog import ModelSpec
from playground.models.choice import candidates
from playground.models.shelf import ModelShelf
from playground.models.transfer import size_text
from playground.models.weights import present_ids
from playground.settings import Settings

log = logging.getLogger(__name__)

HISTORY_FILE = "history.sqlite3"
CLEAN_EVERY_S = 1800.0
FORGETFUL = "This demo forgets your chats when it restarts. Download what you want to keep."
_held: dict[Path, filelock.FileLock] = {}


def prepare_process(settings: Settings) -> None:
    """What holds for the whole process: log, address, threads, a soft end. Raises SettingsError."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    require_port(settings)
    torch.set_num_threads(settings.threads)
    # A service manager ends programs with SIGTERM; that should store running answers just as Ctrl+C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    announce(settings)


def device() -> str:
    """Where the model runs: "cuda" or "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def suitable_models(settings: Settings) -> tuple[tuple[ModelSpec, str], ...]:
    """The models to try in order, each with the reason why. Raises ModelUnavailable for a name that means nothing."""
    cuda = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None
    return candidates(
        settings.model,
        cuda_memory_bytes=cuda,
        free_memory_bytes=free_memory_bytes(),
        free_disk_bytes=disk.free_bytes(settings.cache_dir),
        present=present_ids(settings.cache_dir),
        hub_allowed=settings.use_hub,
    )


def companions(shelf: ModelShelf) -> Companions:
    """The small models beside the chat's; none is opened before it is wanted."""
    return Companions(shelf.load_companion)


def open_first(engine: Engine, shelf: ModelShelf, models: Sequence[tuple[ModelSpec, str]]) -> threading.Thread:
    """Open the first model that can be had, in the background; the terminal shows how far it is."""

    for spec, reason in models:
        shelf.note_choice(spec.id, reason)
    (first, reason), *others = models
    print(f"Opening {first.name}. {reason}", flush=True)
    engine.open(first, *(spec for spec, _ in others))

    thread = threading.Thread(target=_watch, args=(engine,), name="watch-opening", daemon=True)
    thread.start()
    return thread


def _watch(engine: Engine) -> None:
    """Print the progress of the first opening until it ends."""
    started_s, printed = time.monotonic(), ""
    interactive = sys.stdout.isatty()
    while (state := engine.state).phase in ("opening", "empty"):
        share = "" if state.opening_fraction is None else f" {state.opening_fraction:.0%}"
        line = f"  {state.spec.name if state.spec else ''}: {state.opening_detail}{share}"
        # A log file gets a line when the step changes, a person at a terminal one line that moves.
        step = line if interactive else state.opening_detail.split(" ")[0]
        if state.opening_detail and step != printed:
            printed = step
            print(f"\r\033[K{line}" if interactive else line, end="" if interactive else "\n", flush=True)
        time.sleep(0.1)
    if interactive and printed:
        print("\r\033[K", end="")
    if state.phase == "failed":
        print(f"  {state.error}", file=sys.stderr, flush=True)
    elif state.loaded:
        size = size_text(state.loaded.weights_bytes)
        took_s = time.monotonic() - started_s
        print(f"  {state.loaded.spec.name} is ready after {took_s:.1f} s, {size} of weights.", flush=True)


def open_history(settings: Settings) -> tuple[HistoryStore, str]:
    """The history and "", or one that lasts until the program ends and the sentence that says why.

    A file that cannot be used is left as it is: the chat goes on without it, and everybody is told. On a
    Space without a mounted disk the sentence is that chats are forgotten.
    """
    data_dir = settings.data_dir
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        hold_folder(data_dir)
        history = HistoryStore(open_database(data_dir / HISTORY_FILE, shared_disk=settings.shared_disk))
        history.mark_interrupted()
        threading.Thread(target=_keep_clean, args=(history,), name="keep-history-clean", daemon=True).start()
        kept = not settings.on_space or any(folder.is_mount() for folder in [data_dir, *data_dir.parents][:-1])
        return history, "" if kept else FORGETFUL
    except (StorageError, OSError) as error:
        if isinstance(error, OSError):
            error = StorageError(
                f"The folder {data_dir} cannot be used ({error.strerror}). "
                "Make it writable, or set PLAYGROUND_DATA_DIR to another folder."
            )
        log.warning("%s", error)
        print(f"{error}\nUntil then chats are kept only as long as this program runs.", file=sys.stderr, flush=True)
        return HistoryStore(open_database(None)), f"{error} Until then your chats are forgotten when the program ends."


def hold_folder(data_dir: Path) -> None:
    """Take the data folder for this process. Raises StorageError while another one has it.

    A second program would take the answers that the first one is writing for interrupted.
    """
    if data_dir not in _held:
        lock = filelock.FileLock(data_dir / "in-use.lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise StorageError(
                f"Another playground is using the folder {data_dir}. Use that one, or set PLAYGROUND_DATA_DIR to "
                "another folder."
            ) from error
        _held[data_dir] = lock


def _keep_clean(history: HistoryStore) -> None:
    """Erase what nobody can want any more: at the start, then now and then."""
    while True:
        try:
            history.purge_deleted()
            history.purge_temporary()
        except PlaygroundError as error:
            log.warning("the history could not be cleaned up: %s", error)
        time.sleep(CLEAN_EVERY_S)


def require_port(settings: Settings) -> None:
    """Raise SettingsError with a way on when the address is taken; before the model is opened, not after."""
    family = socket.AF_INET6 if ":" in settings.server_name else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there it would take a port that somebody else uses
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.server_name, settings.server_port))
        except OSError as error:
            raise SettingsError(
                f"Port {settings.server_port} on {settings.server_name} cannot be used ({error.strerror}). "
                f"If the playground is running already, open http://{settings.server_name}:{settings.server_port}; "
                f"otherwise choose another port: GRADIO_SERVER_PORT={settings.server_port + 1}"
            ) from error


def announce(settings: Settings) -> None:
    """Say where the page is; Gradio's own lines would invite to share it with the world."""
    host = "127.0.0.1" if settings.server_name in ("0.0.0.0", "::") else settings.server_name
    print(f"LLM Playground: http://{host}:{settings.server_port}  (Ctrl+C ends it)", flush=True)


def explain_and_exit(error: PlaygroundError) -> None:
    """End the program with one sentence instead of a stack trace."""
    print(error, file=sys.stderr)
    raise SystemExit(2)
