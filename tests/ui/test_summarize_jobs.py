"""What a page may see of a summary in the making."""

from __future__ import annotations

from playground.tasks.summary_events import Drafted, NotesGrowing, NoteWritten
from playground.tasks.summary_request import SummaryRequest
from playground.tasks.summary_tree import Node
from playground.ui.summarize_asked import Asked
from playground.ui.summarize_jobs import SummaryJob


def job() -> SummaryJob:
    return SummaryJob("owner", "page", 1, "en", Asked(SummaryRequest("One. Two. Three.")))


def test_how_long_it_takes_is_told_before_the_first_part_is_done() -> None:
    watched = job()
    watched.hear(NotesGrowing(0, 12, 0, 83.21))
    told = watched.progress()
    assert (told["phase"], told["done"], told["total"], told["remaining"]) == ("parts", 0, 12, 83.2)
    assert told["news"] == 0 and watched.tell(0)["notes"] == []


def test_a_note_is_news_and_while_notes_are_put_together_there_are_none() -> None:
    watched = job()
    watched.hear(NoteWritten(Node("A note.", ((0, 4),)), 1, 12, 0, 70.0))
    watched.hear(NotesGrowing(0, 2, 1, 9.0))
    watched.hear(NoteWritten(Node("Both.", ((0, 9),)), 1, 2, 1, 5.0))
    told = watched.progress()
    assert (told["phase"], told["done"], told["total"]) == ("together", 1, 2)
    assert [note["text"] for note in watched.tell(0)["notes"]] == ["A note."]


def test_once_the_summary_is_written_no_time_is_told() -> None:
    watched = job()
    watched.hear(NoteWritten(Node("A note.", ((0, 4),)), 12, 12, 0, 4.0))
    watched.hear(Drafted("The summary"))
    assert (watched.progress()["phase"], watched.progress()["remaining"]) == ("writing", None)
