"""The table of who is signed in: found by a digest of the browser's id, opened by the row's own owner only."""

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from cryptography.fernet import InvalidToken

from charter.identity.code_flow import Tokens
from charter.identity.expiring import Clock
from charter.identity.sealed import fernet

if TYPE_CHECKING:
    import asyncpg

HOURS = 12
IDLE_HOURS = 4
_NOTED_SECONDS = 60
"""How exactly it is known when somebody was last seen: not every page is a write."""

_LIVE = "tenant = $1 and digest = $2 and expires_at > $3 and seen_at > $4"
_READ = f"select principal, sealed, seen_at from sessions where {_LIVE}"  # noqa: S608 - constants
_LOCK = f"{_READ} for update"
_SEEN = "update sessions set seen_at = $3 where tenant = $1 and digest = $2"
_WRITE = "update sessions set sealed = $3 where tenant = $1 and digest = $2"
_OPEN = (
    "insert into sessions (tenant, digest, principal, sealed, created_at, seen_at, expires_at) "
    "values ($1, $2, $3, $4, $5, $5, $6)"
)
_CLOSE = "delete from sessions where tenant = $1 and digest = $2 returning principal, sealed"
_CLEAR = "delete from sessions where tenant = $1 and (expires_at <= $2 or seen_at <= $3)"


class Tenants(Protocol):
    """What the rows need of the store: one transaction within a tenant."""

    def tenant_session(self, tenant: str, /) -> "AbstractAsyncContextManager[asyncpg.Connection[asyncpg.Record]]": ...


@dataclass(frozen=True, slots=True)
class Place:
    """One row: a tenant, and the digest of the id that a browser holds."""

    tenant: str
    digest: bytes

    @classmethod
    def of(cls, tenant: str, identifier: str) -> "Place":
        return cls(tenant, sha256(identifier.encode()).digest())


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a session, and their tokens."""

    principal: str
    tokens: Tokens


class SessionRows:
    """Sessions last ``HOURS``, and ``IDLE_HOURS`` unseen."""

    def __init__(self, database: Tenants, key: bytes, *, clock: Clock = time.time) -> None:
        self._database = database
        self._fernet = fernet(key, "sessions")
        self._clock = clock

    async def open(self, place: Place, held: Held) -> None:
        """Begin a session, and clear away those of the tenant that have ended."""
        now = self._clock()
        async with self._database.tenant_session(place.tenant) as session:
            await session.execute(_CLEAR, place.tenant, _moment(now), _moment(now - IDLE_HOURS * 3600))
            await session.execute(
                _OPEN, place.tenant, place.digest, held.principal, self._close(place, held), _moment(now),
                _moment(now + HOURS * 3600),
            )  # fmt: skip

    async def find(self, place: Place) -> Held | None:
        """Return who holds a live session, and note that they were seen."""
        async with self._database.tenant_session(place.tenant) as session:
            row = await session.fetchrow(_READ, *self._live(place))
            if row is not None and row["seen_at"].timestamp() < self._clock() - _NOTED_SECONDS:
                await session.execute(_SEEN, place.tenant, place.digest, _moment(self._clock()))
        return self._opened(place, row)

    async def close(self, place: Place) -> Held | None:
        """End a session; return what it held."""
        async with self._database.tenant_session(place.tenant) as session:
            row = await session.fetchrow(_CLOSE, place.tenant, place.digest)
        return self._opened(place, row)

    async def locked(self, session: Any, place: Place) -> Held | None:
        """Return a live session whose row is this transaction's until its end."""
        return self._opened(place, await session.fetchrow(_LOCK, *self._live(place)))

    async def write(self, session: Any, place: Place, held: Held) -> None:
        """Replace the tokens of a locked session."""
        await session.execute(_WRITE, place.tenant, place.digest, self._close(place, held))

    async def drop(self, session: Any, place: Place) -> None:
        """End a locked session."""
        await session.execute(_CLOSE, place.tenant, place.digest)

    def _live(self, place: Place) -> tuple[str, bytes, datetime, datetime]:
        now = self._clock()
        return place.tenant, place.digest, _moment(now), _moment(now - IDLE_HOURS * 3600)

    def _close(self, place: Place, held: Held) -> bytes:
        owner = [place.tenant, held.principal, place.digest.hex()]
        return self._fernet.encrypt(orjson.dumps([owner, astuple(held.tokens)]))

    def _opened(self, place: Place, row: Any) -> Held | None:
        """Nothing where the key differs, or the row was altered or moved."""
        if row is None:
            return None
        try:
            owner, tokens = orjson.loads(self._fernet.decrypt(row["sealed"]))
        except (InvalidToken, ValueError, TypeError):
            return None
        if owner != [place.tenant, row["principal"], place.digest.hex()]:
            return None
        return Held(row["principal"], Tokens(*tokens))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
