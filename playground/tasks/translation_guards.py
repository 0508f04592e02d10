"""What can be seen to be wrong with the translation of one sentence, without knowing the right one.

Pure text. Owns the cleaning of a model's answer and the checks; knows no model, no prompt and no retry.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from playground.tasks.translation_numerals import without_vagueness
from playground.text.languages import LANGUAGES, detect
from playground.text.numbers import missing_numbers

Problem = Literal[
    "empty", "echo", "language", "foreign", "short", "long", "note", "loop", "cut", "mark", "number", "pieces"
]
"""nothing came; the source came back; another language; letters of another script among it; much too short or long;
words about the translation; the same again and again; broken off; a placeholder, address or tag lost or doubled; a
number missing; put together from pieces, because only so everything in it survived."""

WEIGHTS: dict[Problem, float] = {
    "empty": 16, "echo": 8, "loop": 8, "language": 6, "mark": 6, "short": 4, "cut": 4, "foreign": 3, "note": 3,
    "long": 2, "number": 1, "pieces": 1,
}  # fmt: skip
"""How bad each is: of two candidates the one with the smaller sum is better."""

LETTERS_PER_ENGLISH: dict[str, float] = {
    "zh": 0.33, "ja": 0.43, "ko": 0.52, "th": 0.95, "ar": 0.93, "he": 0.82, "ru": 1.09, "uk": 1.06, "hi": 1.02,
    "de": 1.17, "fr": 1.2, "es": 1.18, "it": 1.17, "pt": 1.11, "nl": 1.11, "pl": 1.1, "tr": 1.04, "vi": 1.09,
    "el": 1.2, "id": 1.08, "sv": 1.05,
}  # fmt: skip
"""Characters of a text per character of its English version: how long a translation may be expected to be."""

SHORTEST, LONGEST = 0.4, 2.5
"""Of the expected length."""
_SLACK_CHARACTERS = 12
"""A short sentence may differ by so much more: "OK" and "D'accord"."""
_SURE_LETTERS = 24
"""From so many letters on a detected language is believed."""
_SURE = 0.9
_COMMON = 0.85
"""From here on two or three words are taken for words of their language."""
FOREIGN_LETTERS = re.compile(
    r"[\u0400-\u04ff\u0590-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
"""Letters of scripts that a language in Latin letters does not use."""
_HAN, _KANA, _HANGUL = r"\u3400-\u9fff\uf900-\ufaff", r"\u3040-\u30ff", r"\uac00-\ud7af"
OWN_LETTERS: dict[str, str] = {
    "zh": rf"[{_HAN}]", "ja": rf"[{_HAN}{_KANA}]", "ko": rf"[{_HANGUL}{_HAN}]", "ru": r"[\u0400-\u04ff]",
    "uk": r"[\u0400-\u04ff]", "ar": r"[\u0600-\u06ff]", "he": r"[\u0590-\u05ff]", "hi": r"[\u0900-\u097f]",
    "th": r"[\u0e00-\u0e7f]", "el": r"[\u0370-\u03ff\u1f00-\u1fff]",
}  # fmt: skip
"""A letter of the language, for those that are not written in Latin letters."""
_QUOTES = {'"': '"', "“": "”", "«": "»", "„": "“", "「": "」", "『": "』", "'": "'", "‘": "’", "`": "`"}
_NAMES = "|".join(re.escape(name) for one in LANGUAGES for name in {one.english, one.native})
_LEAD = re.compile(
    r"^(?:(?:sure|certainly|of course|okay|ok|voici|claro|por supuesto|natürlich|gerne|hier ist|当然|好的|以下是)\b"
    r"[^\n:：]{0,80}[:：]"
    rf"|(?:here(?:'s| is| are)|the (?:(?:{_NAMES}) )?(?:translation|translated)|translation|translated|traduction"
    r"|traducción|übersetzung|翻译(?:如下|结果)?|译文)[^\n:：]{0,60}[:：]"
    rf"|(?:in )?(?:{_NAMES})(?: translation)?\s?[:：]|(?:output|answer|assistant|result)\s?:"
    r"|\*{0,2}(?:option \d|formal|informal|literal)[^\n:*]{0,30}:\*{0,2})\s*",
    re.IGNORECASE,
)
_WRAPPING = re.compile(
    r"<think>.*?(?:</think>|\Z)|<\|\w+\|>|</?s>|</?(?:t|text|translation|target|output)>|^```\w*[ \t]*$",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
"""What models put around an answer: thoughts, marks of their own, tags of a prompt, fences of code."""
_ITEM = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")
_AFTER_ECHO = re.compile(r"^\W{0,3}\s*(?:->|→|=>|=|[:：–—-])\s+(?=\S)")
_IN_BRACKETS = re.compile(r"\s*\(([^()\n]{8,})\)$")
_SAID = re.compile(r"^(?P<about>[^\n]+)[\"“«„](?P<said>[^\n\"”»“]+)[\"”»“]\s*\.?$")
"""A translation within a sentence about it: The French phrase "…" translates to English as "…"."""
_COLONS = (":", "：")
_NOTE = re.compile(
    r"(?:\(|（|\[)?\s*(?:note|nb|n\.b\.|explanation|translator'?s note|remarque|nota|anmerkung|hinweis|注|注意|说明"
    r"|解释)\s*[:：]",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:translat(?:ion|ed|es)|as an ai|i cannot|i can't|i'm sorry)\b|翻译|traduction|traducción|Übersetzung",
    re.IGNORECASE,
)


def tidy(answer: str, source: str, *, lead: str = "") -> str:
    """The translation within a model's answer: without a repeated label, an introduction, quotes of its own, notes.

    `lead` is what the answer was made to start with. Only the first paragraph counts: a source sentence has no more.
    """
    text = answer.strip().removeprefix(lead.strip()).strip()
    text = _without_lead(_without_wrapping(text, source), source)
    if (said := _SAID.match(text)) and len(_letters(source)) >= 8 and _letters(source) in _letters(said["about"]):
        text = said["said"].strip()
    paragraphs = [one for line in text.split("\n") if (one := _without_lead(line.strip(), source))]
    if len(paragraphs) > 1 and paragraphs[0].endswith(_COLONS) and not source.rstrip().endswith(_COLONS):
        del paragraphs[0]
    if len(paragraphs) > 1 and _letters(paragraphs[0]) == _letters(source):
        del paragraphs[0]
    text = _without_marks(_without_echo(paragraphs[0], source), source) if paragraphs else ""
    if (note := _NOTE.search(text)) and note.start() > 0 and not _NOTE.search(source):
        text = text[: note.start()].rstrip(" (（[")
    return _without_source_in_brackets(_without_quotes(text, source), source)


def is_over(answer: str) -> bool:
    """Whether an answer that is being written has given its translation: a paragraph that introduces nothing has ended.

    Nothing that comes behind it is looked at.
    """
    ended = [one.rstrip() for one in _WRAPPING.sub("", answer).lstrip().split("\n\n")[:-1]]
    return any(one and not one.endswith(_COLONS) for one in ended)


def problems(
    source: str, translation: str, source_language: str, target_language: str, *, cut: bool = False
) -> tuple[Problem, ...]:
    """What is wrong with a tidy translation, the worst first. `cut`: it was broken off at its greatest length."""
    if not translation.strip():
        return ("empty",)
    found: list[Problem] = []
    if _is_echo(source, translation):
        found.append("echo")
    elif not _is_in(translation, target_language):
        found.append("language")
    elif _foreign_letters(source, translation, target_language):
        found.append("foreign")
    if has_loop(translation) and not has_loop(source):
        found.append("loop")
    found += _length_problem(source, translation, source_language, target_language)
    if _holds_source(source, translation) or (
        _ABOUT.search(translation) and not _ABOUT.search(source) and _adds_note(source, translation)
    ):
        found.append("note")
    if cut:
        found.append("cut")
    if missing_numbers(without_vagueness(source), without_vagueness(translation)):
        found.append("number")
    return tuple(sorted(found, key=lambda problem: -WEIGHTS[problem]))


def badness(found: Sequence[Problem]) -> float:
    """0 for none; of two candidates the one with less is better."""
    return sum(WEIGHTS[problem] for problem in found)


def expected_length(source: str, source_language: str, target_language: str) -> float:
    """Characters that a translation of `source` has on average."""
    ratio = LETTERS_PER_ENGLISH.get(target_language, 1.0) / LETTERS_PER_ENGLISH.get(source_language, 1.0)
    return len(source.strip()) * ratio


def has_loop(text: str) -> bool:
    """Whether a text says the same again and again: a run of words four times in a row, or of letters six times.

    May be asked of a text that is still being written.
    """
    words = text.casefold().split()
    if any(_repeats(words, size, 4) for size in range(1, min(12, len(words) // 4) + 1)):
        return True
    letters = "".join(text.split())[-240:]
    return any(
        _repeats(letters, size, 4) and any(character.isalpha() for character in letters[-size:])
        for size in range(3, min(40, len(letters) // 4) + 1)
    )


def _repeats(items: Sequence[str], size: int, times: int) -> bool:
    """Whether somewhere `size` items come `times` in a row."""
    run = 0
    for index in range(size, len(items)):
        run = run + 1 if items[index] == items[index - size] else 0
        if run >= size * (times - 1):
            return True
    return False


def _without_wrapping(text: str, source: str = "") -> str:
    return text if _WRAPPING.search(source) else _WRAPPING.sub("", text).strip()


def _without_marks(text: str, source: str) -> str:
    """Without the mark of a list, a label behind it, and stars around the whole, where the source has none."""
    if not _ITEM.match(source.strip()):
        text = _ITEM.sub("", text)
    text = _without_lead(text, source)
    whole = re.fullmatch(r"\*\*([^*\n]+)\*\*", text)
    return whole[1] if whole and not source.strip().startswith("**") else text


def _without_echo(text: str, source: str) -> str:
    """What comes after the source where it is said once more in front of its translation."""
    if len(source.split()) < 2 or not text.startswith(source.strip()):
        return text
    rest = text[len(source.strip()) :]
    found = _AFTER_ECHO.match(rest)
    return rest[found.end() :].strip() if found else text


def _without_source_in_brackets(text: str, source: str) -> str:
    """Without the source's language in brackets behind the translation: what it means is not part of it."""
    found = _IN_BRACKETS.search(text)
    if found is None or found.start() == 0 or re.search(r"[(（]", source):
        return text
    said, own = detect(found[1]), detect(source)
    return text[: found.start()] if said.code == own.code and said.sure and own.sure else text


def _without_lead(text: str, source: str) -> str:
    found = _LEAD.match(text)
    return text[found.end() :].strip() if found and not _LEAD.match(source) and text[found.end() :].strip() else text


def _without_quotes(text: str, source: str) -> str:
    """Without quotes around the whole where the source has none."""
    source = source.strip()
    if len(text) > 2 and _QUOTES.get(text[0]) == text[-1] and source[:1] not in {*_QUOTES, *_QUOTES.values()}:
        inside = text[1:-1].strip()
        if text[0] not in inside and text[-1] not in inside:
            return inside
    return text


def _is_echo(source: str, translation: str) -> bool:
    """The same words again. Names, numbers and single words may well stay as they are."""
    one, other = _letters(source), _letters(translation)
    if one == other and _is_common(source):
        return True
    if len(one) < 12 or (len(source.split()) < 3 and not re.search(f"[{_HAN}{_KANA}{_HANGUL}]", source)):
        return False
    return one == other or (one in other and len(other) < 1.3 * len(one))


def _is_common(text: str) -> bool:
    """A few words that are no name: "Good morning", "Thank you.", whose language is clear."""
    words = text.split()
    return len(words) > 1 and not any(word[:1].isupper() for word in words[1:]) and detect(text).probability >= _COMMON


def _holds_source(source: str, translation: str) -> bool:
    """The whole source stands in a translation that says more: "Hello there means Hallo"."""
    one, other = _letters(source), _letters(translation)
    return len(one) >= 12 and len(source.split()) >= 3 and one in other and len(other) >= 1.3 * len(one)


def _is_in(translation: str, target_language: str) -> bool:
    letters = _letters(translation)
    script = OWN_LETTERS.get(target_language)
    if script is not None:
        own = len(re.findall(script, letters))
        if target_language == "ja" and own >= 20 and not re.search(f"[{_KANA}]", letters):
            return False
        return own >= 0.25 * len(letters) if len(letters) >= 4 else True
    if len(FOREIGN_LETTERS.findall(letters)) > 0.5 * len(letters):
        return False
    if len(letters) < _SURE_LETTERS:
        return True
    guess = detect(translation)
    return not (guess.code and guess.code != target_language and guess.probability >= _SURE)


def _foreign_letters(source: str, translation: str, target_language: str) -> bool:
    """Letters of a script that the target language does not use: words that were left as they were."""
    if target_language in OWN_LETTERS:
        latin = re.findall(r"[A-Za-zÀ-ɏ]{4,}", translation)
        kept = set(re.findall(r"[A-Za-zÀ-ɏ]{4,}", source))
        small = [word for word in latin if word in kept and word.islower()]
        other = set(FOREIGN_LETTERS.findall(translation)) - set(re.findall(OWN_LETTERS[target_language], translation))
        return len(small) >= 3 or len(other) >= 2
    return len(FOREIGN_LETTERS.findall(translation)) >= 2


def _length_problem(source: str, translation: str, source_language: str, target_language: str) -> list[Problem]:
    expected, length = expected_length(source, source_language, target_language), len(translation.strip())
    if length > LONGEST * expected + _SLACK_CHARACTERS:
        return ["long"]
    return ["short"] if length < SHORTEST * expected - _SLACK_CHARACTERS / 3 else []


def _adds_note(source: str, translation: str) -> bool:
    return len(translation) > 0.5 * len(source) and bool(_LEAD.match(translation) or _NOTE.search(translation))


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())
