"""Runs that nobody asks for: each schedule of an agent, at its time, once.

Every process looks at the clock, with one task for all schedules. That a time has one run only is the doing of the run's
idempotency key; the table says up to which time a schedule was looked after, so that of the times that pass while no
host runs the latest one is made up for, and a schedule that is new begins with its next time.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from charter.catalog import cron
from charter.catalog.spec import AgentSpec, ScheduleTrigger
from charter.context import Context, Principal
from charter.errors import AuthorityLost, CharterError, IdempotencyKeyReused, NotFound, TenantSuspended
from charter.governance import audit
from charter.identity.unattended import Unattended
from charter.runs.run import Run, StartRun, timestamp
from charter.runs.service import RunService
from charter.store.database import Database, Session

Agents = Callable[[], Iterable[AgentSpec]]

_log = structlog.get_logger(__name__)
_LONGEST_SECONDS = 30.0
_AT_ONCE = 4

_KNOWN = "select agent, trigger, fired_at from schedules"
_SEEN = (
    "insert into schedules (tenant, agent, trigger, fired_at) values ($1, $2, $3, $4) on conflict (tenant, agent, trigger) "
    "do update set fired_at = greatest(schedules.fired_at, excluded.fired_at)"
)
_FIRED = "update schedules set fired_at = $3 where agent = $1 and trigger = $2 and fired_at < $3 returning true"


@dataclass(frozen=True, slots=True)
class Due:
    """A time of a schedule that has come, in one tenant."""

    tenant: str
    agent: str
    trigger: ScheduleTrigger
    at: datetime

    @property
    def key(self) -> str:
        """The idempotency key of its run: the same in every process."""
        return f"schedule:{self.agent}:{self.trigger.n}:{self.at:%Y-%m-%dT%H:%M:%SZ}"


class Schedules:
    """Looks at the clock and begins what is due.

    ``agents`` returns the agents of the present edition, and is asked each time; ``clock`` the present moment in UTC.
    """

    def __init__(
        self,
        database: Database,
        agents: Agents,
        service: RunService,
        unattended: Unattended,
        tenants: Callable[[], Iterable[str]],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._agents = agents
        self._service = service
        self._unattended = unattended
        self._tenants = tenants
        self._clock = clock
        self._seen: frozenset[tuple[str, str]] | None = None
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._keeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._keeper = asyncio.create_task(self._forever(), name="schedules")

    async def close(self) -> None:
        """Begin nothing more. What was begun and not noted is found by its key, here or elsewhere."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def tick(self, now: datetime) -> list[Run]:
        """Begin what is due and return the new runs. What cannot be begun now, but may later, stays due."""
        begun = await asyncio.gather(*[self._guarded(due) for due in await self.due(now)])
        return [run for run in begun if run is not None]

    async def due(self, now: datetime) -> list[Due]:
        """Return what is due, and remember ``now`` for each schedule that is new."""
        triggers = list(self._triggers())
        names = frozenset((agent, _name(trigger)) for agent, trigger in triggers)
        # What an edition brings while we run begins with it, also when there was a schedule of this name before.
        fresh = names - self._seen if self._seen is not None else frozenset[tuple[str, str]]()
        found: list[Due] = []
        for tenant in sorted(self._tenants()):
            if own := [(agent, t) for agent, t in triggers if not t.tenants or tenant in t.tenants]:
                found += await self._of_tenant(tenant, own, fresh, now)
        if names != self._seen:
            self._tell(triggers, now)
        self._seen = names
        return found

    def rest(self, now: datetime) -> float:
        """Return the seconds until the next time, at most thirty."""
        times = [cron.following(t.expression, t.timezone, now) for _, t in self._triggers()]
        return min([_LONGEST_SECONDS, *((time - now).total_seconds() for time in times)])

    def _triggers(self) -> Iterator[tuple[str, ScheduleTrigger]]:
        for agent in self._agents():
            for trigger in agent.triggers:
                if isinstance(trigger, ScheduleTrigger):
                    yield agent.name, trigger

    async def _of_tenant(
        self, tenant: str, triggers: list[tuple[str, ScheduleTrigger]], fresh: frozenset[tuple[str, str]], now: datetime
    ) -> list[Due]:
        found: list[Due] = []
        async with self._database.tenant_session(tenant) as session:
            known = {(row["agent"], row["trigger"]): row["fired_at"] for row in await session.fetch(_KNOWN)}
            for agent, trigger in triggers:
                name = (agent, _name(trigger))
                if name not in known or name in fresh:
                    await session.execute(_SEEN, tenant, *name, now)
                elif (at := cron.latest(trigger.expression, trigger.timezone, now)) > known[name]:
                    found.append(Due(tenant, agent, trigger, at))
        return found

    async def _guarded(self, due: Due) -> Run | None:
        async with self._places:
            try:
                return await self._fire(due)
            except Exception:  # noqa: BLE001 - logged with its trace; the other schedules go on
                _log.exception("a schedule could not be begun", tenant=due.tenant, agent=due.agent)
                return None

    async def _fire(self, due: Due) -> Run | None:
        try:
            return await self._begin(due)
        except IdempotencyKeyReused:
            # A process with another edition was first; the time has its run.
            await self._settle(due)
        except CharterError as fault:
            if fault.retryable or isinstance(fault, TenantSuspended):
                _log.warning("a schedule is late", tenant=due.tenant, agent=due.agent, reason=fault.detail)
            else:
                await self._pass_over(due, fault.detail, audited=True)
        return None

    async def _begin(self, due: Due) -> Run | None:
        ctx = await self._unattended.authority(due.tenant, due.trigger.as_)
        if ctx is None:
            # Of tenants that nobody named, those without the workload are simply not meant.
            reason = f"The tenant has no {due.trigger.as_}."
            await self._pass_over(due, reason, audited=due.tenant in due.trigger.tenants)
            return None
        ctx = replace(ctx, channel="schedule", approver=due.trigger.approver)
        asked = StartRun(
            agent=due.agent,
            input=due.trigger.input,
            metadata={"schedule": due.trigger.expression, "scheduled_for": timestamp(due.at)},
            idempotency_key=due.key,
        )
        try:
            run, new = await self._service.start(ctx, asked, assertion=None)
        except NotFound as fault:
            raise AuthorityLost(
                f"No policy lets {ctx.principal.id} use any function of {due.agent}, or the tenant may not use it."
            ) from fault
        await self._settle(due, run)
        return run if new else None

    async def _settle(self, due: Due, run: Run | None = None) -> None:
        """Note that the time was looked after."""
        async with self._database.tenant_session(due.tenant) as session:
            if await _moved(session, due) and run is not None:
                await audit.record(session, _asker(due), "schedule.fired", run_id=run.id, detail=_detail(due))

    async def _pass_over(self, due: Due, reason: str, *, audited: bool) -> None:
        """Note that this time has no run, and why; the next time is tried again."""
        tell = _log.warning if audited else _log.info
        tell("a schedule is passed over", tenant=due.tenant, agent=due.agent, at=str(due.at), reason=reason)
        async with self._database.tenant_session(due.tenant) as session:
            if await _moved(session, due) and audited:
                await audit.record(session, _asker(due), "schedule.skipped", detail={**_detail(due), "reason": reason})

    def _tell(self, triggers: list[tuple[str, ScheduleTrigger]], now: datetime) -> None:
        for agent, trigger in triggers:
            following = cron.following(trigger.expression, trigger.timezone, now)
            _log.info("schedule", agent=agent, expression=trigger.expression, acts_as=trigger.as_, next=str(following))
            if strangers := sorted(set(trigger.tenants) - set(self._tenants())):
                _log.warning("a schedule names tenants that this host does not serve", agent=agent, tenants=strangers)

    async def _forever(self) -> None:
        while True:
            try:
                await self.tick(self._clock())
            except Exception:  # noqa: BLE001 - logged with its trace
                _log.exception("looking after schedules failed")
            await asyncio.sleep(self.rest(self._clock()))


def _name(trigger: ScheduleTrigger) -> str:
    """Name a schedule by its place and its times: with other times it is another, and begins anew."""
    return f"{trigger.n} {trigger.expression} {trigger.timezone}"


async def _moved(session: Session, due: Due) -> bool:
    return await session.fetchval(_FIRED, due.agent, _name(due.trigger), due.at) is True


def _asker(due: Due) -> Context:
    name = due.trigger.as_.partition(":")[2] or due.trigger.as_
    return Context(due.tenant, Principal(name, "workload", name), agent=due.agent, channel="schedule")


def _detail(due: Due) -> dict[str, object]:
    return {"schedule": due.trigger.expression, "as": due.trigger.as_, "at": timestamp(due.at)}
