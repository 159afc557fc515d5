"""SIGSTOP: a host that stands still loses its runs, and must not go on with them when it moves again."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from tests.drills import load
from tests.drills.audit import audit
from tests.drills.drill_kill import QUICK
from tests.drills.ground import Ground, ground
from tests.drills.load import Size
from tests.drills.result import Result

_PLACES = ("claimed", "before_intent", "after_intent", "before_send", "after_send", "after_outcome")


async def freeze(size: Size) -> Result:
    """Three hosts under load: one stands still for a minute, the others for six seconds in turn."""
    told = Result()
    async with ground(3, runs=QUICK) as here:
        # Slow work: each host has some runs in hand whenever it is stopped.
        await here.pace(1.2)
        still = asyncio.create_task(_still(here, size))
        asked = await load.ask(here, ["work"] * size.of(200), over=60)
        await still
        await here.ended([each.run for each in asked], seconds=60)
        told.note(freezes=len(here.falls), repeated_requests=here.client.repeated)
        told.take(await audit(here, asked))
        minute = [fall for fall in here.falls if fall.how == "frozen 60"]
        told.adoptions(minute)
        if not any(fall.owned for fall in minute):
            told.faults.append("the host that stood still for a minute had nothing in hand")
        _ends(here, told)
    return told


async def _still(here: Ground, size: Size) -> None:
    minutes = asyncio.create_task(_frozen(here, random.randrange(len(here.hosts)), 4, 60))
    while not minutes.done():
        await asyncio.sleep(5)
        if len(serving := here.serving()) > 1 and not minutes.done():
            await _frozen(here, random.choice(serving).number, 0, 6)
    await minutes


async def _frozen(here: Ground, number: int, begin: float, seconds: float) -> None:
    await asyncio.sleep(begin)
    pid = here.hosts[number].pid
    await here.freeze(number, f"frozen {seconds:g}")
    await asyncio.sleep(seconds)
    if here.hosts[number].pid == pid:
        here.thaw(number)


async def zombies(size: Size) -> Result:
    """At each place of an effect hosts stand still for longer than their lease, and find their runs with others."""
    told = Result()
    count = size.of(2)
    async with ground(1, runs={**QUICK, "settle_seconds": 2, "lease_seconds": 3}) as here:
        await here.pace(0.1)
        here.thaw_after = 8
        frozen = await asyncio.gather(*(here.add({place: "freeze"}) for place in _PLACES))
        asked = [await load.ask_at(here, "work", host) for host in frozen for _ in range(count)]
        await here.ended([each.run for each in asked], seconds=60)
        await all_thawed(here)
        told.note(froze=f"{sum(fall.how == 'frozen' for fall in here.falls)} times at {len(_PLACES)} places")
        told.take(await audit(here, asked))
        # Whoever takes a run over may be the next to stand still: no bound holds for the whole chain.
        told.adoptions([fall for fall in here.falls if fall.how == "frozen"], within=120)
        _ends(here, told)
    return told


async def all_thawed(here: Ground) -> None:
    """Wait until every host moves again, and has had time to do in secret what it must not: the ledger shows it."""
    await here.until(lambda: not any(host.frozen for host in here.hosts), 60, "all hosts move again")
    await asyncio.sleep(2)


def _ends(here: Ground, told: Result) -> None:
    ends = [fall.how for fall in here.falls if fall.how.startswith("ended")]
    told.note(ended_when_thawed=len(ends))


DRILLS: dict[str, Callable[[Size], Awaitable[Result]]] = {"freeze": freeze, "zombies": zombies}
