"""Earlier sentences: which are told to the model, in what order, and that they decide what a pronoun becomes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.messages import Chunk, Message, Prefix, SamplingParams, Token
from playground.tasks.translation import Translator, prepare
from playground.tasks.translation_events import Finished, Translation, TranslationJob
from playground.tasks.translation_prompts import MOST_EARLIER_BYTES, Earlier, Sentence, ask, nearest
from playground.tasks.translation_rows import rows
from playground.tasks.translation_writer import GREEDY, EngineWriter, earlier_for
from tests.tasks.translation_fakes import FakeWriter

LAMP = "The lamp stands beside the window. It was a present from my aunt."


@dataclass
class ReadingEngine:
    """Knows which "it" is meant when the lamp stands in the question or in what was answered before."""

    questions: list[tuple[Message, ...]] = field(default_factory=list)

    def stream(
        self,
        messages: Sequence[Message],
        params: SamplingParams,
        *,
        cancel: threading.Event | None = None,
        prefix: Prefix = Prefix(),
        owner: str = "",
        app_messages: int = 0,
    ) -> Iterator[Chunk]:
        """One chunk."""
        self.questions.append(tuple(messages))
        asked = messages[-1].content + prefix.text.rpartition("\n\n")[2]
        known = any("Lampe" in message.content for message in messages) or "Lampe" in prefix.text
        text = "Die Lampe steht neben dem Fenster."
        if "present" in asked:
            text = ("Sie" if known else "Es") + " war ein Geschenk meiner Tante."
        yield Chunk(text=text, tokens=(Token(0, text, -0.1),), finish_reason="stop")


def translated(engine: ReadingEngine, text: str, *, earlier: int, chat: bool = True) -> Translation:
    # Two places: no text is short enough to be written in several ways.
    translator = Translator(EngineWriter(engine, chat=chat, earlier=earlier), at_once=2)
    *_, last = translator.translate(TranslationJob((text,), "de", "en"))
    assert isinstance(last, Finished)
    return last.translation


@pytest.mark.parametrize("chat", [True, False])
def test_what_a_pronoun_means_is_read_from_the_sentence_before(chat: bool) -> None:
    alone = translated(ReadingEngine(), LAMP, earlier=0, chat=chat)
    assert alone.text == "Die Lampe steht neben dem Fenster. Es war ein Geschenk meiner Tante."
    known = translated(ReadingEngine(), LAMP, earlier=3, chat=chat)
    assert known.text == "Die Lampe steht neben dem Fenster. Sie war ein Geschenk meiner Tante."


def test_an_earlier_sentence_is_a_question_that_has_been_answered() -> None:
    engine = ReadingEngine()
    translated(engine, LAMP, earlier=3)
    assert [(one.role, one.content) for one in engine.questions[-1][-3:]] == [
        ("user", "The lamp stands beside the window."),
        ("assistant", "Die Lampe steht neben dem Fenster."),
        ("user", "It was a present from my aunt."),
    ]
    first = engine.questions[0]
    assert engine.questions[-1][: len(first)] == first  # so what was read for the first need not be read again


def test_only_chat_models_that_are_known_to_be_large_enough_are_told_earlier_sentences() -> None:
    assert earlier_for(chat=True, parameters=4_000_000_000) > 0
    assert not any(earlier_for(chat=True, parameters=count) for count in (None, 494_032_768))
    assert earlier_for(chat=False, parameters=4_000_000_000) == 0


def test_earlier_sentences_are_no_text_of_the_app() -> None:
    sentence = Sentence("It is red.", "en", "de", earlier=(Earlier("A ball.", "Ein Ball."),))
    for way in ("plain", "examples"):
        asked = ask(sentence, way, GREEDY)
        assert all("Ball" not in one.content for one in asked.messages[: asked.app_messages])


def test_a_bad_translation_is_not_handed_on_and_a_second_try_knows_nothing_earlier() -> None:
    def say(text: str, way: str) -> str:
        bad = text.startswith("First") or (way == "first" and text.startswith("Third"))
        return "" if bad else f"Das ist hier {text[:5]}."

    writer = FakeWriter(say, earlier=5)
    job = TranslationJob(("First one here. Second one here. Third one here.",), "de", "en")
    list(Translator(writer).translate(job))
    told = [(one.text[:5], [before.source[:6] for before in one.earlier]) for one in writer.sentences]
    assert told == [("First", []), ("First", []), ("Secon", []), ("Third", ["Second"]), ("Third", [])]


@given(st.lists(st.integers(0, 12), max_size=40), st.integers(0, 6))
def test_every_sentence_is_in_one_row_in_the_order_of_the_text(numbers: list[int], earlier: int) -> None:
    text = "\n\n".join(f"Sentence number {number} is here." for number in [*numbers, 1])
    skeletons = prepare(TranslationJob((text,), "de", "en")).skeletons
    found = rows(skeletons, earlier)
    whole = [one for row in found for one in row]
    assert whole == list(dict.fromkeys(segment.text for segment in skeletons[0].segments))
    lengths = [len(row) for row in found]
    assert max(lengths) <= earlier + 1 and max(lengths) - min(lengths) <= 1


@given(st.lists(st.integers(0, 1500), max_size=8))
def test_the_nearest_earlier_sentences_are_kept_up_to_a_bound(lengths: list[int]) -> None:
    earlier = tuple(Earlier("a" * length, "b" * (length // 2)) for length in lengths)
    kept = nearest(earlier)
    assert kept == earlier[len(earlier) - len(kept) :]
    assert sum(len(one.source) + len(one.translation) for one in kept) <= MOST_EARLIER_BYTES
    if len(kept) < len(earlier):
        longer = earlier[len(earlier) - len(kept) - 1 :]
        assert sum(len(one.source) + len(one.translation) for one in longer) > MOST_EARLIER_BYTES
