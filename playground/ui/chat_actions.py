"""What a visitor can do in a chat: send, retry, edit, continue, go on from another word, look at another version.

Every action checks the owner through the history, changes the history first and then starts a turn. Nothing here trusts
what the page believes to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playground.engine.engine import Engine
from playground.errors import InvalidInput, PlaygroundError
from playground.history.rows import MessageRow
from playground.history.store import HistoryStore
from playground.messages import Token
from playground.tasks.chat import ChatSettings, app_messages, check_message, prompt
from playground.ui.edge import shown
from playground.ui.reply_tokens import NOT_KEPT, unpack
from playground.ui.strings import text
from playground.ui.turns import Reply, Turns


@dataclass(frozen=True)
class Outcome:
    """What the page should show now."""

    conversation_id: str
    focus: str | None = None
    """A message to bring into view."""
    accepted: bool = False
    """The visitor's text is stored: the draft may go."""


@dataclass(frozen=True)
class Request:
    """One action of a page: who, what and with which values (of the browser: nothing in them is certain)."""

    owner: str
    kind: str
    language: str
    values: dict[str, Any]

    def id(self, name: str) -> str:
        """An id out of the values. Raises InvalidInput when there is none."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise InvalidInput("The page is out of date. Reload it and try again.")
        return value


class ChatActions:
    """The actions of the chat tab over history, engine and turns."""

    def __init__(self, history: HistoryStore, engine: Engine, turns: Turns) -> None:
        self._history = history
        self._engine = engine
        self._turns = turns

    def perform(self, request: Request) -> Outcome:
        """Do it. Raises PlaygroundError with nothing lost and nothing half done."""
        actions: dict[str, Callable[[Request], Outcome]] = {
            "open": self._open, "send": self._send, "retry": self._retry, "edit": self._edit,
            "continue": self._continue, "branch": self._branch, "version": self._version,
        }  # fmt: skip
        action = actions.get(request.kind)
        if action is None:
            raise InvalidInput("The page is out of date. Reload it and try again.")
        return action(request)

    def _open(self, request: Request) -> Outcome:
        message_id = request.values.get("message_id")
        if isinstance(message_id, str):
            self._history.select_version(request.owner, message_id)
            return Outcome(self._history.get_message(request.owner, message_id).conversation_id, focus=message_id)
        return Outcome(self._history.get_conversation(request.owner, request.id("conversation_id")).id)

    def _send(self, request: Request) -> Outcome:
        content = check_message(request.values.get("text"))
        settings = ChatSettings.from_untrusted(request.values.get("settings"))
        conversation_id = request.values.get("conversation_id")
        parent_id = request.values.get("parent_id")
        turns = [] if parent_id is None else self._turns_up_to(request.owner, request.id("parent_id"))
        self._check_length(request, settings, [*turns, ("user", content)])
        if not isinstance(conversation_id, str):
            temporary = bool(request.values.get("temporary"))
            conversation_id = self._history.create_conversation(request.owner, temporary=temporary).id
            parent_id = None
        self._check_idle(request.owner, conversation_id)
        question = self._history.add_message(
            request.owner, conversation_id, parent_id=parent_id, role="user", content=content
        )
        self._answer(request, question, settings)
        return Outcome(conversation_id, accepted=True)

    def _retry(self, request: Request) -> Outcome:
        """Another version of a reply, below the same question."""
        reply = self._history.get_message(request.owner, request.id("message_id"))
        if reply.role != "assistant" or reply.parent_id is None:
            raise InvalidInput("Only an answer can be tried again.")
        self._check_idle(request.owner, reply.conversation_id)
        question = self._history.get_message(request.owner, reply.parent_id)
        self._answer(request, question, self._settings(request))
        return Outcome(reply.conversation_id)

    def _edit(self, request: Request) -> Outcome:
        """A question in other words: a sibling of the first one, with its own answer."""
        content = check_message(request.values.get("text"))
        original = self._history.get_message(request.owner, request.id("message_id"))
        if original.role != "user":
            raise InvalidInput("Only your own messages can be edited.")
        self._check_idle(request.owner, original.conversation_id)
        settings = self._settings(request)
        turns = [] if original.parent_id is None else self._turns_up_to(request.owner, original.parent_id)
        self._check_length(request, settings, [*turns, ("user", content)])
        question = self._history.add_message(
            request.owner, original.conversation_id, parent_id=original.parent_id, role="user", content=content
        )
        self._answer(request, question, settings)
        return Outcome(original.conversation_id, accepted=True)

    def _continue(self, request: Request) -> Outcome:
        """Write on where a reply ended, in the same message."""
        reply = self._history.get_message(request.owner, request.id("message_id"))
        if reply.role != "assistant" or reply.parent_id is None:
            raise InvalidInput("This answer cannot be continued. Try it again instead.")
        self._check_idle(request.owner, reply.conversation_id)
        model_id, tokens = unpack(self._history.load_tokens(request.owner, reply.id))
        # What was flushed before a crash can be longer than the tokens that were kept with an earlier end.
        if "".join(token.text for token in tokens) != reply.content:
            model_id, tokens = "", [Token(NOT_KEPT, reply.content)] if reply.content else []
        question = self._history.get_message(request.owner, reply.parent_id)
        self._history.update_message(request.owner, reply.id, status="streaming")
        self._write(request, question, reply, self._settings(request), tokens, model_id)
        return Outcome(reply.conversation_id)

    def _branch(self, request: Request) -> Outcome:
        """A new version that takes another word at one place and goes on from there."""
        reply = self._history.get_message(request.owner, request.id("message_id"))
        model_id, tokens = unpack(self._history.load_tokens(request.owner, reply.id))
        index, token_id = request.values.get("index"), request.values.get("token_id")
        if not isinstance(index, int) or not 0 <= index < len(tokens) or reply.parent_id is None:
            raise InvalidInput("This word is not there any more. Reload the page and try again.")
        pick = next((other for other in tokens[index].alternatives if other.id == token_id), None)
        if pick is None:
            raise InvalidInput("This word was not among the alternatives. Reload the page and try again.")
        if model_id != self._model_id():
            raise InvalidInput("Another model wrote this answer, and only that one can go on from its words.")
        self._check_idle(request.owner, reply.conversation_id)
        kept = tokens[:index]
        question = self._history.get_message(request.owner, reply.parent_id)
        chosen = Token(pick.id, pick.text, pick.logprob, tokens[index].alternatives)
        self._answer(request, question, self._settings(request), [*kept, chosen], model_id)
        return Outcome(reply.conversation_id)

    def _version(self, request: Request) -> Outcome:
        message_id = request.id("message_id")
        self._history.select_version(request.owner, message_id)
        return Outcome(self._history.get_message(request.owner, message_id).conversation_id)

    def _answer(
        self,
        request: Request,
        question: MessageRow,
        settings: ChatSettings,
        tokens: list[Token] | None = None,
        model_id: str = "",
    ) -> None:
        """A new reply below a question, starting with `tokens` of the model `model_id`."""
        kept = tokens or []
        self._history.set_settings(request.owner, question.conversation_id, settings.as_dict())
        reply = self._history.add_message(
            request.owner, question.conversation_id, parent_id=question.id, role="assistant",
            content="".join(token.text for token in kept), status="streaming", model=self._model_name(),
            # A persona's instructions are in the visitor's language, which may be another one tomorrow.
            settings={**settings.as_dict(), "language": request.language},
        )  # fmt: skip
        self._write(request, question, reply, settings, kept, model_id)

    def _write(
        self, request: Request, question: MessageRow, reply: MessageRow, settings: ChatSettings,
        tokens: list[Token], model_id: str,
    ) -> None:  # fmt: skip
        messages = prompt(self._instructions(request, settings), self._turns_up_to(request.owner, question.id))
        target = Reply(
            request.owner, reply.conversation_id, reply.id, request.language,
            text="".join(token.text for token in tokens), tokens=tuple(tokens), tokens_model_id=model_id,
            model_name=reply.model if tokens else None,
        )  # fmt: skip
        try:
            self._turns.start(target, messages, settings.sampling(), app_messages=app_messages(settings, messages))
        except PlaygroundError as error:
            # The question is stored, so the reason stands where the answer would.
            sentence = shown(error, request.language)
            self._history.update_message(request.owner, reply.id, status="error", error=sentence)

    def _turns_up_to(self, owner: str, message_id: str) -> list[tuple[str, str]]:
        return [(message.role, message.content) for message in self._history.path_to(owner, message_id)]

    def _settings(self, request: Request) -> ChatSettings:
        return ChatSettings.from_untrusted(request.values.get("settings"))

    def _instructions(self, request: Request, settings: ChatSettings) -> str:
        if settings.system_prompt is not None:
            return settings.system_prompt
        return text(request.language, f"persona_{settings.persona}_prompt")

    def _check_length(self, request: Request, settings: ChatSettings, turns: list[tuple[str, str]]) -> None:
        """Refuse what can never be read before it is stored, while the text still stands in the box."""
        if self._engine.state.loaded is not None:
            messages = prompt(self._instructions(request, settings), turns)
            self._engine.check_fits(messages, settings.sampling())

    def _check_idle(self, owner: str, conversation_id: str) -> None:
        if self._turns.running_in(owner, conversation_id) is not None:
            raise InvalidInput("An answer is still being written here. Wait for it, or stop it first.")

    def _model_id(self) -> str:
        spec = self._engine.state.spec
        return spec.id if spec else ""

    def _model_name(self) -> str:
        spec = self._engine.state.spec
        return spec.name if spec else ""
