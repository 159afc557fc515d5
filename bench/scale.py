"""What it costs to grow: a second process, hundreds of steps in one run, hundreds of runs at once.

Processor time of the hosts' own processes is read from the kernel. The answers are ratios to the small case in the same
run, because machines differ; where other work shares the machine, they come out worse than they are.

usage: python -m bench.scale [--rounds N] [--only processes|steps|streams] [--json]
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bench.peers.history import ASKED
from bench.peers.scale_model import THINKS
from bench.processes import HOUSE, Process, charter_host, cpu_seconds, free_port, memory_bytes, peer

PROCESSES_TARGET = 1.15
STEPS = (5, 50, 199)
"""Calls of a run; the longest takes all the 200 model turns that a budget may give."""
STEPS_TARGET = 0.2
STREAMS = 200
AT_ONCE = 16
RUNS = 400
STEPS_EACH = 800
SETTINGS = {
    "CHARTER_KNOWLEDGE__AT_START": "false",
    "CHARTER_EMBEDDED_MODEL": "off",
    "CHARTER_TELEMETRY__LOG_LEVEL": "error",
    "CHARTER_RUNS__CONCURRENT": "1000",
    "CHARTER_RUNS__TENANT_CONCURRENT": "1000",
    "CHARTER_RUNS__AGENT_CONCURRENT": "1000",
}


class Hosts:
    """The processes that serve one address, and a client signed in there."""

    def __init__(self, host: Process, pids: list[int], http: aiohttp.ClientSession) -> None:
        self.pids = pids
        self.resting = 0.0
        self._host = host
        self._http = http
        self._headers = {"Authorization": f"Bearer {host.token}"}

    async def rest(self, seconds: float = 4.0) -> None:
        """See what the processes cost when nothing is asked of them: looking after leases and queues goes by the clock,
        not by the run, and a busy machine stretches the clock."""
        began, before = time.monotonic(), self._cpu_seconds()
        await asyncio.sleep(seconds)
        self.resting = (self._cpu_seconds() - before) / (time.monotonic() - began)

    async def cost_ms(self, turn: Callable[[], Awaitable[None]], count: int, at_once: int) -> float:
        """Return the processor time of one turn, beyond what the processes cost at rest."""
        began, before = time.monotonic(), self._cpu_seconds()
        await _many(turn, count, at_once)
        spent = self._cpu_seconds() - before - self.resting * (time.monotonic() - began)
        return spent / count * 1000

    def _cpu_seconds(self) -> float:
        return sum(cpu_seconds(pid) for pid in self.pids)

    def memory_bytes(self) -> int:
        return sum(memory_bytes(pid) for pid in self.pids)

    async def run(self, text: str, agent: str = "clerk") -> None:
        """Have a run done from its admission to its end."""
        headers = {**self._headers, "Prefer": "wait=60"}
        body = {"agent": agent, "input": text}
        async with self._http.post(f"{self._host.address}/v1/runs", json=body, headers=headers) as response:
            run = await response.json()
            assert response.status == 200, run
            assert run["status"] == "completed", run

    async def first_token(self, text: str) -> float:
        """Have a run done and followed; return the seconds until its first words were here."""
        began, heard = time.monotonic(), 0.0
        body = {"agent": "clerk", "input": text}
        async with self._http.post(f"{self._host.address}/v1/runs", json=body, headers=self._headers) as response:
            run = await response.json()
            assert response.status == 202, run
        url = f"{self._host.address}/v1/runs/{run['id']}/events"
        async with self._http.get(url, headers=self._headers) as response:
            async for line in response.content:
                if line == b"event: output.delta\n" and not heard:
                    heard = time.monotonic() - began
        # A follower that was too late for live text had the first words with the answer.
        return heard or time.monotonic() - began


@asynccontextmanager
async def hosts(folder: Path, model: str, *, workers: int = 1) -> AsyncIterator[Hosts]:
    agents = _agents(folder / "agents")
    host = await charter_host(
        folder / "data", model, CHARTER_WORKERS=str(workers), CHARTER_AGENTS_DIRS=str(agents), **SETTINGS
    )
    try:
        connector = aiohttp.TCPConnector(limit=2 * STREAMS)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(120)) as http:
            yield Hosts(host, await _pids(host, folder / "data", workers), http)
    finally:
        await host.stop()


def _agents(folder: Path) -> Path:
    """Write the bench's agent with turns enough for the longest run."""
    clerk = folder / "clerk"
    clerk.mkdir(parents=True)
    for file in (HOUSE / "bench" / "folders" / "agents" / "clerk").iterdir():
        text = file.read_text().replace("model_turns: 20", f"model_turns: {STEPS[-1] + 1}")
        (clerk / file.name).write_text(text)
    return folder


async def _pids(host: Process, folder: Path, workers: int) -> list[int]:
    if workers == 1:
        return [host.pid]
    async with asyncio.timeout(60):
        while len(pids := json.loads((folder / "host.json").read_text()).get("workers", [])) < workers:
            await asyncio.sleep(0.1)
    return pids


async def _many(turn: Callable[[], Awaitable[None]], count: int, at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def one() -> None:
        async with places:
            await turn()

    await asyncio.gather(*(one() for _ in range(count)))


async def processes(folder: Path, model: str, rounds: int) -> dict[str, Any]:
    """Compare the processor time of one run where one process serves with that where two do."""
    cost: dict[int, float] = {}
    resting: dict[int, float] = {}
    for workers in (1, 2):
        async with hosts(folder / f"workers{workers}", model, workers=workers) as serving:
            await _many(lambda: serving.run(ASKED), 8 * AT_ONCE, AT_ONCE)
            await serving.rest()
            resting[workers] = serving.resting
            cost[workers] = min(
                [await serving.cost_ms(lambda: serving.run(ASKED), RUNS, AT_ONCE) for _ in range(rounds)]
            )
    return {
        "one_ms": round(cost[1], 2),
        "two_ms": round(cost[2], 2),
        "ratio": round(cost[2] / cost[1], 2),
        "target": PROCESSES_TARGET,
        "resting_ms_per_second": [round(resting[workers] * 1000) for workers in (1, 2)],
    }


async def steps(folder: Path, model: str, rounds: int) -> dict[str, Any]:
    """Compare the processor time of a step in short and in long runs; what a run costs without any step is left out."""
    async with hosts(folder / "steps", model) as serving:
        await _many(lambda: serving.run("20 steps"), 10, 4)
        await serving.rest()
        samples: dict[int, list[float]] = {count: [] for count in (0, *STEPS)}
        for _ in range(rounds):
            for count, found in samples.items():

                def turn(count: int = count) -> Awaitable[None]:
                    return serving.run(f"{count} steps")

                found.append(await serving.cost_ms(turn, max(STEPS_EACH // max(count, 4), 1), 4))
    bare = min(samples[0])
    each = {count: (min(samples[count]) - bare) / count for count in STEPS}
    return {
        "run_ms": round(bare, 2),
        **{f"step_of_{count}_ms": round(value, 3) for count, value in each.items()},
        "ratios": [round(each[count] / each[STEPS[0]], 2) for count in STEPS],
        "target": STEPS_TARGET,
    }


async def streams(folder: Path, model: str, rounds: int) -> dict[str, Any]:
    """Have two hundred followed runs in flight, each answered after two seconds; look at memory and first words."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2 * STREAMS)) as http:
        plain = await _wave(lambda: _plain_first_token(http, model), STREAMS)
    async with hosts(folder / "streams", model) as serving:

        def followed() -> Awaitable[float]:
            return serving.first_token("Tell me a story.")

        await _wave(followed, STREAMS // 4)
        resting = serving.memory_bytes()
        heard: list[float] = []
        peaks: list[int] = []
        for _ in range(rounds):
            wave = asyncio.create_task(_wave(followed, STREAMS))
            peak = 0
            while not wave.done():
                peak = max(peak, serving.memory_bytes())
                await asyncio.wait({wave}, timeout=0.05)
            heard += await wave
            peaks.append(peak)
    return {
        "in_flight": STREAMS,
        "memory_per_run_kb": round((min(peaks) - resting) / STREAMS / 1000),
        "extra_to_first_token_ms_median": _extra(heard, 0.5),
        "extra_to_first_token_ms_p99": _extra(heard, 0.99),
        "without_host_ms_p99": _extra(plain, 0.99),
    }


def _extra(heard: list[float], part: float) -> int:
    """Return the milliseconds beyond the model's own time, of which so large a part of the runs needed no more."""
    return round((sorted(heard)[int(len(heard) * part)] - THINKS) * 1000)


async def _plain_first_token(http: aiohttp.ClientSession, model: str) -> float:
    """Ask the model itself: what this machine and this client add without any host."""
    began, body = time.monotonic(), {"messages": [{"role": "user", "content": "Tell me a story."}], "stream": True}
    async with http.post(f"{model}/chat/completions", json=body) as response:
        await response.content.readany()
        heard = time.monotonic() - began
        await response.read()
    return heard


async def _wave(ask: Callable[[], Awaitable[float]], count: int) -> list[float]:
    """Ask so often within two seconds: at the end of them all are in flight."""

    async def one(number: int) -> float:
        await asyncio.sleep(2.0 * number / count)
        return await ask()

    return await asyncio.gather(*(one(number) for number in range(count)))


PARTS = {"processes": processes, "steps": steps, "streams": streams}


async def measure(parts: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="charter-bench-") as folder:
        small, large = await peer("model", free_port()), await peer("scale_model", free_port())
        try:
            return {
                name: await PARTS[name](
                    Path(folder), f"http://127.0.0.1:{(small if name == 'processes' else large).port}/v1", rounds
                )
                for name in parts
            }
        finally:
            await small.stop()
            await large.stop()


def _held(found: dict[str, dict[str, Any]]) -> bool:
    two = found.get("processes", {"ratio": 0})["ratio"] <= PROCESSES_TARGET
    ratios = found.get("steps", {"ratios": [1]})["ratios"]
    return two and all(abs(ratio - 1) <= STEPS_TARGET for ratio in ratios)


def _say(found: dict[str, dict[str, Any]], rounds: int) -> None:
    print("CPU milliseconds of the hosts, best of", rounds, "rounds on", os.cpu_count(), "cores")
    if row := found.get("processes"):
        both = f"a run with one process {row['one_ms']}, with two {row['two_ms']}: ratio {row['ratio']}"
        print(f"  {both} (target {row['target']}); at rest {row['resting_ms_per_second']} each second")
    if row := found.get("steps"):
        each = ", ".join(f"{row[f'step_of_{count}_ms']} in a run of {count}" for count in STEPS)
        print(f"  a step: {each}: ratios {row['ratios']} (target 1 +- {row['target']}); a run without {row['run_ms']}")
    if row := found.get("streams"):
        median, worst = row["extra_to_first_token_ms_median"], row["extra_to_first_token_ms_p99"]
        print(f"  {row['in_flight']} followed runs at once: {row['memory_per_run_kb']} kB each;", end=" ")
        print(f"first words {median} ms after the model's (p99 {worst}; without a host {row['without_host_ms_p99']})")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", choices=sorted(PARTS))
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    found = asyncio.run(measure([chosen.only] if chosen.only else list(PARTS), chosen.rounds))
    if chosen.json:
        print(json.dumps(found))
    else:
        _say(found, chosen.rounds)
    return 0 if _held(found) else 1


if __name__ == "__main__":
    sys.exit(main())
