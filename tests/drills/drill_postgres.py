"""PostgreSQL is stopped hard three times under load: whatever was going on ends well after its return."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.drills import load
from tests.drills.audit import audit
from tests.drills.drill_kill import QUICK
from tests.drills.ground import Ground, ground
from tests.drills.load import Size
from tests.drills.result import Result

_DOWN_SECONDS = 4


async def postgres(size: Size) -> Result:
    """Three crashes, some seconds apart; every run has ended 180 seconds after the last return."""
    told = Result()
    async with ground(2, runs=QUICK) as here:
        await here.pace(0.15)
        crashing = asyncio.create_task(_crashing(here))
        asked = await load.ask(here, ["work"] * size.of(150), over=max(36, size.of(150) / 5))
        returned = await crashing
        left = await here.ended([each.run for each in asked], seconds=180 - (time.monotonic() - returned))
        told.note(
            crashes=3,
            hosts_ended=len(here.falls),
            repeated_requests=here.client.repeated,
            all_done=f"{time.monotonic() - returned:.0f} s after the last return" if not left else "not within 180 s",
        )
        told.take(await audit(here, asked))
    return told


async def _crashing(here: Ground) -> float:
    for _ in range(3):
        await asyncio.sleep(7)
        await here.postgres.stop_hard()
        await asyncio.sleep(_DOWN_SECONDS)
        await here.postgres.start()
    return time.monotonic()


DRILLS: dict[str, Callable[[Size], Awaitable[Result]]] = {"postgres": postgres}
