"""Settings are read once, checked, and each says why it is as it is."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest

from playground import settings as module
from playground.errors import SettingsError
from playground.settings import Settings, describe, set_library_defaults

HOME = {"HOME": "/home/ada"}


def read(platform: str = "linux", **environ: str) -> Settings:
    return Settings.from_env({**HOME, **environ}, platform=platform)


def test_an_empty_environment_gives_a_private_local_app() -> None:
    settings = read()
    assert (settings.model, settings.quantization) == ("auto", "auto")
    assert (settings.server_name, settings.server_port, settings.shared) == ("127.0.0.1", 7860, False)
    assert settings.use_hub and settings.use_mirror and settings.threads >= 1
    assert settings.hub_token is None and settings.hub_endpoint is None and not settings.on_space


def test_every_field_has_a_reason_and_a_docstring() -> None:
    names = {field.name for field in dataclasses.fields(Settings)} - {"reasons"}
    assert set(read().reasons) == names
    source = inspect.getsource(Settings)
    for name in names:
        assert f"    {name}: " in source
        assert source.split(f"\n    {name}: ")[1].splitlines()[1].strip().startswith('"""'), name


@pytest.mark.parametrize(
    ("platform", "data_dir", "cache_dir"),
    [
        ("linux", "/home/ada/.local/share/llm-playground", "/home/ada/.cache/llm-playground"),
        ("darwin", "/home/ada/Library/Application Support/llm-playground", "/home/ada/Library/Caches/llm-playground"),
        ("win32", "/home/ada/AppData/Local/llm-playground", "/home/ada/AppData/Local/llm-playground/cache"),
    ],
)
def test_folders_follow_the_platform(platform: str, data_dir: str, cache_dir: str) -> None:
    settings = read(platform)
    assert (settings.data_dir, settings.cache_dir) == (Path(data_dir), Path(cache_dir))


def test_xdg_folders_count_unless_relative() -> None:
    settings = read(XDG_DATA_HOME="/srv/data", XDG_CACHE_HOME="relative")
    assert settings.data_dir == Path("/srv/data/llm-playground")
    assert settings.cache_dir == Path("/home/ada/.cache/llm-playground")


def test_the_two_folders_are_independent_and_know_the_home_folder(tmp_path: Path) -> None:
    settings = read(PLAYGROUND_CACHE_DIR="~/models")
    assert settings.cache_dir == Path("/home/ada/models")
    assert settings.data_dir == Path("/home/ada/.local/share/llm-playground")
    assert settings.reasons["cache_dir"] == "from PLAYGROUND_CACHE_DIR" and settings.reasons["data_dir"] == "default"
    assert read(PLAYGROUND_DATA_DIR="here").data_dir == Path.cwd() / "here"


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"PLAYGROUND_DATA_DIR is .*file.*takes a folder"):
        read(PLAYGROUND_DATA_DIR=str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("environ", "expected", "why"),
    [
        ({"DISPLAY": ":0"}, True, "screen"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, "screen"),
        ({}, False, "DISPLAY"),
        ({"DISPLAY": ":0", "CI": "true"}, False, "CI"),
        ({"DISPLAY": ":0", "SPACE_ID": "ada/play"}, False, "Space"),
        ({"CI": "1", "PLAYGROUND_OPEN_BROWSER": "on"}, True, "from PLAYGROUND_OPEN_BROWSER"),
        ({"DISPLAY": ":0", "PLAYGROUND_OPEN_BROWSER": "off"}, False, "from PLAYGROUND_OPEN_BROWSER"),
        ({"DISPLAY": ":0", "PLAYGROUND_OPEN_BROWSER": "auto"}, True, "screen"),
    ],
)
def test_the_browser_opens_where_somebody_sits(environ: dict[str, str], expected: bool, why: str) -> None:
    settings = read(**environ)
    assert settings.open_browser is expected and why in settings.reasons["open_browser"]
    assert read("darwin").open_browser and read("win32").open_browser


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"GRADIO_SERVER_NAME": "0.0.0.0"}, True),
        ({"GRADIO_SERVER_NAME": "::"}, True),
        ({"GRADIO_SERVER_NAME": "playground.example.org"}, True),
        ({"GRADIO_SERVER_NAME": "127.0.0.2"}, False),
        ({"GRADIO_SERVER_NAME": "::1"}, False),
        ({"GRADIO_SERVER_NAME": "localhost"}, False),
        ({"SPACE_ID": "ada/play"}, True),
        ({"GRADIO_SERVER_NAME": "0.0.0.0", "PLAYGROUND_SHARED": "off"}, False),
        ({"PLAYGROUND_SHARED": "on"}, True),
    ],
)
def test_visitors_are_kept_apart_when_others_can_come(environ: dict[str, str], expected: bool) -> None:
    assert read(**environ).shared is expected


def test_offline_for_the_hub_client_is_offline_for_us() -> None:
    settings = read(HF_HUB_OFFLINE="1", PLAYGROUND_HUB="on")
    assert not settings.use_hub and settings.reasons["use_hub"] == "from HF_HUB_OFFLINE"
    assert read(HF_HUB_OFFLINE="0").use_hub and not read(PLAYGROUND_HUB="off").use_hub


def test_the_token_is_never_printed() -> None:
    settings = read(HF_TOKEN="hf_secret", HF_ENDPOINT="https://hub.example.org/")
    assert settings.hub_token == "hf_secret" and settings.hub_endpoint == "https://hub.example.org"
    assert "hf_secret" not in repr(settings) and "hf_secret" not in str(dict(settings.reasons))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PLAYGROUND_THREADS", "0"),
        ("PLAYGROUND_THREADS", "two"),
        ("PLAYGROUND_THREADS", "-1"),
        ("PLAYGROUND_THREADS", "９"),
        ("GRADIO_SERVER_PORT", "70000"),
        ("GRADIO_SERVER_NAME", "http://host/"),
        ("PLAYGROUND_HUB", "auto"),
        ("PLAYGROUND_MIRROR", "maybe"),
        ("PLAYGROUND_SHARED", "2"),
        ("PLAYGROUND_OPEN_BROWSER", "firefox"),
        ("PLAYGROUND_QUANTIZATION", "fp4"),
        ("PLAYGROUND_LOG_LEVEL", "loud"),
        ("HF_ENDPOINT", "hub.example.org"),
        ("HF_HUB_OFFLINE", "sometimes"),
    ],
)
def test_a_bad_value_names_the_variable_the_value_and_what_it_takes(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(**{variable: value})
    assert str(caught.value).startswith(f"{variable} is “{value}”, but it takes ")


def test_an_empty_variable_counts_as_unset() -> None:
    assert read(PLAYGROUND_THREADS=" ", PLAYGROUND_MODEL="").reasons["model"] == "default"


def test_good_values_are_taken_in_any_case() -> None:
    settings = read(
        PLAYGROUND_MODEL="acme/Model", PLAYGROUND_THREADS="3", PLAYGROUND_QUANTIZATION="NF4", GRADIO_SERVER_PORT="80",
        PLAYGROUND_LOG_LEVEL="debug",
    )  # fmt: skip
    assert (settings.model, settings.threads, settings.quantization) == ("acme/Model", 3, "nf4")
    assert (settings.server_port, settings.log_level) == (80, "DEBUG")


def test_the_table_for_readers_names_every_variable_once() -> None:
    names = [name for name, _, _ in describe()]
    assert len(set(names)) == len(names) and all(all(row) for row in describe())
    source = inspect.getsource(module)
    assert all(f'"{name}"' in source for name in names)
    for field in dataclasses.fields(Settings):
        taken = any(f"from {name}" == reason for name in names for reason in [read_reason(field.name)])
        assert taken or field.name in ("on_space", "reasons"), field.name


def read_reason(field: str) -> str:
    """The reason of a field when every variable is set."""
    values = {
        "PLAYGROUND_THREADS": "1", "PLAYGROUND_PREFIX_STORE_MB": "1", "GRADIO_SERVER_PORT": "1",
        "GRADIO_SERVER_NAME": "a", "HF_ENDPOINT": "http://a", "PLAYGROUND_QUANTIZATION": "bf16",
        "PLAYGROUND_LOG_LEVEL": "info", "HF_HUB_OFFLINE": "0",
    }  # fmt: skip
    return read(**{name: values.get(name, "on") for name, _, _ in describe()}).reasons.get(field, "")


@pytest.mark.parametrize(
    ("gigabytes", "megabytes", "reason"), [(64, 512, "default"), (2, 256, "an eighth of the memory")]
)
def test_the_prefix_store_is_modest_on_a_small_machine(
    gigabytes: int, megabytes: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "memory_bytes", lambda: gigabytes << 30)
    settings = read()
    assert (settings.prefix_store_mb, settings.reasons["prefix_store_mb"]) == (megabytes, reason)
    assert read(PLAYGROUND_PREFIX_STORE_MB="0").prefix_store_mb == 0


def test_library_defaults_do_not_overrule_the_user() -> None:
    environ = {"HF_HUB_DISABLE_TELEMETRY": "0"}
    set_library_defaults(environ)
    assert environ == {"HF_HUB_DISABLE_TELEMETRY": "0", "GRADIO_ANALYTICS_ENABLED": "False"}
