"""Who works on a run, and when: segments, failures, cancellation, and the end of the host.

A run is a chain of segments numbered by its epoch. The first runs here and now, under its lease, where there is a
place; the others come from the segment queue: after a wait for a place, a decision, a time-out, or the death of the
host that had the run.
"""

import asyncio
import os
import secrets
import socket
from collections import defaultdict
from dataclasses import dataclass, replace

import structlog

from charter.errors import BudgetExhausted, CharterError, DatabaseUnavailable, TenantSuspended, Unavailable
from charter.governance import audit
from charter.identity.renewal import Renewal
from charter.runs import journal, places, records
from charter.runs.admission import Host
from charter.runs.drill import Drill
from charter.runs.following import Followers, Voice
from charter.runs.grip import Grip, HandedOver
from charter.runs.journal import Change, Entry, Fenced
from charter.runs.leases import Leases
from charter.runs.loop import Loop
from charter.runs.parking import note_expired
from charter.runs.queue import SegmentQueue
from charter.runs.records import Claim
from charter.runs.writing import persistently
from charter.settings import Runs
from charter.store.database import Database
from charter.telemetry import names
from charter.telemetry.tracing import Trace, Tracing
from charter.tenancy.entitlement import Entitlement

_log = structlog.get_logger(__name__)
_PLACE_SECONDS = 0.2
_LAST_SECONDS = 4.0
_HASTE_SECONDS = 0.3


def owner_name() -> str:
    """Return a name for this process that no other has or had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Hand:
    """A run in work: the right to it, the hold on it, and the task."""

    claim: Claim
    grip: Grip
    task: asyncio.Task[None]


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
        leases: Leases,
        entitlement: Entitlement,
        settings: Runs,
        drill: Drill,
        *,
        owner: str,
        currency: str,
    ) -> None:
        self._database = database
        self._loop = loop
        self._followers = followers
        followers.works_here = lambda run_id: self.local(run_id) is not None
        self._queue = queue
        self._tracing = tracing
        self._renewal = renewal
        self._leases = leases
        self._entitlement = entitlement
        self._settings = settings
        self._drill = drill
        self._owner = owner
        self._currency = currency
        self._draining = False
        self._working: dict[str, Hand] = {}
        self._lines: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def draining(self) -> bool:
        return self._draining

    def host(self, tenant: str) -> Host:
        """Who admits here, whether there is a place for one more run, and the tenant's limits."""
        free = not self._draining and len(self._working) < self._settings.concurrent
        return Host(self._owner, free, self._entitlement.limits(tenant, self._settings), self._currency)

    @property
    def held(self) -> dict[str, tuple[Claim, Grip]]:
        return {run_id: (hand.claim, hand.grip) for run_id, hand in self._working.items()}

    def begin(self, claim: Claim, *, streams: bool) -> asyncio.Task[None]:
        """Work on a claimed segment in this process, in the background."""
        grip = Grip(lambda: self._leases.confirm(claim), trusted_seconds=self._settings.lease_seconds / 2)
        task = asyncio.create_task(self._drive(claim, grip, streams=streams), name=claim.run_id)
        hand = Hand(claim, grip, task)
        self._working[claim.run_id] = hand
        task.add_done_callback(lambda _: self._ended(hand))
        return task

    def _ended(self, hand: Hand) -> None:
        if self._working.get(hand.claim.run_id) is hand:
            del self._working[hand.claim.run_id]

    async def offer(self, claim: Claim) -> None:
        """Give a run that has to wait for a place to the queue."""
        await self._queue.now(claim.ctx.tenant, claim.agent, claim.run_id, claim.epoch + 1, priority=claim.priority)
        async with self._database.session(claim.ctx) as session:
            await records.enqueued(session, claim.run_id, claim.epoch)

    async def segment(self, tenant: str, run_id: str, epoch: int) -> str:
        """Work on a segment from the queue until it ends; say what became of it."""
        claim = await self._claim(tenant, run_id, epoch)
        if isinstance(claim, str):
            return claim
        self._drill.at("claimed")
        try:
            if epoch > 1:
                claim = replace(claim, ctx=await self._renewal.renew(claim.ctx))
            self._entitlement.check(tenant, await self._loop.agent(claim))
        except Unavailable:
            # Nothing is known of the authority: the lease runs out, and some host tries again.
            return "postponed"
        except TenantSuspended:
            await self._leave(claim)
            return "suspended"
        except CharterError as fault:
            await self._fail(claim, fault, audited="run.refused")
            return "refused"
        await asyncio.shield(self.begin(claim, streams=False))
        return "worked"

    async def _claim(self, tenant: str, run_id: str, epoch: int) -> Claim | str:
        """Take the run as soon as its tenant and its agent have a place for it, in order of arrival."""
        taken = await self._take(tenant, run_id, epoch)
        if not isinstance(taken, places.Full):
            return taken
        # One of a line looks for all of it: a hundred that wait must not ask five times a second each.
        async with self._lines[tenant, taken.agent]:
            while isinstance(taken, places.Full):
                await asyncio.sleep(_PLACE_SECONDS)
                taken = await self._take(tenant, run_id, epoch)
        return taken

    async def _take(self, tenant: str, run_id: str, epoch: int) -> "Claim | str | places.Full":
        async with self._database.tenant_session(tenant, turn="alone") as session:
            if self._draining:
                await records.give_back(session, run_id, epoch - 1)
                return "draining"
            host = self.host(tenant)
            full = await places.full(session, run_id, host.settings, free=host.free)
            if full == "suspended" or not self._entitlement.served(tenant):
                # It is offered again once the tenant is served; until then no look finds it (``crossing.orphans``).
                await records.give_back(session, run_id, epoch - 1)
                return "suspended"
            if full is not None:
                return full
            claim = await records.claim(session, run_id, epoch, self._owner, self._settings.lease_seconds)
            return "superseded" if claim is None else await note_expired(session, claim)

    def local(self, run_id: str) -> "asyncio.Task[None] | None":
        """Return the task that works on the run here, if one does."""
        hand = self._working.get(run_id)
        return hand.task if hand else None

    def heard(self, run_id: str, kind: str, status: str) -> None:
        """Take news of the journal: a cancelled run is let go at once, whoever cancelled it and where."""
        hand = self._working.get(run_id)
        if hand is not None and (kind, status) == ("run", "cancelled"):
            hand.grip.let_go("lost")

    def look(self, _: bool) -> None:
        """Leave the runs of tenants that are not served any more at their next boundary; they wait until it is."""
        for hand in self._working.values():
            if not self._entitlement.served(hand.claim.ctx.tenant):
                hand.grip.let_go("handover")

    async def drain(self, hurried: asyncio.Event | None = None) -> None:
        """Finish what can be finished soon, then leave every run at a boundary to another host. An effect under way is
        awaited as long as there is time; what is known of it is in the ledger in any case.

        With ``hurried`` nothing is waited for any longer, nor when this is called again.
        """
        hurried = hurried or asyncio.Event()
        if self._draining:
            hurried.set()
        self._draining = True
        await self._finished(self._settings.drain_seconds, hurried)
        for hand in list(self._working.values()):
            hand.grip.let_go("handover")
        await self._finished(_LAST_SECONDS, hurried)
        left = list(self._working.values())
        for hand in left:
            hand.task.cancel()
        await asyncio.gather(*(hand.task for hand in left), return_exceptions=True)
        for hand in left:
            await self._leave(hand.claim)

    async def _finished(self, seconds: float, hurried: asyncio.Event) -> None:
        """Wait for all that is in work, for so long; in a hurry just long enough to let go."""
        if not (tasks := [hand.task for hand in self._working.values()]):
            return
        finished = asyncio.ensure_future(asyncio.wait(tasks, timeout=seconds))
        hurry = asyncio.ensure_future(hurried.wait())
        await asyncio.wait({finished, hurry}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({finished}, timeout=_HASTE_SECONDS)
        finished.cancel()
        hurry.cancel()

    async def _drive(self, claim: Claim, grip: Grip, *, streams: bool) -> None:
        attributes = {
            names.AGENT: claim.agent,
            names.CONVERSATION: claim.thread,
            names.TENANT: claim.ctx.tenant,
            names.RUN: claim.run_id,
            names.BUNDLE: claim.bundle,
        }
        parent = Trace(claim.trace_id, claim.span_id) if claim.trace_id and claim.span_id else None
        structlog.contextvars.bind_contextvars(run=claim.run_id)
        with self._tracing.span("invoke_agent", claim.agent, attributes, parent=parent):
            await self._guarded(claim, grip, streams=streams)

    async def _guarded(self, claim: Claim, grip: Grip, *, streams: bool) -> None:
        try:
            await self._loop.advance(claim, grip, Voice(self._followers, claim.run_id, expected=streams))
        except Fenced:
            _log.info("this run is another process's, or cancelled")
        except HandedOver:
            await self._leave(claim)
        except DatabaseUnavailable:
            _log.warning("the database is gone; the run waits for its lease to end")
        except TimeoutError:
            await self._fail(claim, BudgetExhausted("The run used all its minutes."))
        except CharterError as fault:
            await self._fail(claim, fault)
        except Exception:  # noqa: BLE001 - logged with its trace
            _log.exception("run failed")
            await self._fail(claim, CharterError("Something in the host failed; the trace tells an operator what."))

    async def _fail(self, claim: Claim, fault: CharterError, *, audited: str | None = None) -> None:
        change = Change(status="failed", error=fault.as_problem(claim.trace_id))

        async def write(again: bool) -> None:
            async with self._database.session(claim.ctx) as session:
                if again and await journal.ended(session, claim.run_id):
                    return
                await journal.append(
                    session, claim.ctx.tenant, claim.run_id, claim.epoch, [Entry("run", "failed")], change
                )
                if audited is not None:
                    detail = {"code": fault.code, "reason": fault.detail}
                    await audit.record(session, claim.ctx, audited, detail=detail, trace_id=claim.trace_id)

        try:
            await persistently(write)
        except Fenced:
            _log.info("this run is another process's, or cancelled")

    async def _leave(self, claim: Claim) -> None:
        """End the lease, so that whichever host looks next takes the run."""
        try:
            async with self._database.session(claim.ctx) as session:
                await journal.append(
                    session,
                    claim.ctx.tenant,
                    claim.run_id,
                    claim.epoch,
                    [Entry("run", "queued")],
                    Change(status="queued"),
                )
                await records.give_back(session, claim.run_id, claim.epoch)
        except (Fenced, DatabaseUnavailable) as fault:
            _log.info("the run could not be handed over; its lease will end", reason=type(fault).__name__)
