"""A run outlives its host: what was said before a kill is there after it, and a waiting run goes on elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from charter import settings
from tests.running import reached, running_host, started


@pytest.mark.promise("runs.parked")
async def test_a_run_that_waits_goes_on_after_the_host_was_restarted(tmp_path: Path) -> None:
    async with running_host(tmp_path) as host:
        run = await host.ask("alice", "buyer", "Order a globe for 1,300 EUR")
        assert run["status"] == "waiting"
    async with running_host(tmp_path) as host:
        assert (await host.run("alice", run["id"]))["status"] == "waiting"
        approval = await host.pending("bob", run["id"])
        await host.decide("bob", approval, "approve")
        done = await host.settled("alice", run["id"], "completed")
        ledger = await host.sandbox("procurement", "/_sandbox/orders")

    assert [e["outcome"] for e in done["effects"]] == ["done"]
    assert [o["placed_by"] for o in ledger["orders"] if o["item"] == "globe"] == ["alice"]


@pytest.mark.promise("runs.adopted")
async def test_a_run_whose_host_was_killed_is_finished_by_the_next_one(tmp_path: Path) -> None:
    async with (
        _killed_while_thinking(tmp_path) as run_id,
        running_host(tmp_path, runs=settings.Runs(lease_seconds=3)) as host,
    ):
        done = await host.settled("alice", run_id, "completed")
    assert done["output"]["text"] == "Here I am again."


@pytest.mark.promise("runs.expired")
async def test_what_nobody_decides_in_time_is_not_done_and_the_run_says_so(tmp_path: Path) -> None:
    async with running_host(tmp_path, runs=settings.Runs(approval_hours=1 / 3600)) as host:
        run = await host.ask("alice", "buyer", "Order a lectern for 1,200 EUR")
        approval = (await host.call("alice", "GET", f"/v1/approvals/{run['waiting']['approval_id']}")).body
        done = await host.settled("alice", run["id"], "completed")
        late = await host.decide("bob", approval, "approve")
        told = [data["status"] async for event, data, _ in host.events("alice", run["id"]) if event == "approval"]
        ledger = await host.sandbox("procurement", "/_sandbox/orders")

    assert "Nobody decided in time" in done["output"]["text"]
    assert (late.status, late.body["code"]) == (409, "expired")
    assert told[-1] == "expired"
    assert [o for o in ledger["orders"] if o["item"] == "lectern"] == []


@asynccontextmanager
async def _killed_while_thinking(folder: Path) -> AsyncIterator[str]:
    """Start a host, start a run whose model takes its time, and kill the host meanwhile."""
    process = await started(folder, runs=settings.Runs(lease_seconds=3))
    try:
        async with aiohttp.ClientSession() as http:
            host = await reached(folder, http)
            body = {"agent": "employee_assistant", "input": "this is slow the first time"}
            run_id = (await host.call("alice", "POST", "/v1/runs", body)).body["id"]
    finally:
        process.kill()
        await process.wait()
    yield run_id


@pytest.mark.promise("runs.authority")
async def test_a_run_is_not_resumed_for_somebody_who_was_disabled_meanwhile(host, tmp_path: Path) -> None:
    run = await host.ask("alice", "buyer", "Order a carousel for 1,900 EUR")
    approval = await host.pending("bob", run["id"])
    people = f"{host.entra}/_twin/people/alice"
    async with host.http.patch(people, json={"disabled": True}) as response:
        assert response.status < 300
    try:
        await host.decide("bob", approval, "approve")
        failed = await host.settled("alice", run["id"], "failed")
    finally:
        async with host.http.patch(people, json={"disabled": False}) as response:
            assert response.status < 300
    host.tokens.pop("alice", None)
    ledger = await host.sandbox("procurement", "/_sandbox/orders")

    assert failed["error"]["code"] == "authority_lost"
    assert [o for o in ledger["orders"] if o["item"] == "carousel"] == []


@pytest.mark.promise("runs.authority")
async def test_a_role_that_was_revoked_meanwhile_does_not_act_any_more(host) -> None:
    run = await host.ask("alice", "buyer", "Order a trampoline for 1,800 EUR")
    approval = await host.pending("bob", run["id"])
    people = f"{host.entra}/_twin/people/alice"
    async with host.http.patch(people, json={"roles": []}) as response:
        assert response.status < 300
    try:
        await host.decide("bob", approval, "approve")
        ended = [data async for event, data, _ in host.events("alice", run["id"]) if event == "done"]
    finally:
        async with host.http.patch(people, json={"roles": ["employee"]}) as response:
            assert response.status < 300
    host.tokens.pop("alice", None)
    ledger = await host.sandbox("procurement", "/_sandbox/orders")

    assert [o for o in ledger["orders"] if o["item"] == "trampoline"] == []
    assert ended[0]["effects"] == []
