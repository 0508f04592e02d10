"""The request with which a model is asked a question about a text, and the form that its answer must have.

Owns the wording, the examples and the grammar; docs/quality.md has the figures. The text stands before the question, so
that a second question finds it read. Examples are turns of the conversation, since small models follow a pattern better
than a rule and base models know nothing else; being the app's own text they are read once for everybody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.messages import Grammar, Message, SamplingParams
from playground.text.verbatim import chunks

LONGEST_ANSWER = 160
"""Characters."""
_ANSWER_TOKENS = 96
_WALL = "\x00"
"""Stands between two sentences in the grammar and nowhere in an answer: none reaches over the end of a sentence."""
_PARAMS = SamplingParams(temperature=0.0, repetition_penalty=1.0, max_new_tokens=_ANSWER_TOKENS, alternatives=1)


@dataclass(frozen=True)
class Wording:
    """`text` and `question` have holes for what they are called after; `none` is the answer where there is none."""

    system: str
    text: str
    question: str
    none: str
    example: str
    answers: tuple[tuple[str, str], ...]
    """Questions about the example, "" as the answer where there is none."""


ENGLISH = Wording(
    system="You answer questions about a text. Copy the answer from the text, word for word, as short as possible. "
    "If the text does not say it, answer: not in the text",
    text="Text: {}\n\n",
    question="Question: {}",
    none="not in the text",
    example="The Nile flows north through eleven countries for 6,650 kilometres before it reaches the Mediterranean "
    "Sea. Its two main branches, the White Nile and the Blue Nile, meet at Khartoum in Sudan.",
    answers=(
        ("How long is the Nile?", "6,650 kilometres"),
        ("Where do the White Nile and the Blue Nile meet?", "Khartoum"),
        ("Who built the first dam across the Nile?", ""),
        ("Which sea does it reach?", "the Mediterranean Sea"),
    ),
)
CHINESE = Wording(
    system="你根据文章回答问题。从文章中原样抄出答案，越短越好。如果文章没有提到，就回答：文中没有提到",
    text="文章：{}\n\n",
    question="问题：{}",
    none="文中没有提到",
    example="尼罗河向北流经十一个国家，全长6650公里，最后注入地中海。它的两大支流白尼罗河与青尼罗河在苏丹的喀土穆汇合。",
    answers=(
        ("尼罗河有多长？", "6650公里"),
        ("白尼罗河与青尼罗河在哪里汇合？", "喀土穆"),
        ("是谁在尼罗河上修建了第一座水坝？", ""),
        ("它注入哪个海？", "地中海"),
    ),
)


@dataclass(frozen=True)
class Asked:
    """One request. `none` is what the answer is where the text has none."""

    question: str
    messages: tuple[Message, ...]
    app_messages: int
    params: SamplingParams
    none: str


def ask(text: str, sentences: Sequence[str], question: str, code: str) -> Asked:
    """Ask `question` about `text`, which is in the language `code`; the answer may come from one of its `sentences`."""
    words = CHINESE if code == "zh" else ENGLISH
    messages = [Message("system", words.system)]
    for index, (asked, answer) in enumerate(words.answers):
        before = words.text.format(words.example) if index == 0 else ""
        messages += [Message("user", before + words.question.format(asked)), Message("assistant", answer or words.none)]
    app_messages = len(messages)
    # Not through format: a text may have braces.
    own = words.text.replace("{}", text) + words.question.replace("{}", question)
    params = replace(_PARAMS, grammar=answer_grammar(sentences, words.none))
    return Asked(question, (*messages, Message("user", own)), app_messages, params, words.none)


def answer_grammar(sentences: Sequence[str], none: str) -> Grammar:
    """Whole words out of one of the `sentences`, or `none`. The first word of a sentence may begin with a small letter:
    inside of an answer it would, and a model that is not allowed to write it that way says something else instead."""
    pieces: list[str] = []
    for sentence in sentences:
        own = chunks(sentence)
        pieces += [*own, _WALL]
        small = sentence[:1].lower()
        if own and len(small) == 1 and not own[0].startswith(small):
            pieces += [small + own[0][1:], *own[1:LONGEST_ANSWER], _WALL]
    rule = json.dumps({"substring_chunks": [piece.replace("\n", _WALL) for piece in pieces]}, ensure_ascii=False)
    # Base models end what they say with a line break.
    return Grammar(
        lark=f'start: ANSWER "\\n"? | {json.dumps(none, ensure_ascii=False)}\n'
        f"ANSWER: STRETCH & /(?s:[^\\x00]{{1,{LONGEST_ANSWER}}})/\nSTRETCH: %regex {rule}"
    )
