"""One answer in the making: its tokens, cache, sampler, text and figures.

Owns the life of a single answer from its prompt to its finish reason. Knows nothing of other answers, of threads or of
how logits come about.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import takewhile

import torch

from playground.engine.detokenizer import Detokenizer
from playground.engine.kv_cache import KVCache
from playground.engine.preparation import prepare
from playground.engine.prompt_lookup import PromptLookup
from playground.engine.reply import Reply
from playground.engine.sampling import Choice, fresh_seed, make_sampler
from playground.engine.session import Session
from playground.messages import (
    Alternative,
    Chunk,
    FinishReason,
    Progress,
    Stats,
    Token,
)


class RunningSequence:
    """An answer that waits, reads its prompt or writes. Raises PromptTooLong and InvalidInput for its messages."""

    def __init__(self, reply: Reply, session: Session) -> None:
        request = reply.request
        params, prepared = request.params, request.prepared
        if prepared is None or prepared.session() is not session:
            prepared = prepare(session, request.messages, params, request.prefix, app_messages=request.app_messages)
        self.reply = reply
        self.cache = KVCache()
        self.finished = False
        self._session = session
        self._params = params
        self._most_new_tokens = max(1, params.max_new_tokens)
        self._prompt, self._matcher = prepared.prompt, prepared.matcher
        self._ids = list(self._prompt.ids)
        """All tokens, those of the prompt and those that were written; the cache holds the first ones of them."""
        self._unread = list(self._prompt.ids)
        self._cached_tokens = 0
        self._seed = fresh_seed() if params.seed is None else params.seed
        # Generators take 64 bits; any whole number a user types gives one.
        generator = torch.Generator().manual_seed(self._seed % 2**63)
        self._sample = make_sampler(params, generator, context_ids=self._prompt.ids, matcher=self._matcher)
        self._detokenizer = Detokenizer(
            session.loaded.tokenizer,
            prefix_ids=self._prompt.prefix_ids,
            stop=(*params.stop, *self._prompt.stop),
            strip_start=self._prompt.strip_start,
        )
        self._exact = session.forward.exact_rows > 1
        self._lookup = PromptLookup(self._prompt.ids) if params.prompt_lookup and self._exact else None
        self._new_tokens = self._drafted_tokens = self._accepted_tokens = 0
        self._started_s: float | None = None
        self._first_token_s: float | None = None
        self._latest_s = request.created_s
        self._paused_since_s: float | None = None
        self._paused_s = 0.0
        self.told_ahead: int | None = None
        """How many are before it, as its reader was told last."""

    @property
    def begun(self) -> bool:
        """It has had a turn, so it cannot move to another model."""
        return self._started_s is not None

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt."""
        return len(self._prompt.ids)

    @property
    def reading(self) -> bool:
        """More than one token is unread: the prompt is not through yet."""
        return len(self._unread) > 1 or self._new_tokens == 0

    @property
    def stats(self) -> Stats:
        """Figures of the answer so far."""
        created_s, first_s = self.reply.request.created_s, self._first_token_s
        spec = self._session.loaded.spec
        return Stats(
            model_id=spec.id,
            model_name=spec.name,
            prompt_tokens=len(self._prompt.ids),
            cached_tokens=self._cached_tokens,
            new_tokens=self._new_tokens,
            dropped_messages=self._prompt.dropped_messages,
            context_length=self._session.loaded.context_length,
            waited_s=(self._latest_s if self._started_s is None else self._started_s) - created_s,
            first_token_s=None if first_s is None else first_s - created_s,
            decode_s=0.0 if first_s is None else self._latest_s - first_s - self._paused_s,
            seed=self._seed,
            drafted_tokens=self._drafted_tokens,
            accepted_tokens=self._accepted_tokens,
        )

    def pause(self) -> None:
        """It has lost its place to another owner's answer; that is not its speed."""
        if self._paused_since_s is None and self._first_token_s is not None:
            self._paused_since_s = time.monotonic()

    def resume(self) -> None:
        """It has a place again."""
        if self._paused_since_s is not None:
            self._paused_s += time.monotonic() - self._paused_since_s
            self._paused_since_s = None

    def begin(self) -> torch.Tensor | None:
        """Take over what is known of the prompt; returns the logits [1, vocabulary] behind it if that is all of it.

        For a seed that somebody chose this is all or nothing: where a prompt is cut into pieces changes the rounding,
        and a seed promises the same answer. The whole prompt with its logits is what the first answer was made from.
        """
        self._started_s = time.monotonic()
        found = self._session.prefixes.find(
            self.reply.request.owner,
            self._prompt.ids,
            self._prompt.public_length,
            exact=self._params.seed is not None,
        )
        if found.cache.length:
            self.cache, self._cached_tokens = found.cache, found.cache.length
            del self._unread[: self._cached_tokens]
        return None if found.logits is None else found.logits[None]

    def next_tokens(self, chunk_tokens: int) -> tuple[int, ...]:
        """What the model should read next: `chunk_tokens`, or all where little more than that is left.

        Depends on nothing but the prompt. A short last piece would cost nearly as much as a whole one.
        """
        if self._started_s is None:
            self._started_s = time.monotonic()
        left = len(self._unread)
        return tuple(self._unread[: left if left <= chunk_tokens * 3 // 2 else chunk_tokens])

    def draft_chances(self, most: int) -> list[float]:
        """For each token that `draft` could guess, `most` at the utmost, the chance that it is right."""
        # A step writes one token more than it accepts, and beyond the end there is nothing to guess.
        room = max(0, min(most, self._most_new_tokens - self._new_tokens - 1, self._room() - 1))
        if forced := self._forced():
            return [1.0] * min(room, len(forced))
        return self._lookup.chances(room) if self._lookup is not None else []

    def draft(self, count: int) -> tuple[int, ...]:
        """Guesses at the next `count` tokens, fewer where the answer would end."""
        guesses = self._lookup.guesses(count) if self._lookup is not None and count else ()
        guesses = self._forced()[:count] or guesses
        if self._matcher is not None:
            guesses = guesses[: self._matcher.valid(guesses)]
        return tuple(takewhile(lambda token_id: token_id not in self._session.loaded.eos_ids, guesses))

    def _forced(self) -> tuple[int, ...]:
        """What the form of the answer leaves no choice about: drafted, so that the model reads it in one step."""
        return self._matcher.forced() if self._matcher is not None and self._exact else ()

    def logit_rows(self, taken: int) -> int:
        """Of how many of the last of `taken` tokens logits are needed: of those from the last that is known on."""
        return max(0, taken - len(self._unread) + 1)

    def accept(self, token_ids: Sequence[int], logits: torch.Tensor) -> None:
        """The model has read `token_ids`, those after the known ones being a draft; choose what comes next.

        `logits` [logit_rows, vocabulary]. The sampler sees the very rows that it would see token by token, in the same
        order, up to the first choice that is not the drafted one.
        """
        draft = tuple(token_ids[len(self._unread) :])
        del self._unread[: len(token_ids)]
        if not len(logits):
            done = self.cache.length
            self._put((), progress=Progress("reading", done_tokens=done, total_tokens=len(self._prompt.ids)))
            return
        if self._first_token_s is None and self._cached_tokens < self.prompt_tokens:
            self._leave_prompt(logits[0])
        known, released = self.cache.length - len(draft), ()
        for accepted, row in enumerate(logits):
            choice = self._sample(row)
            reason, tokens = self._write(choice)
            released += tokens
            if reason is not None or draft[accepted : accepted + 1] != (choice.id,):
                break
        self._drafted_tokens += len(draft)
        self._accepted_tokens += accepted
        if draft:
            self.cache.trim(known + accepted)
        if reason is None:
            self._unread.append(choice.id)
            self._put(released)
        else:
            self.finish(reason, released)

    def finish(self, reason: FinishReason, released: tuple[Token, ...] = ()) -> None:
        """End the answer: hand out what is still held, leave what was read to the store and free the cache."""
        released += self._detokenizer.flush(show_incomplete=reason == "stop")
        self.finished = True
        self._session.prefixes.put(
            self.reply.request.owner,
            self._ids[: self.cache.length],
            self.cache,
            public_length=self._prompt.public_length,
        )
        self.cache.clear()
        # The newest token may have completed a stop string that was held back.
        reason = "stop" if self._detokenizer.stopped and reason != "cancelled" else reason
        self._put(released, reason=reason)

    def fail(self, error: BaseException) -> None:
        """End the answer with an error and free the cache."""
        self.finished = True
        self.cache.clear()
        self.reply.fail(error)

    def _leave_prompt(self, logits: torch.Tensor) -> None:
        """Leave the prompt, which is read, to the store, with the `logits` [vocabulary] behind it."""
        self._session.prefixes.put(
            self.reply.request.owner,
            self._prompt.ids,
            self.cache,
            public_length=self._prompt.public_length,
            logits=logits,
        )

    def _write(self, choice: Choice) -> tuple[FinishReason | None, tuple[Token, ...]]:
        """Take the next token: why the answer ends with it, if it does, and what may be shown now."""
        self._latest_s = time.monotonic()
        if self._first_token_s is None:
            self._first_token_s = self._latest_s
        self._ids.append(choice.id)
        if choice.id in self._session.loaded.eos_ids or (self._matcher and choice.id in self._matcher.end_ids):
            return "stop", ()
        self._new_tokens += 1
        if self._lookup is not None:
            self._lookup.push(choice.id)
        released = self._detokenizer.push(self._token(choice))
        if self._detokenizer.stopped or (self._matcher and self._matcher.finished):
            return "stop", released
        if self._new_tokens >= self._most_new_tokens:
            return "length", released
        return ("context" if self._room() <= 0 else None), released

    def _room(self) -> int:
        """Tokens that still fit into the context."""
        return self._session.loaded.context_length - len(self._prompt.ids) - self._new_tokens

    def _token(self, choice: Choice) -> Token:
        texts = self._session.token_texts
        alternatives = tuple(Alternative(token_id, texts[token_id], value) for token_id, value in choice.alternatives)
        return Token(choice.id, "", choice.logprob, alternatives)

    def _put(
        self, tokens: tuple[Token, ...], *, progress: Progress | None = None, reason: FinishReason | None = None
    ) -> None:
        text = "".join(token.text for token in tokens)
        # Who runs the step wakes the readers once all answers have their token: a reader that woke before would take
        # the interpreter from the others' sampling.
        self.reply.put(Chunk(text, tokens, self.stats, progress, reason), wake=reason is not None)
