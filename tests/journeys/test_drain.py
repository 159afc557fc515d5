"""How a host goes: its doors shut first, what runs finishes or is left to others, and nothing is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from charter import settings
from tests.running import WAIT_SECONDS, RunningHost, reached, running_host, started

AT_ONCE_SECONDS = 10
"""Far below what the drain would wait for; a quiet machine takes one."""


@asynccontextmanager
async def _host(folder: Path, **chosen: Any) -> AsyncIterator[tuple[RunningHost, asyncio.subprocess.Process]]:
    process = await started(folder, **chosen)
    try:
        async with aiohttp.ClientSession() as http:
            yield await reached(folder, http), process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _begun(host: RunningHost, text: str) -> str:
    """Start a run, wait until its model thinks, and return its id."""
    answer = await host.call("alice", "POST", "/v1/runs", {"agent": "employee_assistant", "input": text})
    assert answer.status == 202, answer.body
    assert answer.body["status"] == "running"
    return answer.body["id"]


async def _told(host: RunningHost, run: str) -> str:
    """Follow the run to its end and return what it answered."""
    async for event, data, _ in host.events("alice", run):
        if event == "done":
            return data["output"]["text"]
    raise AssertionError("the stream ended before the run")


async def _draining(host: RunningHost) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while (ready := await host.call(None, "GET", "/readyz")).status == 200:
            await asyncio.sleep(0.02)
    assert (ready.status, ready.body["status"]) == (503, "draining")


@pytest.mark.promise("drain.doors")
async def test_a_host_that_goes_takes_nothing_new_and_finishes_what_runs(tmp_path: Path) -> None:
    async with _host(tmp_path) as (host, process):
        await host.token("alice")
        run = await _begun(host, "think for a while")
        following = asyncio.create_task(_told(host, run))
        process.send_signal(signal.SIGTERM)
        await _draining(host)
        body = {"agent": "employee_assistant", "input": "hello"}
        refused = await host.call("alice", "POST", "/v1/runs", body)
        assert (refused.status, refused.body["code"], refused.body["retryable"]) == (503, "draining", True)
        assert int(refused.headers["Retry-After"]) > 0
        spoken = await host.call("alice", "POST", "/v1/responses", {"model": "employee_assistant", "input": "hello"})
        assert (spoken.status, spoken.body["error"]["code"]) == (503, "draining")
        assert spoken.headers["x-should-retry"] == "true"
        assert await asyncio.wait_for(following, WAIT_SECONDS) == "That took a while."
        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) == 0


@pytest.mark.promise("drain.handover")
async def test_what_cannot_finish_in_time_is_left_to_the_next_host(tmp_path: Path) -> None:
    short = settings.Runs(drain_seconds=0.5)
    async with _host(tmp_path, runs=short) as (host, process):
        await host.token("alice")
        run = await _begun(host, "think for a while")
        waiting = asyncio.create_task(
            host.call("alice", "POST", "/v1/runs", {"agent": "employee_assistant", "input": "think for a while"}, Prefer="wait=30")
        )  # fmt: skip
        async with asyncio.timeout(WAIT_SECONDS):
            while len((await host.call("alice", "GET", "/v1/runs?status=running")).body["items"]) < 2:
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        # Who waits is answered: the run goes on elsewhere, and can be asked for there.
        answer = await asyncio.wait_for(waiting, WAIT_SECONDS)
        assert (answer.status, answer.body["status"]) == (202, "queued")
        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) == 0
    async with running_host(tmp_path, runs=short) as host:
        for each in (run, answer.body["id"]):
            assert (await host.settled("alice", each, "completed"))["output"]["text"] == "That took a while."


@pytest.mark.promise("drain.streams")
async def test_a_stop_does_not_wait_for_those_who_follow_a_run_that_waits(tmp_path: Path) -> None:
    async with _host(tmp_path) as (host, process):
        run = await host.ask("alice", "buyer", "Order a lamp for 1,200 EUR")
        assert run["status"] == "waiting"
        heard: list[str] = []

        async def follow() -> None:
            async for event, _, _ in host.events("alice", run["id"]):
                heard.append(event)
                if event == "approval":
                    process.send_signal(signal.SIGTERM)

        begun = time.monotonic()
        await asyncio.wait_for(follow(), AT_ONCE_SECONDS)
        assert "done" not in heard, "the run has not ended; its follower must come back"
        assert await asyncio.wait_for(process.wait(), AT_ONCE_SECONDS) == 0
        assert time.monotonic() - begun < AT_ONCE_SECONDS


@pytest.mark.promise("drain.again")
async def test_a_second_signal_stops_at_once_and_loses_nothing(tmp_path: Path) -> None:
    async with _host(tmp_path) as (host, process):
        run = await _begun(host, "think for long")
        process.send_signal(signal.SIGINT)
        await _draining(host)
        begun = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), AT_ONCE_SECONDS) == 0
        assert time.monotonic() - begun < AT_ONCE_SECONDS
    async with running_host(tmp_path) as host:
        assert (await host.settled("alice", run, "completed"))["output"]["text"] == "That was long."
