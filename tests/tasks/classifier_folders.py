"""Folders of tiny random classifiers, as they would come from the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import transformers

from playground.models.catalog import ModelSpec, find
from tests.engine.companion_folders import build_folder

CLASSES = {"distilbert": "DistilBertForSequenceClassification", "roberta": "RobertaForSequenceClassification"}


def build_classifier(
    parent: Path, labels: Sequence[str], *, family: str = "distilbert", independent: bool = False
) -> ModelSpec:
    """A classifier with `labels`; `independent` ones may fit together (multi-label)."""
    spec = build_folder(family, parent)
    assert spec.folder is not None
    config = transformers.AutoConfig.from_pretrained(spec.folder)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.problem_type = "multi_label_classification" if independent else None
    torch.manual_seed(5)
    getattr(transformers, CLASSES[family])(config).eval().save_pretrained(spec.folder)
    return find(str(spec.folder))
