"""What is said in conversations, in all its states, and what each person sees of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from charter.twins.bot_connector.refusals import Refused, no_activity

Json = dict[str, Any]


@dataclass(slots=True)
class Message:
    """``states`` are the activities that it was, the newest last. ``author`` is an object id, or empty for the bot.
    ``only_for`` is who alone sees it; ``views`` are cards that were made for one person each. ``signed_in`` are those whose
    client has signed in by it. ``growing``: it is being streamed.
    """

    id: str
    chat: str
    author: str
    states: list[Json]
    root: str = ""
    only_for: str = ""
    deleted: bool = False
    growing: bool = False
    at: float = field(default_factory=time.time)
    views: dict[str, Json] = field(default_factory=dict[str, Json])
    signed_in: set[str] = field(default_factory=set[str])

    def seen_by(self, oid: str) -> bool:
        return self.only_for in ("", oid)

    def newest(self, oid: str) -> Json:
        """Return what that person sees of it now."""
        return self.views.get(oid, self.states[-1])

    def replace(self, activity: Json) -> None:
        self.states.append(activity)
        self.views.clear()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person's client told them beside the messages: the answer to a click, or that something failed."""

    chat: str
    person: str
    activity: str
    kind: str
    content: Any
    at: float = field(default_factory=time.time)


class Messages:
    """By conversation, in the order in which they were said. They live as long as the process."""

    def __init__(self) -> None:
        self._said: dict[str, dict[str, Message]] = {}
        self._notices: list[Notice] = []
        self._last = 0
        self.typing: dict[str, int] = {}

    def new_id(self) -> str:
        """Return a moment in milliseconds that no other message has."""
        self._last = max(self._last + 1, int(time.time() * 1_000))
        return str(self._last)

    def add(self, message: Message) -> Message:
        self._said.setdefault(message.chat, {})[message.id] = message
        return message

    def find(self, chat: str, identifier: str, *, private: bool | None = None) -> Message:
        """Return one of the bot's own messages; ``private`` says whether it must be for one person alone.

        Raises:
            Refused: there is none of this id, or it is not the bot's.
        """
        message = self._said.get(chat, {}).get(identifier)
        if message is None or message.deleted or (private is not None and bool(message.only_for) is not private):
            raise no_activity()
        if message.author:
            raise Refused(403, "ForbiddenOperationException", "The activity is not the bot's.")
        return message

    def seen(self, chat: str, oid: str) -> Sequence[Message]:
        return [message for message in self._said.get(chat, {}).values() if message.seen_by(oid)]

    def get(self, chat: str, identifier: str, oid: str) -> Message | None:
        """Return what that person sees under this id."""
        return next((message for message in self.seen(chat, oid) if message.id == identifier), None)

    def notice(self, chat: str, person: str, activity: str, kind: str, content: Any) -> None:
        self._notices.append(Notice(chat, person, activity, kind, content))

    def notices(self, chat: str, oid: str) -> Sequence[Notice]:
        return [notice for notice in self._notices if (notice.chat, notice.person) == (chat, oid)]
