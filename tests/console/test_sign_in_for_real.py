"""The whole way of a sign-in: this console, the Entra twin and the database, over HTTP and in a browser."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, expect
from pydantic import SecretStr
from yarl import URL

from charter.channels.console.app import console
from charter.identity.issuers import Fixed
from charter.identity.room import join
from charter.settings import Identity
from charter.store.database import Database
from tests.browser import NARROW, WIDE, screen
from tests.console.conftest import KEY, RESIDENTS, Visitor, onward
from tests.console.inspection import faults
from tests.console.memory import MemoryRuns
from tests.twins.running import RunningTwin, http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]

TENANTS = {"contoso": "contoso", "fabrikam": "fabrikam"}


@dataclass(slots=True)
class Town:
    """The identity provider and two hosts that share a database."""

    twin: RunningTwin
    one: str
    two: str
    database: Database

    async def sessions(self, tenant: str = "contoso") -> list[Any]:
        async with self.database.tenant_session(tenant) as session:
            return await session.fetch("select * from sessions")

    async def renewals(self) -> int:
        return sum(1 for asked in await self.twin.requests("token") if asked["grant_type"] == "refresh_token")


@asynccontextmanager
async def served(
    twin: RunningTwin, database: Database, http: aiohttp.ClientSession, **chosen: Any
) -> AsyncGenerator[str]:
    """Serve a console as a host wires it; return its address."""
    secret = SecretStr(twin.secret())
    settings = Identity(authority=twin.url, graph=f"{twin.url}/graph", client_secret=secret, tenants=TENANTS)
    sign_ins = join(settings, Fixed(TENANTS), database, http, KEY).sign_ins
    parts: dict[str, Any] = {"people": RESIDENTS, "session_key": KEY, "level_status": level}
    app = web.Application()
    app.add_subapp("/console", console(MemoryRuns([], {}), sign_ins=sign_ins, **(parts | chosen)))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def level() -> dict[str, Any]:
    return {"level": "assistance", "state": "off", "received": 0, "total": 0}


@pytest.fixture
async def town(twin: RunningTwin, database: Database, http: aiohttp.ClientSession) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(served(twin, database, http)) for _ in range(2)]
        yield Town(twin, one, two, database)
    for tenant in TENANTS:
        async with database.tenant_session(tenant) as session:
            await session.execute("delete from sessions")


@pytest.fixture
async def alice(town: Town) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar()) as browser:
        yield Visitor(browser, town.one)


@pytest.fixture
async def mallory(town: Town) -> AsyncIterator[Visitor]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar()) as browser:
        yield Visitor(browser, town.one)


def cookie(visitor: Visitor, path: str = "/console") -> str:
    return visitor.http.cookie_jar.filter_cookies(URL(f"{visitor.address}{path}"))["charter_console"].value


def plant(visitor: Visitor, name: str, value: str, path: str = "/console") -> None:
    """Put a cookie into a browser, in the place of one of that name and path."""
    planted = SimpleCookie({name: value})
    planted[name]["path"] = path
    visitor.http.cookie_jar.update_cookies(planted, URL(visitor.address))


async def begun(visitor: Visitor, name: str = "alice", back: str = "") -> str:
    """Begin a sign-in and return the address with which the identity provider sends the browser back."""
    await visitor.get("/sign-in")
    address = await visitor.begin({"name": name, "back": back})
    async with visitor.http.get(address, allow_redirects=False) as response:
        return response.headers["Location"]


async def called(visitor: Visitor, address: str) -> tuple[int, str, str]:
    """Come back to the console; return status, where it leads, and the page."""
    async with visitor.http.get(URL(address, encoded=True), allow_redirects=False) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


@pytest.mark.promise("console.sign-in")
async def test_one_form_signs_in_and_nothing_secret_is_in_an_address_or_a_cookie(town: Town, alice: Visitor) -> None:
    back = await begun(alice, back="/console/runs?status=waiting")
    assert set(URL(back).query) == {"code", "state"}
    assert (await called(alice, back))[:2] == (303, "/console/runs?status=waiting")
    _, page = await alice.get("/runs")
    assert "Signed in as </span>Alice" in page
    held = [morsel.value for morsel in alice.http.cookie_jar]
    assert re.fullmatch(r"contoso\.[A-Za-z0-9_-]{43}", held[0])
    assert len(held) == 1
    assert len(await town.sessions()) == 1


@pytest.mark.promise("console.attempt")
async def test_an_answer_planted_in_another_browser_signs_nobody_in(
    town: Town, alice: Visitor, mallory: Visitor
) -> None:
    """Login CSRF: mallory has a victim open the end of mallory's own sign-in."""
    planted = await begun(mallory, "bob")
    status, _, page = await called(alice, planted)
    assert (status, "not begun in this browser" in page) == (403, True)
    await begun(alice)
    assert (await called(alice, planted))[0] == 403
    assert await town.sessions() == []
    _, page = await alice.get("/runs")
    assert "Who is at the desk?" in page


@pytest.mark.promise("console.attempt")
async def test_the_cookie_of_one_attempt_does_not_serve_another(town: Town, alice: Visitor, mallory: Visitor) -> None:
    await begun(alice)
    planted = await begun(mallory, "bob")
    own = next(morsel for morsel in alice.http.cookie_jar if "_way_" in morsel.key)
    name = next(morsel for morsel in mallory.http.cookie_jar if "_way_" in morsel.key).key
    plant(alice, name, own.value, "/console/signed-in")
    status, _, page = await called(alice, planted)
    assert (status, "not begun in this browser" in page) == (403, True)


@pytest.mark.promise("console.attempt")
async def test_an_answer_counts_once(town: Town, alice: Visitor, mallory: Visitor) -> None:
    back = await begun(alice)
    kept = {morsel.key: morsel.value for morsel in alice.http.cookie_jar if "_way_" in morsel.key}
    assert (await called(alice, back))[0] == 303
    assert (await called(alice, back))[0] == 403
    for name, value in kept.items():
        plant(mallory, name, value, "/console/signed-in")
    status, _, page = await called(mallory, back)
    assert (status, "refused this sign-in" in page) == (401, True)
    assert len(await town.sessions()) == 1


@pytest.mark.parametrize("change", ["AAAA", ""])
async def test_a_tampered_cookie_signs_nobody_in(change: str, town: Town, alice: Visitor) -> None:
    back = await begun(alice)
    own = next(morsel for morsel in alice.http.cookie_jar if "_way_" in morsel.key)
    plant(alice, own.key, own.value[:-8] + change, "/console/signed-in")
    assert (await called(alice, back))[0] == 403
    await alice.sign_in("alice")
    plant(alice, "charter_console", cookie(alice)[:-1])
    _, page = await alice.get("/runs")
    assert "Your sign-in has ended." in page


async def test_two_windows_may_sign_in_at_once(town: Town, alice: Visitor) -> None:
    first, second = await begun(alice, back="/console/runs"), await begun(alice, back="/console/approvals")
    assert (await called(alice, first))[:2] == (303, "/console/runs")
    assert (await called(alice, second))[:2] == (303, "/console/approvals")
    assert len(await town.sessions()) == 1


@pytest.mark.promise("console.fixation")
async def test_a_cookie_planted_before_the_sign_in_is_worth_nothing_after_it(
    town: Town, alice: Visitor, mallory: Visitor
) -> None:
    planted = "contoso." + "A" * 43
    plant(alice, "charter_console", planted)
    assert (await called(alice, await begun(alice)))[0] == 303
    plant(mallory, "charter_console", planted)
    _, page = await mallory.get("/runs")
    assert "Who is at the desk?" in page
    assert planted[8:] not in cookie(alice)


@pytest.mark.promise("console.csrf")
async def test_a_forms_token_is_of_its_session_alone(town: Town, alice: Visitor, mallory: Visitor) -> None:
    await mallory.sign_in("bob")
    visitors = alice.csrf
    await alice.sign_in("alice")
    for forged in ("", visitors, mallory.csrf):
        response = await alice.post("/sign-out", {"csrf": forged})
        assert response.status == 403
    assert len(await town.sessions()) == 2
    response = await alice.post("/sign-out", {})
    assert response.status == 200


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/console/", "/console/\\evil", "/v1/runs"])
async def test_a_sign_in_leads_to_no_other_place(back: str, town: Town, alice: Visitor) -> None:
    assert (await called(alice, await begun(alice, back=back)))[:2] == (303, "/console/")


@pytest.mark.promise("console.sign-out")
async def test_a_sign_out_ends_the_session_on_every_host_and_at_the_identity_provider(
    town: Town, alice: Visitor
) -> None:
    await alice.sign_in("alice")
    other = replace(alice, address=town.two)
    _, page = await other.get("/runs")
    assert "Signed in as </span>Alice" in page
    copied = cookie(alice)
    away = onward(await (await alice.post("/sign-out", {})).text())
    assert away.startswith(f"{town.twin.url}/contoso/oauth2/v2.0/logout?")
    response = await alice.arrive(away)
    assert response.headers["Location"] == "/console/sign-in"
    assert len(await town.twin.requests("logout")) == 1
    assert await town.sessions() == []
    for visitor in (alice, other):
        plant(alice, "charter_console", copied)
        _, page = await visitor.get("/runs")
        assert "Your sign-in has ended." in page


@pytest.mark.promise("console.renewal")
async def test_windows_on_two_hosts_outlast_the_token_and_renew_it_once(town: Town, alice: Visitor) -> None:
    await town.twin.lever("PATCH", "lifetimes", {"access": 2})
    assert (await called(alice, await begun(alice)))[0] == 303
    await town.twin.lever("PATCH", "lifetimes", {"access": 3600})
    other = replace(alice, address=town.two)
    async with asyncio.timeout(10):
        while await town.renewals() == 0:
            answers = await asyncio.gather(*(window.get("/runs") for window in (alice, other) for _ in range(4)))
            assert all("Signed in as </span>Alice" in page for _, page in answers)
    await asyncio.gather(*(window.get("/runs") for window in (alice, other) for _ in range(4)))
    assert await town.renewals() == 1
    assert town.twin.redeemed_twice() == 0


@pytest.mark.promise("console.renewal")
async def test_who_is_disabled_meanwhile_is_told_that_the_sign_in_has_ended(town: Town, alice: Visitor) -> None:
    await town.twin.lever("PATCH", "lifetimes", {"access": 1})
    assert (await called(alice, await begun(alice)))[0] == 303
    await town.twin.change("alice", disabled=True)
    async with asyncio.timeout(10):
        while "Your sign-in has ended." not in (await alice.get("/runs"))[1]:
            pass
    assert await town.sessions() == []
    status, _, page = await called(alice, await begun(alice))
    assert (status, "your account may not sign in" in page) == (403, True)


@pytest.mark.browser
@pytest.mark.promise("console.sign-in")
@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_person_chooses_an_account_by_keyboard_and_signs_out_again(
    size: tuple[int, int], scheme: Any, browser: Browser, twin: RunningTwin, town: Town, http: aiohttp.ClientSession
) -> None:
    async with (
        served(twin, town.database, http, people=()) as address,
        screen(browser, address, size=size, color_scheme=scheme, java_script_enabled=False) as window,
        screen(browser, address, size=size, color_scheme=scheme) as seen,
    ):
        await window.go("/runs")
        await window.page.get_by_role("button", name="Sign in with Microsoft").press("Enter")
        await expect(window.page.get_by_role("heading", name="Choose an account")).to_be_visible()
        await seen.go("/approvals")
        assert await faults(seen.page) == []
        await seen.page.get_by_role("button", name="Sign in with Microsoft").press("Enter")
        await expect(seen.page.get_by_role("heading", name="Choose an account")).to_be_visible()
        assert await faults(seen.page) == []
        for each, path in ((window, "/console/runs"), (seen, "/console/approvals")):
            await each.page.get_by_role("button", name="Frank").press("Enter")
            await expect(each.page.get_by_role("navigation", name="Main")).to_be_visible()
            assert URL(each.page.url).path == path
            await each.sign_out()
            await expect(each.page.get_by_role("button", name="Sign in with Microsoft")).to_be_visible()
        assert await town.sessions("fabrikam") == []


@pytest.mark.browser
async def test_who_cancels_is_told_what_to_do(
    browser: Browser, twin: RunningTwin, town: Town, http: aiohttp.ClientSession
) -> None:
    async with (
        served(twin, town.database, http, people=()) as address,
        screen(browser, address, size=NARROW) as window,
    ):
        await window.go("/runs")
        await window.page.get_by_role("button", name="Sign in with Microsoft").click()
        await window.page.get_by_role("button", name="Cancel").click()
        await expect(window.page.get_by_role("alert")).to_contain_text("did not let you in")
        assert await faults(window.page) == []
        window.complaints.clear()  # the browser notes the 403
        await window.page.get_by_role("link", name="To the start page").click()
        await expect(window.page.get_by_role("button", name="Sign in with Microsoft")).to_be_visible()
