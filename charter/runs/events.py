"""A run as a stream of events: what the journal holds, then what happens, until the run is done."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg

from charter.context import Context
from charter.governance import approvals
from charter.runs import journal, records
from charter.runs.following import Followers
from charter.runs.run import TERMINAL, Event, Run
from charter.store.database import Database

_LOOK_AGAIN_SECONDS = 10.0
"""A lost notification delays an event by this at most."""


class EventStream:
    """Reads the journal for followers."""

    def __init__(self, database: Database, followers: Followers) -> None:
        self._database = database
        self._followers = followers

    async def follow(self, ctx: Context, run_id: str, after: int) -> AsyncIterator[Event]:
        """Yield each event behind ``after`` once, then ``done``.

        Raises:
            NotFound: not a run that this principal may see; before the first event.
        """
        known: dict[str, dict[str, Any]] = {}
        async with self._followers.follow(run_id) as queue:
            while True:
                run, rows, decided = await self._read(ctx, run_id, after, known)
                for row in rows:
                    after = row["seq"]
                    event = _event(row, run, known, decided)
                    if event is not None:
                        yield event
                if run.status in TERMINAL and after > run.last_seq:
                    return  # this follower has heard that it is done
                if run.status in TERMINAL and after == run.last_seq:
                    yield Event("done", run.as_json(), after + 1)
                    return
                async for text in _texts(queue):
                    yield Event("output.delta", {"text": text})

    async def _read(
        self, ctx: Context, run_id: str, after: int, known: dict[str, dict[str, Any]]
    ) -> tuple[Run, list[asyncpg.Record], Mapping[str, Any]]:
        async with self._database.session(ctx) as session:
            run = await records.read(session, ctx, run_id)
            rows = await journal.entries(session, run_id, after if known or not after else 0)
            decided: dict[str, Any] = {}
            if any(row["kind"] == "approval" for row in rows):
                decided = {a.id: a.as_json() for a in await approvals.of_run(session, run_id)}
        if after and not known:
            # A follower that comes back: steps that began before still need their beginnings.
            for row in (row for row in rows if row["seq"] <= after):
                _merge(known, row)
            known.setdefault("", {})
        return run, [row for row in rows if row["seq"] > after], decided


async def _texts(queue: "asyncio.Queue[str | None]") -> AsyncIterator[str]:
    """Yield live text until the journal has news, or it is time to look by oneself."""
    while True:
        try:
            item = await asyncio.wait_for(queue.get(), _LOOK_AGAIN_SECONDS)
        except TimeoutError:
            return
        if item is None:
            return
        yield item


def _merge(known: dict[str, dict[str, Any]], row: asyncpg.Record) -> dict[str, Any]:
    step = known.setdefault(row["step_id"] or "", {"seq": row["seq"], "at": row["at"]})
    step.update({key: value for key, value in row.items() if value is not None and key not in {"seq", "at"}})
    return step


def _event(row: asyncpg.Record, run: Run, known: dict[str, dict[str, Any]], decided: Mapping[str, Any]) -> Event | None:
    if row["kind"] == "run":
        waiting = row["output"] if row["status"] == "waiting" else None
        ended = row["status"] in TERMINAL
        data = {**run.as_json(), "status": row["status"], "waiting": waiting}
        return Event("run.status", data if ended else {**data, "output": None, "error": None}, row["seq"])
    step = journal.step_of(_merge(known, row))
    if row["kind"] == "approval":
        asked: Any = step.input or {}
        approval = decided.get(str(asked.get("approval_id", "")))
        return Event("approval", approval, row["seq"]) if approval else None
    return Event("step", step.as_json(), row["seq"])
