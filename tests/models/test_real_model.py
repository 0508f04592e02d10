from __future__ import annotations

from pathlib import Path

import pytest
import torch

from playground.models import loader, weights
from playground.models.catalog import find
from playground.models.opening import in_transformers
from tests.conftest import MODEL

pytestmark = pytest.mark.real


def test_the_real_model_opens_and_knows_the_capital_of_france(real_cache: Path) -> None:
    spec = find(MODEL)
    file = weights.find_on_disk(spec, cache_dir=real_cache)
    assert file is not None
    loaded = loader.load(spec, file, cache_dir=real_cache)
    ids = loaded.tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        next_id = in_transformers(loaded.model)(ids).logits[0, -1].argmax()
    assert loaded.tokenizer.decode(next_id) == " Paris"
    assert "int4" in loaded.quantization
    text = "你好 😀  1234\n\tdef f(x): return x"
    assert loaded.tokenizer.decode(loaded.tokenizer.encode(text, add_special_tokens=False)) == text
