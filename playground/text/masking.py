"""What must not be translated ({name}, %s, <b>, addresses, `code`): replaced by marks, verified, put back.

Pure text: knows no model. Numbers are compared rather than masked (see numbers.py), unless asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = ("code", "placeholder", "tag", "url", "email")
MORE_KINDS = ("number", "emoji")
# In the order in which they win where two begin at the same letter.
PATTERNS = {
    "code": r"(?<!`)(?P<ticks>`{1,3})[^`\n](?:[^\n]*?[^`\n])?(?P=ticks)(?!`)"
    r"|\$\$[^$\n]{1,200}\$\$|\\\([^\n]{1,200}?\\\)|\\\[[^\n]{1,200}?\\\]"
    r"|\$(?=[^$\n]{0,200}[\\^_=])[^$\s](?:[^$\n]{0,200}[^$\s])?\$(?!\d)|(?<![\w/.:])(?:~|\.{1,2})?(?:/[\w.+-]+){2,}/?|\b[A-Za-z]:\\[\w\\.-]+",
    "placeholder": r"\{\{[^{}\n]*\}\}|[$#]\{[^{}\n]*\}|\{[^{}\s,][^{}\n,]*\}|\{\}|%\(\w+\)[-+0#]*\d*(?:\.\d+)?[a-zA-Z]"
    r"|(?<![\d%\w])%(?:\d+\$)?[-+0#]*\d*(?:\.\d+)?l{0,2}[sdifgeExXouc@](?![A-Za-z%])|%[A-Za-z_]\w*%"
    r"|(?<![\w$])\$[A-Za-z_]\w*|(?<!\w)__[A-Za-z0-9_]+?__(?!\w)|\\[nrt](?![a-z])",
    "tag": r"<!--.{0,300}?-->|</?[A-Za-z][\w:.-]*(?:\s[^<>\n]*)?/?>|&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w+);",
    "url": r"(?:https?|ftp|file)://[!-;=?-~\u00a1-\u02ff]+|\bwww\.[!-;=?-~]+"
    r"|(?<![\w@.-])(?:[A-Za-z0-9-]{1,63}\.){1,8}(?:com|org|net|io|ai|dev|edu|gov|de|fr|es|it|cn|jp|uk|ru|eu)\b(?:/[!-;=?-~]*)?",
    "email": r"(?:mailto:)?[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "number": r"(?<!\w)[-+−]?\d+(?:[.,\u00a0\u202f ]\d+)*"
    r"(?:\s?(?:%|‰|°[CF]?|€|\$|£|km/h|[kMGT]?B|[kcmμ]?m[²³]?|k?g|ml|[km]?W|Hz|GHz))?(?!\w)",
    "emoji": r"[\U0001f000-\U0001faff\u2600-\u27bf][\ufe0f\u200d\U0001f000-\U0001faff\u2600-\u27bf]*",
}  # fmt: skip
# In the order in which a small model keeps them best; one that the text contains (a citation) gives way to the next.
MARKS = (("[", "]"), ("#", "#"), ("@@", "@@"), ("⟦", "⟧"))
# What a model may make of a mark's brackets.
LIKE = {"[": r"[\[［【〔]", "]": r"[\]］】〕]", "#": "[#＃]", "@@": "[@＠]{1,2}"}

TAG_NAME = re.compile(r"<(/?)([A-Za-z][\w:.-]*)")
VOID_TAGS = frozenset(("br", "hr", "img", "input", "wbr", "area", "col", "embed", "link", "meta", "source"))
"""Tags that are never closed."""


@dataclass(frozen=True)
class Protected:
    """A span of the source that has to survive: its kind, its text and its offsets in code points."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Restored:
    """A translation with the originals back in place of their marks. `lost`: originals that are not in the text;
    `repeated`: originals that stand there more often than in the source, and marks that nobody gave; `crossed`: all
    are there, but a tag is closed before it is opened, or outside of the one around it."""

    text: str
    lost: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    crossed: bool = False

    @property
    def whole(self) -> bool:
        """Whether everything protected is in the text exactly as often as in the source, and tags hold each other."""
        return not (self.lost or self.repeated or self.crossed)


@dataclass(frozen=True)
class Masked:
    """`text` carries the mark `marks[i]` where `originals[i]` stood; the same original has the same mark."""

    source: str
    text: str
    originals: tuple[str, ...]
    marks: tuple[str, ...]

    def restore(self, translation: str) -> Restored:
        """Put the originals back, also where a model has changed a mark's blanks, brackets or the width of digits."""
        if not self.marks:
            return Restored(translation)
        left, right = next(pair for pair in MARKS if self.marks[0].startswith(pair[0]))
        pattern = re.compile(rf"{LIKE.get(left, re.escape(left))}\s*(\d+)\s*{LIKE.get(right, re.escape(right))}")
        strange = []

        def original(found: re.Match[str]) -> str:
            index = int(found[1]) - 1
            if 0 <= index < len(self.originals):
                return self.originals[index]
            strange.append(found[0])
            return found[0]

        text = pattern.sub(original, translation)
        lost, repeated = differences(self.originals, self.source, text)
        return Restored(text, lost, (*repeated, *strange), are_crossed(text) and not are_crossed(self.source))


def protected(text: str, kinds: Iterable[str] = KINDS) -> tuple[Protected, ...]:
    """The spans of `text` that have to survive a translation, from left to right, without overlaps."""
    pattern = re.compile("|".join(f"(?P<{kind}>{PATTERNS[kind]})" for kind in PATTERNS if kind in kinds))
    found = []
    for match in pattern.finditer(text):
        kind = next(name for name, value in match.groupdict().items() if value is not None and name in PATTERNS)
        content = without_closing(match[0]) if kind == "url" else match[0]
        found.append(Protected(kind, content, match.start(), match.start() + len(content)))
    return tuple(found)


def without_closing(address: str) -> str:
    """An address without the punctuation of the sentence around it; a bracket stays if it was opened inside."""
    while address and (
        address[-1] in ".,;:!?'\"*_>" or (address[-1] in ")]}" and address.count(address[-1]) > opened(address))
    ):
        address = address[:-1]
    return address


def opened(address: str) -> int:
    """How often the bracket that closes an address is opened inside it."""
    return address.count({")": "(", "]": "[", "}": "{"}[address[-1]])


def mask(text: str, kinds: Iterable[str] = KINDS) -> Masked:
    """Replace what is protected by marks that models keep and that do not occur in the text."""
    spans = protected(text, kinds)
    originals = tuple(dict.fromkeys(span.text for span in spans))
    free = [pair for pair in MARKS if not re.search(rf"{LIKE.get(pair[0], pair[0])}\s*\d", text)]
    if not free:
        return Masked(text, text, (), ())
    left, right = free[0]
    marks = tuple(f"{left}{index + 1}{right}" for index in range(len(originals)))
    pieces, end = [], 0
    for span in spans:
        pieces += [text[end : span.start], marks[originals.index(span.text)]]
        end = span.end
    return Masked(text, "".join(pieces) + text[end:], originals, marks)


def verify(source: str, translation: str, kinds: Iterable[str] = KINDS) -> Restored:
    """Compare a translation made without marks with its source: what was lost, what was repeated."""
    originals = tuple(dict.fromkeys(span.text for span in protected(source, kinds)))
    crossed = are_crossed(translation) and not are_crossed(source)
    return Restored(translation, *differences(originals, source, translation), crossed)


def are_crossed(text: str) -> bool:
    """Whether a tag of the text is closed that is not the last one opened: </b>so<b> or <b><i>so</b></i>."""
    open_names: list[str] = []
    for span in protected(text):
        found = TAG_NAME.match(span.text) if span.kind == "tag" else None
        if found is None or span.text.endswith("/>") or found[2].lower() in VOID_TAGS:
            continue
        if not found[1]:
            open_names.append(found[2].lower())
        elif not open_names or open_names.pop() != found[2].lower():
            return True
    return False


def differences(originals: tuple[str, ...], source: str, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(lost, repeated) by how often each original stands in both texts."""
    balance = Counter({original: text.count(original) - source.count(original) for original in originals})
    lost = tuple(original for original in originals for _ in range(-balance[original]))
    return lost, tuple(original for original in originals for _ in range(balance[original]))
