"""Ten thousand runs that wait for a person cost a host nothing, and each of them goes on at once when it is decided."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.drills import copies, figures
from tests.drills.client import Client
from tests.drills.ground import Ground, ground
from tests.drills.load import Size, mark
from tests.drills.result import Result

MANAGERS = {"alice": "bob", "frank": "mona"}
SETTLE_SECONDS = 3
RESUMED = 20
MOST_CORE, MOST_MB, MOST_SECONDS = 0.05, 200, 2.0


@dataclass(frozen=True, slots=True)
class Idle:
    """A host that has nothing to do: its start, its memory, and the share of a core that it takes."""

    start: float
    memory: float
    core: float


async def parked(size: Size) -> Result:
    """Park many; compare a host with and without them; let some go on."""
    result = Result()
    amount = min(10_000, size.of(10_000))
    async with ground(1, runs={"approval_hours": 72}) as here:
        here.hosts[0].nursery = None  # a start is measured whole
        without = await idle(here, seconds=30 if size.long else 6)
        runs = await park(here, 1000 if size.long else 8)
        await stop(here)
        await copies.multiply(here, runs, max(amount - len(runs), 0))
        with_them = await idle(here, seconds=60 if size.long else 20)
        held = await pending_segments(here)
        counted = (await here.rows("select count(*) as n from runs where status = 'waiting'"))[0]["n"]
        times = await decided(here, RESUMED)
        _judge(result, counted, without, with_them, times)
        held += await pending_segments(here)
        if held:
            result.faults.append(f"{held} segments are held in the engine while all runs wait")
        ledger = await here.ledger()
        if len(ledger) != len(times):
            result.faults.append(f"{len(times)} were approved, {len(ledger)} were signed")
    return result


def _judge(result: Result, counted: int, without: Idle, with_them: Idle, times: Sequence[float]) -> None:
    more = with_them.memory - without.memory
    result.note(
        parked=counted,
        core=f"{without.core:.1%} without, {with_them.core:.1%} with them",
        memory=f"{without.memory:.0f} MB without, {more:+.0f} MB with them",
        start=f"{without.start:.1f} s without, {with_them.start:.1f} s with them",
        resumed=f"{len(times)}: p50 {figures.at(0.5, times):.2f} s, max {max(times, default=0):.2f} s",
    )
    allowed = max(1.0, 0.2 * without.start)
    result.faults += [
        sentence
        for wrong, sentence in (
            (with_them.core > MOST_CORE, f"the host takes {with_them.core:.1%} of a core while nothing happens"),
            (more > MOST_MB, f"the parked runs take {more:.0f} MB"),
            (
                with_them.start - without.start > allowed,
                f"the start takes {with_them.start - without.start:.1f} s longer",
            ),
            (len(times) < RESUMED, f"only {len(times)} of {RESUMED} went on"),
            (
                max(times, default=0) > MOST_SECONDS,
                f"one went on only {max(times, default=0):.1f} s after the decision",
            ),
        )
        if wrong
    ]


async def park(here: Ground, number: int) -> list[str]:
    """Park that many runs through the door: most of one tenant, some of another."""
    places = asyncio.Semaphore(16)

    async def one(name: str) -> str:
        async with places:
            return await here.client.start(name, f"sign {mark('p')}")

    names = ["frank" if n % 4 == 3 else "alice" for n in range(number)]
    runs = list(await asyncio.gather(*map(one, names)))
    left = await here.ended(runs, seconds=60 + number / 5, also=frozenset({"waiting:approval"}))
    assert not left, f"{len(left)} never waited"
    return runs


async def stop(here: Ground) -> None:
    """End the only host in order, and let it stay away."""
    here.respawn = False
    process = here.hosts[0].process
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    await asyncio.wait_for(process.wait(), 30)
    await here.until(lambda: not here.hosts[0].address, 5, "the keeper saw the end")


async def idle(here: Ground, *, seconds: float) -> Idle:
    """Start the host anew, give it nothing to do, and measure it. Of two starts the shorter one counts."""
    host = here.hosts[0]
    started = min([await _start(here) for _ in range(2)])
    await asyncio.sleep(SETTLE_SECONDS)
    before, begun = figures.cpu_seconds(host.pid), time.monotonic()
    await asyncio.sleep(seconds)
    core = (figures.cpu_seconds(host.pid) - before) / (time.monotonic() - begun)
    return Idle(started, figures.memory_mb(host.pid), core)


async def _start(here: Ground) -> float:
    host = here.hosts[0]
    if host.serves:
        await stop(here)
    starts = host.starts
    here.respawn = True
    await here.until(lambda: host.starts > starts, 5, "the keeper starts the host")
    begun = time.monotonic()
    await here.until(lambda: host.address, 60, "the host serves")
    return time.monotonic() - begun


async def pending_segments(here: Ground) -> int:
    """Return how many segments the engine holds in some process, once those that end have ended."""
    held, limit = 0, time.monotonic() + 3
    while time.monotonic() < limit:
        held = (await here.rows("select count(*) as n from dbos.workflow_status where status = 'PENDING'"))[0]["n"]
        if not held:
            break
        await asyncio.sleep(0.1)
    return held


async def decided(here: Ground, number: int) -> list[float]:
    """Approve parked runs at random, one after another; return how long each took from the decision to its end."""
    rows = await here.rows("select id, run_id, requester_id, digest from approvals where status = 'pending'")
    times: list[float] = []
    for row in random.sample(rows, min(number, len(rows))):
        owner = row["requester_id"]
        begun = time.monotonic()
        answer = await here.client.decide(MANAGERS[owner], {"id": row["id"], "digest": row["digest"]}, "approve")
        assert answer.status == 200, answer.body
        if await _completed(here.client, owner, row["run_id"]):
            times.append(time.monotonic() - begun)
    return times


async def _completed(client: Client, owner: str, run_id: str) -> bool:
    limit = time.monotonic() + 15
    while time.monotonic() < limit:
        if (await client.run(owner, run_id))["status"] == "completed":
            return True
        await asyncio.sleep(0.02)
    return False


DRILLS = {"parked": parked}
