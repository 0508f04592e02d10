"""An offline program stays offline: whatever is done to a text, nothing is asked of the network, not even at first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# An audit hook hears of every socket of the process, whoever opens it, and cannot be taken off again.
HOOK = """
import os, sys

def hear(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        print(f"it went online: {event} {arguments}", file=sys.stderr, flush=True)
        os._exit(3)  # an exception would be caught by whoever tries another address

sys.addaudithook(hear)
"""
PROGRAM = """
from playground.tasks.summarization import Summarizer
from playground.tasks.summary_request import SummaryRequest
from playground.tasks.translation import Translator
from playground.tasks.translation_events import TranslationJob
from playground.text.documents import open_document
from playground.text.languages import detect
from playground.text.readings import read_file
from playground.text.scores import chrf, rouge
from playground.text.sentences import cut
from playground.text.textrank import summarize
from tests.tasks.summary_fakes import FakeEngine, first_words
from tests.tasks.translation_fakes import FakeWriter
from tests.text.test_documents import PAGE, SRT, WORD
from tests.text.test_readings import LINES, pdf

text = "The library is open. " * 30 + "今天天气很好。オレンジジュース。"
assert detect(text).code and len(cut(text).segments) > 20 and summarize(text, 2)
assert chrf(["今天天气很好"], ["今天天气好"]) > 0 < rouge("a b", "a c").one.f1
for data, name in ((b"One. Two.", "a.txt"), (SRT.encode(), "a.srt"), (PAGE, "a.html"), (WORD, "a.docx")):
    document = open_document(data, name)
    document.with_segments([segment.text.upper() + "!" for segment in document.segments], "en")
for data, name in ((pdf([LINES]), "a.pdf"), (WORD, "a.docx"), (b"<article><p>" + b"Words are here. " * 40, "a.html")):
    assert read_file(data, name).text
*_, last = Translator(FakeWriter(lambda text, way: text.upper())).translate(TranslationJob((text,), "de"))
assert len(last.translation.sentences) > 20
*_, last = Summarizer(FakeEngine(first_words(9))).summarize(SummaryRequest(text))
assert last.summary.text
print("done")
"""
WITH_A_MODEL = """
from pathlib import Path
from time import sleep

from playground.engine.engine import Engine
from playground.models.catalog import SMALLEST
from playground.models.shelf import ModelShelf
from playground.models.weights import Sources
from playground.tasks.translation import Translator
from playground.tasks.translation_events import TranslationJob
from playground.tasks.translation_writer import EngineWriter

engine = Engine(ModelShelf(Path(sys.argv[1]), Sources()).load)  # all sources are on
engine.open(SMALLEST)
while engine.state.loaded is None:
    if engine.state.error is not None:
        raise engine.state.error
    sleep(0.05)
*_, last = Translator(EngineWriter(engine, chat=True)).translate(TranslationJob(("Good morning.",), "fr", "en"))
assert len(last.translation.sentences) == 1 and not last.translation.error
engine.close()
print("done")
"""


def done_offline(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HOOK + program, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_reading_cutting_translating_summing_up_and_scoring_ask_nothing_of_the_network() -> None:
    done = done_offline(PROGRAM)
    assert done.stdout.strip() == "done", done.stderr[-2000:]


@pytest.mark.real
def test_a_model_that_is_on_the_disk_is_opened_and_translates_without_the_network(real_cache: Path) -> None:
    done = done_offline(WITH_A_MODEL, str(real_cache))
    assert done.stdout.strip() == "done", done.stderr[-2000:]
