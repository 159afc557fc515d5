"""Retention: what ended long ago is gone with all that hangs on it, and nothing else can be deleted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from charter.models.chat import Image
from charter.runs import images
from charter.runs.retention import Retention
from charter.store import crossing
from charter.store.database import Database, Session
from tests.running import RunningHost

DAYS = 90
TABLES = ("journal", "effects", "approvals", "run_images")


class Sweeper:
    """The retention of one host, and a look into the database beneath it."""

    def __init__(self, host: RunningHost) -> None:
        assert host.inner is not None
        self.database: Database = host.inner.service.database
        service = host.inner.service
        self.retention = Retention(self.database, service.engine._queue, service.editions.keep, days=DAYS)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Session]:
        """As the server's owner, whom no policy binds."""
        connection = await asyncpg.connect(self.database.url)
        try:
            yield connection
        finally:
            await connection.close()

    async def age(self, run: dict[str, Any], days: int = DAYS + 1) -> None:
        """Let the run, its thread and its segments be so many days old."""
        async with self.owner() as session:
            for sql, about in (
                ("update runs set updated_at = updated_at - make_interval(days => $2) where id = $1", run["id"]),
                ("update threads set updated_at = updated_at - make_interval(days => $2) where id = $1", run["thread"]),
                (
                    "update dbos.workflow_status set created_at = created_at - $2 * 86400000::bigint "
                    "where workflow_uuid like $1 || ':%'",
                    run["id"],
                ),
            ):
                await session.execute(sql, about, days)

    async def left(self, run: dict[str, Any]) -> dict[str, int]:
        """Count what there is of the run."""
        counts = {table: f"select count(*) from {table} where run_id = $1" for table in (*TABLES, "audit")}
        counts["runs"] = "select count(*) from runs where id = $1"
        counts["segments"] = "select count(*) from dbos.workflow_status where workflow_uuid like $1 || ':%'"
        async with self.owner() as session:
            found = {name: await session.fetchval(sql, run["id"]) for name, sql in counts.items()}
            found["threads"] = await session.fetchval("select count(*) from threads where id = $1", run["thread"])
        return found


@pytest.fixture
def sweeper(host: RunningHost) -> Sweeper:
    return Sweeper(host)


async def shown(sweeper: Sweeper, run: dict[str, Any]) -> None:
    """Let the run have an image."""
    async with sweeper.database.tenant_session("contoso") as session:
        await images.keep(session, "contoso", run["id"], [Image("image/gif", b"GIF89a")])


async def ordered(host: RunningHost, sweeper: Sweeper, item: str) -> dict[str, Any]:
    """Return a finished run with an approval, an effect, an image and a segment of the queue."""
    run = await host.ask("alice", "buyer", f"Order a {item} for 1,300 EUR")
    await shown(sweeper, run)
    await host.decide("bob", await host.pending("bob", run["id"]), "approve")
    return await host.settled("alice", run["id"], "completed")


@pytest.mark.promise("retention.ended")
async def test_what_ended_long_ago_is_gone_and_its_audit_stays(host: RunningHost, sweeper: Sweeper) -> None:
    old, young = await ordered(host, sweeper, "kayak"), await ordered(host, sweeper, "canoe")
    await sweeper.age(old)
    await sweeper.age(young, DAYS - 1)
    before, same = await sweeper.left(old), await sweeper.left(young)
    assert all(before.values()), before
    swept = await sweeper.retention.sweep()
    assert swept is not None
    assert swept.runs >= 1
    assert await sweeper.left(old) == dict.fromkeys(before, 0) | {"audit": before["audit"]}
    assert await sweeper.left(young) == same
    assert (await host.call("alice", "GET", f"/v1/runs/{old['id']}")).status == 404
    assert (await host.run("alice", young["id"]))["status"] == "completed"


@pytest.mark.promise("retention.live")
async def test_a_run_that_waits_is_kept_however_old_it_is(host: RunningHost, sweeper: Sweeper) -> None:
    run = await host.ask("alice", "buyer", "Order a trapeze for 1,300 EUR")
    approval = await host.pending("bob", run["id"])
    await sweeper.age(run, 10 * DAYS)
    before = await sweeper.left(run)
    await sweeper.retention.sweep()
    assert await sweeper.left(run) == before
    await host.decide("bob", approval, "approve")
    done = await host.settled("alice", run["id"], "completed")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]


@pytest.mark.promise("retention.live")
async def test_the_database_itself_refuses_to_delete_what_has_not_ended(host: RunningHost, sweeper: Sweeper) -> None:
    live = await host.ask("alice", "buyer", "Order a unicycle for 1,300 EUR")
    await shown(sweeper, live)
    before = await sweeper.left(live)
    async with sweeper.database.crossing() as session:
        for table in TABLES:
            assert await session.execute(f"delete from {table} where run_id = $1", live["id"]) == "DELETE 0"
        assert await session.execute("delete from runs where id = $1", live["id"]) == "DELETE 0"
        assert await session.execute("delete from threads where id = $1", live["thread"]) == "DELETE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with sweeper.database.crossing() as session:
            await session.execute("delete from audit where run_id = $1", live["id"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with sweeper.database.crossing() as session:
            await session.execute("select data from run_images where run_id = $1", live["id"])
    for table in ("journal", "runs", "audit", "run_images"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with sweeper.database.tenant_session("contoso") as session:
                await session.execute(f"delete from {table}")
    assert await sweeper.left(live) == before


@pytest.mark.promise("retention.ended")
async def test_a_thread_stays_as_long_as_one_of_its_runs(host: RunningHost, sweeper: Sweeper) -> None:
    first = await host.ask("alice", "employee_assistant", "hello")
    second = await host.ask("alice", "employee_assistant", "hello again", thread=first["thread"])
    await sweeper.age(first)
    await sweeper.retention.sweep()
    assert (await sweeper.left(first))["threads"] == 1
    await sweeper.age(second)
    await sweeper.retention.sweep()
    assert (await sweeper.left(second))["threads"] == 0


@pytest.mark.promise("retention.ended")
async def test_an_idempotency_key_ends_with_its_run(host: RunningHost, sweeper: Sweeper) -> None:
    body, key = {"agent": "employee_assistant", "input": "hello"}, {"Idempotency_Key": "retention-key"}
    first = (await host.call("alice", "POST", "/v1/runs", body, **key)).body
    done = await host.settled("alice", first["id"], "completed")
    await sweeper.age(done)
    await sweeper.retention.sweep()
    second = (await host.call("alice", "POST", "/v1/runs", body, **key)).body
    assert second["id"] != first["id"]


@pytest.mark.promise("retention.alone")
async def test_only_one_host_deletes_at_a_time_and_in_batches(host: RunningHost, sweeper: Sweeper) -> None:
    runs = [await host.ask("alice", "employee_assistant", "hello") for _ in range(3)]
    for run in runs:
        await sweeper.age(run, 5 * DAYS)
    async with sweeper.owner() as session, session.transaction():
        await session.execute("select pg_advisory_xact_lock(hashtextextended('charter retention', 0))")
        assert await sweeper.retention.sweep() is None
    assert await crossing.forget_runs(sweeper.database, DAYS, 2) == 2
    swept = await asyncio.gather(*[sweeper.retention.sweep() for _ in range(2)])
    assert sum(s.runs for s in swept if s is not None) == 1


@pytest.mark.promise("retention.bundles")
async def test_an_old_bundle_goes_when_no_run_and_no_agent_needs_it(host: RunningHost, sweeper: Sweeper) -> None:
    run = await host.ask("alice", "employee_assistant", "hello")
    assert host.inner is not None
    present = host.inner.service.editions.current.catalog.agents["buyer"].bundle
    async with sweeper.owner() as session:
        await session.execute("update runs set bundle = 'sha256:used' where id = $1", run["id"])
        for digest, age in (("unused", 91), ("used", 91), ("young", 89)):
            await session.execute(
                "insert into bundles (digest, agent, files, created_at) "
                "values ('sha256:' || $1, 'a', '{}', now() - make_interval(days => $2))",
                digest,
                age,
            )
        await session.execute(
            "insert into bundles (digest, agent, files) values ($1, 'buyer', '{}') on conflict do nothing", present
        )
        await session.execute("update bundles set created_at = now() - interval '1 year' where digest = $1", present)
        await sweeper.retention.sweep()
        left = {row["digest"] for row in await session.fetch("select digest from bundles")}
        await session.execute("delete from bundles where digest = any($1)", ["sha256:used", "sha256:young"])
    assert {"sha256:used", "sha256:young", present} <= left
    assert "sha256:unused" not in left
