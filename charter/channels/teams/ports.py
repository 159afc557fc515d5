"""What the rooms of this door need of the Bot Connector and its token service. Their twin is ``charter/twins/bot_connector``.

Activities that go out are JSON as the Bot Framework writes it; who makes them (``messages``, ``cards``) need not know the
SDK that sends them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from charter.channels.teams.incoming import Account, Json, Place
from charter.errors import CharterError

Fate = Literal["busy", "gone", "refused"]
"""Why something was not delivered: ``busy``: try again later; ``gone``: nobody can be reached there any more; ``refused``:
this very message never will be.
"""


class Undelivered(CharterError):
    """The connector took nothing."""

    def __init__(self, fate: Fate, detail: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.fate: Fate = fate
        self.answered = status


class Stopped(Exception):
    """The person pressed Stop while an answer was being streamed."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who reads a conversation; ``tid`` is their own Entra tenant, ``guest`` whether they are a guest in it."""

    account: Account
    tid: str
    guest: bool = False


@dataclass(frozen=True, slots=True)
class SignInLink:
    """Where a person signs in: the page for their browser, and what a Teams client needs to do it in silence."""

    link: str
    exchange: Json
    post: Json | None = None


class Stream(Protocol):
    """One answer that grows before the person's eyes (personal chats only). Text is only ever added."""

    async def begun(self) -> str:
        """Wait until something is shown, and return its id; where nothing ever is, for ever."""
        ...

    def update(self, text: str) -> None:
        """Say what is being done, until the first text comes.

        Raises:
            Stopped: the person wants no more of it.
        """
        ...

    def add(self, text: str) -> None:
        """Add text; it is shown at most once a second.

        Raises:
            Stopped: the person wants no more of it.
        """
        ...

    async def close(self, final: Json) -> str | None:
        """End with this message, whose text begins with all that was added; return its id.

        ``None``: it was not delivered as a stream (too long, not allowed, cut): it has to be said as a plain message.

        Raises:
            Stopped: the person wants no more of it.
        """
        ...


class Connector(Protocol):
    """The Bot Connector. Each address was allowed before (``settings.teams.service_urls``).

    Raises (each of them): Undelivered.
    """

    async def send(self, place: Place, activity: Json, *, reply_to: str = "", private_to: str = "") -> str:
        """Say something and return the activity's id; ``private_to`` is the account that alone sees it."""
        ...

    async def edit(self, place: Place, activity_id: str, activity: Json, *, private: bool = False) -> None: ...

    async def typing(self, place: Place) -> None: ...

    async def create(self, service_url: str, tid: str, oid: str) -> Place:
        """Open the personal chat with somebody of that Entra tenant; the same one again where there is one."""
        ...

    async def members(self, place: Place) -> Sequence[Member]: ...

    def stream(self, place: Place, reply_to: str) -> Stream: ...


class TokenService(Protocol):
    """The Bot Framework's token service: people's tokens for this host, by the bot's OAuth connection.

    Raises (each of them): Unavailable.
    """

    async def token(self, account: str, channel: str, code: str = "") -> str | None:
        """Return the person's token; ``None`` where they have to sign in. ``code`` is what they came back with."""
        ...

    async def exchange(self, account: str, channel: str, token: str) -> str | None:
        """Return the token that a client's own one is exchanged for; ``None``: consent is missing, or it is refused."""
        ...

    async def link(self, activity: Json) -> SignInLink:
        """Return where the sender of this activity signs in."""
        ...

    async def sign_out(self, account: str, channel: str) -> None: ...
