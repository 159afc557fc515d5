"""The identity room against a running Entra twin and the real database."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from pydantic import SecretStr

from charter.context import Context
from charter.identity.authentication import Authenticator, Caller
from charter.identity.directory import Directory
from charter.identity.grants import Grants
from charter.identity.issuers import Fixed, Issuers
from charter.identity.renewal import Renewal
from charter.identity.room import join
from charter.identity.tokens import TokenVerifier
from charter.identity.unattended import Unattended
from charter.settings import Identity
from charter.store.database import Database
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]

KEY = b"a key of the tests that is long enough"


@dataclass(slots=True)
class Clock:
    """The time as caches see it; it moves when a test says so."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Room:
    """One process's identity room; ``other()`` is another process on the same database."""

    twin: RunningTwin
    database: Database
    http: aiohttp.ClientSession
    settings: Identity
    key: bytes = KEY
    clock: Clock = field(default_factory=Clock)
    issuers: Issuers = field(init=False)
    grants: Grants = field(init=False)
    directory: Directory = field(init=False)
    verifier: TokenVerifier = field(init=False)
    authenticator: Authenticator = field(init=False)
    renewal: Renewal = field(init=False)
    unattended: Unattended = field(init=False)

    def __post_init__(self) -> None:
        parts = join(self.settings, Fixed(self.settings.tenants), self.database, self.http, self.key, clock=self.clock)
        self.issuers, self.grants, self.directory = parts.issuers, parts.grants, parts.directory
        self.verifier, self.authenticator = parts.verifier, parts.authenticator
        self.renewal, self.unattended = parts.renewal, parts.unattended

    def other(self, *, key: bytes = KEY, settings: Identity | None = None) -> "Room":
        return Room(self.twin, self.database, self.http, settings or self.settings, key, self.clock)

    async def caller(self, name: str) -> Caller:
        return await self.authenticator.authenticate(f"Bearer {await self.twin.token(name)}")

    async def kept(self, name: str) -> Context:
        """Let somebody come in and keep their authority."""
        caller = await self.caller(name)
        await self.grants.keep(caller.ctx, caller.token)
        return caller.ctx

    async def token_requests(self) -> int:
        """How many grants the host itself has sent."""
        return sum(1 for request in await self.twin.requests("token") if request["client"] == "charter-host")


@pytest.fixture
async def room(twin: RunningTwin, http: aiohttp.ClientSession, database: Database) -> AsyncIterator[Room]:
    tenants = {"contoso": "contoso", "fabrikam": "fabrikam"}
    settings = Identity(
        authority=twin.url, graph=f"{twin.url}/graph", client_secret=SecretStr(twin.secret()), tenants=tenants
    )
    yield Room(twin, database, http, settings)
    for tenant in ("contoso", "fabrikam"):
        async with database.tenant_session(tenant) as session:
            await session.execute("delete from grants")
