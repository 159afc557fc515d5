"""What was said and heard in Teams long ago is deleted, once an hour, for each tenant by one process at a time."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

import structlog

from charter.store.database import Database, Session
from charter.store.tenants import Tenant

_log = structlog.get_logger(__name__)

BATCH = 500
FIRST_SECONDS = 20
SECONDS = 3600
_TURN = "select pg_try_advisory_xact_lock(hashtextextended('charter teams retention ' || $1, 0))"
_OVER = (
    ("teams_outbox", "state in ('sent', 'given_up')", "created_at"),
    # Who was asked to sign in and never did is not answered any more.
    ("teams_inbox", "state in ('done', 'signing_in')", "received_at"),
    ("teams_asked", "status <> 'pending'", "asked_at"),
    ("teams_exchanges", "true", "at"),
    ("teams_state", "true", "updated_at"),
)


class All(Protocol):
    """What is known of tenants: ``charter.store.tenants.Tenants``."""

    def all(self) -> Iterable[Tenant]: ...


class Forgetting:
    """Deletes what is older than ``days`` and over. What waits stays, however old."""

    def __init__(self, database: Database, tenants: All, *, days: int) -> None:
        self._database = database
        self._tenants = tenants
        self._days = days
        self._keeper: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._keeper = asyncio.create_task(self._forever(), name="teams retention")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def sweep(self, tenant: str) -> int:
        """Delete what of this tenant is over its time, in batches; return how many rows."""
        total = 0
        for table, over, moment in _OVER:
            while (gone := await self._batch(tenant, table, over, moment)) == BATCH:
                total += gone
            total += gone
        return total

    async def _batch(self, tenant: str, table: str, over: str, moment: str) -> int:
        async with self._database.tenant_session(tenant) as session:
            if not await session.fetchval(_TURN, tenant):
                return 0
            return await _delete(session, tenant, f"{table} where tenant = $1 and {over} and {moment}", self._days)

    async def _forever(self) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            for tenant in list(self._tenants.all()):
                try:
                    if rows := await self.sweep(tenant.id):
                        _log.info("teams retention", tenant=tenant.id, rows=rows)
                except Exception:  # noqa: BLE001 - logged with its trace; tried again in an hour
                    _log.exception("deleting what was said in Teams failed", tenant=tenant.id)
            await asyncio.sleep(SECONDS)


async def _delete(session: Session, tenant: str, rows: str, days: int) -> int:
    found = f"select ctid from {rows} < clock_timestamp() - make_interval(days => $2) limit {BATCH}"  # noqa: S608 - constants
    table = rows.split(maxsplit=1)[0]
    done = await session.execute(f"delete from {table} where ctid = any(array({found}))", tenant, days)  # noqa: S608
    return int(done.split()[-1])
