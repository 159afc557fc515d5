"""A suspended tenant stands still in every process within seconds, and goes on where it was, nothing lost or doubled."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from charter import settings
from charter.store import crossing
from charter.store.database import Database
from tests.journeys.parts import shared_parts
from tests.running import WAIT_SECONDS, RunningHost, running_host
from tests.tenancy.adatum import IN_ALL_PROCESSES, Adatum, created, until

RUNS = settings.Runs(lease_seconds=4)
SLOW = {"agent": "employee_assistant", "input": "think for a while"}


@dataclass(slots=True)
class Two:
    """Two hosts of one database, and the database itself, seen by its owner."""

    first: RunningHost
    second: RunningHost
    database: Any
    store: Database

    async def run(self, run_id: str) -> Any:
        return await self.database.fetchrow("select status, epoch, lease_until from runs where id = $1", run_id)

    def is_(self, run_id: str, status: str) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return (await self.run(run_id))["status"] == status

        return holds

    def refused(self, host: RunningHost, person: str) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            answer = await host.call(person, "GET", "/v1/agents")
            return (answer.status, (answer.body or {}).get("code")) == (403, "tenant_suspended")

        return holds

    def served(self, host: RunningHost, person: str) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return (await host.call(person, "GET", "/v1/agents")).status == 200

        return holds


@pytest.fixture(scope="module")
async def two(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    folder = tmp_path_factory.mktemp("two")
    async with shared_parts(folder / "parts") as joined, AsyncExitStack() as stack:
        first, second = await asyncio.gather(
            *(stack.enter_async_context(running_host(folder / name, runs=RUNS, **joined)) for name in ("a", "b"))
        )
        database, store = await asyncpg.connect(joined["database"].url), Database(joined["database"].url, size=2)
        await store.open()
        yield Two(first, second, database, store)
        await store.close()
        await database.close()


@asynccontextmanager
async def suspended(two: Two, adatum: Adatum) -> AsyncIterator[None]:
    """Suspend through the first host until the second one refuses, too; resume through the second one afterwards."""
    assert (await adatum.suspend()).status == 200
    await asyncio.gather(*(until(two.refused(host, adatum.ada), IN_ALL_PROCESSES) for host in (two.first, two.second)))
    yield
    answer = await two.second.call("carol", "POST", f"/v1/admin/tenants/{adatum.id}/resume")
    assert (answer.status, answer.body["suspended"]) == (200, False)
    await asyncio.gather(*(until(two.served(host, adatum.ada)) for host in (two.first, two.second)))


async def third(two: Two) -> Adatum:
    adatum = await created(two.first)
    await two.second.people.read()
    await until(two.served(two.second, adatum.ada))
    for person in (adatum.ada, adatum.max, adatum.olga):
        await two.first.token(person)
        await two.second.token(person)
    return adatum


@pytest.mark.promise("tenants.suspended")
async def test_nobody_of_a_suspended_tenant_comes_in_through_any_process(two: Two) -> None:
    adatum = await third(two)
    async with suspended(two, adatum):
        for host in (two.first, two.second):
            for method, path, body in (
                ("GET", "/v1/runs", None),
                ("POST", "/v1/runs", SLOW),
                ("GET", "/v1/models", None),
                ("GET", f"/v1/admin/tenants/{adatum.id}", None),
            ):
                assert (await host.call(adatum.olga, method, path, body)).status == 403
            assert (await host.call("alice", "GET", "/v1/agents")).status == 200


@pytest.mark.promise("tenants.stands-still")
async def test_what_runs_is_let_go_waits_untouched_and_goes_on_by_itself(two: Two) -> None:
    adatum = await third(two)
    started = await two.second.call(adatum.ada, "POST", "/v1/runs", SLOW)
    run_id = started.body["id"]
    assert started.body["status"] == "running"
    following = asyncio.create_task(_followed(two.second, adatum.ada, run_id))
    async with suspended(two, adatum):
        async with asyncio.timeout(WAIT_SECONDS):
            heard = await following
        await until(two.is_(run_id, "queued"))
        left = await two.run(run_id)
        assert run_id not in {orphan.run_id for orphan in await crossing.orphans(two.store)}
        # Another tenant's run, begun and ended meanwhile: the hosts have looked for what nobody keeps.
        for host in (two.first, two.second) * 2:
            assert (await host.ask("alice", **_quick()))["status"] == "completed"
        assert dict(await two.run(run_id)) == dict(left)
    done = await two.first.settled(adatum.ada, run_id, "completed")
    assert "done" not in heard
    assert done["output"]["text"] == "That took a while."
    assert (await two.run(run_id))["epoch"] == left["epoch"] + 1


@pytest.mark.promise("tenants.stands-still")
async def test_what_waits_for_a_place_is_not_taken_up_when_one_falls_free(two: Two) -> None:
    adatum = await third(two)
    assert (await adatum.change(settings={"concurrent": 1})).status == 200
    slow = (await two.first.call(adatum.ada, "POST", "/v1/runs", SLOW)).body["id"]
    behind = (await two.first.call(adatum.max, "POST", "/v1/runs", SLOW)).body["id"]
    assert [(await two.run(run_id))["status"] for run_id in (slow, behind)] == ["running", "queued"]
    async with suspended(two, adatum):
        await until(two.is_(slow, "queued"))
        assert dict(await two.run(behind)) | {"lease_until": None} == {
            "status": "queued",
            "epoch": 0,
            "lease_until": None,
        }
    for person, run_id in ((adatum.ada, slow), (adatum.max, behind)):
        done = await two.first.settled(person, run_id, "completed")
        assert done["output"]["text"] == "That took a while."
    assert [(await two.run(run_id))["epoch"] for run_id in (slow, behind)] == [2, 1]


async def _followed(host: RunningHost, person: str, run_id: str) -> list[str]:
    return [event async for event, _, _ in host.events(person, run_id)]


def _quick() -> dict[str, Any]:
    return {"agent": "employee_assistant", "text": "How many days of annual leave do I have left?"}


@pytest.mark.promise("tenants.stands-still")
async def test_a_waiting_run_is_decided_after_the_suspension_and_done_once(two: Two) -> None:
    adatum, item = await third(two), f"gong {secrets.token_hex(3)}"
    run = await two.first.ask(adatum.ada, "buyer", f"Order a {item} for 1,300 EUR")
    approval = await two.first.pending(adatum.max, run["id"])
    async with suspended(two, adatum):
        refused = await two.second.decide(adatum.max, approval, "approve")
        assert (refused.status, refused.body["code"]) == (403, "tenant_suspended")
        assert (await two.run(run["id"]))["status"] == "waiting"
    await _decided(two, adatum, approval)
    done = await two.first.settled(adatum.ada, run["id"], "completed")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]
    assert await _placed(two, item) == [adatum.ada]


@pytest.mark.promise("tenants.stands-still")
async def test_a_decision_just_before_the_suspension_is_not_lost(two: Two) -> None:
    adatum, item = await third(two), f"gong {secrets.token_hex(3)}"
    run = await two.first.ask(adatum.ada, "buyer", f"Order a {item} for 1,300 EUR")
    approval = await two.first.pending(adatum.max, run["id"])
    decided, _ = await asyncio.gather(two.second.decide(adatum.max, approval, "approve"), adatum.suspend())
    await until(two.refused(two.second, adatum.ada))
    assert decided.status in {200, 403}
    assert (await adatum.resume()).status == 200
    await asyncio.gather(*(until(two.served(host, adatum.ada)) for host in (two.first, two.second)))
    if decided.status == 403:
        await _decided(two, adatum, approval)
    done = await two.first.settled(adatum.ada, run["id"], "completed")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]
    assert await _placed(two, item) == [adatum.ada]


@pytest.mark.promise("tenants.stands-still")
async def test_an_effect_under_way_is_not_cut_and_not_repeated(two: Two) -> None:
    adatum, item = await third(two), f"gong {secrets.token_hex(3)}"
    slow = {"method": "POST", "path": "/orders", "delay_seconds": 8, "times": 1}
    await two.first.sandbox("procurement", "/_sandbox/faults", "POST", slow)
    body = {"agent": "buyer", "input": f"Order a {item} for 40 EUR"}
    run_id = (await two.second.call(adatum.ada, "POST", "/v1/runs", body)).body["id"]

    async def sent() -> bool:
        return bool(await two.database.fetchval("select true from effects where run_id = $1", run_id))

    await until(sent)
    async with suspended(two, adatum):
        await until(two.is_(run_id, "queued"))
        outcome = await two.database.fetchval("select outcome from effects where run_id = $1", run_id)
        assert outcome == "done"
    await two.second.settled(adatum.ada, run_id, "completed")
    assert await _placed(two, item) == [adatum.ada]


async def _decided(two: Two, adatum: Adatum, approval: dict[str, Any]) -> None:
    async def taken() -> bool:
        return (await two.second.decide(adatum.max, approval, "approve")).status == 200

    await until(taken)


async def _placed(two: Two, item: str) -> list[str]:
    orders = (await two.first.sandbox("procurement", "/_sandbox/orders"))["orders"]
    return [order["placed_by"] for order in orders if order["item"] == item]


@pytest.mark.promise("tenants.suspended")
async def test_people_are_told_that_it_is_suspended_and_not_why(host: RunningHost) -> None:
    adatum = await created(host)
    await adatum.suspend("Unpaid.")
    answer = await host.call(adatum.ada, "GET", "/v1/agents")
    assert (answer.status, answer.body["title"]) == (403, "Your organisation's use of this host is suspended.")
    assert "Unpaid" not in str(answer.body)
