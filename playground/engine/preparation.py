"""What a request needs of an opened model before it can be answered: its prompt, and the form of its answer.

Made by the thread that asks, so that a long text or a large grammar holds up nobody else. Knows no queue and no answer.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from playground.engine.grammar import GrammarMatcher
from playground.engine.prompt import Prompt
from playground.engine.session import Session
from playground.errors import InvalidInput
from playground.messages import Message, Prefix, SamplingParams


@dataclass(frozen=True, eq=False)
class Prepared:
    """Good for the session that `session` refers to, and for one answer: `matcher` goes along with it."""

    prompt: Prompt
    matcher: GrammarMatcher | None
    session: weakref.ref[Session]
    """Weak: a request that waits for another model must not keep this one in memory."""


def prepare(
    session: Session, messages: Sequence[Message], params: SamplingParams, prefix: Prefix, *, app_messages: int = 0
) -> Prepared:
    """Raises PromptTooLong and InvalidInput for the messages and the grammar, ModelUnavailable for a model that cannot
    be held to one."""
    prompt = build_prompt(session, messages, params, prefix, app_messages=app_messages)
    matcher = None if params.grammar is None else session.grammar_vocabulary.matcher(params.grammar)
    return Prepared(prompt, matcher, weakref.ref(session))


def build_prompt(
    session: Session,
    messages: Sequence[Message],
    params: SamplingParams,
    prefix: Prefix,
    *,
    app_messages: int = 0,
) -> Prompt:
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
    return session.prompts.build(
        messages, max_new_tokens=max(1, params.max_new_tokens), prefix_ids=ids, app_messages=app_messages
    )
