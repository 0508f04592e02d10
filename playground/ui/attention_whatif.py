"""What would come next if a part of the model were switched off, and what each layer would say, for the page.

Owns the results of such experiments: they are kept apart from the runs that they were made on and change none of them.
Knows no visitor but as an owner, and no event.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from playground.attention import lens
from playground.engine.engine import Engine
from playground.engine.recording import Edit
from playground.errors import InvalidInput, ModelUnavailable, NotFound
from playground.ui.attention_runs import Run
from playground.ui.attention_steps import checked_temperature, index_in
from playground.ui.attention_view import OUT_OF_DATE, TEMPERATURES, heads_of

NEXT_TOKENS = 10
LENS_TOKENS = 5
MOST_OF_OWNER = 12
MOST_RESULTS = 96
"""Of all owners; each holds the logits of a vocabulary, at most about a megabyte."""


@dataclass(frozen=True, eq=False)
class WhatIf:
    """What came out of a run once something was changed in it."""

    owner: str
    id: str
    run_id: str
    edit: Edit
    before: Tensor
    """float32 [vocabulary]: the logits of the unchanged run."""
    after: Tensor
    texts: dict[int, str]
    """Of the likeliest tokens of either side, by id."""


class WhatIfs:
    """The experiments of all visitors, the oldest given up first. Thread-safe."""

    def __init__(self, most: int = MOST_RESULTS, most_of_owner: int = MOST_OF_OWNER) -> None:
        self._most = most
        self._most_of_owner = most_of_owner
        self._results: OrderedDict[str, WhatIf] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, result: WhatIf) -> None:
        """Add an experiment; it is here until newer ones need its place."""
        with self._lock:
            self._results[result.id] = result
            own = [kept.id for kept in self._results.values() if kept.owner == result.owner]
            for old in own[: -self._most_of_owner]:
                del self._results[old]
            while len(self._results) > self._most:
                self._results.popitem(last=False)

    def find(self, owner: str, result_id: str) -> WhatIf:
        """A visitor's own experiment. Raises NotFound, for somebody else's as for one that does not exist."""
        with self._lock:
            result = self._results.get(result_id)
        if result is None or result.owner != owner:
            raise NotFound("This experiment is not kept any more. Make it again.")
        return result

    def of_run(self, owner: str, run_id: str) -> list[WhatIf]:
        """A visitor's own experiments with a run, oldest first."""
        with self._lock:
            return [result for result in self._results.values() if (result.owner, result.run_id) == (owner, run_id)]


def edit_from_untrusted(data: dict[str, Any], run: Run) -> Edit:
    """The change that a page names: `heads` as [layer, head], whole `layers`, and `tokens` that nobody can look at.

    Raises InvalidInput for what the run does not have, and for a change of nothing.
    """
    layers, heads, tokens = len(run.recording.layers), heads_of(run), len(run.tokens)
    silent = set()
    for pair in _listed(data.get("heads"), layers * heads):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InvalidInput(OUT_OF_DATE)
        silent.add((index_in(pair[0], layers), index_in(pair[1], heads)))
    for layer in _listed(data.get("layers"), layers):
        silent |= {(index_in(layer, layers), head) for head in range(heads)}
    hidden = frozenset(index_in(token, tokens) for token in _listed(data.get("tokens"), tokens))
    edit = Edit(frozenset(silent), hidden)
    if not edit:
        raise InvalidInput("Choose a head, a layer or a word to switch off first.")
    return edit


def what_if(
    engine: Engine,
    run: Run,
    edit: Edit,
    *,
    cancel: threading.Event | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> WhatIf:
    """Have the model read the text of a run once more, changed as `edit` says; the run stays as it is.

    Raises what `Engine.record` raises: ModelUnavailable where the run's model is not open any more, RecordingStopped
    once `cancel` is set.
    """
    recording = run.recording
    _require_chat_model(run)
    engine.token_texts((), of=recording)  # refuses another model before it reads the text
    after = engine.record(recording.token_ids, edit=edit, cancel=cancel, on_progress=on_progress).logits
    ids = {change.id for change in lens.compare(recording.logits, after, top=NEXT_TOKENS).changes}
    texts = _texts_of(engine, run, ids)  # and again, should it have been switched in between
    return WhatIf(run.owner, secrets.token_urlsafe(12), run.id, edit, recording.logits, after, texts)


def what_if_view(result: WhatIf, temperature: object = 1.0) -> dict[str, Any]:
    """Next tokens before and after, side by side.

    `changes` are [text, probability before, after], the likelier of both first; `moved` is the part of all probability
    (0 to 1) that went to other tokens, `same_answer` whether the likeliest stayed. `odds` is the same for any of its
    temperatures: a probability is exp(logit / temperature - log_sum).
    """
    checked = checked_temperature(temperature)
    found = lens.compare(result.before, result.after, temperature=checked)
    before, after = (logits.double() for logits in (result.before, result.after))
    chances = torch.stack([lens.probabilities(logits, checked) for logits in (before, after)])
    likelier_first = sorted(result.texts, key=lambda id_: -float(chances[:, id_].max()))
    return {
        "id": result.id,
        "run": result.run_id,
        "edit": {
            "heads": [list(pair) for pair in sorted(result.edit.silent_heads)],
            "tokens": sorted(result.edit.hidden_tokens),
        },
        "temperature": checked,
        "changes": [[result.texts[id_], *map(_rounded, chances[:, id_])] for id_ in likelier_first],
        "moved": _rounded(found.moved),
        "same_answer": found.same_answer,
        "odds": {
            "tokens": [[text, _rounded(before[id_]), _rounded(after[id_])] for id_, text in result.texts.items()],
            "temperatures": list(TEMPERATURES),
            "log_sums_before": _log_sums(before),
            "log_sums_after": _log_sums(after),
        },
    }


def lens_view(engine: Engine, run: Run, temperature: object = 1.0) -> dict[str, Any]:
    """What the model would say if it ended behind each layer (the logit lens), from before the first layer on.

    Each of `layers` has its likeliest `guesses` as [text, probability], and the probability and the rank (1 is first)
    of the `answer`, which is what the last layer says. `deviation` is a self-check: how far the last layer's
    probabilities are from the run's own (0 to 1). Raises ModelUnavailable.
    """
    checked = checked_temperature(temperature)
    _require_chat_model(run)
    recording = run.recording
    logits = engine.read_out(recording.hidden, of=recording)
    # All rows went through norm and output layer in one step, so what is left of the lens is the temperature.
    layers = lens.logit_lens(logits, lambda row: row / checked, top=LENS_TOKENS)
    texts = _texts_of(engine, run, {guess.id for layer in layers for guess in layer.guesses})
    answer = layers[-1].guesses[0].id
    # From the logits: probabilities of unlikely tokens are all 0 at a low temperature.
    ranks = 1 + (logits > logits[:, answer : answer + 1]).sum(1)
    return {
        "temperature": checked,
        "answer": texts[answer],
        "layers": [
            {
                "layer": layer.layer,
                "guesses": [[texts[guess.id], _rounded(guess.probability)] for guess in layer.guesses],
                "answer_probability": _rounded(layer.answer_probability),
                "answer_rank": rank,
            }
            for layer, rank in zip(layers, ranks.tolist(), strict=True)
        ],
        "deviation": _rounded(lens.compare(recording.logits, logits[-1]).moved),
    }


def next_view(run: Run, temperature: object = 1.0) -> dict[str, Any]:
    """The likeliest next tokens of a run as [text, probability], and what is left for all `others` together."""
    checked = checked_temperature(temperature)
    log_sum = float(torch.logsumexp(run.recording.logits.double() / checked, 0))
    logits = torch.tensor([logit for _, logit in run.next_texts], dtype=torch.float64)
    chances = (logits / checked - log_sum).exp()
    return {
        "temperature": checked,
        "tokens": [[text, _rounded(chance)] for (text, _), chance in zip(run.next_texts, chances, strict=True)],
        "others": _rounded(max(0.0, 1.0 - float(chances.sum()))),
    }


def _require_chat_model(run: Run) -> None:
    if run.spec is not None:
        raise ModelUnavailable("This works with the chat's model only. Look into the text with that one.")


def _texts_of(engine: Engine, run: Run, ids: set[int]) -> dict[int, str]:
    ordered = sorted(ids)
    return dict(zip(ordered, engine.token_texts(ordered, of=run.recording), strict=True))


def _listed(value: object, most: int) -> Sequence[object]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > most:
        raise InvalidInput(OUT_OF_DATE)
    return value


def _log_sums(logits: Tensor) -> list[float]:
    return [_rounded(torch.logsumexp(logits / temperature, 0)) for temperature in TEMPERATURES]


def _rounded(value: float | Tensor) -> float:
    return round(float(value), 6)
