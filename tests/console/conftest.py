"""A console on loopback over the runs in memory, and people who may sign in to it."""

import html
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from charter.channels.console.app import console
from charter.context import Context
from charter.errors import Forbidden, Unauthenticated
from charter.identity.authentication import Caller
from charter.identity.sign_ins import Arrived, Begun
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

    @property
    def tid(self) -> str:
        return self.tenant


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
    """Signs in whoever is hinted at, without a question, and believes the tokens that it has not taken back."""

    people: dict[str, Context]
    given: dict[str, Context] = field(default_factory=dict)
    attempts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, name: str) -> str:
        token = f"token-of-{name}-{len(self.given)}"
        self.given[token] = self.people[name]
        return token

    def begin(self, redirect_uri: str, *, tid: str = "", hint: str = "", back: str = "") -> Begun:
        state = f"state-{len(self.attempts)}"
        self.attempts[f"sealed-{state}"] = (state, hint, back)
        return Begun(f"{redirect_uri}?code=code-{state}&state={state}", state, f"sealed-{state}")

    async def finish(self, sealed: str, answer: Mapping[str, str], *, held: str = "") -> Arrived:
        state, name, back = self.attempts.pop(sealed, ("", "", ""))
        if not state or (answer.get("state"), answer.get("code")) != (state, f"code-{state}"):
            raise Forbidden("This sign-in was not begun in this browser, or too long ago.")
        self.sessions.pop(held, None)
        cookie = f"{self.people[name].tenant}.{secrets.token_urlsafe(32)}"
        self.sessions[cookie] = await self.sign_in(name)
        return Arrived(cookie, back)

    async def present(self, cookie: str) -> Caller:
        token = self.sessions.get(cookie, "")
        if token not in self.given:
            raise Unauthenticated("The session has ended.")
        return Caller(self.given[token], token)

    async def end(self, cookie: str, back: str) -> str | None:
        return back if self.sessions.pop(cookie, None) else None

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
            runs, people=RESIDENTS, sign_ins=registry, session_key=KEY,
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
        """Sign in as a browser without script would; return the answer to what the identity provider sent along."""
        await self.get("/sign-in")
        response = await self.arrive(await self.begin({"name": name, "back": back}))
        await self.get("/chat")
        return response

    async def begin(self, fields: dict[str, str]) -> str:
        """Send the form of the sign-in page and return the address at the identity provider that it leads to."""
        response = await self.post("/sign-in", fields)
        page = await response.text()
        assert response.status == 200, page
        return onward(page)

    async def arrive(self, address: str) -> aiohttp.ClientResponse:
        """Follow to the identity provider and back, up to the console's own answer; its redirect is not followed."""
        for _ in range(3):
            response = await self.http.get(address, allow_redirects=False)
            if address.startswith(f"{self.address}/console/signed-in"):
                return response
            address = response.headers["Location"]
        raise AssertionError("the sign-in leads nowhere")


def onward(page: str) -> str:
    """Return where a page leads by itself."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


@pytest.fixture
async def visitor(house_of_runs: House) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Visitor(http, house_of_runs.address)
