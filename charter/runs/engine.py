"""Who works on a run, and when: leases, heartbeats, segments, failures.

A run is a chain of segments numbered by its epoch. The first runs here and now, under its lease; the following ones
come from the segment queue, after a decision, a time-out, or the death of the host that had the run.
"""

import asyncio
import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from charter.errors import BudgetExhausted, CharterError, Unavailable
from charter.identity.renewal import Renewal
from charter.kernel.session import OnText
from charter.runs import journal, records
from charter.runs.following import Followers
from charter.runs.journal import Change, Entry, Fenced
from charter.runs.loop import Loop
from charter.runs.queue import SegmentQueue
from charter.runs.records import Claim
from charter.settings import Runs
from charter.store import crossing
from charter.store.database import Database
from charter.telemetry import names
from charter.telemetry.tracing import Trace, Tracing

_log = structlog.get_logger(__name__)


class Engine:
    """Works on claimed runs in this process."""

    def __init__(
        self,
        database: Database,
        loop: Loop,
        followers: Followers,
        queue: SegmentQueue,
        tracing: Tracing,
        renewal: Renewal,
        settings: Runs,
    ) -> None:
        self._database = database
        self._loop = loop
        self._followers = followers
        self._queue = queue
        self._tracing = tracing
        self._renewal = renewal
        self._settings = settings
        self._places = asyncio.Semaphore(settings.concurrent)
        self._working: dict[str, tuple[Claim, asyncio.Task[None]]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    async def open(self) -> None:
        self._keepers = [
            asyncio.create_task(self._forever(self._renew, self._settings.lease_seconds / 3)),
            asyncio.create_task(self._forever(self._adopt, self._settings.lease_seconds / 3)),
        ]

    async def close(self) -> None:
        """Stop working; what is unfinished is offered to other hosts at once."""
        for keeper in self._keepers:
            keeper.cancel()
        working = list(self._working.values())
        for _, task in working:
            task.cancel()
        await asyncio.gather(*self._keepers, *(task for _, task in working), return_exceptions=True)
        for claim, _ in working:
            await self._offer(claim)

    def begin(self, claim: Claim, *, streams: bool) -> asyncio.Task[None]:
        """Work on the first segment in this process, in the background."""
        task = asyncio.create_task(self._drive(claim, streams=streams), name=claim.run_id)
        self._working[claim.run_id] = (claim, task)
        task.add_done_callback(lambda _: self._working.pop(claim.run_id, None))
        return task

    async def segment(self, tenant: str, run_id: str, epoch: int) -> str:
        """Work on a later segment until it ends; say what became of it."""
        async with self._database.tenant_session(tenant) as session:
            claim = await records.claim(session, run_id, epoch, self.owner, self._settings.lease_seconds)
        if claim is None:
            return "superseded"
        try:
            claim = replace(claim, ctx=await self._renewal.renew(claim.ctx))
        except Unavailable:
            # Nothing is known of the authority: the lease runs out, and some host tries again.
            return "postponed"
        except CharterError as fault:
            await self._fail(claim, fault)
            return "refused"
        await asyncio.shield(self.begin(claim, streams=self._followers.followed(run_id)))
        return "worked"

    def local(self, run_id: str) -> "asyncio.Task[None] | None":
        """Return the task that works on the run here, if one does."""
        entry = self._working.get(run_id)
        return entry[1] if entry else None

    def interrupt(self, run_id: str) -> None:
        """Stop the task that works on the run here. Its row must be fenced before."""
        if task := self.local(run_id):
            task.cancel()

    async def _drive(self, claim: Claim, *, streams: bool) -> None:
        attributes = {
            names.AGENT: claim.agent,
            names.CONVERSATION: claim.thread,
            names.TENANT: claim.ctx.tenant,
            names.RUN: claim.run_id,
            names.BUNDLE: claim.bundle,
        }
        parent = Trace(claim.trace_id, claim.span_id) if claim.trace_id and claim.span_id else None
        structlog.contextvars.bind_contextvars(run=claim.run_id)
        async with self._places:
            with self._tracing.span("invoke_agent", claim.agent, attributes, parent=parent):
                await self._guarded(claim, streams=streams)

    async def _guarded(self, claim: Claim, *, streams: bool) -> None:
        try:
            await self._loop.advance(claim, self._speak(claim.run_id) if streams else None)
        except Fenced:
            _log.info("another process has this run by now")
        except TimeoutError:
            await self._fail(claim, BudgetExhausted("The run used all its minutes."))
        except CharterError as fault:
            await self._fail(claim, fault)
        except Exception:  # noqa: BLE001 - logged with its trace
            _log.exception("run failed")
            await self._fail(claim, CharterError("Something in the host failed; the trace tells an operator what."))

    def _speak(self, run_id: str) -> OnText:
        async def speak(text: str) -> None:
            self._followers.text(run_id, text)

        return speak

    async def _fail(self, claim: Claim, fault: CharterError) -> None:
        error = fault.as_problem(claim.trace_id)
        try:
            async with self._database.session(claim.ctx) as session:
                await journal.append(
                    session,
                    claim.ctx.tenant,
                    claim.run_id,
                    claim.epoch,
                    [Entry("run", "failed")],
                    Change(status="failed", error=error),
                )
        except Fenced:
            _log.info("another process has this run by now")

    async def _forever(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await work()
            except Exception:  # noqa: BLE001 - logged with its trace
                _log.exception("keeping runs failed")
            await asyncio.sleep(seconds)

    async def _renew(self) -> None:
        held: dict[str, list[str]] = defaultdict(list)
        for claim, _ in list(self._working.values()):
            held[claim.ctx.tenant].append(claim.run_id)
        for tenant, runs in held.items():
            async with self._database.tenant_session(tenant) as session:
                await session.execute(
                    "update runs set lease_until = clock_timestamp() + make_interval(secs => $3) where id = any($1) and lease_owner = $2",
                    runs,
                    self.owner,
                    self._settings.lease_seconds,
                )

    async def _adopt(self) -> None:
        for orphan in await crossing.orphans(self._database):
            if self.local(orphan.run_id) is None:
                _log.info("adopting a run whose host is gone", run=orphan.run_id)
                await self._queue.now(orphan.tenant, orphan.run_id, orphan.epoch + 1)

    async def _offer(self, claim: Claim) -> None:
        async with self._database.session(claim.ctx) as session:
            await session.execute(
                "update runs set status = 'queued', lease_until = clock_timestamp() where id = $1 and epoch = $2 and status = 'running'",
                claim.run_id,
                claim.epoch,
            )
