"""The languages that the interface offers, and which of them a text is written in. Knows no model and no page."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from playground.errors import InvalidInput
from playground.text.masking import protected
from playground.text.scripts import script, scripts

SURE = 0.5
SAMPLE_LETTERS = 6000
MANY_WORDS = 6
# How much likelier a frequent word makes its languages; a single word of one language alone: "hello".
WORD_FACTOR = 4.0
OWN_WORD_FACTOR = 12.0
# A letter of these scripts says as much as several Latin ones: "我用 Python 写代码" is Chinese.
LETTERS_WORTH = {"Hani": 4, "Kana": 4, "Hang": 3}
# Forms of characters that only Japanese uses, for texts too short to have kana.
JAPANESE_ONLY = frozenset(
    "働込畑峠辻匂塀搾図変気駅円売読続団広仏伝価児処労効勧営厳営単収歯検験権楽様絵縄渋涙竜焼県鉄拝価辺発戦"
)
PIECE = re.compile(r"[^\n.!?。！？]+[.!?。！？]*")
SCRIPT_LANGUAGE = {"Hang": "ko", "Arab": "ar", "Thai": "th", "Deva": "hi", "Grek": "el", "Hebr": "he"}
# Words that decide about texts of a few words, where the letters alone say little.
FREQUENT_WORDS = {
    "en": "the and is are you i of to hello hi thanks thank good please what how yes my this with for it no",
    "fr": "le la les et est je vous bonjour salut merci bonsoir oui non que qui une des du avec pour dans ça ce au",
    "de": "der die das und ist ich sie hallo danke guten tag ja nein bitte wie was ein eine nicht mit für zu von es",
    "es": "el la los y es hola gracias buenos buenas días sí no por que qué una un con para de del en cómo está",
    "it": "il lo la gli e è ciao grazie buongiorno sera sì no per che un una di con come sono questo della dei",
    "pt": "o a os as e é olá oi obrigado obrigada bom dia sim não por que um uma com para do da em como você",
    "nl": "de het een en is ik jij hallo dank goedemorgen ja nee alsjeblieft van met voor niet dat wat hoe je zijn",
    "pl": "i jest nie tak to się cześć dzień dobry dziękuję proszę co jak na w z do mam czy że dla",
    "tr": "ve bir bu merhaba teşekkürler evet hayır için ne nasıl çok günaydın lütfen ben sen değil mi da",
    "vi": "và là của xin chào cảm ơn không có tôi bạn một cho với này được gì",
    "id": "dan yang di ini itu halo selamat terima kasih ya tidak saya anda apa untuk dengan pagi bagaimana kabar",
    "sv": "och är det jag du hej tack ja nej god morgon en ett inte med för på som vad hur att",
    "ru": "и в не на я что он привет здравствуйте спасибо да нет как это с по мы вы",
    "uk": "і й та не на я що він привіт дякую так ні як це з по ми ви добрий день",
}


@dataclass(frozen=True)
class Language:
    """`code` is ISO 639-1; `english` and `native` are its names; `flores` is the code of FLORES and the NLLB models."""

    code: str
    english: str
    native: str
    flores: str
    right_to_left: bool = False

    @property
    def spaced(self) -> bool:
        """Whether blanks stand between words and after a sentence (not so in Chinese, Japanese and Thai)."""
        return self.code not in ("zh", "ja", "th")

    @property
    def script(self) -> str:
        """The ISO 15924 script, such as "Latn" or "Hans"."""
        return self.flores.split("_")[1]


LANGUAGES = (
    Language("en", "English", "English", "eng_Latn"),
    Language("zh", "Chinese", "中文", "zho_Hans"),
    Language("fr", "French", "Français", "fra_Latn"),
    Language("es", "Spanish", "Español", "spa_Latn"),
    Language("de", "German", "Deutsch", "deu_Latn"),
    Language("ja", "Japanese", "日本語", "jpn_Jpan"),
    Language("ko", "Korean", "한국어", "kor_Hang"),
    Language("ru", "Russian", "Русский", "rus_Cyrl"),
    Language("pt", "Portuguese", "Português", "por_Latn"),
    Language("it", "Italian", "Italiano", "ita_Latn"),
    Language("ar", "Arabic", "العربية", "arb_Arab", right_to_left=True),
    Language("hi", "Hindi", "हिन्दी", "hin_Deva"),
    Language("nl", "Dutch", "Nederlands", "nld_Latn"),
    Language("pl", "Polish", "Polski", "pol_Latn"),
    Language("tr", "Turkish", "Türkçe", "tur_Latn"),
    Language("uk", "Ukrainian", "Українська", "ukr_Cyrl"),
    Language("vi", "Vietnamese", "Tiếng Việt", "vie_Latn"),
    Language("id", "Indonesian", "Bahasa Indonesia", "ind_Latn"),
    Language("sv", "Swedish", "Svenska", "swe_Latn"),
    Language("th", "Thai", "ไทย", "tha_Thai"),
    Language("el", "Greek", "Ελληνικά", "ell_Grek"),
    Language("he", "Hebrew", "עברית", "heb_Hebr", right_to_left=True),
)
CODES = tuple(one.code for one in LANGUAGES)
BY_CODE = {one.code: one for one in LANGUAGES}


@dataclass(frozen=True)
class Guess:
    """What a text is written in. `code` is "" where nothing can be said (digits, addresses, a script of no language
    offered). `probability` is between 0 and 1. `ranked` holds the best three as (code, probability), best first.
    `parts` is filled where a text mixes languages: each with its share of the text, largest first."""

    code: str
    probability: float
    ranked: tuple[tuple[str, float], ...] = ()
    parts: tuple[tuple[str, float], ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the interface may go on without asking."""
        return bool(self.code) and self.probability >= SURE


def language(code: str) -> Language:
    """The language of a code ("zh", also "zh-CN" or "ZH"). Raises InvalidInput."""
    found = BY_CODE.get(re.split(r"[-_]", code.strip().lower())[0])
    if found is None:
        raise InvalidInput(f"There is no language “{code}” here. Choose one of {', '.join(CODES)}.")
    return found


def detect(text: str, among: tuple[str, ...] = CODES) -> Guess:
    """Guess the language of `text` among the codes given. Addresses, code and placeholders do not count.

    Never raises. A text of a few Latin words is often unsure; one of Hangul never is.
    """
    prose = without_protected(sample(text))
    ranked = rank(prose, among)
    if not ranked:
        return Guess("", 0.0)
    parts = parts_of(prose, among)
    return Guess(ranked[0][0], ranked[0][1], tuple(ranked[:3]), parts if len(parts) > 1 else ())


def sample(text: str) -> str:
    """The text, or of a long one its beginning, middle and end."""
    third = SAMPLE_LETTERS // 3
    if len(text) <= SAMPLE_LETTERS:
        return text
    middle = len(text) // 2
    return "\n".join((text[:third], text[middle : middle + third], text[-third:]))


def without_protected(text: str) -> str:
    """The text with blanks in place of addresses, code, tags and placeholders."""
    letters = list(text)
    for one in protected(text):
        letters[one.start : one.end] = " " * (one.end - one.start)
    return "".join(letters)


def rank(text: str, among: tuple[str, ...] = CODES) -> list[tuple[str, float]]:
    """(code, probability) of each possible language, best first; the script decides before the words do."""
    weighted = {name: count * LETTERS_WORTH.get(name, 1) for name, count in scripts(text).items()}
    # Kana and Chinese characters make up one script, Japanese, unless there are hardly any kana.
    weighted["Jpan"] = weighted.pop("Kana", 0) + weighted.pop("Hani", 0)
    if not any(weighted.values()):
        return []
    main = max(weighted, key=lambda name: weighted[name])
    share = weighted[main] / sum(weighted.values())
    candidates = rank_in_script(text, main)
    kept = [(code, probability) for code, probability in candidates if code in among]
    total = sum(probability for _, probability in kept)
    return [(code, share * probability / total) for code, probability in kept] if total else []


def rank_in_script(text: str, main: str) -> list[tuple[str, float]]:
    """The languages written in a script, for a text that is mostly in it."""
    if main == "Jpan":
        return rank_chinese_or_japanese(text)
    if main in SCRIPT_LANGUAGE:
        return [(SCRIPT_LANGUAGE[main], 1.0)]
    if main in ("Latn", "Cyrl"):
        letters = "".join(letter if script(letter) in ("", main) else " " for letter in text)
        return rank_by_words(letters, tuple(one.code for one in LANGUAGES if one.script == main))
    return []


def rank_chinese_or_japanese(text: str) -> list[tuple[str, float]]:
    """Kana decide, then forms that only Japanese has, then the length."""
    counts = scripts(text)
    han, kana = counts["Hani"], counts["Kana"]
    if kana > 0.1 * (han + kana):
        return [("ja", 1.0), ("zh", 0.0)]
    if JAPANESE_ONLY & set(text):
        return [("ja", 0.8), ("zh", 0.2)]
    # 東京 may be either; a sentence of Chinese characters alone is Chinese.
    chinese = 1 - 0.3 / max(han / 2, 1)
    return [("zh", chinese), ("ja", 1 - chinese)]


@cache
def identifier() -> LanguageIdentifier:
    """The identifier restricted to our languages; 0.7 s to load, 0.1 ms a text, safe for threads once loaded."""
    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(list(CODES))
    return found


def rank_by_words(text: str, codes: tuple[str, ...]) -> list[tuple[str, float]]:
    """py3langid's probabilities among the codes, moved by frequent words where the text is short."""
    if not text.strip():
        return []
    probabilities = {code: value for code, value in identifier().rank(text) if code in codes}
    found = re.findall(r"[^\W\d_]+", text.lower())
    if len(found) <= MANY_WORDS:
        for word, code in itertools.product(found, probabilities):
            known = languages_of_word().get(word, ())
            if code in known:
                probabilities[code] *= OWN_WORD_FACTOR if len(found) == len(known) == 1 else WORD_FACTOR
    total = sum(probabilities.values())
    ranked = [(code, value / total) for code, value in probabilities.items()]
    return sorted(ranked, key=lambda pair: -pair[1])


@cache
def languages_of_word() -> dict[str, frozenset[str]]:
    """Frequent word -> the codes of the languages that have it."""
    words = {word for known in FREQUENT_WORDS.values() for word in known.split()}
    return {word: frozenset(code for code, known in FREQUENT_WORDS.items() if word in known.split()) for word in words}


def parts_of(text: str, among: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """The languages of a text's sentences with their shares, largest first; shares under a tenth are left out."""
    letters: Counter[str] = Counter()
    for piece in PIECE.findall(text)[:200]:
        ranked = rank(piece, among)
        if ranked and ranked[0][1] >= SURE:
            letters[ranked[0][0]] += sum(count * LETTERS_WORTH.get(name, 1) for name, count in scripts(piece).items())
    total = sum(letters.values())
    return tuple((code, count / total) for code, count in letters.most_common() if count >= 0.1 * total)
