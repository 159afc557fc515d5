"""The door of activities alone, over real HTTP and the real database, with a tenant of its own for each test."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web

from charter.channels import application
from charter.channels.teams.incoming import Activity
from charter.channels.teams.ingress import Ingress, Invoke, routes
from charter.identity.authentication import Authenticator
from charter.identity.bot_framework import BotTokens
from charter.identity.issuers import Fixed, Issuers
from charter.identity.tokens import TokenVerifier
from charter.settings import Http, Identity, Telemetry
from charter.store import tenants
from charter.store.database import Database
from charter.store.tenants import Tenants
from charter.telemetry.tracing import Tracing
from tests.identity.conftest import Clock
from tests.running import Answer
from tests.teams.issuer import BOT, SERVICE, BotIssuer, bot_issuer


@dataclass(slots=True)
class Door:
    """``tenant`` is served there, its Entra tenant has the same name; ``arrived`` are the activities that were told of."""

    address: str
    issuer: BotIssuer
    http: aiohttp.ClientSession
    database: Database
    tenants: Tenants
    tenant: str
    tokens: BotTokens
    clock: Clock
    arrived: list[tuple[str, Activity]] = field(default_factory=list[tuple[str, Activity]])
    good: str = ""

    def activity(self, **changed: Any) -> dict[str, Any]:
        """Return a message of alice's in her personal chat, changed; ``None`` takes a member away."""
        given: dict[str, Any] = {
            "type": "message",
            "id": secrets.token_hex(6),
            "serviceUrl": SERVICE,
            "channelId": "msteams",
            "from": {"id": "29:alice", "aadObjectId": "alice", "name": "Alice"},
            "recipient": {"id": "28:charter", "name": "Charter"},
            "conversation": {"id": "a:alice", "conversationType": "personal", "tenantId": self.tenant},
            "channelData": {"tenant": {"id": self.tenant}},
            "locale": "en-GB",
            "text": "hello",
        }
        return {name: value for name, value in (given | changed).items() if value is not None}

    async def post(self, body: Any, *authorization: str, media: str = "application/json") -> Answer:
        """Post a body with these Authorization headers."""
        headers = [("Content-Type", media), *(("Authorization", each) for each in authorization)]
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        async with self.http.post(f"{self.address}/api/messages", data=raw, headers=headers) as response:
            told = await response.read()
            return Answer(response.status, response.headers, orjson.loads(told) if told else None)

    async def say(self, **changed: Any) -> Answer:
        """Post a good activity, changed, as the Bot Connector."""
        return await self.post(self.activity(**changed), self.good)

    async def rows(self, table: str = "teams_inbox") -> Sequence[Any]:
        async with self.database.tenant_session(self.tenant) as session:
            return await session.fetch(f"select * from {table} where tenant = $1", self.tenant)


@asynccontextmanager
async def open_door(
    database: Database,
    *,
    invokes: Mapping[str, Invoke] | None = None,
    fails: bool = False,
    seconds: Mapping[str, float] | None = None,
    **chosen: Any,
) -> AsyncIterator[Door]:
    """Open the door, with time for a database that is slow; ``fails``: whoever is told of activities fails."""
    name = f"adatum-{secrets.token_hex(3)}"
    await tenants.ensure(database, {name: name})
    live = Tenants(database)
    await live.read()
    async with bot_issuer() as issuer, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        settings = issuer.settings(**chosen)
        clock = Clock()
        tokens = BotTokens(settings, BOT, http, clock=clock)
        door = Door("", issuer, http, database, live, name, tokens, clock, good=f"Bearer {issuer.signed()}")

        def arrived(tenant: str, activity: Activity) -> None:
            door.arrived.append((tenant, activity))
            assert not fails

        ingress = Ingress(
            database, tokens, live, settings, invokes or {}, arrived, **({"keep_seconds": 20.0} | dict(seconds or {}))
        )
        runner = web.AppRunner(_application(ingress, http), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        door.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield door
        finally:
            issuer.mend()
            await runner.cleanup()


def _application(ingress: Ingress, http: aiohttp.ClientSession) -> web.Application:
    issuers = Issuers(Identity(authority="http://localhost:9"), Fixed({}))
    return application.build(
        [], authenticator=Authenticator(TokenVerifier(issuers, http), issuers), tracer=Tracing(Telemetry()),
        http=Http(body_limit_bytes=200_000), mounted={}, self_guarded=routes(ingress),
    )  # fmt: skip


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with open_door(database) as opened:
        yield opened


async def until(true: Any) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)
