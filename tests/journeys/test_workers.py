"""``charter serve --workers``: hosts that share a port, and a supervisor that keeps them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest

from charter import settings
from charter.local import keys
from tests.journeys.parts import all_gone, lives
from tests.running import HOUSE, RunningHost, overrides, reached, started

END_SECONDS = 30


@asynccontextmanager
async def _crew(folder: Path, **chosen: Any) -> AsyncIterator[tuple[RunningHost, asyncio.subprocess.Process]]:
    process = await started(folder, workers=2, runs=settings.Runs(lease_seconds=2), **chosen)
    try:
        async with aiohttp.ClientSession() as http:
            yield await reached(folder, http), process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), END_SECONDS)


def _told(folder: Path) -> dict[str, Any]:
    return orjson.loads((folder / "host.json").read_bytes())


@asynccontextmanager
async def _each_worker(host: RunningHost) -> AsyncIterator[dict[int, RunningHost]]:
    """Give one keep-alive connection to each worker: the kernel chooses, so ask until both have answered."""
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        found: dict[int, RunningHost] = {}
        while len(found) < 2:
            http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)))
            one = replace(host, http=http)
            found.setdefault((await one.call(None, "GET", "/readyz")).body["worker"], one)
        yield found


async def _worker_of(host: RunningHost, run: str) -> int:
    """Return the process that works on the run."""
    connection = await asyncpg.connect(_told(host.folder)["database"])
    try:
        owner = await connection.fetchval("select lease_owner from runs where id = $1", run)
    finally:
        await connection.close()
    return int(owner.split(":")[1])


async def _answer(host: RunningHost, run: str) -> str:
    async with asyncio.timeout(60):
        async for event, data, _ in host.events("alice", run):
            if event == "done":
                return data["output"]["text"]
    raise AssertionError("the stream ended before the run")


async def test_the_supervisor_stays_light() -> None:
    heavy = "{'semantic_kernel', 'dbos', 'openai', 'numpy', 'xllamacpp'} & set(sys.modules)"
    code = f"import sys, charter.cli.main, charter.local.supervisor; print({heavy})"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=HOUSE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert said.decode().strip() == "set()"


@pytest.mark.promise("workers.port", "workers.replaced", "workers.end")
@pytest.mark.timeout(300)
async def test_workers_share_a_port_replace_each_other_and_end_together(tmp_path: Path) -> None:
    async with _crew(tmp_path) as (host, process):
        told = _told(tmp_path)
        assert told["pid"] == process.pid
        assert len(set(told["workers"])) == 2
        assert _seen_by_others(told["workers"], keys.client_secret(tmp_path / "keys")) == []
        async with _each_worker(host) as worker:
            run = await worker[1].call(
                "alice", "POST", "/v1/runs", {"agent": "employee_assistant", "input": "slow the first time"}
            )
            answers = await asyncio.gather(*(_answer(each, run.body["id"]) for each in worker.values()))
            assert answers == ["Here I am again."] * 2
        await _one_dies(host, tmp_path)
        workers = _told(tmp_path)["workers"]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), END_SECONDS) == 0
        await all_gone(workers, tmp_path, END_SECONDS)


def _seen_by_others(workers: list[int], secret: str) -> list[str]:
    """Return where a worker's secret, or any setting, could be read by whoever looks at the machine's processes."""
    places = [f"/proc/{pid}/{what}" for pid in workers for what in ("cmdline", "environ")]
    return [place for place in places if any(word in Path(place).read_text() for word in (secret, "CHARTER_"))]


async def _one_dies(host: RunningHost, folder: Path) -> None:
    """Kill the worker that has a run: another one finishes it, and a new one takes the place."""
    before = _told(folder)["workers"]
    body = {"agent": "employee_assistant", "input": "think for a while"}
    run = (await host.call("alice", "POST", "/v1/runs", body)).body["id"]
    victim = await _worker_of(host, run)
    assert victim in before
    os.kill(victim, signal.SIGKILL)
    survivor = (set(before) - {victim}).pop()
    async with asyncio.timeout(2 * END_SECONDS):
        while len(workers := _told(folder)["workers"]) < 2 or victim in workers:
            await asyncio.sleep(0.05)
    assert survivor in workers
    async with aiohttp.ClientSession() as http:  # what was connected to the dead one is gone
        assert await _answer(replace(host, http=http), run) == "That took a while."
    async with _each_worker(host) as both:
        assert sorted(both) == [1, 2]


@pytest.mark.promise("workers.end")
@pytest.mark.timeout(300)
async def test_a_killed_supervisor_leaves_no_process_behind(tmp_path: Path) -> None:
    async with _crew(tmp_path) as (host, process):
        workers = _told(tmp_path)["workers"]
        assert all(lives(pid) for pid in workers)
        await host.ask("alice", "employee_assistant", "hello")
        process.kill()
        await process.wait()
        await all_gone(workers, tmp_path, END_SECONDS)


@pytest.mark.promise("workers.refusal")
@pytest.mark.parametrize(
    ("arguments", "chosen", "words"),
    [
        (("--workers", "0"), {}, "0 is not in the range"),
        (("--workers", "many"), {}, "'many' is not a valid integer"),
        (("--workers", "30"), {}, "CHARTER_DATABASE_URL"),
        ((), {"workers": 2, "models": {"standard": settings.Deployment(kind="openai", model="m")}}, "api_key"),
    ],
)
async def test_workers_that_cannot_start_are_one_clear_sentence(
    tmp_path: Path, arguments: tuple[str, ...], chosen: dict[str, Any], words: str
) -> None:
    file = tmp_path / "settings.yaml"
    tree = settings.Settings(**overrides(tmp_path, **chosen)).model_dump(mode="json", exclude_unset=True)
    file.write_bytes(orjson.dumps(tree))  # JSON is YAML
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "serve", *arguments, cwd=HOUSE, stderr=asyncio.subprocess.PIPE,
        env={**settings.process_environment(), "CHARTER_SETTINGS": str(file)},
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 2, said.decode()
    assert words in said.decode()
    assert "Traceback" not in said.decode()
    assert said.decode().count("charter: ") <= 1
    await all_gone((), tmp_path, END_SECONDS)
