"""Who may speak as the Bot Connector: a good token, and tokens in which exactly one thing is wrong."""

import asyncio
import time

import pytest
from aiohttp import ClientSession, TCPConnector

from charter.errors import StartRefused, Unauthenticated
from charter.identity.bot_framework import BotTokens
from charter.settings import Teams
from charter.store.database import Database
from tests.teams.door import Door, door, open_door, until
from tests.teams.forgeries import FORGERIES, Forgery
from tests.teams.issuer import BOT, SERVICE

__all__ = ["door"]


@pytest.mark.promise("teams.tokens")
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda each: each.name)
async def test_a_forged_token_posts_nothing(forgery: Forgery, door: Door) -> None:
    answer = await door.post(door.activity(), *forgery.headers(door.issuer))
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (list(await door.rows()), door.arrived) == ([], [])


@pytest.mark.promise("teams.tokens")
async def test_a_token_of_the_bot_connector_posts_for_its_service_and_channel_alone(door: Door) -> None:
    assert (await door.say()).status == 200
    assert (await door.say(serviceUrl=SERVICE.rstrip("/"))).status == 200
    # Believed once, it is bound to the same service and channel ever after.
    assert (await door.say(serviceUrl="https://smba.trafficmanager.net/amer/")).status == 401
    assert (await door.say(channelId="directline")).status == 401
    assert (await door.say(channelId=None)).status == 401
    assert len(door.arrived) == 2


@pytest.mark.promise("teams.tokens")
async def test_only_teams_is_believed_about_who_writes_whatever_else_a_key_is_endorsed_for(door: Door) -> None:
    assert "webchat" in door.issuer.channels["first"]
    for given in ({}, {"type": "installationUpdate", "action": "add"}, {"type": "invoke", "name": "signin/failure"}):
        assert (await door.say(channelId="webchat", **given)).status == 403
    assert (list(await door.rows()), list(await door.rows("teams_people"))) == ([], [])


async def test_who_sends_no_good_token_hears_nothing_about_the_body(door: Door) -> None:
    for body in (b"{", b"[]", b"x" * 100_000):
        assert (await door.post(body, "Bearer a.b.c")).status == 401
        assert (await door.post(body, media="text/plain")).status == 401


async def test_clocks_may_differ_by_the_skew(door: Door) -> None:
    now = int(time.time())
    token = door.issuer.signed(exp=now - 30, nbf=now + 30)
    assert (await door.post(door.activity(), f"bearer {token}")).status == 200


@pytest.mark.promise("teams.keys")
async def test_many_first_tokens_at_once_fetch_the_keys_once(door: Door) -> None:
    tokens = [door.issuer.signed(jti=str(number)) for number in range(8)]
    answers = await asyncio.gather(*(door.post(door.activity(), f"Bearer {token}") for token in tokens))
    assert {answer.status for answer in answers} == {200}
    assert len(door.issuer.asked) == 2  # metadata, and what it leads to


@pytest.mark.promise("teams.keys")
async def test_warm_keys_are_there_before_the_first_activity(door: Door) -> None:
    assert await door.tokens.warm()
    door.issuer.fault = "fail"
    assert (await door.say()).status == 200


@pytest.mark.promise("teams.keys")
async def test_a_flood_of_invented_key_ids_does_not_reach_the_key_server(door: Door) -> None:
    assert await door.tokens.warm()
    door.clock.now += 60
    tokens = [door.issuer.signed({"kid": f"invented-{number}"}) for number in range(40)]
    for _ in range(2):
        answers = await asyncio.gather(*(door.post(door.activity(), f"Bearer {token}") for token in tokens))
        assert {answer.status for answer in answers} == {401}
    assert len(door.issuer.asked) == 4
    assert (await door.say()).status == 200


@pytest.mark.promise("teams.keys")
async def test_a_hanging_key_server_stalls_no_activity_of_a_known_key(door: Door) -> None:
    assert await door.tokens.warm()
    door.issuer.fault = "hang"
    door.clock.now += 7_200
    waiting = asyncio.create_task(door.post(door.activity(), f"Bearer {door.issuer.signed({'kid': 'invented'})}"))
    await until(lambda: len(door.issuer.asked) == 3)
    for number in range(8):
        token = door.issuer.signed(jti=str(number))
        assert (await door.post(door.activity(), f"Bearer {token}")).status == 200
    assert not waiting.done()
    door.issuer.mend()
    assert (await waiting).status == 401


@pytest.mark.promise("teams.keys")
async def test_a_dead_key_server_is_told_as_such_and_asked_again(door: Door) -> None:
    door.issuer.fault = "fail"
    for _ in range(2):
        answer = await door.say()
        assert (answer.status, answer.body["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    door.issuer.mend()
    door.clock.now += 3
    assert (await door.say()).status == 200


@pytest.mark.promise("teams.keys")
async def test_a_withdrawn_key_counts_no_longer(door: Door) -> None:
    assert (await door.say()).status == 200
    door.issuer.keys["second"] = door.issuer.keys.pop("first")
    door.issuer.channels["second"] = ["msteams"]
    door.clock.now += 301
    assert (await door.post(door.activity(), f"Bearer {door.issuer.signed(kid='second')}")).status == 200
    assert (await door.say()).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "{elsewhere}/v1/.well-known/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://[/"},
    ],
    ids=str,
)
async def test_metadata_that_leads_astray_leads_to_no_keys(changed: dict[str, str | None], door: Door) -> None:
    door.issuer.metadata = {
        key: value and value.format(elsewhere=door.issuer.elsewhere) for key, value in changed.items()
    }
    assert not await door.tokens.warm()
    assert (await door.say()).status == 503


@pytest.mark.parametrize(
    "chosen",
    [
        {"metadata_url": "http://login.botframework.com/v1/.well-known/openidconfiguration"},
        {"metadata_url": "login.botframework.com"},
        {"metadata_url": ""},
        {"issuer": ""},
    ],
    ids=str,
)
async def test_keys_that_would_be_fetched_in_the_clear_let_no_host_start(chosen: dict[str, str], door: Door) -> None:
    with pytest.raises(StartRefused, match="CHARTER_TEAMS"):
        BotTokens(Teams(**chosen), BOT, door.http)
    with pytest.raises(StartRefused, match="CHARTER_TEAMS"):
        BotTokens(Teams(), "", door.http)


async def test_a_token_is_verified_without_a_door_too(door: Door) -> None:
    await door.tokens.verify(door.good, SERVICE, "msteams")
    with pytest.raises(Unauthenticated, match="another service"):
        await door.tokens.verify(door.good, "https://evil.example/", "msteams")
    with pytest.raises(Unauthenticated, match="not endorsed"):
        await door.tokens.verify(door.good, SERVICE, "skype")


@pytest.mark.promise("teams.cost")
async def test_a_verified_token_costs_microseconds(door: Door) -> None:
    await door.tokens.believe(door.good)
    began = time.thread_time()
    for _ in range(2_000):
        await door.tokens.verify(door.good, SERVICE, "msteams")
    assert (time.thread_time() - began) / 2_000 < 50e-6


@pytest.mark.promise("teams.anonymous")
async def test_without_a_token_only_this_machine_is_believed_about_itself_and_only_where_settings_say_so(
    database: Database, door: Door
) -> None:
    local = "http://localhost:56150/_connector"
    assert (await door.post(door.activity(serviceUrl=local))).status == 401
    async with open_door(database, anonymous=True) as open_to_all:
        assert (await open_to_all.post(open_to_all.activity(serviceUrl=local))).status == 200
        assert (await open_to_all.post(open_to_all.activity())).status == 403
        for bad in ("Bearer a.b.c", ""):
            assert (await open_to_all.post(open_to_all.activity(serviceUrl=local), bad)).status == 401
        url = f"{open_to_all.address}/api/messages"
        for name in ("Forwarded", "X-Forwarded-For", "x-forwarded-host"):
            told = {name: "for=203.0.113.7", "Host": "localhost"}
            async with door.http.post(url, json=open_to_all.activity(serviceUrl=local), headers=told) as answer:
                assert answer.status == 401, name
        async with elsewhere() as http, http.post(url, json=open_to_all.activity(serviceUrl=local)) as answer:
            assert answer.status == 401


def elsewhere() -> ClientSession:
    """Return a client with another address than this machine's own first one."""
    return ClientSession(connector=TCPConnector(local_addr=("127.0.0.9", 0)))
