"""A console on loopback over the runs in memory, and people who may sign in to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from charter.channels.console.app import console
from charter.context import Context
from charter.errors import Unauthenticated
from charter.identity.authentication import Caller
from tests.browser import browser
from tests.console import story
from tests.console.memory import MemoryRuns

__all__ = ["browser"]

KEY = bytes(range(32))


@dataclass(frozen=True, slots=True)
class Resident:
    name: str
    tenant: str
    title: str
    roles: tuple[str, ...] = ()


RESIDENTS = [
    Resident("alice", "contoso", "Employee; her manager is bob", ("employee",)),
    Resident("bob", "contoso", "Manager and buyer", ("employee", "manager", "buyer")),
    Resident("carol", "contoso", "Operator", ("employee", "operator")),
    Resident("erp", "contoso", "workload", ("workload",)),
    Resident("frank", "fabrikam", "Employee; his manager is mona", ("employee",)),
    Resident("mona", "fabrikam", "Manager", ("employee", "manager")),
]


@dataclass(slots=True)
class Registry:
    """Gives out tokens and believes those that it gave out and has not taken back."""

    people: dict[str, Context]
    given: dict[str, Context] = field(default_factory=dict)

    async def sign_in(self, name: str) -> str:
        token = f"token-of-{name}-{len(self.given)}"
        self.given[token] = self.people[name]
        return token

    async def authenticate(self, authorization: str | None) -> Caller:
        token = (authorization or "").removeprefix("Bearer ")
        if token not in self.given:
            raise Unauthenticated("The token has ended.")
        return Caller(self.given[token], token)

    def end_all(self) -> None:
        self.given.clear()


@dataclass(slots=True)
class House:
    """A served console and what it stands on."""

    address: str
    runs: MemoryRuns
    registry: Registry
    people: dict[str, Context]
    level: dict[str, Any]


@pytest.fixture
async def house_of_runs(people: dict[str, Context]) -> AsyncIterator[House]:
    """An empty house: agents and documents, but nothing has happened yet."""
    runs, registry = MemoryRuns(story.AGENTS, story.PASSAGES), Registry(people)
    level: dict[str, Any] = {"level": "assistance", "state": "off", "received": 0, "total": 0}
    app = web.Application()
    app.add_subapp(
        "/console",
        console(
            runs, authenticator=registry, people=RESIDENTS, sign_in=registry.sign_in, session_key=KEY,
            level_status=lambda: level, input_limit=2000,
        ),
    )  # fmt: skip
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield House(f"http://localhost:{runner.addresses[0][1]}", runs, registry, people, level)
    await runner.cleanup()


@pytest.fixture
def busy(house_of_runs: House) -> House:
    """A house in the middle of its morning."""
    story.morning(house_of_runs.runs, house_of_runs.people)
    return house_of_runs


@dataclass(slots=True)
class Visitor:
    """A person with a browser that runs no script: cookies, forms, redirects."""

    http: aiohttp.ClientSession
    address: str
    csrf: str = ""

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.http.get(f"{self.address}/console{path}", headers=headers) as response:
            text = await response.text()
            if 'name="csrf-token"' in text:
                self.csrf = text.split('name="csrf-token" content="')[1].split('"')[0]
            return response.status, text

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> aiohttp.ClientResponse:
        """Send a form with the token of the last page; redirects are not followed."""
        return await self.http.post(
            f"{self.address}/console{path}", data={"csrf": self.csrf, **fields}, headers=headers, allow_redirects=False
        )

    async def sign_in(self, name: str, back: str = "") -> aiohttp.ClientResponse:
        await self.get("/sign-in")
        response = await self.post("/sign-in", {"name": name, "back": back})
        await self.get("/chat")
        return response


@pytest.fixture
async def visitor(house_of_runs: House) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Visitor(http, house_of_runs.address)
