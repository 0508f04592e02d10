"""One answer in the making: its tokens, cache, sampler, text and figures.

Owns the life of a single answer from its prompt to its finish reason. Knows nothing of other answers, of threads or of
how logits come about.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from playground.engine.detokenizer import Detokenizer
from playground.engine.kv_cache import KVCache
from playground.engine.prompt import Prompt
from playground.engine.reply import Reply
from playground.engine.sampling import Choice, fresh_seed, make_sampler
from playground.engine.session import Session
from playground.errors import InvalidInput
from playground.messages import (
    Alternative,
    Chunk,
    FinishReason,
    Message,
    Prefix,
    Progress,
    SamplingParams,
    Stats,
    Token,
)


class RunningSequence:
    """An answer that waits, reads its prompt or writes. Raises PromptTooLong and InvalidInput for its messages."""

    def __init__(self, reply: Reply, session: Session) -> None:
        request, params = reply.request, reply.request.params
        self.reply = reply
        self.cache = KVCache()
        self.finished = False
        self._session = session
        self._params = params
        self._most_new_tokens = max(1, params.max_new_tokens)
        if request.prompt is not None and request.session is not None and request.session() is session:
            self._prompt = request.prompt
        else:
            self._prompt = build_prompt(session, request.messages, params, request.prefix)
        self._unread = list(self._prompt.ids)
        self._seed = fresh_seed() if params.seed is None else params.seed
        # Generators take 64 bits; any whole number a user types gives one.
        generator = torch.Generator().manual_seed(self._seed % 2**63)
        self._sample = make_sampler(params, generator, context_ids=self._prompt.ids)
        self._detokenizer = Detokenizer(
            session.loaded.tokenizer,
            prefix_ids=self._prompt.prefix_ids,
            stop=(*params.stop, *self._prompt.stop),
            strip_start=self._prompt.strip_start,
        )
        self._new_tokens = 0
        self._started_s: float | None = None
        self._first_token_s: float | None = None
        self._latest_s = request.created_s

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
            new_tokens=self._new_tokens,
            dropped_messages=self._prompt.dropped_messages,
            context_length=self._session.loaded.context_length,
            waited_s=(self._latest_s if self._started_s is None else self._started_s) - created_s,
            first_token_s=None if first_s is None else first_s - created_s,
            decode_s=0.0 if first_s is None else self._latest_s - first_s,
            seed=self._seed,
        )

    def next_tokens(self, chunk_tokens: int) -> tuple[int, ...]:
        """What the model should read next: `chunk_tokens`, or all where little more than that is left.

        Depends on nothing but the prompt. A short last piece would cost nearly as much as a whole one.
        """
        if self._started_s is None:
            self._started_s = time.monotonic()
        left = len(self._unread)
        return tuple(self._unread[: left if left <= chunk_tokens * 3 // 2 else chunk_tokens])

    def wants_logits(self, taken: int) -> bool:
        """Whether reading `taken` tokens reaches the end of what is known, so that a new one can be chosen."""
        return taken >= len(self._unread)

    def accept(self, taken: int, logits: torch.Tensor | None) -> None:
        """The model has read `taken` tokens; choose the next from `logits` [vocabulary] when they were wanted."""
        del self._unread[:taken]
        if logits is None:
            done = self.cache.length
            self._put((), progress=Progress("reading", done_tokens=done, total_tokens=len(self._prompt.ids)))
            return
        choice = self._sample(logits)
        self._latest_s = time.monotonic()
        if self._first_token_s is None:
            self._first_token_s = self._latest_s
        if choice.id in self._session.loaded.eos_ids:
            self.finish("stop")
            return
        self._new_tokens += 1
        released = self._detokenizer.push(self._token(choice))
        self._unread.append(choice.id)
        reason = self._reason_to_end()
        if reason is None:
            self._put(released)
        else:
            self.finish(reason, released)

    def finish(self, reason: FinishReason, released: tuple[Token, ...] = ()) -> None:
        """End the answer: hand out what is still held and free the cache."""
        released += self._detokenizer.flush(show_incomplete=reason == "stop")
        self.finished = True
        self.cache.clear()
        # The newest token may have completed a stop string that was held back.
        reason = "stop" if self._detokenizer.stopped and reason != "cancelled" else reason
        self._put(released, reason=reason)

    def fail(self, error: BaseException) -> None:
        """End the answer with an error and free the cache."""
        self.finished = True
        self.cache.clear()
        self.reply.fail(error)

    def _reason_to_end(self) -> FinishReason | None:
        if self._detokenizer.stopped:
            return "stop"
        if self._new_tokens >= self._most_new_tokens:
            return "length"
        if len(self._prompt.ids) + self._new_tokens >= self._session.loaded.context_length:
            return "context"
        return None

    def _token(self, choice: Choice) -> Token:
        texts = self._session.token_texts
        alternatives = tuple(Alternative(token_id, texts[token_id], value) for token_id, value in choice.alternatives)
        return Token(choice.id, "", choice.logprob, alternatives)

    def _put(
        self, tokens: tuple[Token, ...], *, progress: Progress | None = None, reason: FinishReason | None = None
    ) -> None:
        text = "".join(token.text for token in tokens)
        self.reply.put(Chunk(text, tokens, self.stats, progress, reason))


def build_prompt(session: Session, messages: Sequence[Message], params: SamplingParams, prefix: Prefix) -> Prompt:
    """The prompt for an answer that starts with `prefix`. Raises PromptTooLong and InvalidInput.

    Tokens of another model, or numbers that are no tokens at all (they come out of files), are never used.
    """
    loaded = session.loaded
    ids = prefix.ids
    foreign = bool(prefix.model_id) and prefix.model_id != loaded.spec.id
    if foreign or (prefix.text and not ids):
        ids = session.prompts.reply_ids(prefix.text)
    elif ids and not 0 <= min(ids) <= max(ids) < loaded.model.config.get_text_config().vocab_size:
        raise InvalidInput("The beginning of this answer is damaged. Try the answer again instead.")
    return session.prompts.build(messages, max_new_tokens=max(1, params.max_new_tokens), prefix_ids=ids)
