"""Bytes of a text file as text: UTF-8, UTF-16, and the older encodings of our languages. Knows no file format."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from playground.errors import InvalidInput
from playground.text.scripts import script

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
OLDER = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252", "cp1251", "koi8_r", "cp1250")
SAMPLE_BYTES = 20_000
# So many letters in valid UTF-8 for each broken one make a text UTF-8: other encodings hit upon it by chance only.
VALID_LETTERS = 5
CONTROLS = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
NO_TEXT = "This file is not a text. Choose a text file, or a document of a kind named here."
# The most frequent Chinese characters: a text read in the wrong encoding consists of rare ones.
FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去"
    "法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业"
    "外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提"
    "立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许"
    "这個們來說時會對發後國學沒動還進樣開從實軍無與長機關點業將兩間問應戰體見產話給門東聲員論處義幾條係氣題爾別變總電數報結務場計資許為著過"
)


@dataclass(frozen=True)
class Decoded:
    """A text and the encoding it was read in."""

    text: str
    encoding: str


def decode(data: bytes, declared: str = "") -> Decoded:
    """The text of a file; `declared` is what the file itself or the server says. A byte order mark and valid UTF-8
    win over it. Raises InvalidInput for what is no text."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return Decoded(data.decode(encoding, "replace"), encoding)
    for encoding in (*wide(data), "utf-8"):
        try:
            return Decoded(readable(data.decode(encoding)), encoding)
        except UnicodeDecodeError:
            continue
    if b"\0" in data:
        raise InvalidInput(NO_TEXT)
    # A few broken bytes, or a letter cut in two at the end, do not make it another encoding.
    mended = data.decode("utf-8", "replace")
    broken = mended.count("\ufffd")
    if sum(letter > "\x7f" for letter in mended) - broken > VALID_LETTERS * broken:
        return Decoded(readable(mended), "utf-8")
    candidates = [known(declared)] if known(declared) else list(OLDER)
    ranked = [(plausibility(data, encoding), encoding) for encoding in candidates]
    best, encoding = max(ranked, key=lambda pair: pair[0])
    if best == float("-inf"):
        encoding = "cp1252"
    return Decoded(data.decode(encoding, "replace"), encoding)


def readable(text: str) -> str:
    """The text. Raises InvalidInput for bytes that can be decoded but are no text."""
    controls = len(CONTROLS.findall(text))
    if controls > len(text) / 100:
        raise InvalidInput(NO_TEXT)
    return text.replace("\0", "") if controls else text


def known(encoding: str) -> str:
    """Python's name of an encoding; "" for none and for one that Python does not have."""
    try:
        name = codecs.lookup(encoding.strip()).name if encoding else ""
    except (LookupError, ValueError):
        return ""
    # What pages call so is in truth its larger relative.
    return {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "ascii": "cp1252"}.get(name, name)


def wide(data: bytes) -> tuple[str, ...]:
    """UTF-16 without a mark: every other byte of Latin text is zero."""
    sample = data[: SAMPLE_BYTES // 2 * 2]
    if len(sample) < 2 or len(data) % 2:
        return ()
    even, odd = sample[::2].count(0) / (len(sample) / 2), sample[1::2].count(0) / (len(sample) / 2)
    if max(even, odd) < 0.3 or min(even, odd) > 0.05:
        return ()
    return ("utf-16-le",) if odd > even else ("utf-16-be",)


def plausibility(data: bytes, encoding: str) -> float:
    """How much the bytes above ASCII look like letters that people write in this encoding; -inf if they cannot be."""
    sample = data[:SAMPLE_BYTES]
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        text = decoder.decode(sample, final=len(data) <= SAMPLE_BYTES)
    except UnicodeDecodeError:
        return float("-inf")
    high = sum(byte > 127 for byte in sample)
    return sum(weight(left, letter) for left, letter in zip(" " + text, text, strict=False)) / max(high, 1)


def weight(left: str, letter: str) -> float:
    """Points for a letter after another: about 1 for each byte of a likely one."""
    if letter.isascii():
        return 0.0
    kind = script(letter)
    if kind == "Hani":
        return 2.0 if letter in FREQUENT else 0.4
    if kind == "Kana":
        # Half-width kana are what Latin letters with accents look like in Shift-JIS.
        return -1.0 if "\uff61" <= letter <= "\uff9f" else 2.0
    if kind == "Hang":
        return 1.4
    if kind == "Cyrl":
        # A Cyrillic letter after a Latin one is an accent read wrongly; so is a capital inside a word.
        wrong = (left.isascii() and left.isalpha()) or (letter.isupper() and left.islower())
        return -0.5 if wrong else 1.0
    if kind == "Latn":
        return (0.9 if letter in "àâäáãåæçéèêëíìîïñóòôöõøúùûüßÀÉÈÖÜÄÑ" else 0.5) * (1 if left.isascii() else 0.5)
    return 1.2 if letter in "，。、；：？！“”‘’「」『』（）《》…—–«»€£°·" else -0.5
