"""What ended long ago is deleted, once an hour, by one host at a time. The audit stays.

A run goes with its journal, effects, approvals and the segments that the queue remembers; its idempotency key goes with it. The
database itself lets only ended runs be deleted (``0002_durability.sql``), whatever is asked here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from charter.runs.queue import SegmentQueue
from charter.store import crossing
from charter.store.database import Database

_log = structlog.get_logger(__name__)
BATCH = 500
FIRST_SECONDS = 60
SECONDS = 3600

Present = Callable[[], Awaitable[Iterable[str]]]


@dataclass(frozen=True, slots=True)
class Swept:
    """How many of each were deleted."""

    runs: int
    threads: int
    segments: int
    bundles: int
    sessions: int


class Retention:
    """Deletes what is older than ``days``.

    ``present`` keeps the bundles of this host's present edition, in case another host let go of them, and returns them.
    """

    def __init__(self, database: Database, queue: SegmentQueue, present: Present, *, days: int) -> None:
        self._database = database
        self._queue = queue
        self._present = present
        self._days = days
        self._keeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._keeper = asyncio.create_task(self._forever(), name="retention")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def sweep(self) -> Swept | None:
        """Delete all that is over its time, in batches; ``None``: another host is at it."""
        present, runs = await self._present(), 0
        while True:
            gone = await crossing.forget_runs(self._database, self._days, BATCH)
            if gone is None:
                return None
            runs += gone
            if gone < BATCH:
                break
        threads = await _all(lambda: crossing.forget_threads(self._database, self._days, BATCH))
        segments = await _all(self._forget_segments)
        bundles = await crossing.forget_bundles(self._database, self._days, present)
        return Swept(runs, threads, segments, bundles, await crossing.forget_sessions(self._database))

    async def _forget_segments(self) -> int:
        over = await self._queue.ended(datetime.now(UTC) - timedelta(days=self._days), BATCH)
        if over:
            await self._queue.forget(over)
        return len(over)

    async def _forever(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                _log.info("retention", swept=str(await self.sweep()))
            except Exception:  # noqa: BLE001 - logged with its trace; tried again in an hour
                _log.exception("deleting what is over its time failed")
            await asyncio.sleep(SECONDS)


async def _all(forget: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while (gone := await forget()) == BATCH:
        total += gone
    return total + gone
