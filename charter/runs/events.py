"""A run as a stream of events: what the journal holds, then what happens, until the run is done."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from typing import Any

import asyncpg

from charter.context import Context
from charter.errors import Draining
from charter.governance import approvals
from charter.runs import journal, records
from charter.runs.following import Followers, News
from charter.runs.run import TERMINAL, Event, Run
from charter.store.database import Database, Session
from charter.tenancy.entitlement import Entitlement

_LOOK_AGAIN_SECONDS = 10.0
"""A lost notification delays an event by this at most."""
_PAGE = 200
"""Entries read at once: a follower of a long run never holds all of it."""
_NEW = "select * from journal where run_id = $1 and seq > $2 order by seq limit $3"
_ENDED = frozenset({"done", "failed", "denied"})
_OPEN = (
    "select * from journal j where run_id = $1 and seq <= $2 and step_id is not null and not exists (select 1 from journal k "
    "where k.run_id = $1 and k.seq <= $2 and k.step_id = j.step_id and k.status in ('done', 'failed', 'denied')) order by seq"
)


class EventStream:
    """Reads the journal for followers. Its numbers are the same in every process: any can go on where one ended."""

    def __init__(self, database: Database, followers: Followers, entitlement: Entitlement) -> None:
        self._database = database
        self._entitlement = entitlement
        self._followers = followers

    async def follow(self, ctx: Context, run_id: str, after: int) -> AsyncIterator[Event]:
        """Yield each event behind ``after`` once, then ``done``.

        Raises:
            NotFound: not a run that this principal may see; before the first event.
            Draining: the host goes down before the run is done; another one can go on behind the last number.
            TenantSuspended: the tenant is, from now on.
        """
        reader = _Reader(self._database, ctx, run_id, after)
        async with self._followers.follow(run_id) as queue:
            run, events = await reader.read()
            with ExitStack() as hearing:
                if run.status not in TERMINAL:  # and this principal may see it: the reading has found that out
                    hearing.enter_context(self._followers.hear(run_id, queue))
                while True:
                    self._entitlement.check_served(ctx.tenant)
                    for event in events:
                        yield event
                    if run.status in TERMINAL and not reader.more:
                        break
                    if not reader.more:
                        if self._followers.over:
                            raise Draining("The host is going down; the run goes on.", action="Follow it again.")
                        async for text in _texts(queue, reader.after):
                            yield _LIVE_AGAIN if text is None else Event("output.delta", {"text": text})
                    run, events = await reader.read()
        if reader.after == run.last_seq:  # else this follower has heard already that it is done
            yield Event("done", run.as_json(), reader.after + 1)


_LIVE_AGAIN = Event("output.withdrawn", {})


async def _texts(queue: "asyncio.Queue[News]", after: int) -> AsyncIterator[str | None]:
    """Yield live text, and ``None`` where that of the present turn is withdrawn, until the journal has more than ``after``,
    or it is time to look by oneself.
    """
    while True:
        try:
            item = await asyncio.wait_for(queue.get(), _LOOK_AGAIN_SECONDS)
        except TimeoutError:
            return
        if item is None or isinstance(item, str):
            yield item
        elif item > after or item == 0:
            return


class _Reader:
    """Reads one run's journal on and on for one principal; ``after`` is the last number read."""

    def __init__(self, database: Database, ctx: Context, run_id: str, after: int) -> None:
        self._database = database
        self._ctx = ctx
        self._run_id = run_id
        self._open: dict[str, dict[str, Any]] | None = None
        self.after = after
        self.more = False

    async def read(self) -> tuple[Run, list[Event]]:
        """Return the run as it is now, and what is new: all of it, unless ``more`` says that it goes on."""
        async with self._database.session(self._ctx) as session:
            run = await records.read(session, self._ctx, self._run_id)
            rows = await session.fetch(_NEW, self._run_id, self.after, _PAGE)
            if self._open is None:
                self._open = {}
                await self._begun(session)
            decided: dict[str, Any] = {}
            if any(row["kind"] == "approval" for row in rows):
                decided = {a.id: a.as_json() for a in await approvals.of_run(session, self._run_id)}
        self.more = len(rows) == _PAGE
        events = [event for row in rows if (event := self._event(row, run, decided)) is not None]
        self.after = rows[-1]["seq"] if rows else self.after
        return run, events

    async def _begun(self, session: Session) -> None:
        """Read the beginnings of what had not ended where a follower that comes back left off."""
        if self.after:
            for row in await session.fetch(_OPEN, self._run_id, self.after):
                self._merge(row)

    def _merge(self, row: asyncpg.Record) -> dict[str, Any]:
        assert self._open is not None
        step = self._open.setdefault(row["step_id"] or "", {"seq": row["seq"], "at": row["at"]})
        step.update({key: value for key, value in row.items() if value is not None and key not in {"seq", "at"}})
        if row["status"] in _ENDED:
            del self._open[row["step_id"] or ""]
        return step

    def _event(self, row: asyncpg.Record, run: Run, decided: Mapping[str, Any]) -> Event | None:
        if row["kind"] == "run":
            return _status(row, run)
        step = journal.step_of(self._merge(row))
        if row["kind"] == "approval":
            asked: Any = step.input or {}
            approval = decided.get(str(asked.get("approval_id", "")))
            return Event("approval", approval, row["seq"]) if approval else None
        return Event("step", step.as_json(), row["seq"])


def _status(row: asyncpg.Record, run: Run) -> Event:
    waiting = row["output"] if row["status"] == "waiting" else None
    ended = row["status"] in TERMINAL
    data = {**run.as_json(), "status": row["status"], "waiting": waiting}
    return Event("run.status", data if ended else {**data, "output": None, "error": None}, row["seq"])
