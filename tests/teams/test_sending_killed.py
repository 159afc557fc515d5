"""A process that is killed while it sends: nothing is lost, and only what may not have been said is said again."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from charter.runs.drill import SAYING
from charter.store.database import Database
from tests.teams.line import Line, line
from tests.teams.saying import TENANT, Outbox, outbox_of, said, sending


@pytest.fixture
async def box(database: Database) -> AsyncIterator[Outbox]:
    async with outbox_of(database) as here:
        yield here


async def killed_at(point: str, box: Outbox, there: Line, house: Path) -> None:
    """Let a process send until it is killed there, and what it had taken be free again."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.teams.saying_child", box.database.url, there.url, point, "kill 1", cwd=house
    )
    assert await asyncio.wait_for(child.wait(), 60) == -signal.SIGKILL
    await box.let_go()


@pytest.mark.promise("teams.outbox.killed")
@pytest.mark.parametrize(("point", "heard"), [("teams_before_send", 1), ("teams_after_send", 2)])
async def test_a_message_is_never_lost_and_said_again_only_where_nobody_knows(
    box: Outbox, house: Path, point: str, heard: int
) -> None:
    assert point in SAYING
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(said("k"), said("next"))
        await killed_at(point, box, there, house)
        assert await box.states() == {"k": "sending", "next": "waiting"}
        async with sending(box, there) as sender:
            rows = await box.settled()
            assert sender.repeated == 1
        assert [got.body["text"] for got in there.of("send")] == [*["k"] * heard, "next"]
    assert {row["state"] for row in rows.values()} == {"sent"}


@pytest.mark.promise("teams.outbox.killed")
async def test_an_edit_is_simply_made_again(box: Outbox, house: Path) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(said("card"))
        async with sending(box, there):
            await box.settled()
        await box.put(said("card 2", edits="card"))
        await killed_at("teams_after_send", box, there, house)
        async with sending(box, there) as sender:
            await box.settled()
            assert sender.repeated == 0
        assert [got.body["text"] for got in there.of("edit")] == ["card 2", "card 2"]


async def test_what_may_have_been_said_and_is_a_day_old_is_left_alone(box: Outbox, house: Path) -> None:
    async with line() as there:
        await box.seen(there, "a:alice")
        await box.put(said("k"))
        await killed_at("teams_after_send", box, there, house)
        async with box.database.tenant_session(TENANT) as session:
            await session.execute(
                "update teams_outbox set tried_at = tried_at - interval '25 hours' where tenant = $1", TENANT
            )
        async with sending(box, there):
            rows = await box.settled()
        assert len(there.got) == 1
    assert rows["k"]["state"] == "given_up"
    assert rows["k"]["reason"].startswith("It may have been said")
