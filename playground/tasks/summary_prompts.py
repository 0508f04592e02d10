"""The request with which a model is asked for a summary.

Owns how instruction, examples and passage are put together and when the answer ends; docs/quality.md has the figures.
A headline first makes models say what the whole is about instead of copying a sentence. Examples are turns of the
conversation, since small models follow a pattern better than a rule and base models know nothing else; being the app's
own text they are read once for everybody. What a model copies from them is found out, because the text at hand does
not say it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.messages import Message, SamplingParams
from playground.tasks.summary_answers import Question
from playground.tasks.summary_checks import is_enough, is_looping
from playground.tasks.summary_examples import Example, Wording, wording
from playground.tasks.summary_request import SummaryRequest
from playground.text.languages import language

_TOKENS_A_SENTENCE = 60
_LONGEST_LOOKED_AT = 400
_MARK_WITHOUT_BLANK = re.compile(r"^-(?=[^\s-])", re.MULTILINE)
_GREEDY = SamplingParams(temperature=0.0, repetition_penalty=1.0)


@dataclass(frozen=True)
class Asked:
    """Of what a prompt is made beside the passage: the request, the text's language and the summary's."""

    request: SummaryRequest
    source: str
    """ISO 639-1 code of the text."""
    target: str
    """ISO 639-1 code of the summary."""
    examples: bool = True
    """Whether there is room for examples."""

    instructed: bool = False
    """The model follows instructions well: it writes a headline before a single sentence, is also asked for it in other
    words, and gets no examples for the other forms, since it would copy from them."""

    @property
    def wording(self) -> Wording:
        """The words for it."""
        return wording("zh" if self.source == self.target == "zh" else "en")


def ask(asked: Asked, passage: str, *, most_tokens: int | None = None, avoid: Sequence[str] = ()) -> Question:
    """The request for a summary of `passage`. `avoid`: what an earlier answer said beyond the text."""
    request, words = asked.request, asked.wording
    headline = words.headline if asked.instructed and request.form == "sentence" and _examples(asked) else None
    instruction = _instruction(asked, avoid, headline.instruction if headline else words.instructions[request.form])
    messages: list[Message] = []
    for example in _examples(asked):
        answer = headline.answer(example) if headline else example.answer(request)
        messages += [Message("user", _task(instruction, words.title, example.text)), Message("assistant", answer)]
    app_messages = 0 if request.focus or avoid else len(messages)
    messages.append(Message("user", _task(instruction, words.title, passage)))
    tokens = _TOKENS_A_SENTENCE * (request.count + bool(headline)) + _TOKENS_A_SENTENCE // 2
    params = replace(
        _GREEDY,
        max_new_tokens=min(tokens, most_tokens or tokens),
        # A base model goes on with the next example.
        stop=(f"\n{words.title}:", "\nUser:"),
        repetition_penalty=1.05 if avoid else _GREEDY.repetition_penalty,
    )

    shown = headline.sentence_of if headline else with_blanks if request.is_list else str

    def enough(written: str) -> bool:
        return is_enough(shown(written), request, asked.target)

    def hopeless(written: str) -> bool:
        return is_looping(written[-_LONGEST_LOOKED_AT:])

    # No blank behind it: it belongs to the next word's token, and without it models begin with digits.
    prefix = headline.first if headline else "-" if request.is_list else ""
    return Question(tuple(messages), params, prefix, app_messages, enough, hopeless, shown)


def ask_otherwise(asked: Asked, passage: str) -> tuple[Question, ...]:
    """Other requests for the sentence, each in other words behind the passage: once one of them has been read, the
    others are read quickly.

    None for a model that follows examples better than instructions.
    """
    if asked.request.form != "sentence" or not asked.instructed:
        return ()
    usual = ask(replace(asked, examples=False), passage)
    # Without examples in its language a summary drifts into that of the text.
    wishes = _wishes(asked, (), say_language=asked.target != asked.source)
    return tuple(
        replace(usual, messages=(Message("user", f"{passage.strip()}\n\n{' '.join([*wishes, question])}"),))
        for question in asked.wording.questions
    )


def note_request(request: SummaryRequest, count: int) -> SummaryRequest:
    """What is asked about one part of a long text: a few sentences, in the text's own language."""
    return replace(request, form="abstract", length=count, language="")


def with_blanks(written: str) -> str:
    """A list with a blank behind every mark, where the model has not written one."""
    return _MARK_WITHOUT_BLANK.sub("- ", written)


def _instruction(asked: Asked, avoid: Sequence[str], template: str) -> str:
    wishes = _wishes(asked, avoid, say_language=asked.target != "en")
    return " ".join([template.format(count=asked.request.count), *wishes])


def _wishes(asked: Asked, avoid: Sequence[str], *, say_language: bool) -> list[str]:
    request, words = asked.request, asked.wording
    wishes: list[str] = []
    if request.focus:
        wishes.append(words.focus.format(focus=request.focus))
    if avoid:
        wishes.append(words.avoid.format(avoid=", ".join(avoid)))
    if say_language and words.language:
        wanted = language(asked.target)
        wishes.append(words.language.format(english=wanted.english, native=wanted.native))
    return wishes


def _task(instruction: str, title: str, passage: str) -> str:
    return f"{instruction}\n\n{title}:\n{passage.strip()}"


def _examples(asked: Asked) -> tuple[Example, ...]:
    """None where the summary is not in the examples' language: they would pull it back."""
    if not asked.examples or asked.target not in ("en", "zh") or (asked.target == "zh" and asked.source != "zh"):
        return ()
    if asked.request.form == "sentence":
        return asked.wording.news
    return () if asked.instructed else asked.wording.examples
