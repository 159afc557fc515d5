"""Signing in: a person, their token in an encrypted cookie, verified on every request."""

import base64
import json
import time

import aiohttp
import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from yarl import URL

from charter.channels.console.app import console
from tests.console.conftest import KEY, RESIDENTS, House, Visitor
from tests.console.memory import MemoryRuns


@pytest.mark.promise("console.sign-in")
async def test_a_person_signs_in_and_comes_to_where_they_wanted(visitor: Visitor) -> None:
    status, page = await visitor.get("/runs?status=waiting")
    assert status == 200
    assert "Who is at the desk?" in page
    response = await visitor.post("/sign-in", {"name": "alice", "back": "/console/runs?status=waiting"})
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
        "",
    ],
)
async def test_the_way_back_leads_only_into_the_console(visitor: Visitor, back: str) -> None:
    response = await visitor.sign_in("alice", back)
    assert response.headers["Location"] == "/console/"


@pytest.mark.promise("console.sign-in")
async def test_the_token_is_kept_encrypted_in_a_cookie_that_no_script_reads(visitor: Visitor) -> None:
    response = await visitor.sign_in("alice")
    header = response.headers["Set-Cookie"]
    assert "token-of" not in header
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/console" in header


async def test_where_the_host_serves_https_the_cookie_stays_there(house_of_runs: House) -> None:
    app = web.Application()
    parts = {"authenticator": house_of_runs.registry, "people": RESIDENTS, "sign_in": house_of_runs.registry.sign_in}
    app.add_subapp(
        "/desk", console(MemoryRuns([], {}), **parts, session_key=KEY, level_status=dict, prefix="/desk", secure=True)
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://localhost:{runner.addresses[0][1]}/desk/sign-in") as response,
        ):
            assert "Secure" in response.headers["Set-Cookie"]
            assert "Path=/desk" in response.headers["Set-Cookie"]
            assert "/desk/static/console.js" in await response.text()
    finally:
        await runner.cleanup()


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


async def test_signing_out_forgets_the_token(visitor: Visitor) -> None:
    await visitor.sign_in("alice")
    response = await visitor.post("/sign-out", {})
    assert response.headers["Location"] == "/console/sign-in"
    _, page = await visitor.get("/runs")
    assert "Who is at the desk?" in page


async def test_a_cookie_made_under_another_key_is_nobody(visitor: Visitor, house_of_runs: House) -> None:
    token = await house_of_runs.registry.sign_in("alice")
    for key, known in ((bytes(32), False), (KEY, True)):
        sealed = Fernet(base64.urlsafe_b64encode(key)).encrypt(
            json.dumps({"created": int(time.time()), "session": {"token": token}}).encode()
        )
        visitor.http.cookie_jar.clear()
        visitor.http.cookie_jar.update_cookies({"charter_console": sealed.decode()}, URL(visitor.address))
        _, page = await visitor.get("/runs")
        assert ("Signed in as </span>Alice" in page) is known


@pytest.mark.parametrize("name", ["root", "erp", ""])
async def test_nobody_signs_in_under_a_name_that_is_not_offered(visitor: Visitor, name: str) -> None:
    _, page = await visitor.get("/sign-in")
    assert 'value="erp"' not in page
    response = await visitor.post("/sign-in", {"name": name})
    assert response.status == 422
    assert "Choose one of the people listed." in await response.text()


async def test_a_token_too_long_for_a_cookie_is_refused_with_a_sentence(visitor: Visitor, house_of_runs: House) -> None:
    async def long_token(name: str) -> str:
        token = await type(house_of_runs.registry).sign_in(house_of_runs.registry, name) + "x" * 4000
        house_of_runs.registry.given[token] = house_of_runs.people[name]
        return token

    app = web.Application()
    registry = house_of_runs.registry
    pages = console(
        house_of_runs.runs, authenticator=registry, people=RESIDENTS, sign_in=long_token, session_key=KEY, level_status=dict
    )  # fmt: skip
    app.add_subapp("/console", pages)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    visitor.address = f"http://localhost:{runner.addresses[0][1]}"
    try:
        response = await visitor.sign_in("alice")
        assert response.status == 403
        assert "too long" in await response.text()
    finally:
        await runner.cleanup()


def test_a_key_of_the_wrong_length_stops_the_start(house_of_runs: House) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        console(
            house_of_runs.runs, authenticator=house_of_runs.registry, people=(), sign_in=house_of_runs.registry.sign_in,
            session_key=b"short", level_status=dict,
        )  # fmt: skip
