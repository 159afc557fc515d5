"""What came in, as the processes take it from each other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from charter.channels.teams import pending
from charter.store.database import Database
from tests.teams.saying import TENANT, Outbox, outbox_of


@pytest.fixture
async def box(database: Database) -> AsyncIterator[Outbox]:
    async with outbox_of(database) as here:
        yield here


async def came_in(box: Outbox, *names: str, chat: str = "") -> None:
    async with box.database.tenant_session(TENANT) as session:
        for age, name in enumerate(reversed(names)):
            body: dict[str, Any] = {
                "type": "message", "id": name, "serviceUrl": "http://127.0.0.1/", "from": {"id": "29:alice"},
                "conversation": {"id": chat or f"a:{name}", "conversationType": "personal"}, "text": name,
            }  # fmt: skip
            await session.execute(
                "insert into teams_inbox (tenant, conversation, activity, person, body, received_at) "
                "values ($1, $2, $3, 'alice', $4, now() - make_interval(secs => $5))",
                TENANT, chat or f"a:{name}", name, body, age,
            )  # fmt: skip


async def taken(box: Outbox, limit: int = 20) -> list[pending.Taken]:
    return await pending.take(box.database, TENANT, limit)


@pytest.mark.promise("teams.inbox.taken")
async def test_the_oldest_is_taken_first(box: Outbox) -> None:
    names = [f"m{number}" for number in range(12)]
    await came_in(box, *names)
    assert [each.activity.id for each in await taken(box)] == names


@pytest.mark.promise("teams.inbox.taken")
async def test_what_somebody_writes_does_not_overtake_what_they_wrote_before(box: Outbox) -> None:
    await came_in(box, "first", "second", chat="a:one")
    (first,) = await taken(box)
    second = replace(first.activity, id="second")
    assert await pending.take_one(box.database, TENANT, second) is None
    async with box.database.tenant_session(TENANT) as session:
        await pending.done(session, first.activity)
    now = await pending.take_one(box.database, TENANT, second)
    assert now is not None
    assert now.activity.id == "second"


@pytest.mark.promise("teams.inbox.taken")
async def test_what_another_process_has_by_now_is_not_held_any_more(box: Outbox) -> None:
    await came_in(box, "m")
    (first,) = await taken(box)
    assert await pending.hold(box.database, first)
    async with box.database.tenant_session(TENANT) as session:
        await session.execute(
            "update teams_inbox set taken_until = now() - interval '1 second' where tenant = $1", TENANT
        )
    (second,) = await taken(box)
    assert not await pending.hold(box.database, first)
    assert await pending.hold(box.database, second)


@pytest.mark.promise("teams.inbox.taken")
@pytest.mark.parametrize("again", ["put back", "signed in"])
async def test_what_was_tried_before_is_not_taken_for_new(box: Outbox, again: str) -> None:
    await came_in(box, "m")
    for _ in range(5):
        (each,) = await taken(box)
        async with box.database.tenant_session(TENANT) as session:
            if again == "put back":
                await pending.put_back(session, each.activity)
            else:
                await pending.waits_for_sign_in(session, each.activity)
                await session.execute("update teams_inbox set state = 'new' where tenant = $1", TENANT)
    (each,) = await taken(box)
    assert (each.attempts, each.last, each.hopeless) == (2, False, False)


@pytest.mark.promise("teams.inbox.taken")
async def test_what_many_processes_have_died_over_is_hopeless(box: Outbox) -> None:
    await came_in(box, "m")
    hopeless: list[bool] = []
    for _ in range(11):
        (each,) = await taken(box)
        hopeless.append(each.hopeless)
        async with box.database.tenant_session(TENANT) as session:
            await session.execute("update teams_inbox set taken_until = null where tenant = $1", TENANT)
    assert hopeless == [False] * 10 + [True]
