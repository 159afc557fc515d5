"""Schedules: at their time, once, with the authority of a workload or of the host. No test waits for a clock."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from charter.catalog.spec import AgentSpec, ScheduleTrigger
from charter.identity.issuers import Fixed
from charter.identity.room import join
from charter.runs.run import Run
from charter.runs.schedules import Schedules
from tests.running import WAIT_SECONDS, RunningHost

NUMBERS = itertools.count(100)
MORNING = datetime(2026, 11, 23, 7, tzinfo=UTC)  # a Monday
BEFORE = MORNING - timedelta(minutes=5)
DAY = timedelta(days=1)
LIST = "List orders waiting for delivery."


def trigger(input_: str = LIST, as_: str = "host", *, n: int | None = None, **more: Any) -> ScheduleTrigger:
    """Return a weekday's morning schedule of contoso, in a place of its own."""
    more = {"expression": "0 7 * * 1-5", "tenants": ("contoso",), **more}
    return ScheduleTrigger(n=next(NUMBERS) if n is None else n, as_=as_, input=input_, **more)


class House:
    """One host's schedules; what its agents say can be changed as a new edition would."""

    def __init__(self, host: RunningHost, *triggers: ScheduleTrigger, agent: str = "buyer", **more: Any) -> None:
        assert host.inner is not None
        self.service, settings = host.inner.service, host.inner.settings
        self.agent = self.service.editions.current.catalog.agents[agent]
        self.triggers: tuple[ScheduleTrigger, ...] = triggers
        key = settings.session_key.get_secret_value().encode()
        tenants = settings.identity.tenants
        room = join(settings.identity, Fixed(tenants), self.service.database, host.http, key)
        self.schedules = Schedules(
            self.service.database, self.agents, self.service, room.unattended, tenants.values, **more
        )

    def agents(self) -> Iterable[AgentSpec]:
        return [replace(self.agent, triggers=self.triggers)]

    async def tick(self, now: datetime) -> list[Run]:
        return await self.schedules.tick(now)

    async def audited(self, action: str) -> list[dict[str, Any]]:
        """Return the audit records of this house's agent at this house's times."""
        async with self.service.database.tenant_session("contoso") as session:
            rows = await session.fetch("select actor, run_id, detail from audit where action = $1 order by seq", action)
        names = {t.expression for t in self.triggers}
        return [dict(row) for row in rows if row["detail"]["schedule"] in names]


@asynccontextmanager
async def changed(host: RunningHost, name: str, **change: Any) -> AsyncIterator[None]:
    """Change an account of the directory for a while."""
    url = f"{host.entra}/_twin/people/{name}"
    async with host.http.get(f"{host.entra}/_twin/people") as response:
        [before] = [p for p in (await response.json())["people"] if p["id"] == name]
    try:
        async with host.http.patch(url, json=change) as response:
            assert response.status == 200
        yield
    finally:
        async with host.http.patch(url, json={key: before[key] for key in change}) as response:
            assert response.status == 200


@pytest.mark.promise("schedules.once")
async def test_a_schedule_begins_one_run_at_its_time_as_the_host(host: RunningHost) -> None:
    house = House(host, trigger())
    assert await house.tick(BEFORE) == []
    [run] = await house.tick(MORNING + timedelta(seconds=1))
    assert await house.tick(MORNING + timedelta(seconds=2)) == []
    done = await host.settled("carol", run.id, "completed")

    assert done["principal"] == {"id": "charter-host", "type": "workload"}
    assert "orders wait for delivery" in done["output"]["text"]
    assert done["metadata"] == {"schedule": "0 7 * * 1-5", "scheduled_for": "2026-11-23T07:00:00.000Z"}
    [step] = [s for s in await host.timeline("carol", run.id) if s["type"] == "function"]
    assert (step["status"], step["decision"]["policies"]) == ("done", ["order-watch"])
    assert [r["actor"] for r in await house.audited("schedule.fired") if r["run_id"] == run.id] == ["workload:host"]


@pytest.mark.promise("schedules.once")
async def test_two_processes_that_tick_at_once_begin_one_run(host: RunningHost) -> None:
    own = trigger()
    one, two = House(host, own), House(host, own)
    await one.tick(BEFORE)
    begun = await asyncio.gather(*[house.tick(MORNING) for house in (one, two, one, two)])
    assert len([run for runs in begun for run in runs]) == 1
    fired = [r for r in await one.audited("schedule.fired") if r["run_id"] == next(filter(None, begun))[0].id]
    assert len(fired) == 1


@pytest.mark.promise("schedules.once")
async def test_a_process_that_died_after_beginning_the_run_is_followed_by_none(host: RunningHost) -> None:
    house = House(host, trigger())
    await house.tick(BEFORE)
    [run] = await house.tick(MORNING)
    async with house.service.database.tenant_session("contoso") as session:
        name = f"{house.triggers[0].n} 0 7 * * 1-5 UTC"
        await session.execute("update schedules set fired_at = $1 where trigger = $2", BEFORE, name)
    assert await House(host, *house.triggers).tick(MORNING + timedelta(seconds=40)) == []
    assert (await host.run("carol", run.id))["id"] == run.id


@pytest.mark.promise("schedules.once")
async def test_another_edition_that_says_it_in_other_words_begins_no_second_run(host: RunningHost) -> None:
    house = House(host, trigger())
    other = House(host, replace(house.triggers[0], input="List the orders waiting, please."))
    await house.tick(BEFORE)
    begun = await asyncio.gather(house.tick(MORNING), other.tick(MORNING))
    assert len([run for runs in begun for run in runs]) == 1


@pytest.mark.promise("schedules.missed")
async def test_of_times_that_passed_while_no_host_ran_the_latest_is_made_up_for(host: RunningHost) -> None:
    house = House(host, trigger())
    await house.tick(BEFORE)
    later = House(host, *house.triggers)
    [run] = await later.tick(MORNING + 3 * DAY + timedelta(hours=5))
    assert run.metadata["scheduled_for"] == "2026-11-26T07:00:00.000Z"
    assert await later.tick(MORNING + 3 * DAY + timedelta(hours=6)) == []


@pytest.mark.promise("schedules.missed")
async def test_a_schedule_seen_for_the_first_time_begins_with_its_next_time(host: RunningHost) -> None:
    house = House(host, trigger())
    assert await house.tick(MORNING + timedelta(hours=1)) == []
    assert await house.tick(MORNING + timedelta(hours=23)) == []
    assert len(await house.tick(MORNING + DAY)) == 1


@pytest.mark.promise("schedules.edited")
async def test_an_edited_schedule_holds_at_once_and_never_for_the_past(host: RunningHost) -> None:
    house = House(host, old := trigger())
    await house.tick(BEFORE)
    house.triggers = (replace(old, expression="0 6 * * 1-5"),)
    assert await house.tick(MORNING) == []
    house.triggers = (replace(old, expression="30 7 * * 1-5"),)
    assert await house.tick(MORNING + timedelta(minutes=20)) == []
    [run] = await house.tick(MORNING + timedelta(minutes=30))
    assert run.metadata["scheduled_for"] == "2026-11-23T07:30:00.000Z"
    # Back to the first, which was away at its time.
    house.triggers = (old,)
    assert await house.tick(MORNING + timedelta(minutes=40)) == []
    assert len(await house.tick(MORNING + DAY)) == 1


@pytest.mark.promise("schedules.tenants")
async def test_a_schedule_runs_in_each_tenant_that_has_the_identity(host: RunningHost) -> None:
    everywhere = House(host, trigger(tenants=()), trigger(as_="workload:erp", tenants=()))
    await everywhere.tick(BEFORE)
    runs = await everywhere.tick(MORNING)
    found = sorted((run.tenant, run.principal["id"]) for run in runs)
    assert found == [("contoso", "charter-host"), ("contoso", "erp"), ("fabrikam", "charter-host")]


@pytest.mark.promise("schedules.authority")
async def test_what_needs_a_managers_consent_is_asked_of_whom_the_trigger_names(host: RunningHost) -> None:
    wanted = trigger("Order a hammock for 1,300 EUR", "workload:erp", approver="role:buyer")
    house = House(host, wanted)
    async with changed(host, "erp", roles=["workload", "employee"]):
        await house.tick(BEFORE)
        [run] = await house.tick(MORNING)
        await host.settled("carol", run.id, "waiting")
        approval = await host.pending("bob", run.id)
        assert approval["approvers"] == ["role:buyer"]
        assert (await host.decide("alice", approval, "approve")).status == 403
        assert (await host.decide("bob", approval, "approve")).status == 200
        done = await host.settled("carol", run.id, "completed")
    ledger = await host.sandbox("procurement", "/_sandbox/orders")

    assert [e["outcome"] for e in done["effects"]] == ["done"]
    assert [o["placed_by"] for o in ledger["orders"] if o["item"] == "hammock"] == ["charter-host"]


@pytest.mark.promise("schedules.authority")
async def test_without_an_approver_what_needs_a_manager_is_not_done(host: RunningHost) -> None:
    house = House(host, trigger("Order a fountain for 1,300 EUR", "workload:erp"))
    async with changed(host, "erp", roles=["workload", "employee"]):
        await house.tick(BEFORE)
        [run] = await house.tick(MORNING)
        done = await host.settled("carol", run.id, "completed")
    assert "a workload has none" in done["output"]["text"]
    assert done["effects"] == []


@pytest.mark.promise("schedules.authority")
async def test_a_role_that_a_workload_lost_while_it_waited_does_not_act(host: RunningHost) -> None:
    house = House(host, trigger("Order a drone for 1,300 EUR", "workload:erp", approver="role:buyer"))
    async with changed(host, "erp", roles=["workload", "employee"]):
        await house.tick(BEFORE)
        [run] = await house.tick(MORNING)
        await host.settled("carol", run.id, "waiting")
        approval = await host.pending("bob", run.id)
    await host.decide("bob", approval, "approve")
    done = await host.settled("carol", run.id, "completed")
    ledger = await host.sandbox("procurement", "/_sandbox/orders")

    assert "Not permitted" in done["output"]["text"]
    assert [o for o in ledger["orders"] if o["item"] == "drone"] == []


@pytest.mark.promise("schedules.authority")
async def test_a_disabled_workload_has_no_run_and_the_next_time_is_tried_again(host: RunningHost) -> None:
    house = House(host, trigger(as_="workload:erp", expression="1 7 * * 1-5"))
    await house.tick(BEFORE)
    async with changed(host, "erp", disabled=True):
        assert await house.tick(MORNING + timedelta(minutes=1)) == []
        assert await House(host, *house.triggers).tick(MORNING + timedelta(minutes=2)) == []
    assert await house.tick(MORNING + timedelta(minutes=3)) == []
    [skipped] = await house.audited("schedule.skipped")
    assert (skipped["actor"], skipped["run_id"]) == ("workload:erp", None)
    assert "disabled" in skipped["detail"]["reason"]
    assert len(await house.tick(MORNING + DAY + timedelta(minutes=1))) == 1


@pytest.mark.promise("schedules.authority")
async def test_a_workload_that_is_not_there_has_no_run_and_the_named_tenant_is_told(host: RunningHost) -> None:
    house = House(host, trigger(as_="workload:crm", expression="2 7 * * 1-5"))
    await house.tick(BEFORE)
    assert await house.tick(MORNING + timedelta(minutes=2)) == []
    [skipped] = await house.audited("schedule.skipped")
    assert skipped["detail"]["reason"] == "The tenant has no workload:crm."


@pytest.mark.promise("schedules.authority")
async def test_an_agent_of_which_the_principal_may_use_nothing_is_not_begun(host: RunningHost) -> None:
    house = House(host, trigger("hello", expression="3 7 * * 1-5"), agent="employee_assistant")
    await house.tick(BEFORE)
    assert await house.tick(MORNING + timedelta(minutes=3)) == []
    [skipped] = await house.audited("schedule.skipped")
    assert "No policy lets charter-host use any function" in skipped["detail"]["reason"]


@pytest.mark.promise("schedules.late")
async def test_while_the_directory_fails_a_schedule_stays_due(host: RunningHost) -> None:
    house = House(host, trigger(as_="workload:erp"))
    await house.tick(BEFORE)
    faults = f"{host.entra}/_twin/faults"
    async with host.http.put(faults, json={"graph": "fail"}) as response:
        assert response.status == 200
    try:
        assert await house.tick(MORNING) == []
    finally:
        async with host.http.put(faults, json={}) as response:
            assert response.status == 200
    [run] = await house.tick(MORNING + timedelta(seconds=30))
    assert run.metadata["scheduled_for"] == "2026-11-23T07:00:00.000Z"
    assert await house.tick(MORNING + timedelta(seconds=60)) == []


@pytest.mark.promise("schedules.late")
async def test_a_schedule_that_cannot_be_begun_does_not_hold_up_another(host: RunningHost) -> None:
    house = House(host, replace(trigger(), as_="user:alice"), trigger())
    await house.tick(BEFORE)
    [run] = await house.tick(MORNING)
    assert run.principal["id"] == "charter-host"


@pytest.mark.promise("schedules.once")
async def test_the_keeper_wakes_at_the_time_and_begins_the_run(host: RunningHost) -> None:
    asked: list[float] = []

    def clock() -> datetime:
        # A second before the time at the first look, whenever that comes.
        asked.append(time.monotonic())
        return MORNING - timedelta(seconds=1) + timedelta(seconds=asked[-1] - asked[0])

    house = House(host, trigger(expression="0 7 23 11 *"), clock=clock)
    assert house.schedules.rest(MORNING - timedelta(seconds=8)) == 8
    assert house.schedules.rest(MORNING) == 30
    house.schedules.open()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not (fired := await house.audited("schedule.fired")):
                await asyncio.sleep(0.1)
    finally:
        await house.schedules.close()
    assert clock() >= MORNING
    assert fired[0]["detail"]["at"] == "2026-11-23T07:00:00.000Z"


async def test_nobody_outside_names_an_approver_or_another_principal(host: RunningHost) -> None:
    for odd in ({"approver": "role:employee"}, {"as": "host"}, {"channel": "schedule"}):
        body = {"agent": "buyer", "input": LIST, **odd}
        assert (await host.call("erp", "POST", "/v1/runs", body)).status == 422
