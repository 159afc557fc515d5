"""What does not hang on one token alone: floods, suspension, and requests that are not HTTP at all."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.doors.table import DOORS, all_doors
from tests.doors.world import World

_FLOOD = 300
AGENTS = next(door for door in DOORS if door.path == "/v1/agents")


async def _key_requests(world: World) -> int:
    async with world.host.http.get(f"{world.host.entra}/_twin/requests?kind=keys") as response:
        return len((await response.json())["items"])


@pytest.mark.promise("doors.flood")
async def test_a_flood_of_invented_key_ids_reaches_no_key_server_and_holds_nobody_up(world: World) -> None:
    before, good = await _key_requests(world), await world.token("bob")
    forged = [world.contoso.signed({"kid": f"invented-{n}"}) for n in range(_FLOOD)]
    beginning = asyncio.get_running_loop().time()
    mixed = [token for each in forged for token in (each, good)]
    places = asyncio.Semaphore(40)

    async def knock(token: str) -> int:
        async with places:
            return (await world.as_token(AGENTS, token)).status

    statuses = await asyncio.gather(*map(knock, mixed))
    seconds = asyncio.get_running_loop().time() - beginning
    assert statuses[::2] == [401] * _FLOOD
    assert statuses[1::2] == [200] * _FLOOD
    # Once in three seconds at most, and what others of the same identity provider may have asked meanwhile.
    assert await _key_requests(world) - before <= 3 + seconds / 3


@pytest.fixture
async def suspended(world: World) -> AsyncIterator[None]:
    """Contoso, suspended as an operator would; not longer than the test."""
    await world.owner.execute("update tenants set suspended = true where id = 'contoso'")
    try:
        await _answers(world, 403)
        yield
    finally:
        await world.owner.execute("update tenants set suspended = false where id = 'contoso'")
        await _answers(world, 200)


async def _answers(world: World, status: int) -> None:
    async with asyncio.timeout(30):
        while (await world.as_token(AGENTS, await world.token("alice"))).status != status:
            await asyncio.sleep(0.05)


@pytest.mark.promise("doors.suspended")
async def test_a_suspended_tenant_is_told_so_at_every_door_and_nobody_else_is(world: World, suspended: None) -> None:
    before = await world.rows("contoso")
    tokens = [await world.token(name) for name in ("alice", "carol", "erp")]
    # Some that the host has met before, and some that it has not.
    tokens += [world.contoso.signed(), world.contoso.signed(idtyp="app", scp=None), world.customers.signed()]
    for door in all_doors():
        if door.guard == "public" or door.path == "/console/sign-out":
            continue  # whoever may do nothing may still leave
        for token in [await world.token(door.who)] if door.guard == "channel" else tokens:
            reply = await world.as_token(door, token)
            assert (reply.status, reply.code) in {(403, "tenant_suspended"), (403, "")}, door.name
            assert reply.code or door.method == "HEAD"
    assert await world.rows("contoso") == before
    out = next(door for door in all_doors() if door.path == "/console/sign-out")
    assert (await world.as_token(out, tokens[0])).status == 200
    assert (await world.as_token(AGENTS, await world.token("frank"))).status == 200


@pytest.mark.promise("doors.unlogged")
@pytest.mark.parametrize(
    "line",
    [b"Authorization: Bearer TOKEN\x01", b"Authorization : Bearer TOKEN", b"Authorization: Bearer " + b"eyJ" * 20_000, b"X: \x00TOKEN"],
    ids=["control", "blank", "endless", "nul"],
)  # fmt: skip
async def test_a_request_that_cannot_be_read_is_logged_without_what_was_in_it(
    line: bytes, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    token = (await world.token("alice")).encode()
    reply = await world.knock(AGENTS, [line.replace(b"TOKEN", token)])
    assert reply.status == 400
    assert "could not be read" in caplog.text
    assert token[:40].decode() not in caplog.text
