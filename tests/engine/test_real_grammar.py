"""The real small model with a real vocabulary is held to a form as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from playground.engine.engine import Engine
from playground.messages import Grammar, Message, SamplingParams
from playground.models.catalog import find
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.text.verbatim import chunks, copy_rule
from tests.conftest import MODEL

pytestmark = pytest.mark.real
TEXT = 'Ms. O\'Hara paid €3,400.50 in Zürich 👩🏽‍🚀 and said "no".\nIn 北京 nobody \\ objected.'
COPY = Grammar(lark="start: COPY\nCOPY: STRETCH & /(?s:.{1,60})/\nSTRETCH: " + copy_rule(TEXT))
GREEDY = SamplingParams(temperature=0, repetition_penalty=1.0, max_new_tokens=60, alternatives=1)


@pytest.fixture(scope="module")
def real_engine(real_cache: Path) -> Iterator[Engine]:
    engine = Engine(ModelShelf(real_cache, Sources()).load, most_running=2)
    engine.open(find(MODEL))
    engine.run(lambda loaded: None)
    yield engine
    engine.close()


def test_every_stretch_of_whole_words_is_allowed_and_nothing_else(real_engine: Engine) -> None:
    session = real_engine._open_session()

    def allows(text: str) -> bool:
        ids = (*session.prompts.reply_ids(text), session.loaded.eos_ids[0])
        matcher = session.grammar_vocabulary.matcher(COPY)
        return matcher.valid(ids) == len(ids)

    pieces = chunks(TEXT)
    for start in range(len(pieces)):
        for end in range(start + 1, min(len(pieces), start + 8) + 1):
            assert allows("".join(pieces[start:end])), pieces[start:end]
    for other in ("Hara O", "3,400.5", "Zurich", "nobody  objected", "400", "<|im_end|>"):
        assert not allows(other), other


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_the_model_writes_is_copied_or_json_as_asked(real_engine: Engine, temperature: float) -> None:
    ask = (Message("user", f"{TEXT}\n\nWho paid, and how much?"),)
    params = replace(GREEDY, temperature=temperature, seed=4)
    schema = {
        "type": "object",
        "properties": {"who": {"type": "string", "maxLength": 30}, "euros": {"type": "integer"}},
        "required": ["who", "euros"],
        "additionalProperties": False,
    }
    for grammar in (COPY, Grammar(json_schema=json.dumps(schema))):
        chunks_ = list(real_engine.stream(ask, replace(params, grammar=grammar)))
        written = "".join(chunk.text for chunk in chunks_)
        assert chunks_[-1].finish_reason in ("stop", "length")
        if grammar is COPY:
            assert written in TEXT
        elif chunks_[-1].finish_reason == "stop":
            assert json.loads(written).keys() == {"who", "euros"}
        tokens = [token for chunk in chunks_ for token in chunk.tokens]
        assert all(token.logprob is not None and token.logprob <= 1e-6 for token in tokens)
