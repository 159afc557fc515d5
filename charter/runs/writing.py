"""Write what a segment did: few transactions, and none that an effect could outrun.

A finished read and the model turn that follows it go into one transaction. Where the next thing takes its time, what is
not written yet is written meanwhile, so that those who follow the run see it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from charter.runs import journal
from charter.runs.journal import NOTHING, Change, Entry
from charter.runs.work import Work
from charter.store.database import Database, Session

_SHOWN_AFTER_SECONDS = 0.15

Also = Callable[[Session], Awaitable[None]]
Result = TypeVar("Result")


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
        claim = work.claim
        work.put_off(entries, change)
        async with self._database.session(work.ctx) as db:
            await journal.append(db, work.ctx.tenant, claim.run_id, claim.epoch, work.unwritten, work.change)
            if also is not None:
                await also(db)
        work.written()

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
