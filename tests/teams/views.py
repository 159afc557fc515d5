"""What a person sees in Teams, and what came of what they did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

ADAPTIVE = "application/vnd.microsoft.card.adaptive"
OAUTH = "application/vnd.microsoft.card.oauth"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot answered to one POST; status 0: nothing in time."""

    status: int
    body: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class Message:
    """One message as somebody sees it now. ``author`` is an object id, or ``bot``; ``history`` are all its states."""

    id: str
    author: str
    root: str
    targeted: bool
    deleted: bool
    growing: bool
    signed_in: bool
    at: float
    activity: Json
    history: Sequence[Json] = field(repr=False)

    @property
    def text(self) -> str:
        return str(self.activity.get("text") or "")

    @property
    def cards(self) -> Sequence[Json]:
        return [each["content"] for each in self._attached(ADAPTIVE)]

    @property
    def card(self) -> Json:
        """Return its one Adaptive Card."""
        (card,) = self.cards
        return card

    @property
    def sign_in(self) -> Json | None:
        """Return its sign-in card, if it is one."""
        return next((each["content"] for each in self._attached(OAUTH)), None)

    @property
    def words(self) -> str:
        """Return all that one reads in it: its text and what its cards say."""
        return "\n".join([self.text, *(text for card in self.cards for text in _texts(card))])

    @property
    def buttons(self) -> Sequence[str]:
        """Return the titles of what can be pressed in it."""
        return [title for card in self.cards for title in _titles(card)]

    def _attached(self, kind: str) -> list[Json]:
        return [each for each in self.activity.get("attachments") or [] if each.get("contentType") == kind]


@dataclass(frozen=True, slots=True)
class View:
    """What one person sees of a conversation. ``notices`` are what their client told them beside the messages."""

    conversation: str
    account: str
    installed: bool
    typing: int
    messages: Sequence[Message]
    notices: Sequence[Json]

    @property
    def bots(self) -> Sequence[Message]:
        """Return what the bot said and has not taken back."""
        return [message for message in self.messages if message.author == "bot" and not message.deleted]

    @property
    def last(self) -> Message:
        return self.bots[-1]

    @property
    def words(self) -> str:
        return "\n".join(message.words for message in self.messages if not message.deleted)


@dataclass(frozen=True, slots=True)
class Said:
    """A message that somebody sent, and what the bot answered to each delivery of it."""

    conversation: str
    person: str
    activity: str
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a click did: ``card``, ``message``, ``error``, ``sign-in``, ``sent`` or ``url``."""

    effect: str
    answers: Sequence[Answer]
    url: str = ""
    activity: str = ""

    @property
    def body(self) -> Any:
        """Return what the bot answered last."""
        return self.answers[-1].body


def _texts(part: Any) -> list[str]:
    """Return what a part of a card shows, in its order."""
    if isinstance(part, list):
        return [text for each in part for text in _texts(each)]
    if not isinstance(part, dict):
        return []
    shown = [
        str(part[name]) for name in ("title", "value", "text", "altText", "label") if isinstance(part.get(name), str)
    ]
    return [*shown, *(text for name, each in part.items() if name not in ("data", "msteams") for text in _texts(each))]


def _titles(part: Any) -> list[str]:
    if isinstance(part, list):
        return [title for each in part for title in _titles(each)]
    if not isinstance(part, dict):
        return []
    own = [str(part.get("title"))] if str(part.get("type", "")).startswith("Action.") else []
    return [*own, *(title for name, each in part.items() if name not in ("data", "msteams") for title in _titles(each))]
