"""Which of several translations of one sentence agrees most with the others: what most of them say is seldom wrong.

Minimum Bayes risk decoding with chrF++ as utility (Eikema and Aziz 2020; Freitag et al. 2022), over a few candidates
that were written in different ways. Pure text.
"""

from __future__ import annotations

from collections.abc import Sequence

from playground.text.scores import chrf


def most_agreed(candidates: Sequence[str], references: Sequence[str] | None = None) -> int:
    """The place of the candidate that is on average nearest to the `references` (the candidates), the first of equals.

    A text counts as often as it occurs: two ways that give the same are two votes. Raises ValueError for none.
    """
    if not candidates:
        raise ValueError("no candidate to choose from")
    against = candidates if references is None else references
    if len(candidates) == 1 or not against:
        return 0
    nearness = {text: sum(chrf([text], [other]) for other in against) for text in set(candidates)}
    return max(range(len(candidates)), key=lambda place: nearness[candidates[place]])
