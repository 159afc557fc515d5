"""An activity as the Bot Connector posts it, read into what this house needs of it. Pure.

Source: the activity schema of the Bot Framework (Microsoft, bot-framework-activity) and Teams' own ``channelData``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from charter.errors import FieldError, InvalidRequest

Scope = Literal["personal", "group", "channel"]
Json = dict[str, Any]

_ROOT = ";messageid="
_SCOPES: Mapping[str, Scope] = {"personal": "personal", "groupChat": "group", "channel": "channel"}
_LONGEST_ID = 512
_SPACES = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody in a conversation: ``id`` is the channel's own name for them, ``oid`` the person's object id in Entra."""

    id: str
    oid: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said: a conversation, and in a channel the message that its thread hangs on (``root``).

    ``bot`` is this host's account there.
    """

    service_url: str
    conversation: str
    scope: Scope
    bot: Account
    root: str = ""

    @property
    def address(self) -> str:
        """The conversation's id as the connector wants it, with the thread in it."""
        return f"{self.conversation}{_ROOT}{self.root}" if self.root else self.conversation


@dataclass(frozen=True, slots=True)
class Activity:
    """What somebody did in Teams. ``text`` has no mention of the bot in it; ``raw`` is the whole, as it came.

    ``tid`` is the Entra tenant of the person's conversation, as the channel says it. ``private``: in a conversation of many,
    this was said to the bot alone (commands from the menu behind ``/`` are), and so is the answer. It counts as a mention.
    """

    type: str
    id: str
    place: Place
    sender: Account
    tid: str
    channel: str = "msteams"
    name: str = ""
    text: str = ""
    mentioned: bool = False
    private: bool = False
    value: Any = None
    locale: str = ""
    reply_to: str = ""
    attachments: Sequence[Mapping[str, Any]] = ()
    raw: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    @property
    def thread(self) -> str:
        """The message that its thread hangs on; in a channel a message that begins one is its own."""
        return self.place.root or (self.id if self.place.scope == "channel" else "")

    @property
    def pressed(self) -> Mapping[str, Any]:
        """What a button that talks sent with the message; nothing where it is words alone."""
        given: object = self.value
        return cast("Json", given) if isinstance(given, dict) else {}


def parse(body: Any) -> Activity:
    """Read an activity.

    Raises:
        InvalidRequest: it is none: no object, no type, or nobody to answer. Types and names that nobody knows are read, too.
    """
    if not isinstance(body, dict):
        raise InvalidRequest("The body is not an activity.", errors=[FieldError("", "must be an object")])
    given = cast("Json", body)
    conversation, sender = _object(given, "conversation"), _object(given, "from")
    for pointer, value in (
        ("/type", given.get("type")),
        ("/conversation/id", conversation.get("id")),
        ("/from/id", sender.get("id")),
        ("/serviceUrl", given.get("serviceUrl")),
    ):
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or "\0" in value:
            raise InvalidRequest("The body is not an activity.", errors=[FieldError(pointer, "must be a text")])
    data = _object(given, "channelData")
    identifier, _, root = str(conversation["id"]).partition(_ROOT)
    bot, private = _account(_object(given, "recipient")), _object(given, "recipient").get("isTargeted") is True
    text, mentioned = _unmentioned(_text(given, "text"), given, bot)
    return Activity(
        type=str(given["type"]),
        id=_text(given, "id"),
        place=Place(str(given["serviceUrl"]), identifier, _scope(conversation), bot, root),
        sender=_account(sender),
        tid=_text(conversation, "tenantId") or _text(_object(data, "tenant"), "id"),
        channel=_text(given, "channelId"),
        name=_text(given, "name"),
        text=text,
        mentioned=mentioned or private,
        private=private,
        value=given.get("value"),
        locale=_text(given, "locale"),
        reply_to=_text(given, "replyToId"),
        attachments=tuple(_objects(given.get("attachments"))),
        raw=given,
    )


def _scope(conversation: Json) -> Scope:
    """Return the kind of conversation; one that nobody knows counts as one that many can read."""
    told = _text(conversation, "conversationType")
    return _SCOPES.get(told, "group") if told else ("group" if conversation.get("isGroup") else "personal")


def _account(given: Json) -> Account:
    return Account(_text(given, "id"), _text(given, "aadObjectId"), _text(given, "name"))


def _unmentioned(text: str, given: Json, bot: Account) -> tuple[str, bool]:
    """Return the text without the mentions of the bot, and whether there was one."""
    mentioned = False
    for entity in _objects(given.get("entities")):
        if entity.get("type") == "mention" and _text(_object(entity, "mentioned"), "id") == bot.id:
            mentioned = True
            if said := _text(entity, "text"):
                text = text.replace(said, " ")
    return (_SPACES.sub(" ", text).strip() if mentioned else text.strip()), mentioned


def _object(given: Mapping[str, Any], name: str) -> Json:
    found = given.get(name)
    return cast("Json", found) if isinstance(found, dict) else {}


def _objects(found: object) -> list[Json]:
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Json", entry) for entry in listed if isinstance(entry, dict)]


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    return found if isinstance(found, str) else ""
