"""What is known of a judged text, and which texts cannot be judged. Owns no way of judging."""

from __future__ import annotations

from dataclasses import dataclass

from playground.errors import InvalidInput, PlaygroundError

MOST_CHARACTERS = 20_000


@dataclass(frozen=True)
class Judged:
    """One text. `logprobs` and `probabilities` by label; `index` is its place among the texts that were given.

    `mass` is the part of all that the model might have said which are words of labels: little means that it did not
    understand the question, not that it is unsure. `error` says why there are no figures.
    """

    index: int
    text: str
    logprobs: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()
    mass: float = 0.0
    error: PlaygroundError | None = None

    @property
    def label(self) -> int | None:
        """Place of the likeliest label, None where there is none."""
        return max(range(len(self.probabilities)), key=self.probabilities.__getitem__, default=None)


def problem_of(text: str) -> InvalidInput | None:
    """Why a text cannot be judged, None for one that can."""
    if not text.strip():
        return InvalidInput("There is no text to judge here. Write a few words first.")
    if len(text) > MOST_CHARACTERS:
        return InvalidInput(
            f"The text has {len(text):,} characters; {MOST_CHARACTERS:,} are the most that can be judged at once. "
            "Choose a part of it."
        )
    return None
