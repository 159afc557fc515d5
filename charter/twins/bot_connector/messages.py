"""What is said in conversations, in all its states, and what each person sees of it."""

import os
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from charter.twins.bot_connector.refusals import Refused, no_activity

Json = dict[str, Any]

_SCHEMA = "create table if not exists messages (chat text, id integer, tree text, primary key (chat, id)) without rowid"


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
    """By conversation, in the order in which they were said. They are kept, since a bot edits what it said days ago;
    notices and signs of typing are not.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "messages.sqlite"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None)
        for statement in ("pragma journal_mode = wal", "pragma synchronous = off", _SCHEMA):
            self._db.execute(statement)
        self._said: dict[str, dict[str, Message]] = {}
        self._notices: list[Notice] = []
        self._last = 0
        self.typing: dict[str, int] = {}
        for chat, identifier, tree in self._db.execute("select chat, id, tree from messages order by id"):
            self._said.setdefault(chat, {})[str(identifier)] = _read(tree)
            self._last = identifier

    def close(self) -> None:
        self._db.close()

    def new_id(self) -> str:
        """Return a moment in milliseconds that no other message has."""
        self._last = max(self._last + 1, int(time.time() * 1_000))
        return str(self._last)

    def add(self, message: Message) -> Message:
        self._said.setdefault(message.chat, {})[message.id] = message
        self.keep(message)
        return message

    def replace(self, message: Message, activity: Json) -> None:
        """Let a message say something else, to everybody who sees it."""
        message.states.append(activity)
        message.views.clear()
        self.keep(message)

    def keep(self, message: Message) -> None:
        """Remember a message as it is now."""
        tree = orjson.dumps(message, default=list).decode()
        self._db.execute("insert or replace into messages values (?, ?, ?)", (message.chat, int(message.id), tree))

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


def _read(tree: str) -> Message:
    """Nothing grows any more: whoever streamed it must begin anew."""
    told: Json = orjson.loads(tree)
    told |= {"signed_in": set(told["signed_in"]), "growing": False}
    return Message(**told)
