"""Signing in as several processes on one database do it: each with a door, callers and hands of its own, before one Teams."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from charter.channels import problems
from charter.channels.teams import pending
from charter.channels.teams.callers import Callers
from charter.channels.teams.connector import open_connector
from charter.channels.teams.incoming import Activity, parse
from charter.channels.teams.ingress import Ingress, Invoked
from charter.channels.teams.pending import Taken
from charter.channels.teams.sending import Sender
from charter.channels.teams.signin import SignIn
from charter.errors import CharterError
from charter.identity.authentication import Caller
from charter.identity.bot_framework import BotTokens
from charter.identity.issuers import Fixed
from charter.local.parts import talking
from charter.settings import Teams as TeamsSettings
from charter.twins.listening import serve, take
from tests.identity.conftest import Room
from tests.teams.client import Teams, running_teams
from tests.teams.views import Answer

if TYPE_CHECKING:
    from charter.channels.teams.connector.link import Link

TENANTS = ("contoso", "fabrikam")
_TABLES = (
    "teams_conversations", "teams_people", "teams_inbox", "teams_exchanges", "teams_outbox", "teams_state", "grants",
)  # fmt: skip


@dataclass(slots=True)
class Process:
    """What one process has. ``worked`` are the person and the text of each message whose sender was known."""

    room: Room
    link: "Link"
    sender: Sender
    callers: Callers
    sign_in: SignIn
    worked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    refused: list[str] = field(default_factory=list[str])
    resumed: list[str] = field(default_factory=list[str])
    pressed: list[Caller] = field(default_factory=list[Caller])
    tasks: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    def arrived(self, tenant: str, activity: Activity) -> None:
        self._begin(tenant)

    def resume(self, tenant: str) -> None:
        self.resumed.append(tenant)
        self._begin(tenant)

    def _begin(self, tenant: str) -> None:
        task = asyncio.create_task(self._work(tenant))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _work(self, tenant: str) -> None:
        while found := await pending.take(self.room.database, tenant, 20):
            for taken in found:
                await self._one(taken)

    async def _one(self, taken: Taken) -> None:
        tenant, activity = taken.tenant, taken.activity
        try:
            caller = await self.callers.present(tenant, activity) if activity.type == "message" else None
            if caller is None and activity.type == "message":
                await self.sign_in.ask(tenant, activity)
                return
        except CharterError as fault:
            self.refused.append(fault.code)
        else:
            if caller is not None:
                self.worked.append((caller.ctx.principal.id, activity.text))
        async with self.room.database.tenant_session(tenant) as session:
            await pending.done(session, activity)

    async def press(self, tenant: str, activity: Activity) -> Invoked:
        found = await self.sign_in.for_click(tenant, activity)
        if isinstance(found, Invoked):
            return found
        self.pressed.append(found)
        kind = "application/vnd.microsoft.activity.message"
        return Invoked(200, {"statusCode": 200, "type": kind, "value": found.ctx.principal.id})


@dataclass(slots=True)
class Signing:
    """Teams, and the processes that its activities reach in turn."""

    teams: Teams
    room: Room
    processes: list[Process]

    @property
    def first(self) -> Process:
        return self.processes[0]

    @property
    def worked(self) -> list[tuple[str, str]]:
        return [each for process in self.processes for each in process.worked]

    @property
    def resumed(self) -> list[str]:
        return [each for process in self.processes for each in process.resumed]

    async def until(self, *worked: tuple[str, str]) -> None:
        """Wait until just these messages were worked on, in any order, and nothing is under way."""
        async with asyncio.timeout(30):
            while sorted(self.worked) != sorted(worked) or any(each.tasks for each in self.processes):
                await asyncio.sleep(0.02)

    async def idle(self) -> None:
        async with asyncio.timeout(30):
            while any(each.tasks for each in self.processes):
                await asyncio.sleep(0.02)

    async def activity(self, person: str, text: str = "hello", tid: str = "") -> Activity:
        """Return a message of somebody's in their personal chat, as the door reads it."""
        chat = await self.teams.personal(person)
        account = (await self.teams.seen(person, chat)).account
        tenant = "fabrikam" if person in ("frank", "mona") else "contoso"
        return parse(
            {
                "type": "message", "id": f"m-{text}", "serviceUrl": self.teams.service_url, "channelId": "msteams",
                "from": {"id": account, "aadObjectId": person, "name": person.capitalize()},
                "recipient": {"id": "28:charter-host"}, "text": text, "locale": "en-US",
                "conversation": {"id": chat, "conversationType": "personal", "tenantId": tid or tenant},
            }
        )  # fmt: skip

    async def given(self, person: str, whose: str = "") -> str:
        """Let the token service have a token of theirs, or ``whose``, as if signed in elsewhere; return it."""
        account = (await self.activity(person)).sender.id
        token = await self.first.link.exchange(account, "msteams", await self.room.twin.token(whose or person))
        assert token is not None
        return token

    async def invoke(self, person: str, name: str, value: Any, **more: Any) -> Answer:
        """Send an invoke as a client of theirs does."""
        activity = {"type": "invoke", "name": name, "value": value, **more}
        chat = await self.teams.personal(person)
        return await self.teams.post(activity, person=person, conversation=chat)

    async def offered(self, person: str, identifier: str, token: str = "", connection: str = "charter") -> Answer:
        """Offer an exchange, with a token of the client's own."""
        value = {
            "id": identifier,
            "connectionName": connection,
            "token": token or await self.room.twin.token(person),
        }
        return await self.invoke(person, "signin/tokenExchange", value)

    async def asked(self, operation: str) -> int:
        """How often the token service was asked for this."""
        return len(await self.teams.record(kind="asked", operation=operation))

    async def rows(self, table: str, tenant: str = "contoso") -> list[Mapping[str, Any]]:
        async with self.room.database.tenant_session(tenant) as session:
            return [dict(row) for row in await session.fetch(f"select * from {table} where tenant = $1", tenant)]

    async def change(self, statement: str, *values: Any) -> None:
        async with self.room.database.tenant_session("contoso") as session:
            await session.execute(statement, *values)


@asynccontextmanager
async def _process(room: Room, settings: TeamsSettings) -> AsyncGenerator[tuple[Process, Ingress]]:
    tenants = Fixed({tenant: tenant for tenant in TENANTS})
    link = await open_connector(settings, "charter-host", lambda: room.grants.host_token("contoso", settings.scope))
    sender = Sender(room.database, link, tenants)
    callers = Callers(link, room.authenticator, room.database, clock=room.clock)
    sign_in = SignIn(callers, link, room.grants, room.database, sender, settings)
    process = Process(room, link, sender, callers, sign_in)
    sign_in.resumed = process.resume
    invokes = {
        "signin/tokenExchange": sign_in.exchanged,
        "signin/verifyState": sign_in.verified,
        "signin/failure": sign_in.failed,
        "adaptiveCard/action": process.press,
    }
    tokens = BotTokens(settings, "charter-host", room.http)
    sender.open()
    try:
        yield process, Ingress(room.database, tokens, tenants, settings, invokes, process.arrived)
    finally:
        await asyncio.gather(*process.tasks, return_exceptions=True)
        await sender.close()
        await link.close()


def _in_turn(doors: list[Ingress]) -> web.Application:
    turns = itertools.cycle(doors)

    async def take_in(request: web.Request) -> web.Response:
        try:
            return await next(turns).take(request)
        except CharterError as fault:
            return problems.response(fault)

    application = web.Application()
    application.router.add_post("/api/messages", take_in)
    return application


async def _emptied(room: Room) -> None:
    for tenant in TENANTS:
        async with room.database.tenant_session(tenant) as session:
            for table in _TABLES:
                await session.execute(f"delete from {table} where tenant = $1", tenant)


@asynccontextmanager
async def signing(room: Room, folder: Path) -> AsyncGenerator[Signing]:
    """Two processes behind one address."""
    await _emptied(room)
    place = take(0, "bot")
    async with AsyncExitStack() as stack:
        secret = room.twin.secret()
        teams = await stack.enter_async_context(running_teams(folder / "bot", room.http, room.twin.url, secret))
        settings = talking(TeamsSettings(anonymous=False), teams.url)
        pairs = [await stack.enter_async_context(_process(each, settings)) for each in (room, room.other())]
        runner = await serve(_in_turn([door for _, door in pairs]), place)
        stack.push_async_callback(runner.cleanup)
        await teams.bot(f"{place.url}/api/messages")
        yield Signing(teams, room, [process for process, _ in pairs])
    place.close()
    await _emptied(room)


@pytest.fixture
async def sign(room: Room, tmp_path: Path) -> AsyncIterator[Signing]:
    async with signing(room, tmp_path) as opened:
        yield opened
