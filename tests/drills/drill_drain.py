"""A host that is told to end does so in time, and what it worked on is finished: elsewhere at once, alone at the next start."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence

from tests.drills import load
from tests.drills.audit import Asked, audit
from tests.drills.ground import Ground, ground
from tests.drills.load import Size
from tests.drills.result import Result

MOST_SECONDS = 20.0
WORDS = ("work", "book", "note", "work")


async def drain(size: Size) -> Result:
    """Send SIGTERM to one of two hosts under load, then to the one that is left."""
    result = Result()
    number = size.of(80)
    async with ground(2, runs={"lease_seconds": 6}) as here:
        here.respawn = False
        await here.pace(0.6)
        asking = asyncio.create_task(load.ask(here, [WORDS[n % len(WORDS)] for n in range(number)], over=6))
        await asyncio.sleep(3)
        ended, taken = await terminate(here, 0)
        asked = await asking
        begun = time.monotonic()
        left = await here.ended([each.run for each in asked], seconds=60)
        result.note(
            one_of_two=f"ended after {ended:.1f} s with {taken} runs in hand; all were done {time.monotonic() - begun:.1f} s "
            f"after the last was asked"
        )
        _in_time(result, ended, taken, left)
        more, ended = await alone(here, result, max(6, number // 4))
        result.take(await audit(here, [*asked, *more]))
    return result


async def alone(here: Ground, result: Result, number: int) -> tuple[list[Asked], float]:
    """End the last host too; the next start goes on where it stopped."""
    more = await load.ask(here, ["work"] * number, over=1)
    ended, taken = await terminate(here, 1)
    here.respawn = True
    await here.until(here.serving, 60, "a host starts again")
    begun = time.monotonic()
    left = await here.ended([each.run for each in more], seconds=60)
    result.note(
        alone=f"ended after {ended:.1f} s with {taken} in hand; done {time.monotonic() - begun:.1f} s after the start"
    )
    _in_time(result, ended, taken, left)
    return more, ended


def _in_time(result: Result, ended: float, taken: int, left: set[str]) -> None:
    if ended > MOST_SECONDS:
        result.faults.append(f"a host took {ended:.1f} s to end")
    if not taken:
        result.faults.append("a host had nothing in hand when it was told to end: nothing is proved")
    result.faults += [f"{run} was never finished" for run in sorted(left)]


async def terminate(here: Ground, number: int) -> tuple[float, int]:
    """Send SIGTERM; return how long the host took to end, and how many runs it had in hand."""
    host = here.hosts[number]
    assert host.process is not None
    taken = await _in_hand(here, host.pid)
    os.kill(host.pid, signal.SIGTERM)
    begun = time.monotonic()
    try:
        await asyncio.wait_for(host.process.wait(), 60)
    except TimeoutError:
        host.kill()
    return time.monotonic() - begun, taken


async def _in_hand(here: Ground, pid: int) -> int:
    owned: Sequence[object] = await here.rows(
        "select 1 from runs where status = 'running' and split_part(lease_owner, ':', 2) = $1", str(pid)
    )
    return len(owned)


DRILLS = {"drain": drain}
