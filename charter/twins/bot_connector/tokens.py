"""People's tokens for the bot, as the token service keeps them: by account and connection, renewed while they can be."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

_EARLY = 300
_CODE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Kept:
    """A token of somebody, and what renews it."""

    token: str
    expires: float
    refresh: str
    tenant: str

    @property
    def stale(self) -> bool:
        return self.expires - time.time() < _EARLY


@dataclass(frozen=True, slots=True)
class Link:
    """A sign-in that somebody may go through in a browser; ``verifier`` is the secret of its code flow."""

    id: str
    account: str
    connection: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)


@dataclass(slots=True)
class Tokens:
    """``codes`` are the six digits that a page has shown, each good once; ``played`` are the accounts of another client that
    were signed in here.
    """

    kept: dict[tuple[str, str], Kept] = field(default_factory=dict[tuple[str, str], Kept])
    links: dict[str, Link] = field(default_factory=dict[str, Link])
    codes: dict[str, tuple[Link, Kept, float]] = field(default_factory=dict[str, tuple[Link, Kept, float]])
    played: set[str] = field(default_factory=set[str])

    def link(self, account: str, connection: str) -> Link:
        link = Link(secrets.token_hex(16), account, connection)
        self.links[link.id] = link
        return link

    def shown(self, link: Link, kept: Kept) -> str:
        """Return the digits that stand for a sign-in which has happened."""
        code = f"{secrets.randbelow(1_000_000):06}"
        self.codes[code] = (link, kept, time.time() + _CODE_SECONDS)
        return code

    def redeem(self, code: str, account: str, connection: str) -> bool:
        """Keep what the digits stand for, if they were shown for this account and connection."""
        link, kept, expires = self.codes.get(code, (None, None, 0.0))
        if link is None or kept is None or (link.account, link.connection) != (account, connection):
            return False
        del self.codes[code]
        if expires < time.time():
            return False
        self.kept[account, connection] = kept
        return True


def kept_of(answer: dict[str, Any], tenant: str) -> Kept:
    """Return what a grant of Entra's gave."""
    return Kept(
        str(answer["access_token"]),
        time.time() + float(answer["expires_in"]),
        str(answer.get("refresh_token", "")),
        tenant,
    )
