"""Which sentences of a text are translated one after the other, so that each knows those before it, and which at once.

Owns that trade. Knows no model and no thread.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from playground.text.sentences import Skeleton


def rows(skeletons: Iterable[Skeleton], earlier: int) -> list[tuple[str, ...]]:
    """The sentences of a document in rows of about the same length, at most `earlier` + 1, in the order of the text.

    The first sentence of a row knows none before it; but rows are written at once, which takes half the time. They go
    over paragraphs and over the texts of a document: a subtitle goes on with the one before. A sentence that occurs
    again is in no second row.
    """
    texts = list(dict.fromkeys(segment.text for skeleton in skeletons for segment in skeleton.segments))
    count = -(-len(texts) // (earlier + 1))
    least, longer = divmod(len(texts), max(count, 1))
    starts = [number * least + min(number, longer) for number in range(count + 1)]
    return [tuple(texts[start:end]) for start, end in itertools.pairwise(starts)]
