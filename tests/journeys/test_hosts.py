"""Several hosts on one database, each started on its own: what one begins, any other goes on with."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from charter import settings
from tests.journeys.parts import shared_parts
from tests.running import RunningHost, reached, running_host, started

RUNS = settings.Runs(lease_seconds=2)


@asynccontextmanager
async def _two(folder: Path) -> AsyncIterator[tuple[RunningHost, RunningHost, dict[str, Any]]]:
    async with shared_parts(folder / "parts") as joined, AsyncExitStack() as stack:
        first, second = await asyncio.gather(
            *(stack.enter_async_context(running_host(folder / name, runs=RUNS, **joined)) for name in ("a", "b"))
        )
        yield first, second, joined


@pytest.mark.promise("hosts.joined", "hosts.idempotency")
@pytest.mark.timeout(300)
async def test_what_one_host_begins_another_shows_decides_and_finishes(tmp_path: Path) -> None:
    async with _two(tmp_path) as (first, second, _):
        assert first.address != second.address
        run = await first.ask("alice", "buyer", "Order a globe for 1,300 EUR")
        assert run["status"] == "waiting"
        heard = [event async for event, _, _ in _until_asked(second, run["id"])]
        assert {"run.status", "step", "approval"} <= set(heard)
        approval = await second.pending("bob", run["id"])
        assert (await second.decide("bob", approval, "approve")).status == 200
        assert (await second.settled("alice", run["id"], "completed"))["output"]["text"].startswith("Order PO-")
        assert (await first.run("alice", run["id"]))["status"] == "completed"
        ledger = await first.sandbox("procurement", "/_sandbox/orders")
        assert [o["placed_by"] for o in ledger["orders"] if o["item"] == "globe"] == ["alice"]
        await _one_key(first, second)


async def _until_asked(host: RunningHost, run: str) -> AsyncIterator[tuple[str, Any, int | None]]:
    async for event in host.events("alice", run):
        yield event
        if event[0] == "approval":
            return


async def _one_key(first: RunningHost, second: RunningHost) -> None:
    """The same key at both doors, many times at once: one run, and its order is placed once."""
    body = {"agent": "buyer", "input": "Order a kettle for 40 EUR"}
    answers = await asyncio.gather(
        *(host.call("alice", "POST", "/v1/runs", body, Idempotency_Key="kettle") for host in (first, second) * 5)
    )
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["id"] for answer in answers}) == 1
    await first.settled("alice", answers[0].body["id"], "completed")
    ledger = await first.sandbox("procurement", "/_sandbox/orders")
    assert [o["item"] for o in ledger["orders"]].count("kettle") == 1


@pytest.mark.promise("hosts.killed")
@pytest.mark.timeout(300)
async def test_a_run_whose_host_is_killed_while_it_thinks_is_finished_by_another(tmp_path: Path) -> None:
    async with (
        shared_parts(tmp_path / "parts") as joined,
        running_host(tmp_path / "b", runs=RUNS, **joined) as second,
        aiohttp.ClientSession() as http,
    ):
        process = await started(tmp_path / "a", runs=RUNS, **joined)
        try:
            first = await reached(tmp_path / "a", http)
            body = {"agent": "employee_assistant", "input": "slow the first time"}
            run = (await first.call("alice", "POST", "/v1/runs", body)).body
            assert run["status"] == "running"
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert (await second.settled("alice", run["id"], "completed"))["output"]["text"] == "Here I am again."
