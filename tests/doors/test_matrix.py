"""Every door of the running host, each attack. A door that nobody has described fails, and so does an attack that none saw."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from tests.doors.headers import SAFE, TARGETS, UNSAFE, Dressing
from tests.doors.table import DOORS, Door, all_doors
from tests.doors.tokens import FORGERIES, UNAUTHENTICATED, Forgery
from tests.doors.wire import Reply
from tests.doors.world import World
from tests.teams import forgeries as channel

ALL = all_doors()
GUARDED = [door for door in ALL if door.guard != "public"]
CHANNELS = [door for door in ALL if door.guard == "channel"]
TENANT = "contoso"
OTHERS = ("stranger", "foreign", "customer", "workload")
_AT_ONCE = 16

Knock = Callable[[Door], Awaitable[Reply]]


def _doors(world: World) -> set[tuple[str, str]]:
    """Return method and path of each route that the running host has."""
    assert world.host.inner is not None
    routes = world.host.inner.app.router.routes()
    return {(route.method, route.resource.canonical) for route in routes if route.resource is not None}


@pytest.mark.promise("doors.matrix")
def test_every_door_of_the_running_host_has_its_row_and_every_row_its_door(world: World) -> None:
    found = _doors(world)
    described = {(door.method, door.path) for door in ALL}
    assert sorted(found - described) == [], "doors without a row in tests/doors/table.py"
    assert sorted(described - found) == [], "rows of tests/doors/table.py without a door"
    assert len(described) == len(ALL), "a door has two rows"
    assert all(door.why for door in DOORS if door.guard == "public"), "what asks nobody says why"


def test_the_size_of_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    attacks = len(FORGERIES) + len(UNSAFE) + len(TARGETS) + len(OTHERS)
    assert len(GUARDED) > 40
    assert attacks > 100
    assert len({each.name for each in (*FORGERIES, *UNSAFE)}) == len(FORGERIES) + len(UNSAFE)
    with capsys.disabled():
        print(
            f"\n{len(ALL)} doors ({len(GUARDED)} guarded) x {attacks} attacks, {len(channel.FORGERIES)} more on channels"
        )


def _path(world: World, door: Door) -> str:
    return door.path.format_map(world.ids | {name: world.ids[kind] for name, kind in door.ids.items()})


async def _each(doors: Iterable[Door], knock: Knock) -> list[tuple[Door, Reply]]:
    """Knock at every door."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(door: Door) -> tuple[Door, Reply]:
        async with places:
            return door, await knock(door)

    answers = await asyncio.gather(*(one(door) for door in doors))
    assert answers, "no door was knocked at"
    return answers


def _wrong(door: Door, reply: Reply, status: int, code: str) -> str | None:
    """Say what is wrong about a refusal."""
    where = f"{door.name}: {reply.status} {reply.code}"
    if reply.status != status or (door.method != "HEAD" and code and reply.code != code):
        return f"{where}, not {status} {code}"
    if status == 401 and door.guard != "cookie" and reply.header("www-authenticate") != "Bearer":
        return f"{where} without WWW-Authenticate"
    return None


def _leaks(world: World, door: Door, reply: Reply, *secrets: str) -> str | None:
    """Say what an answer tells that it should not: a token, a key, an id of somebody's that the asker did not name."""
    told, asked = reply.body.decode(errors="replace") + str(reply.headers), world.asked(door)
    ids = [world.ids[name] for name in ("run", "thread", "step", "approval", "digest", "document")]
    held = [*secrets, world.contoso.kid, *(each for each in ids if each not in asked)]
    found = [each for each in held if each in told]
    return f"{door.name} tells {found}" if found else None


@pytest.mark.promise("doors.matrix")
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda each: each.name)
async def test_a_forged_token_opens_no_door(forgery: Forgery, world: World) -> None:
    token = await forgery.make(world)
    before = await world.rows(TENANT)
    answers = await _each(GUARDED, lambda door: world.as_token(door, token))
    told = [
        _wrong(door, reply, *(UNAUTHENTICATED if door.guard == "channel" else forgery.said)) for door, reply in answers
    ]
    told += [_leaks(world, door, reply, token) for door, reply in answers]
    assert [each for each in told if each] == []
    assert await world.rows(TENANT) == before
    assert world.lured == []


@pytest.mark.promise("doors.channels")
@pytest.mark.parametrize("forgery", channel.FORGERIES, ids=lambda each: each.name)
async def test_a_forged_token_of_a_channel_opens_no_door_of_a_channel(forgery: channel.Forgery, world: World) -> None:
    sent = forgery.headers(world.connector)
    lines = [f"Authorization: {each}".encode() for each in sent]
    before = await world.rows(TENANT)
    answers = await _each(CHANNELS, lambda door: world.knock(door, lines))
    told = [_wrong(door, reply, *UNAUTHENTICATED) for door, reply in answers]
    told += [_leaks(world, door, reply, *filter(None, sent)) for door, reply in answers]
    assert [each for each in told if each] == []
    assert await world.rows(TENANT) == before


@pytest.mark.promise("doors.channels")
async def test_a_channels_own_token_opens_no_other_door_and_a_session_none_of_a_channel(world: World) -> None:
    token = world.connector.signed()
    others = [door for door in GUARDED if door.guard != "channel"]
    answers = await _each(others, lambda door: world.as_token(door, token))
    alice = await world.session(await world.token("alice"))
    answers += await _each(CHANNELS, lambda door: world.knock(door, alice))
    assert [each for door, reply in answers if (each := _wrong(door, reply, *UNAUTHENTICATED))] == []


@pytest.mark.promise("doors.matrix")
@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda each: each.name)
async def test_an_open_door_answers_a_forged_token_as_anybody(forgery: Forgery, world: World) -> None:
    token = (await forgery.make(world)).encode()
    doors = [door for door in ALL if door.guard == "public"]

    async def knock(door: Door) -> Reply:
        return await world.knock(door, [b"Authorization: Bearer " + token, *await world.session(token.decode())])

    answers = await _each(doors, knock)
    assert [(door.name, reply.status) for door, reply in answers if reply.status != door.good] == []


@pytest.mark.promise("doors.headers")
@pytest.mark.parametrize("dressing", UNSAFE, ids=lambda each: each.name)
async def test_a_good_token_in_a_wrong_place_opens_no_door(dressing: Dressing, world: World) -> None:
    lines = {who: dressing.lines(world, (await world.token(who)).encode()) for who in {door.who for door in GUARDED}}
    before = await world.rows(TENANT)
    answers = await _each(GUARDED, lambda door: world.knock(door, lines[door.who]))
    told: list[str | None] = []
    for door, reply in answers:
        # A form without a session is none of this host's, whoever sends it.
        form = door.guard == "cookie" and door.method == "POST" and dressing.status == 401
        said = (403, "forbidden") if form else (dressing.status, "unauthenticated" if dressing.status == 401 else "")
        told.append(_wrong(door, reply, *said))
    assert [each for each in told if each] == []
    assert await world.rows(TENANT) == before


@pytest.mark.promise("doors.headers")
@pytest.mark.parametrize("dressing", SAFE, ids=lambda each: each.name)
async def test_a_good_token_may_be_written_as_the_standards_allow(dressing: Dressing, world: World) -> None:
    door = next(door for door in DOORS if door.path == "/v1/agents")
    reply = await world.knock(door, dressing.lines(world, (await world.token("alice")).encode()))
    assert reply.status == dressing.status


@pytest.mark.promise("doors.headers")
async def test_a_good_token_in_the_address_or_the_body_opens_no_door(world: World) -> None:
    token = await world.token("alice")

    async def knock(door: Door) -> Reply:
        target = f"{_path(world, door)}?access_token={token}&token={token}&Authorization=Bearer+{token}"
        return await world.knock(
            door,
            [b"Content-Type: application/x-www-form-urlencoded"],
            target=target,
            body=f"access_token={token}".encode(),
        )

    doors = [door for door in DOORS if door.guard == "bearer" and "Content-Type" not in str(door.body)]
    answers = await _each([door for door in doors if door.body is None], knock)
    assert [(door.name, reply.status) for door, reply in answers if reply.status != 401] == []


@pytest.mark.promise("doors.paths")
@pytest.mark.parametrize("form", TARGETS)
async def test_no_way_of_writing_a_path_opens_a_door_without_a_token(form: str, world: World) -> None:
    async def knock(door: Door) -> Reply:
        path = _path(world, door)
        return await world.knock(door, target=form.format(path=path, upper=path.upper()))

    before = await world.rows(TENANT)
    answers = await _each([door for door in GUARDED if door.path != "/console"], knock)
    # The console leads whoever is nobody to its sign-in, also from addresses that it does not have.
    opened = [
        (door.name, reply.status, reply.header("location"))
        for door, reply in answers
        if reply.status < 400 and not reply.header("location").startswith("/console/sign-in")
    ]
    assert opened == []
    assert await world.rows(TENANT) == before


@pytest.mark.promise("doors.paths")
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND", "get"])
async def test_no_other_method_opens_a_door_without_a_token(method: str, world: World) -> None:
    answers = await _each([replace(door, method=method) for door in DOORS if door.guard != "public"], world.knock)
    assert [(door.name, reply.status) for door, reply in answers if reply.status < 400] == []


async def _callers(world: World) -> dict[str, Any]:
    """Return believed tokens of people and applications that have no business with alice's things."""
    return {
        "stranger": world.contoso.signed(oid="nobody", roles=None),
        "foreign": await world.token("mona"),
        "customer": world.customers.signed(roles=["operator", "employee", "buyer"], groups=["all-employees"], oid="alice"),
        "workload": await world.token("erp"),
    }  # fmt: skip


@pytest.mark.promise("doors.callers")
@pytest.mark.parametrize("kind", OTHERS)
async def test_whoever_is_let_in_still_gets_nothing_that_is_not_theirs(kind: str, world: World) -> None:
    token = (await _callers(world))[kind]
    before = await world.rows(TENANT)
    answers = await _each(GUARDED, lambda door: world.as_token(door, token))
    wrong = [
        (door.name, reply.status, getattr(door, kind)) for door, reply in answers if reply.status != getattr(door, kind)
    ]
    assert wrong == []
    assert [leak for door, reply in answers if (leak := _leaks(world, door, reply, token))] == []
    assert await world.rows(TENANT) == before


@pytest.mark.promise("doors.matrix")
async def test_with_a_good_request_each_door_opens(world: World) -> None:
    """The control: what is refused above is refused for what was wrong with it. Last, since it changes the world."""
    tokens = {name: await world.token(name) for name in {door.who for door in ALL}}

    async def knock(door: Door) -> Reply:
        return await world.knock(
            door, await (world.session(None) if door.guard == "public" else world.pass_of(door, tokens[door.who]))
        )

    answers = [(door, await knock(door)) for door in reversed(ALL)]
    assert [(door.name, reply.status, reply.body[:200]) for door, reply in answers if reply.status != door.good] == []
