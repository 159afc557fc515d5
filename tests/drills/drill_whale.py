"""A tenant whose runs pile up does not keep another tenant waiting, nor its own people; and nothing accepted is lost."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from tests.drills import figures
from tests.drills.drill_parked import decided
from tests.drills.ground import Ground, ground
from tests.drills.load import Size, mark
from tests.drills.result import Result
from tests.running import HOUSE

PILE = HOUSE / "tests" / "data" / "drill_pile.yaml"
MOST_SECONDS = 2.0
OFFERED_AT_ONCE = 24


@dataclass(slots=True)
class Offered:
    """What became of many offers: the runs that were taken, and how others were refused."""

    taken: list[str] = field(default_factory=list[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    seconds: float = 0


async def whale(size: Size) -> Result:
    """Pile up the batch runs of one tenant, which may take every place there is; meanwhile people of two tenants ask."""
    result = Result()
    pile, places = min(5000, size.of(5000)), 20
    runs = {
        "queue_limit": pile + 100,
        "tenant_concurrent": places,
        "agent_concurrent": places,
        "concurrent": places // 2,
    }
    async with ground(2, script=PILE, runs=runs) as here:
        over = asyncio.create_task(most_at_once(here, "contoso"))
        offered = await offer(here, "erp", "slow", pile)
        standing = await _queued(here, "contoso")
        asked = max(20, size.of(30))
        await asyncio.gather(ask(here, "frank", asked, every=0.5), ask(here, "alice", asked // 3, every=1.5))
        left = await _queued(here, "contoso")
        over.cancel()
        most = (await asyncio.gather(over, return_exceptions=True))[0]
        others, own = await waits(here, "frank"), await waits(here, "alice")
        known = (await here.rows("select count(*) as n from runs where principal = 'erp'"))[0]["n"]
        result.note(
            offered=f"{len(offered.taken)} in {offered.seconds:.0f} s, {sum(offered.refused.values())} refused",
            queued=f"{standing} of the whale while others ask, {left} after it",
            other_tenant=f"{len(others)} waits: p50 {figures.at(0.5, others):.2f} s, max {max(others, default=0):.2f} s",
            own_people=f"{len(own)} waits: p50 {figures.at(0.5, own):.2f} s, max {max(own, default=0):.2f} s",
            at_once=f"{most} of at most {places}",
        )
        _judge(result, offered, known, others, own, asked)
        if size.long:
            await drained(here, result, offered.taken)
        if left < pile / 4:
            result.faults.append(f"the pile was down to {left}: nobody had to wait behind it")
        if not isinstance(most, int) or most > places:
            result.faults.append(f"{most} runs of the whale at once, {places} are allowed")
    return result


async def drained(here: Ground, result: Result, taken: Sequence[str]) -> None:
    """Wait until the whole pile is worked off."""
    left = await here.ended(taken, seconds=len(taken) / 5 + 60)
    states = Counter((await here.states(taken)).values())
    result.note(drained=dict(states))
    if left or states["completed"] != len(taken):
        result.faults.append(f"of {len(taken)} accepted runs: {dict(states)}")


def _judge(
    result: Result, offered: Offered, known: int, others: Sequence[float], own: Sequence[float], asked: int
) -> None:
    if offered.refused:
        result.faults.append(f"refused below the limit: {dict(offered.refused)}")
    if known != len(set(offered.taken)):
        result.faults.append(f"{len(offered.taken)} runs were accepted, {known} are there")
    for name, waited, least in (("another tenant", others, asked), ("the whale's own people", own, asked // 3)):
        if len(waited) < least:
            result.faults.append(f"{least - len(waited)} runs of {name} were never begun")
        if figures.at(0.5, waited) > MOST_SECONDS:
            result.faults.append(f"{name} waited {figures.at(0.5, waited):.1f} s, half of them longer")


async def queue(size: Size) -> Result:
    """Offer more than may wait: the rest is refused with a time to come back, and all that was taken is done."""
    result = Result()
    limit, places = size.of(60), 6
    runs = {"queue_limit": limit, "tenant_concurrent": places, "agent_concurrent": places, "concurrent": 4}
    async with ground(2, script=PILE, runs=runs) as here:
        over = asyncio.create_task(most_at_once(here, "contoso"))
        offered = await offer(here, "alice", "book", 3 * limit)
        left = await here.ended(offered.taken, seconds=120 + limit)
        over.cancel()
        most = (await asyncio.gather(over, return_exceptions=True))[0]
        states = Counter((await here.states(offered.taken)).values())
        ledger = Counter(row["mark"] for row in await here.ledger())
        result.note(
            offered=f"{3 * limit} at once to a queue of {limit}",
            taken=f"{len(offered.taken)} ({dict(states)}), {len(ledger)} booked",
            refused=dict(offered.refused),
            at_once=f"{most} of at most {places}",
        )
        result.faults += [f"{run} never ended" for run in left]
        if not offered.refused["429 queue_full"] or len(offered.refused) > 1:
            result.faults.append(f"a full queue says 429 queue_full and when to come back, not {dict(offered.refused)}")
        if states["completed"] != len(offered.taken) or len(ledger) != len(offered.taken):
            result.faults.append(f"{len(offered.taken)} were taken: {dict(states)}, {len(ledger)} booked")
        if doubled := [name for name, count in ledger.items() if count > 1]:
            result.faults.append(f"booked twice: {doubled[:5]}")
        if not isinstance(most, int) or most > places:
            result.faults.append(f"{most} runs at once, {places} are allowed")
    return result


async def line(size: Size) -> Result:
    """Let one agent's runs wait for that agent's few places: what others decide meanwhile goes on at once."""
    result = Result()
    runs = {"tenant_concurrent": 50, "agent_concurrent": 4, "concurrent": 16}
    async with ground(1, script=PILE, runs=runs) as here:
        people = ["frank", "alice"] * max(3, size.of(3))
        parked = [await here.client.start(name, f"sign {mark('s')}") for name in people]
        await here.ended(parked, seconds=30, also=frozenset({"waiting:approval"}))
        offered = await offer(here, "erp", "endless", size.of(80))
        times = await decided(here, len(parked))
        working = await here.rows("select count(*) as n from runs where agent = 'batcher' and status = 'running'")
        result.note(
            line=f"{len(offered.taken)} runs of an agent, {working[0]['n']} of them worked on",
            others=f"{len(times)} went on: p50 {figures.at(0.5, times):.2f} s, max {max(times, default=0):.2f} s",
        )
        if len(times) < len(parked) or figures.at(0.5, times) > MOST_SECONDS:
            result.faults.append(f"{len(times)} of {len(parked)} went on beside the line, {times}")
        if working[0]["n"] > 4:
            result.faults.append(f"{working[0]['n']} runs of the agent at once, 4 are allowed")
    return result


async def offer(here: Ground, name: str, word: str, number: int) -> Offered:
    """Offer so many runs as fast as they are taken; each once, and a refusal is an answer."""
    offered, begun = Offered(), time.monotonic()
    waiting = iter(range(number))

    async def some() -> None:
        for _ in waiting:
            await _offer_one(here, name, f"{word} {mark(word)}", offered)

    await asyncio.gather(*(some() for _ in range(OFFERED_AT_ONCE)))
    offered.seconds = time.monotonic() - begun
    return offered


async def _offer_one(here: Ground, name: str, text: str, offered: Offered) -> None:
    body = {"agent": "batcher" if name in {"erp", "crm"} else "driller", "input": text}
    headers = {"Authorization": f"Bearer {await here.client.token(name)}"}
    address = random.choice(here.serving()).address
    timeout = aiohttp.ClientTimeout(total=60)
    async with here.http.post(f"{address}/v1/runs", json=body, headers=headers, timeout=timeout) as answer:
        told = await answer.json()
        if answer.status == 202:
            offered.taken.append(told["id"])
        else:
            back = answer.headers.get("Retry-After", "")
            when = "" if back.isdigit() and int(back) > 0 else " without Retry-After"
            offered.refused[f"{answer.status} {told.get('code')}{when}"] += 1


async def ask(here: Ground, name: str, number: int, *, every: float) -> None:
    """Ask one small thing after another, as a person, and wait until all are answered."""
    runs: list[str] = []
    for _ in range(number):
        runs.append(await here.client.start(name, f"quick {mark('q')}"))
        await asyncio.sleep(every)
    await here.ended(runs, seconds=30)


async def waits(here: Ground, name: str) -> list[float]:
    """Return how long each run of this person waited for its first segment."""
    rows = await here.rows(
        "select extract(epoch from min(j.at) - r.created_at)::float8 as waited from runs r join journal j on j.run_id = r.id "
        "where r.principal = $1 and j.kind = 'run' and j.status = 'running' group by r.id, r.created_at",
        name,
    )
    return [row["waited"] for row in rows]


async def most_at_once(here: Ground, tenant: str) -> int:
    """Watch until cancelled; return how many runs of the tenant were worked on at the same time at most."""
    most = 0
    try:
        while True:
            found = await here.rows("select count(*) as n from runs where tenant = $1 and status = 'running'", tenant)
            most = max(most, found[0]["n"])
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return most


async def _queued(here: Ground, tenant: str) -> int:
    found = await here.rows("select count(*) as n from runs where tenant = $1 and status = 'queued'", tenant)
    return found[0]["n"]


DRILLS = {"whale": whale, "queue": queue, "line": line}
