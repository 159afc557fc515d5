"""What a governed, journaled turn costs the host, beside a bare Semantic Kernel agent and the bare openai client.

All three answer the same question with the same function and the same fake model, one after another and repeatedly, in
one run. CPU time of the serving process is read from the kernel; the answer is a ratio, because machines differ.

usage: python -m bench.turn [--turns N] [--rounds N] [--json]
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from bench.peers.history import ASKED, messages
from bench.processes import Process, charter_host, cpu_seconds, free_port, peer, postgres_cpu_seconds

TARGETS = {2: 1.3, 200: 0.3}
AT_ONCE = 8
Turn = Callable[[], Awaitable[None]]


async def _load(turn: Turn, turns: int) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await turn()

    await asyncio.gather(*(one() for _ in range(turns)))


async def _measure(process: Process, turn: Turn, turns: int) -> float:
    """Return CPU milliseconds of the process per turn."""
    before = cpu_seconds(process.pid)
    await _load(turn, turns)
    return (cpu_seconds(process.pid) - before) / turns * 1000


def _peer_turn(http: aiohttp.ClientSession, port: int, history: int) -> Turn:
    async def turn() -> None:
        async with http.post(f"http://127.0.0.1:{port}/run", json={"input": ASKED, "history": history}) as response:
            answer = await response.json()
            assert response.status == 200, answer
            assert "17" in answer["output"], answer

    return turn


async def _charter_turn(http: aiohttp.ClientSession, host: Process, history: int, lanes: int) -> Turn:
    """Return a turn of Charter; with history, on threads that have it already."""
    headers = {"Authorization": f"Bearer {host.token}", "Prefer": "wait=30"}

    async def ask(thread: str | None) -> str:
        body = {"agent": "clerk", "input": ASKED, **({"thread": thread} if thread else {})}
        async with http.post(f"{host.address}/v1/runs", json=body, headers=headers) as response:
            run = await response.json()
            assert response.status == 200, run
            assert run["status"] == "completed", run
            return run["thread"]

    if history <= 2:
        return lambda: ask(None)  # type: ignore[return-value]
    threads: asyncio.Queue[str] = asyncio.Queue()
    for thread in await asyncio.gather(*(ask(None) for _ in range(lanes))):
        for _ in range(len(messages(history)) // 2):
            await ask(thread)
        threads.put_nowait(thread)

    async def turn() -> None:
        thread = await threads.get()
        await ask(thread)
        threads.put_nowait(thread)

    return turn


async def compare(turns: int, rounds: int) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="charter-bench-") as folder:
        model = await peer("model", free_port())
        url = f"http://127.0.0.1:{model.port}/v1"
        bare = await peer("semantic_kernel_host", free_port(), url)
        plain = await peer("openai_host", free_port(), url)
        host = await charter_host(Path(folder), url)
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as http:
                return [await _row(http, host, bare, plain, history, turns, rounds) for history in TARGETS]
        finally:
            for process in (host, plain, bare, model):
                await process.stop()


async def _row(
    http: aiohttp.ClientSession, host: Process, bare: Process, plain: Process, history: int, turns: int, rounds: int
) -> dict[str, float]:
    ours = await _charter_turn(http, host, history, AT_ONCE)
    kernel, client = _peer_turn(http, bare.port, history), _peer_turn(http, plain.port, history)
    for warm in (ours, kernel, client):
        await _load(warm, 24)
    samples: dict[str, list[float]] = {"charter": [], "semantic_kernel": [], "openai": [], "postgres": []}
    for _ in range(rounds):
        before = postgres_cpu_seconds(host.pid)
        samples["charter"].append(await _measure(host, ours, turns))
        samples["postgres"].append((postgres_cpu_seconds(host.pid) - before) / turns * 1000)
        samples["semantic_kernel"].append(await _measure(bare, kernel, turns))
        samples["openai"].append(await _measure(plain, client, turns))
    cost = {name: min(values) for name, values in samples.items()}
    spread = statistics.pstdev(samples["charter"]) / statistics.mean(samples["charter"])
    return {
        "history": history,
        **{f"{name}_ms": round(value, 2) for name, value in cost.items()},
        "ratio_to_semantic_kernel": round(cost["charter"] / cost["semantic_kernel"], 2),
        "ratio_to_openai": round(cost["charter"] / cost["openai"], 2),
        "target": TARGETS[history],
        "spread": round(spread, 3),
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--turns", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    rows = asyncio.run(compare(chosen.turns, chosen.rounds))
    if chosen.json:
        print(json.dumps(rows))
    else:
        print(
            "CPU milliseconds per turn (two model calls and a function), best of",
            chosen.rounds,
            "rounds on",
            os.cpu_count(),
            "cores",
        )
        for row in rows:
            print(
                f"  {row['history']:>3} messages: charter {row['charter_ms']}, bare Semantic Kernel {row['semantic_kernel_ms']}, bare openai "
                f"{row['openai_ms']}; ratio {row['ratio_to_semantic_kernel']} (target {row['target']}), to openai {row['ratio_to_openai']}; "
                f"PostgreSQL beside it {row['postgres_ms']}"
            )
    return 0 if rows and all(row["ratio_to_semantic_kernel"] <= row["target"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
