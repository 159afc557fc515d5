"""Conversations, kept: a bot remembers their ids for years, so they outlive this process."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import orjson

from charter.twins.bot_connector.refusals import Refused, not_in_roster

Kind = Literal["personal", "groupChat", "channel"]
_ROOT = ";messageid="
_SCHEMA = "create table if not exists chats (id text primary key, tree text not null)"


@dataclass(slots=True)
class Chat:
    """``members`` are object ids. ``installed``: the bot's app is there; without it the bot is a stranger."""

    id: str
    kind: Kind
    tenant: str
    members: list[str] = field(default_factory=list[str])
    team: str = ""
    name: str = ""
    installed: bool = True

    @property
    def team_id(self) -> str:
        return f"19:{sha256(f'{self.tenant}/{self.team}'.encode()).hexdigest()[:32]}@thread.tacv2"

    def told(self, root: str = "") -> dict[str, Any]:
        """Return the conversation as an activity names it; ``root`` is the message that its thread hangs on."""
        identifier = f"{self.id}{_ROOT}{root}" if root and self.kind == "channel" else self.id
        told: dict[str, Any] = {"id": identifier, "conversationType": self.kind, "tenantId": self.tenant}
        return told if self.kind == "personal" else told | {"isGroup": True}


class Chats:
    """All conversations by id."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "chats.sqlite"
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute(_SCHEMA)
        trees = (orjson.loads(row[0]) for row in self._db.execute("select tree from chats"))
        self._known = {tree["id"]: Chat(**tree) for tree in trees}

    def close(self) -> None:
        self._db.close()

    def find(self, address: str) -> tuple[Chat, str]:
        """Return the conversation that a bot names, and the root of the thread in it.

        Raises:
            Refused: there is none, or the bot is not in it.
        """
        identifier, _, root = address.partition(_ROOT)
        chat = self._known.get(identifier)
        if chat is None:
            raise Refused(404, "ConversationNotFound", "Conversation not found.")
        if not chat.installed:
            raise not_in_roster()
        return chat, root

    def known(self, identifier: str) -> Chat | None:
        return self._known.get(identifier.partition(_ROOT)[0])

    def personal(self, oid: str) -> Chat | None:
        return next((chat for chat in self._known.values() if chat.kind == "personal" and chat.members == [oid]), None)

    def of_team(self, tenant: str, team: str) -> Sequence[Chat]:
        return [chat for chat in self._known.values() if (chat.tenant, chat.team) == (tenant, team)]

    def open(self, kind: Kind, tenant: str, members: Sequence[str], *, team: str = "", name: str = "") -> Chat:
        """Return a new conversation; of a personal one and of a team's first channel the id follows from whose it is."""
        chat = Chat("", kind, tenant, list(members), team, name)
        if kind == "personal":
            chat.id = f"a:1{sha256(f'{tenant}/{members[0]}'.encode()).hexdigest()[:48]}"
        elif kind == "channel" and not self.of_team(tenant, team):
            chat.id = chat.team_id
        else:
            chat.id = f"19:{uuid4().hex}@thread.{'v2' if kind == 'groupChat' else 'tacv2'}"
        self.keep(chat)
        return chat

    def keep(self, chat: Chat) -> None:
        """Remember a conversation as it is now."""
        self._known[chat.id] = chat
        self._db.execute("insert or replace into chats values (?, ?)", (chat.id, orjson.dumps(asdict(chat)).decode()))
