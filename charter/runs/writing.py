"""Write what a segment did: few transactions, and none that an effect could outrun.

A finished read and the model turn that follows it go into one transaction. Where the next thing takes its time, what is
not written yet is written meanwhile, so that those who follow the run see it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import structlog

from charter.errors import DatabaseUnavailable
from charter.runs import journal
from charter.runs.grip import clock
from charter.runs.journal import NOTHING, Change, Entry
from charter.runs.work import Work
from charter.store.database import Database, Session

_log = structlog.get_logger(__name__)
_SHOWN_AFTER_SECONDS = 0.15
_OUTAGE_SECONDS = 120.0
_PAUSE_SECONDS = 0.25

Also = Callable[[Session], Awaitable[None]]
Result = TypeVar("Result")


async def persistently(attempt: Callable[[bool], Awaitable[Result]]) -> Result:
    """Try until the database takes it, for two minutes. ``attempt`` hears whether an earlier try may have been written.

    Raises:
        DatabaseUnavailable: it did not come back in time.
    """
    until, again = clock() + _OUTAGE_SECONDS, False
    while True:
        try:
            return await attempt(again)
        except DatabaseUnavailable:
            if clock() > until:
                raise
            if not again:
                _log.warning("the database is gone; what is to be written waits")
            again = True
            await asyncio.sleep(_PAUSE_SECONDS)


class Writer:
    """Appends to the journal under the epoch of the work's claim."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(
        self, work: Work, entries: Sequence[Entry] = (), change: Change = NOTHING, *, also: Also | None = None
    ) -> None:
        """Write the entries, and before them whatever was put off; ``also`` writes in the same transaction.

        Raises:
            Fenced: another process works on this run by now; nothing was written.
        """
        work.put_off(entries, change)

        async def attempt(again: bool) -> int:
            return await self._attempt(work, also, again=again)

        work.written(await persistently(attempt))

    async def _attempt(self, work: Work, also: Also | None, *, again: bool) -> int:
        claim = work.claim
        async with self._database.session(work.ctx) as db:
            if again and (last := await journal.last(db, claim.run_id, claim.epoch)) > work.seq:
                return last  # the connection was lost after the commit: only this process writes under this epoch
            last = await journal.append(db, work.ctx.tenant, claim.run_id, claim.epoch, work.unwritten, work.change)
            if also is not None:
                await also(db)
        return last

    async def meanwhile(self, work: Work, doing: Coroutine[Any, Any, Result]) -> Result:
        """Await ``doing``; if it takes long, write what was put off while it goes on."""
        task = asyncio.ensure_future(doing)
        try:
            done, _ = await asyncio.wait({task}, timeout=_SHOWN_AFTER_SECONDS)
            if not done and work.unwritten:
                await self.write(work)
            return await task
        except BaseException:
            task.cancel()
            raise
