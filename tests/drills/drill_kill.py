"""SIGKILL: at random under load, and at every place in the engine where it hurts."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from charter.runs.drill import POINTS
from tests.drills import load
from tests.drills.audit import Asked, audit
from tests.drills.ground import Ground, ground
from tests.drills.host import Host
from tests.drills.load import Size
from tests.drills.result import ADOPTED_WITHIN_SECONDS, Result

QUICK = {"function_seconds": 3, "settle_seconds": 4}
"""The counting house answers in a fraction of a second: nothing needs to wait longer to be sure."""


async def kill(size: Size, *, every: float = 3) -> Result:
    """Two hosts under load; every three seconds one of them dies, once both serve and nobody's runs lie about."""
    told = Result()
    async with ground(2, runs=QUICK, born=not size.long) as here:
        await here.pace(0.15)
        killer = asyncio.create_task(_killing(here, every))
        asked = await load.ask(here, ["work"] * size.of(300), over=size.of(300) / 6)
        killer.cancel()
        await here.ended([each.run for each in asked], seconds=120)
        told.note(kills=len(here.falls), repeated_requests=here.client.repeated)
        told.take(await audit(here, asked))
        told.adoptions(here.falls)
        if not here.falls:
            told.faults.append("nobody was killed")
    return told


async def _killing(here: Ground, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        while len(serving := here.serving()) < 2 or here.orphaned(ADOPTED_WITHIN_SECONDS):
            await asyncio.sleep(0.1)
        here.kill(random.choice(serving).number)


async def points(size: Size) -> Result:
    """At each place one host dies, every time another; whatever it left is finished by the others, once."""
    told = Result()
    places = sorted(POINTS)
    async with ground(1 + len(places), points=[{}, *({place: "kill"} for place in places)], **_SHORT) as here:
        here.respawn = False
        await at_each_place(here, dict(zip(places, here.hosts[1:], strict=True)), told)
    return told


async def storm(size: Size) -> Result:
    """Two hosts that die at any place, again and again, with a small chance each time they pass it."""
    told = Result()
    chances = dict.fromkeys(POINTS, "kill 0.01")
    async with ground(2, points=[chances, chances], again=True, runs=QUICK) as here:
        await here.pace(0.1)
        words = ["work"] * size.of(60) + ["sign"] * size.of(20) + ["stamp"] * size.of(10)
        consenting = asyncio.create_task(consent_to_all(here))
        asked = await load.ask(here, words, over=size.of(90) / 5)
        for host in here.hosts:
            host.points = {}
        await here.ended([each.run for each in asked], seconds=150, also=frozenset({"waiting:unknown_effect"}))
        consenting.cancel()
        told.note(deaths=len(here.falls))
        told.take(await audit(here, asked, may_wait=frozenset({"stamp"})))
        # Whoever takes a run over may be the next to die: no bound holds for the whole chain.
        told.adoptions(here.falls, within=120)
    return told


_SHORT = {"runs": {**QUICK, "settle_seconds": 2, "lease_seconds": 4}}
_STARTED_AT = ("before_intent", "after_intent", "before_send", "after_send", "after_outcome")


async def at_each_place(here: Ground, doomed: dict[str, Host], told: Result) -> None:
    """Lead a run past each doomed host's place; then count."""
    asked: list[Asked] = await asyncio.gather(
        *(load.ask_at(here, "work", doomed[place]) for place in _STARTED_AT if place in doomed),
        *(load.ask_at(here, "sign", doomed[place]) for place in ("before_park", "after_park") if place in doomed),
        *(load.ask_at(here, "sign", here.hosts[0]) for place in ("decided",) if place in doomed),
    )
    signed = [each for each in asked if each.word == "sign"]
    late = doomed.get("decided")
    for each in reversed(signed):
        await consent(here, each.run, first=late.address if late else "")
        late = None
    if "claimed" in doomed:
        asked += await _until_it_dies(here, doomed["claimed"])
    await here.ended([each.run for each in asked], seconds=45)
    told.take(await audit(here, asked, only_these=False))
    told.adoptions(here.falls)
    told.note(places=f"{len(here.falls)} of {len(doomed)} hosts died at theirs")
    if alive := [place for place, host in doomed.items() if host.serves]:
        told.faults.append(f"nobody came by: {', '.join(alive)}")


async def _until_it_dies(here: Ground, host: Host) -> list[Asked]:
    """Give the queue segments until that host has taken one."""
    asked: list[Asked] = []
    while host.serves and len(asked) < 15:
        asked.append(await load.ask_at(here, "sign", here.hosts[0]))
        await consent(here, asked[-1].run)
    return asked


async def consent(here: Ground, run: str, *, first: str = "") -> None:
    """Approve what the run asks, as the manager, once it asks."""
    await here.ended([run], seconds=40, also=frozenset({"waiting:approval"}))
    approval = await here.client.pending("bob", run)
    answer = await here.client.decide("bob", approval, "approve", first=first)
    assert answer.status == 200, answer.body


async def consent_to_all(here: Ground) -> None:
    """Approve whatever is pending, for as long as the drill lasts."""
    while True:
        items = (await here.client.call("bob", "GET", "/v1/approvals?status=pending&limit=100")).body["items"]
        for item in items:
            await here.client.decide("bob", item, "approve")
        await asyncio.sleep(0.5)


DRILLS: dict[str, Callable[[Size], Awaitable[Result]]] = {"kill": kill, "points": points, "storm": storm}
