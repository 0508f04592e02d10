"""What comes out of a model, made into a summary, and what can be wrong with it.

Owns cleaning (announcements, marks, half sentences, too many points) and the faults that a program can see. Knows no
model and no page.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from playground.tasks.summary_request import SummaryRequest
from playground.text.languages import detect
from playground.text.overlap import ngrams, words
from playground.text.sentences import cut

Fault = Literal["empty", "echo", "loop", "language", "unfinished", "unsupported"]
"""Nothing was written; the task or the whole text was written again; the same over and over; another language than was
wanted; the only sentence has no end; it speaks of something else than the text."""

_ANNOUNCEMENT = re.compile(
    r"^\W{0,4}(?:(?:sure|certainly|of course|okay|ok)\b[^\n:]{0,60}[!.,:]\s*)?"
    r"(?:(?:here(?:'s|’s| is| are)|below (?:is|are)|the following (?:is|are))\b[^\n:]{0,100}:"
    r"|(?:\w+[ -]){0,4}(?:summary|summari[sz]ation|headline|introduction|tl;?dr|first sentence|key points|"
    r"bullet points|main points|explanation|notes)\b(?: (?:of|in|for)\b[^\n:]{0,60})?\W{0,3}:"
    r"|(?:in (?:summary|short|conclusion)|to sum up|overall),)\s*",
    re.IGNORECASE,
)
_ANNOUNCEMENT_ZH = re.compile(
    r"^(?:(?:好的|当然)[,，。!！][^\n:：]{0,30})?(?:以下|这)?[^\n:：。]{0,16}(?:总结|摘要|概括|要点)[^\n:：。]{0,12}[:：]\s*"
)
_MAY_ANNOUNCE = re.compile(r"(?:sure|certainly|of course|okay|here|below|the following|好的|当然|以下)", re.IGNORECASE)
_LONGEST_ANNOUNCEMENT = 160
_ABOUT_THE_TEXT = re.compile(
    r"^(?:in (?:the|this) (?:article|text|passage|report|story),? )?"
    r"(?:the|this) (?:article|text|passage|report|story|author|summary)(?: \w+ly)? "
    r"(?:(?:discusses|describes|is about|tells(?: us)?|reports(?: on)?|explains|says|states)(?: that| how)?|"
    r"highlights that)\s+",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"\n+\W*(?:i hope|let me know|please let me|feel free|note:|note that)\b.*\Z", re.IGNORECASE | re.DOTALL
)
_MARKER = re.compile(r"^\s*(?:(?:[-*–—]+(?=\s|$)|[•·▪◦]+|\(?\d{1,2}(?:[.):](?=\s|$)|[、）])|[a-h][.)](?= ))\s*)+")
_CITATION = re.compile(r"\s*(?:\[\^?\d{1,3}(?:[,–-]\s?\d{1,3})*\]|【\d{1,3}[^】\n]{0,12}】|<sup>\d{1,3}</sup>)")
_SOURCE_SAID = re.compile(r"\s*\((?:source|quelle|出处|来源)s?\s*[:：][^()\n]{0,80}\)", re.IGNORECASE)
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)|<\|\w+\|>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"\A#+[ \t]*[^\n]{1,80}\n+(?=\S)")
_EMPHASIS = re.compile(r"\*\*|__|^#+\s*|`", re.MULTILINE)
_WRAPPING = [("“", "”"), ('"', '"'), ("「", "」"), ("『", "』")]
_INSTRUCTION = re.compile(
    r"\b(?:summari[sz]e (?:the|this)|sum up the|write (?:(?:a|one|the) (?:summary|sentence)|the missing)|"
    r"in your own words)\b"
    r"|请(?:用|总结|概括|为这篇)",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?。！？…][\"'”’»)\]」』]*$")
_LEAST_ECHO_CHARACTERS = 240
_ECHO_SHARE = 0.9
_LEAST_LETTERS = 24
_LOOP_WORDS, _LOOP_TIMES = 4, 3
_LOOKS_SAME = 0.8
_LEAST_POINT_WORDS = 3
_SURE = 0.8
"""Short texts full of names look like many languages."""


def clean(raw: str, request: SummaryRequest, language: str, *, finished: bool = True) -> str:
    """The summary in what a model wrote: the sentences or points asked for and no others, "" for nothing.

    `finished=False`: the model was stopped, so the end may be half a sentence, which is left out unless it is all.
    """
    text = _EMPHASIS.sub("", _without_announcement(_FAREWELL.sub("", raw.strip()))).strip()
    text = _SOURCE_SAID.sub("", _CITATION.sub("", text))  # where it comes from is found by comparing, not by asking
    points = _points(text) if request.is_list else _sentences(_unwrapped(text), language)
    if not finished and len(points) > 1 and not _END.search(points[-1]):
        points.pop()
    points = [_ABOUT_THE_TEXT.sub("", point) for point in points]
    points = _without_repetitions(points)
    whole = [point for point in points if len(words(point)) >= _LEAST_POINT_WORDS]
    points = (whole or points)[: request.count]
    if request.is_list:
        return "\n".join(f"- {_with_capital(point)}" for point in points)
    glue = "" if language in ("zh", "ja", "th") else " "
    return glue.join(_with_capital(point) for point in points)


def points_of(summary: str) -> list[str]:
    """The points of a summary that is a list, without their marks."""
    return [_MARKER.sub("", line).strip() for line in summary.splitlines() if line.strip()]


def faults(summary: str, source: str, language: str, *, finished: bool = True) -> tuple[Fault, ...]:
    """What is wrong with a clean summary of `source` that should be in `language`; nothing means it can be shown."""
    if not any(character.isalnum() for character in summary):
        return ("empty",)
    found: list[Fault] = []
    if _is_echo(summary, source):
        found.append("echo")
    if is_looping(summary):
        found.append("loop")
    if sum(character.isalpha() for character in summary) >= _LEAST_LETTERS:
        guess = detect(summary)
        if guess.probability >= _SURE and guess.code not in ("", language):
            found.append("language")
    if not finished and not _END.search(summary.strip()) and len(cut(summary, language).segments) == 1:
        found.append("unfinished")
    return tuple(found)


def is_looping(text: str) -> bool:
    """The same four words in a row three times, or one word five times running."""
    spoken = words(text)
    size = _LOOP_WORDS if " " in text.strip() else 2 * _LOOP_WORDS
    counts = Counter(ngrams(spoken, size))
    stutters = any(len(set(spoken[index : index + 5])) == 1 for index in range(len(spoken) - 4))
    return stutters or any(times >= _LOOP_TIMES for times in counts.values())


def is_enough(raw: str, request: SummaryRequest, language: str) -> bool:
    """Whether what was written so far has all that was asked for, so that the model can be stopped."""
    text = _without_announcement(raw.strip())
    if _MAY_ANNOUNCE.match(text) and len(text) < _LONGEST_ANNOUNCEMENT:
        return False
    if request.is_list:
        return sum(1 for line in text.splitlines() if _MARKER.match(line)) > request.count
    return len(_sentences(text, language)) > request.count


def _without_announcement(text: str) -> str:
    text = _TITLE.sub("", _THOUGHTS.sub("", text).lstrip())
    for pattern in (_ANNOUNCEMENT, _ANNOUNCEMENT_ZH):
        text = pattern.sub("", text, count=1)
    return text


def _is_echo(summary: str, source: str) -> bool:
    if _INSTRUCTION.search(summary) and not _INSTRUCTION.search(source):
        return True
    long = len(source) > _LEAST_ECHO_CHARACTERS
    copied = long and len(summary) > _LEAST_ECHO_CHARACTERS and " ".join(summary.split()) in " ".join(source.split())
    return (long and len(summary) > _ECHO_SHARE * len(source)) or copied


def _points(text: str) -> list[str]:
    """The lines of a list; where nothing has a mark, every line, and the sentences of the only line."""
    lines = [line for line in text.splitlines() if line.strip()]
    marked = [line for line in lines if _MARKER.match(line)]
    chosen = marked or (lines if len(lines) > 1 else [segment.text for segment in cut(text).segments])
    return [point for line in chosen if (point := _unwrapped(_MARKER.sub("", line).strip()))]


def _sentences(text: str, language: str) -> list[str]:
    flat = " ".join(_MARKER.sub("", line).strip() for line in text.splitlines() if line.strip())
    return [segment.text.strip() for segment in cut(flat, language).segments]


def _unwrapped(text: str) -> str:
    """Without quotation marks round the whole."""
    for left, right in _WRAPPING:
        inner = text[1:-1]
        if (
            len(text) > 2
            and text.startswith(left)
            and text.endswith(right)
            and left not in inner
            and right not in inner
        ):
            return inner.strip()
    return text


def _without_repetitions(points: list[str]) -> list[str]:
    kept: list[str] = []
    seen: list[set[str]] = []
    for point in points:
        own = set(words(point))
        if not own or any(len(own & other) >= _LOOKS_SAME * len(own | other) for other in seen):
            continue
        kept.append(point)
        seen.append(own)
    return kept


def _with_capital(sentence: str) -> str:
    """Not of names such as iPhone and words such as pH."""
    second = sentence[1:2]
    return sentence[:1].upper() + sentence[1:] if second.islower() or second.isspace() else sentence
