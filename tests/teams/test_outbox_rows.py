"""The rows of the outbox, as two processes hold them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from charter.channels.teams import outbox
from charter.channels.teams.incoming import Account, Place
from charter.channels.teams.outbox import Taken
from charter.store.database import Database
from tests.teams.saying import TENANT, Outbox, outbox_of, said

PLACE = Place("https://smba.trafficmanager.net/", "a:alice", "personal", Account("28:bot"), "7")


@pytest.fixture
async def box(database: Database) -> AsyncIterator[Outbox]:
    async with outbox_of(database) as here:
        yield here


async def taken(box: Outbox, lease: float = 30) -> list[Taken]:
    async with box.database.tenant_session(TENANT) as session:
        return await outbox.take(session, TENANT, 10, lease)


async def begun(box: Outbox, row: Taken, lease: float = 30) -> Taken | None:
    async with box.database.tenant_session(TENANT) as session:
        return await outbox.begin(session, row, lease)


async def retaken(box: Outbox) -> Taken:
    """Take it as another process does, once the lease before is over."""
    async with asyncio.timeout(10):
        while not (rows := await taken(box)):
            await asyncio.sleep(0.02)
    return rows[0]


@pytest.mark.promise("teams.outbox.once")
async def test_who_lost_its_lease_does_not_send(box: Outbox) -> None:
    await box.put(said("k"))
    (first,) = await taken(box, lease=0.1)
    second = await retaken(box)
    assert await begun(box, first) is None
    assert (await begun(box, second)) is not None
    assert await taken(box) == []


@pytest.mark.promise("teams.outbox.once")
async def test_that_it_was_sent_is_believed_of_whoever_says_it(box: Outbox) -> None:
    await box.put(said("k"))
    first = await begun(box, (await taken(box))[0], lease=0.1)
    assert first is not None
    second = await retaken(box)
    assert second.again
    async with box.database.tenant_session(TENANT) as session:
        await outbox.sent(session, first, "m1", PLACE)
    assert await begun(box, second) is None
    async with box.database.tenant_session(TENANT) as session:
        assert await outbox.told(session, TENANT, "k") == ("m1", PLACE)


async def test_an_edit_that_is_overtaken_after_it_was_taken_leaves_as_the_newer_one(box: Outbox) -> None:
    await box.put(said("card"))
    card = await begun(box, (await taken(box))[0])
    assert card is not None
    async with box.database.tenant_session(TENANT) as session:
        await outbox.sent(session, card, "m1", PLACE)
    await box.put(said("card 2", "old", edits="card"))
    (edit,) = await taken(box)
    await box.put(said("card 2", "new", edits="card"))
    leaving = await begun(box, edit)
    assert leaving is not None
    assert leaving.said.body["text"] == "new"


async def test_what_was_let_go_is_free_and_keeps_its_place(box: Outbox) -> None:
    await box.put(said("first"), said("second"))
    (first,) = await taken(box)
    async with box.database.tenant_session(TENANT) as session:
        await outbox.put_back(session, first, 60)
    assert await taken(box) == []
    await box.let_go()
    again = await retaken(box)
    async with box.database.tenant_session(TENANT) as session:
        await outbox.put_back(session, again, 0.2)
    assert (await retaken(box)).said.key == "first"


@pytest.mark.promise("teams.reminders.overtaken")
async def test_what_is_withdrawn_while_it_leaves_is_not_tried_again(box: Outbox) -> None:
    await box.put(said("reminder:1"))
    leaving = await begun(box, (await taken(box))[0])
    assert leaving is not None
    async with box.database.tenant_session(TENANT) as session:
        await outbox.withdraw(session, "reminder:1")
        await outbox.postponed(session, leaving, 0, "busy")
    assert await taken(box) == []
    assert await box.states() == {"reminder:1": "given_up"}
