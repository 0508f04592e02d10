"""What a text speaks of, and what it says about each: the food good, the service bad.

Pure. Owns which words of a text are things to speak of, found without a model, and which part of the text speaks of
each; a part is judged as any text is. An aspect is always a word of the text itself.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from playground.errors import InvalidInput
from playground.tasks.sentiment_analysis import Judge
from playground.tasks.sentiment_results import Judged
from playground.text.languages import detect
from playground.text.scripts import is_unspaced
from playground.text.sentences import cut

MOST_ASPECTS = 6
MOST_THING_WORDS = 2
LONGEST_ASPECT = 60
_SPACED_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TURN = re.compile(
    r"[,;:]\s|\s[—–-]\s|[，；、]|"
    r"\s(?:but|although|though|however|while|whereas|yet|except|aber|jedoch|obwohl|während|mais|cependant|alors que|"
    r"pero|aunque|mientras|sin embargo)\s|但是?|不过|可是|然而|"
    r"\sand\s(?=(?:the|my|our|its|his|her|their|your)\s)|\sund\s(?=(?:der|die|das|mein|unser)\w*\s)|"
    r"\set\s(?=(?:le|la|les|mon|ma|notre)\s)|\sy\s(?=(?:el|la|los|las|mi|nuestr[oa])\s)",
    re.IGNORECASE,
)
"""Where another thing may begin to be spoken of."""
_CHINESE_THING = re.compile(
    r"(?:^|[的，；、\s])(?:但是?|不过|可是|然而|而且|并且|可惜|只是|幸好|虽然)?(?P<thing>[\u4e00-\u9fff]{1,6}?)(?=(?:都|也|却|还|又|就)*(?:很|太|非常|特别|十分|相当|真的?|有点|比较|不(?=[好错贵行够太值]|便宜|新鲜|干净|满意|舒服|方便)|挺|极|超))"
)
"""What stands before a word of degree: 味道 in 味道很好."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DETERMINERS = _listed(
    "the my our your its his her their this these those "
    "der die das den dem des mein meine unser unsere ihr ihre "
    "le la les mon ma mes notre nos leur leurs ce cette "
    "el los las mi mis nuestro nuestra su sus este esta"
)
_SAYS_HOW = _listed(
    "is are was were has have had seems seem feels feel looks look tastes taste works work died broke isn't aren't "
    "wasn't weren't costs cost remains arrived came takes took ist sind war waren hat hatte schmeckt funktioniert "
    "est sont était étaient sera es son era eran fue fueron está están estaba"
)
_VERBS = _SAYS_HOW | _listed(
    "can could will would should may might must does did do doesn't didn't don't made makes make got gets goes went "
    "gave gives keeps kept lasts lasted needs needed ruined saved surprised loved hated liked disappointed sounds "
    "found came went brought showed helped carried argued asked smiled answered arrived left let put sat stood "
    "smells runs ran starts started stops stopped fails failed breaks drops tells told says said deserves offers"
)
_FUNCTION = _DETERMINERS | _listed(
    "a an and or but if so that which who whom whose when where while as of in on at to for from with without by about "
    "over under after before into out up down off than then there here it he she they we you i me him us them what why "
    "how not no nor never very too quite really just only even still also both all some any much many more most few "
    "less least such own same other another be been being am ever always often again once well "
    "und oder aber ein eine einen einem einer es er sie wir ihr ich sehr nicht kein keine zu auch nur noch schon mit "
    "von für auf in an bei nach aus über so wie dass wenn et ou mais un une des du de à au aux en dans pour par "
    "sur avec sans je tu il elle nous vous ils elles on ne pas très trop plus que qui y o pero un una "
    "unos unas de del a al con "
    "sin por para en muy no ni que se lo yo él ella nosotros ellos más menos last next rude bad good slow great"
)
_EMPTY = _listed(
    "thing time day week month year way lot bit kind sort end rest fact moment first last whole one two hour minute "
    "morning afternoon evening night today tomorrow yesterday weekend midnight noon "
    "people person everything nothing something anything everyone nobody tag mal jahr zeit chose fois jour an vez día "
    "año tiempo cosa 我们 你们 他们 我 你 他 她 它 这 那 今天 明天 昨天 一切 大家"
)
"""Words that stand where things stand and say of what nothing is said."""


@dataclass(frozen=True)
class Aspect:
    """A thing that a text speaks of, `text[start:end]`, and the parts of the text that do so, each (start, end)."""

    name: str
    start: int
    end: int
    clauses: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JudgedAspect:
    """An aspect and what the text says about it."""

    aspect: Aspect
    judged: Judged


def aspects_in(text: str, language: str) -> tuple[Aspect, ...]:
    """What a text speaks of, at most MOST_ASPECTS, in its order; those spoken of in more parts win a place."""
    clauses = clauses_of(text, language)
    candidates: dict[str, list[tuple[int, int]]] = {}
    for start, end in clauses:
        for left, right in _things(text[start:end], language):
            name = text[start + left : start + right]
            candidates.setdefault(_key(name), []).append((start + left, start + right))
    order = sorted(candidates, key=lambda key: (-len(candidates[key]), candidates[key][0]))[:MOST_ASPECTS]
    spans = sorted(candidates[key][0] for key in order)
    found = (_aspect(text, span, clauses) for span in spans)
    return tuple(found)


def aspect_named(text: str, name: str, language: str) -> Aspect:
    """The aspect that a visitor names. Raises InvalidInput where the text does not have it."""
    wanted = name.strip()
    if not wanted or len(wanted) > LONGEST_ASPECT:
        raise InvalidInput(f"Write a word of the text, at most {LONGEST_ASPECT} characters.")
    match = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE) or re.search(
        re.escape(wanted), text, re.IGNORECASE
    )
    if match is None:
        raise InvalidInput(f"“{wanted}” is not in the text. Name something that the text speaks of.")
    return _aspect(text, match.span(), clauses_of(text, language))


def judge_aspects(
    judge: Judge, text: str, aspects: Sequence[Aspect], *, cancel: threading.Event | None = None
) -> list[JudgedAspect]:
    """What a text says about each: its own parts of the text, read without the others."""
    texts = [" ".join(text[start:end] for start, end in one.clauses) for one in aspects]
    if not texts:
        return []
    found = sorted(judge.judge(texts, language=detect(text).code, cancel=cancel), key=lambda one: one.index)
    return [JudgedAspect(aspect, judged) for aspect, judged in zip(aspects, found, strict=True)]


def clauses_of(text: str, language: str) -> tuple[tuple[int, int], ...]:
    """The text in parts that say one thing each: sentences, cut where the subject or the mood may change."""
    found: list[tuple[int, int]] = []
    for sentence in cut(text, language or "en").segments:
        places = [sentence.start]
        for match in _TURN.finditer(text, sentence.start, sentence.end):
            words = len(text[places[-1] : match.start()].split())
            rest = len(text[match.end() : sentence.end].split())
            unspaced = is_unspaced(text[match.start() - 1]) if match.start() > places[-1] else False
            if (words > 1 and rest > 1) or unspaced:
                places.append(match.start())
        places.append(sentence.end)
        found += [_stripped(text, start, end) for start, end in pairwise(places)]
    return tuple(span for span in found if span[0] < span[1])


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the comma and the blanks around."""
    part = text[start:end]
    left = len(part) - len(part.lstrip(" ,;，；、—–-\n\t"))
    return start + left, start + max(left, len(part.rstrip()))


def _aspect(text: str, span: tuple[int, int], clauses: Sequence[tuple[int, int]]) -> Aspect:
    name = text[slice(*span)]
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)" if not is_unspaced(name[0]) else re.escape(name), re.I)
    own = tuple(one for one in clauses if pattern.search(text, *one))
    # What a visitor names may go over the end of a part.
    return Aspect(name, *span, own or tuple(one for one in clauses if one[0] < span[1] and span[0] < one[1]))


def _things(clause: str, language: str) -> list[tuple[int, int]]:
    if language in ("zh", "ja") or sum(map(is_unspaced, clause)) * 2 > len(clause):
        spans = (match.span("thing") for match in _CHINESE_THING.finditer(clause))
        return [span for span in spans if _is_thing(clause[slice(*span)])]
    words = [match.span() for match in _SPACED_WORD.finditer(clause)]
    found = []
    for place, (start, end) in enumerate(words):
        word = clause[start:end].casefold()
        if word in _DETERMINERS:
            run = _run(clause, words, place + 1)
            if run:
                found.append((run[0][0], run[-1][1]))
        elif word in _SAYS_HOW and place and not found:
            before = _before(clause, words, place)
            if before:
                found.append((before[0][0], before[-1][1]))
    return [span for span in found if _is_thing(clause[slice(*span)])]


def _run(clause: str, words: Sequence[tuple[int, int]], first: int) -> list[tuple[int, int]]:
    """The words of a thing that begins at `first`: up to a word that belongs to something else, or a comma."""
    run: list[tuple[int, int]] = []
    for span in words[first : first + MOST_THING_WORDS + 1]:
        word = clause[slice(*span)].casefold()
        gap = clause[run[-1][1] : span[0]] if run else ""
        if word in _FUNCTION or (run and (word in _VERBS or gap.strip() or word.endswith(("ly", "ed")))):
            is_said = len(run) > 1 and clause[slice(*run[-1])].endswith("s") and not gap.strip()
            # "the screen scratches easily": the last one says what the thing does.
            return run[:-1] if is_said and word not in _VERBS else run
        run.append(span)
    return run[:1] if len(run) > MOST_THING_WORDS else run


def _before(clause: str, words: Sequence[tuple[int, int]], place: int) -> list[tuple[int, int]]:
    """The words that stand before a verb such as "is", back to the beginning or to a word of another kind."""
    run: list[tuple[int, int]] = []
    for span in reversed(words[max(0, place - 2) : place]):
        if clause[slice(*span)].casefold() in _FUNCTION:
            break
        run.insert(0, span)
    return run


def _is_thing(name: str) -> bool:
    return _key(name) not in _EMPTY and len(name) > 1 and not name.isdigit() and len(name) <= LONGEST_ASPECT


def _key(name: str) -> str:
    folded = name.casefold()
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") and not folded.endswith("ss") else folded
