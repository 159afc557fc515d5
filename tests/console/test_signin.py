"""Signing in: a person, their session on the server, their token verified on every request."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from charter.channels.console.app import console
from tests.console.conftest import KEY, RESIDENTS, House, Visitor, onward


@pytest.mark.promise("console.sign-in")
async def test_a_person_signs_in_and_comes_to_where_they_wanted(visitor: Visitor) -> None:
    status, page = await visitor.get("/runs?status=waiting")
    assert status == 200
    assert "Who is at the desk?" in page
    back = "/console/runs?status=waiting"
    response = await visitor.arrive(await visitor.begin({"name": "alice", "back": back}))
    assert (response.status, response.headers["Location"]) == (303, "/console/runs?status=waiting")
    _, page = await visitor.get("/runs")
    assert "Signed in as </span>Alice" in page


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example/console/",
        "/console/../v1/runs",
        "/console/\\evil",
        "/v1/runs",
        "/consoles/",
        "/console/runs?" + "x" * 1_000,
        "",
    ],
)
async def test_the_way_back_leads_only_into_the_console(visitor: Visitor, back: str) -> None:
    response = await visitor.sign_in("alice", back)
    assert response.headers["Location"] == "/console/"


@pytest.mark.promise("console.sign-in")
async def test_the_cookie_is_an_id_alone_and_no_script_reads_it(visitor: Visitor) -> None:
    response = await visitor.sign_in("alice")
    header = next(line for line in response.headers.getall("Set-Cookie") if line.startswith("charter_console="))
    assert re.fullmatch(r"contoso\.[A-Za-z0-9_-]{43}", header.partition("=")[2].partition(";")[0])
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/console" in header
    assert "Max-Age=43200" in header


@asynccontextmanager
async def served(house: House, **chosen: Any) -> AsyncIterator[str]:
    """Serve a console of other settings; return its address."""
    app = web.Application()
    parts: dict[str, Any] = {"people": RESIDENTS, "sign_ins": house.registry, "session_key": KEY, "level_status": dict}
    app.add_subapp(chosen.get("prefix", "/console"), console(house.runs, **(parts | chosen)))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_where_people_come_by_https_the_cookies_stay_there_by_their_names(house_of_runs: House) -> None:
    public = "https://charter.contoso.example"
    async with aiohttp.ClientSession() as http, served(house_of_runs, prefix="/desk", public_url=public) as address:
        async with http.get(f"{address}/desk/sign-in") as response:
            header, page = response.headers["Set-Cookie"], await response.text()
        assert header.startswith("__Secure-charter_console=")
        assert "Secure" in header.split("; ")
        assert "Path=/desk" in header
        assert "/desk/static/console.js" in page
        # A browser would send the cookie over HTTPS only; this one is told to.
        form = {"csrf": page.split('name="csrf-token" content="')[1].split('"')[0], "name": "alice"}
        sent = {"Cookie": header.partition(";")[0]}
        async with http.post(f"{address}/desk/sign-in", data=form, headers=sent) as response:
            assert onward(await response.text()).startswith(f"{public}/desk/signed-in?")
            attempt = next(line for line in response.headers.getall("Set-Cookie") if "_way_" in line)
        assert attempt.startswith("__Secure-charter_console_way_")
        assert "Path=/desk/signed-in" in attempt


async def test_where_nobody_is_listed_one_button_leads_to_the_identity_provider(
    visitor: Visitor, house_of_runs: House
) -> None:
    async with served(house_of_runs, people=()) as visitor.address:
        _, page = await visitor.get("/sign-in")
        assert "Sign in with Microsoft" in page
        await visitor.begin({})
        assert [hint for _, hint, _ in house_of_runs.registry.attempts.values()] == [""]


async def test_a_visitor_of_the_bare_loopback_address_is_led_to_localhost(
    visitor: Visitor, house_of_runs: House
) -> None:
    bare = house_of_runs.address.replace("localhost", "127.0.0.1")
    async with visitor.http.get(f"{bare}/console/sign-in?back=/console/runs", allow_redirects=False) as response:
        assert response.headers["Location"] == f"{house_of_runs.address}/console/sign-in?back=/console/runs"


@pytest.mark.promise("console.sign-in")
async def test_an_ended_token_asks_to_sign_in_again_and_leads_back(visitor: Visitor, house_of_runs: House) -> None:
    await visitor.sign_in("alice")
    house_of_runs.registry.end_all()
    status, page = await visitor.get("/approvals/decided")
    assert status == 200
    assert "Your sign-in has ended." in page
    assert 'name="back" value="/console/approvals/decided"' in page


async def test_a_form_sent_after_the_sign_in_ended_leads_back_to_its_page(
    visitor: Visitor, house_of_runs: House
) -> None:
    await visitor.sign_in("alice")
    house_of_runs.registry.end_all()
    response = await visitor.post(
        "/chat/buyer", {"input": "Order a desk"}, Referer=f"{visitor.address}/console/chat/buyer"
    )
    assert response.status == 303
    assert response.headers["Location"].endswith("back=/console/chat/buyer&ended=1")
    assert house_of_runs.runs.runs == {}


@pytest.mark.parametrize("headers", [{"X-Charter-Console": "1"}, {"Accept": "text/event-stream"}])
async def test_a_script_hears_of_an_ended_sign_in_as_a_problem(
    visitor: Visitor, house_of_runs: House, headers: dict[str, str]
) -> None:
    await visitor.sign_in("alice")
    house_of_runs.registry.end_all()
    async with visitor.http.get(f"{visitor.address}/console/inbox", headers=headers) as response:
        assert response.status == 401
        assert response.content_type == "application/problem+json"
        assert (await response.json())["code"] == "unauthenticated"


async def test_signing_out_leads_over_the_identity_provider_back_to_the_sign_in(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    response = await visitor.post("/sign-out", {})
    page = await response.text()
    assert "You are signed out" in page
    assert "Signed in as" not in page
    response = await visitor.arrive(onward(page))
    assert response.headers["Location"] == "/console/sign-in"
    _, page = await visitor.get("/runs")
    assert "Who is at the desk?" in page


@pytest.mark.promise("console.sign-out")
async def test_a_copied_cookie_is_worthless_after_the_sign_out(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    copied = visitor.http.cookie_jar.filter_cookies(URL(f"{visitor.address}/console"))["charter_console"].value
    await visitor.post("/sign-out", {})
    visitor.http.cookie_jar.clear()
    _, page = await visitor.get("/runs", Cookie=f"charter_console={copied}")
    assert "Your sign-in has ended." in page


@pytest.mark.parametrize("name", ["root", "erp", ""])
async def test_nobody_signs_in_under_a_name_that_is_not_offered(visitor: Visitor, name: str) -> None:
    _, page = await visitor.get("/sign-in")
    assert 'value="erp"' not in page
    response = await visitor.post("/sign-in", {"name": name})
    assert response.status == 422
    assert "Choose one of the people listed." in await response.text()


def test_a_key_of_the_wrong_length_stops_the_start(house_of_runs: House) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        console(
            house_of_runs.runs, people=(), sign_ins=house_of_runs.registry, session_key=b"short", level_status=dict
        )  # fmt: skip
