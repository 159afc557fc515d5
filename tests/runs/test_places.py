"""Places: how many runs of a tenant are worked on, who waits, who is turned away."""

import asyncio
from pathlib import Path

import pytest

from charter import settings
from tests.running import RunningHost, running_host

SLOW = {"agent": "employee_assistant", "input": "think for a while"}
QUICK = {"agent": "employee_assistant", "input": "hello"}


@pytest.mark.promise("runs.places")
async def test_a_tenant_whose_places_are_taken_waits_and_no_other_tenant_does(tmp_path: Path) -> None:
    limits = settings.Runs(tenant_concurrent=1, queue_limit=1)
    async with running_host(tmp_path, runs=limits) as host:
        for name in ("alice", "bob", "dora", "frank"):
            await host.token(name)
        first = await host.call("alice", "POST", "/v1/runs", SLOW)
        second = await host.call("bob", "POST", "/v1/runs", QUICK)
        third = await host.call("dora", "POST", "/v1/runs", QUICK)
        foreign = await host.ask("frank", QUICK["agent"], QUICK["input"])
        still = await host.run("alice", first.body["id"])
        done = await host.settled("bob", second.body["id"], "completed")
        events = [data["status"] async for event, data, _ in host.events("bob", done["id"]) if event == "run.status"]

    assert (first.body["status"], second.body["status"]) == ("running", "queued")
    assert (third.status, third.body["code"]) == (429, "queue_full")
    assert int(third.headers["Retry-After"]) > 0
    assert (foreign["status"], still["status"]) == ("completed", "running")
    assert events == ["queued", "running", "completed"]


@pytest.mark.promise("runs.rate")
async def test_a_tenant_that_starts_too_many_in_a_minute_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with running_host(tmp_path, runs=settings.Runs(tenant_per_minute=2)) as host:
        for _ in range(2):
            assert (await host.ask("alice", **_asked()))["status"] == "completed"
        refused = await host.call("bob", "POST", "/v1/runs", QUICK)
        foreign = await host.ask("frank", **_asked())

    assert (refused.status, refused.body["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert foreign["status"] == "completed"


def _asked() -> dict[str, str]:
    return {"agent": QUICK["agent"], "text": QUICK["input"]}


@pytest.mark.promise("runs.cancelled")
async def test_a_cancelled_run_stops_its_model_at_once_and_begins_nothing_more(host: RunningHost) -> None:
    started = await host.call("alice", "POST", "/v1/runs", SLOW)
    assert host.inner is not None
    task = host.inner.service.engine.local(started.body["id"])
    assert task is not None

    cancelled = await host.call("alice", "POST", f"/v1/runs/{started.body['id']}/cancel")
    await asyncio.wait({task}, timeout=4)

    assert cancelled.body["status"] == "cancelled"
    assert task.done(), "the model's turn, which takes six seconds, goes on"
    steps = await host.timeline("alice", started.body["id"])
    assert [step["type"] for step in steps] == ["message"]
