"""Translations that visitors have made: what each holds, and who may see it; the last ones are kept in memory.

Owns how the sentences of a translation make up its texts. Knows no model and no page.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

from playground.errors import InvalidInput, NotFound
from playground.tasks.glossary import Term, uses_of
from playground.tasks.translation_attempts import Direction
from playground.tasks.translation_events import Started, TranslatedSentence
from playground.tasks.translation_guards import Problem, problems
from playground.text.masking import verify
from playground.text.numbers import missing_numbers

MOST_RUNS = 200
MOST_RUNS_OF_OWNER = 20
MOST_CHARACTERS = 20_000_000
"""Of all sources together; a run needs a few times as many bytes."""
LONGEST_WORDING = 4_000


@dataclass(frozen=True)
class TranslationRun:
    """A translation as it stands: `sentences` in the order of the texts, None for those that were not reached."""

    owner: str
    id: str
    model: str
    """The name of the model that wrote it."""
    companion: str
    """The model beside the chat's that wrote it, as it is asked for; "" for the chat's."""
    started: Started
    sentences: tuple[TranslatedSentence | None, ...]
    glossary: tuple[Term, ...] = ()
    document_name: str = ""
    document_key: str = ""
    """What the file is called among those that are in memory."""
    cancelled: bool = False
    error: str = ""
    seconds: float = 0.0
    stored: bool = False
    replaced: Mapping[int, TranslatedSentence] = field(default_factory=dict)
    """What the model wrote, for the sentences that the visitor has put in other words."""

    @property
    def direction(self) -> Direction:
        """From where to where."""
        return Direction(self.started.source, self.started.target, self.glossary)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sentences as they were asked for."""
        return tuple(segment.text for skeleton in self.started.skeletons for segment in skeleton.segments)

    @property
    def done(self) -> int:
        """How many sentences were reached."""
        return sum(one is not None for one in self.sentences)

    @property
    def changed(self) -> int:
        """How many read differently now."""
        return sum(one is not None and one.text != one.source for one in self.sentences)

    def texts(self) -> tuple[str, ...]:
        """The translated texts; sentences that were not reached stand as they were."""
        wordings = [
            one.text if one is not None and one.text else source
            for one, source in zip(self.sentences, self.sources, strict=True)
        ]
        skeletons = self.started.skeletons
        ends = list(accumulate((len(skeleton.segments) for skeleton in skeletons), initial=0))
        return tuple(
            skeleton.rebuild(wordings[first:last], self.started.target)
            for skeleton, (first, last) in zip(skeletons, pairwise(ends), strict=True)
        )

    def text(self) -> str:
        """All of them, a line each."""
        return "\n".join(self.texts())

    def source_text(self) -> str:
        """What was translated, as one text."""
        return "\n".join(skeleton.source for skeleton in self.started.skeletons)

    def with_wording(self, index: object, wording: object) -> TranslationRun:
        """The run with a sentence in other words. Raises InvalidInput."""
        place = self.index(index)
        if not isinstance(wording, str) or not wording.strip():
            raise InvalidInput("The sentence is empty. Write how it shall read, or keep the translation.")
        if len(wording) > LONGEST_WORDING:
            raise InvalidInput(f"The sentence is too long. The most is {LONGEST_WORDING:,} characters.")
        former = self.sentences[place]
        text = " ".join(wording.split())
        replaced = {**self.replaced}
        if former is not None:
            replaced.setdefault(place, former)
        known = replaced.get(place)
        chosen = known if known is not None and known.text == text else self._judged(place, text)
        sentences = (*self.sentences[:place], chosen, *self.sentences[place + 1 :])
        return replace(self, sentences=sentences, replaced=replaced)

    def index(self, given: object) -> int:
        """A sentence that a page names. Raises InvalidInput."""
        if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < len(self.sentences):
            raise InvalidInput("This sentence is not part of the translation. Reload the page.")
        return given

    def _judged(self, place: int, text: str) -> TranslatedSentence:
        """What the guards say of words that somebody else than the model's first try has put there."""
        source = self.sources[place]
        kept = verify(source, text)
        found: list[Problem] = list(problems(source, text, self.started.source, self.started.target))
        if not kept.whole:
            found.append("mark")
        former = self.sentences[place]
        terms = [use.term for use in former.terms] if former is not None else []
        return TranslatedSentence(
            source,
            text,
            tuple(found),
            lost=(*kept.lost, *kept.repeated),
            numbers=missing_numbers(source, text),
            terms=uses_of(terms, text),
        )


class TranslationRuns:
    """The latest runs of all visitors, the longest unused given up first. Thread-safe."""

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self._most_characters = most_characters
        self._runs: OrderedDict[str, TranslationRun] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, run: TranslationRun) -> None:
        """Add a run, or what has become of it."""
        with self._lock:
            self._runs.pop(run.id, None)
            self._runs[run.id] = run
            own = [kept.id for kept in self._runs.values() if kept.owner == run.owner]
            for old in own[:-MOST_RUNS_OF_OWNER]:
                del self._runs[old]
            while len(self._runs) > 1 and (len(self._runs) > MOST_RUNS or self._characters() > self._most_characters):
                self._runs.popitem(last=False)

    def find(self, owner: str, run_id: str) -> TranslationRun:
        """A visitor's own run. Raises NotFound, for somebody else's as for one that does not exist."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is None or run.owner != owner:
                raise NotFound("This translation is not kept any more. Translate the text again.")
            self._runs.move_to_end(run_id)
            return run

    def forget(self, owner: str, run_id: str) -> None:
        """Give a run up."""
        with self._lock:
            if run_id in self._runs and self._runs[run_id].owner == owner:
                del self._runs[run_id]

    def _characters(self) -> int:
        return sum(len(skeleton.source) for run in self._runs.values() for skeleton in run.started.skeletons)
