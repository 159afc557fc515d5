"""Who lives, and whose runs are to be taken over.

The lease in a run's row is the authority. A dead host need not be waited for: it held an advisory lock, and whoever can
take that lock has proved its death and ends its leases. A frozen or unreachable host still holds its lock; its leases
run out. After an outage of our own we judge nobody at first: the others may not have found back yet either.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from charter.errors import DatabaseUnavailable
from charter.runs.grip import Grip, clock
from charter.runs.records import Claim
from charter.settings import Runs
from charter.store import crossing
from charter.store.database import HOST_ROLE, Database

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 1.0

Adopt = Callable[[crossing.Orphan], Awaitable[None]]
Recover = Callable[[list[str]], Awaitable[None]]


class Leases:
    """This host's own lock and leases, and the watch over those of the others."""

    def __init__(self, database: Database, owner: str, settings: Runs) -> None:
        self._database = database
        self._owner = owner
        self._seconds = settings.lease_seconds
        self._lock: Any = None
        self._silent_until = 0.0
        self._silent: set[str] = set()

    @property
    def look_seconds(self) -> float:
        """How often to look for what nobody keeps."""
        return min(_LOOK_SECONDS, self._seconds / 5)

    async def open(self) -> None:
        """Take this host's lock and enter it into the list.

        Raises:
            DatabaseUnavailable: the server does not answer.
        """
        try:
            # A machine that vanishes must lose its lock soon: the server finds out by these.
            alive = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
            self._lock = await self._database.connect(HOST_ROLE, **alive)
            await self._lock.execute(f"select pg_advisory_lock({crossing.HOST_LOCK.format('$1::text')})", self._owner)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            raise DatabaseUnavailable from fault
        await crossing.register_host(self._database, self._owner)

    async def close(self) -> None:
        """Let the lock go: to the others this host is dead, and they look after all that it may have left."""
        if self._lock is not None:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await self._lock.close(timeout=2)

    async def renew(self, held: Mapping[str, tuple[Claim, Grip]]) -> None:
        """Prolong the leases of these runs; whoever lost a run hears it through its grip."""
        if self._lock is None or self._lock.is_closed():
            self._silent_until = clock() + self._seconds
            await self.open()
        await crossing.register_host(self._database, self._owner)
        of_tenant: dict[str, list[str]] = defaultdict(list)
        for run_id, (claim, _) in held.items():
            of_tenant[claim.ctx.tenant].append(run_id)
        for tenant, runs in of_tenant.items():
            asked_at = clock()
            kept = await self._renewed(tenant, runs)
            for run_id in runs:
                claim, grip = held[run_id]
                if kept.get(run_id) == claim.epoch:
                    grip.confirmed(asked_at)
                else:
                    grip.let_go("lost")

    async def _renewed(self, tenant: str, runs: list[str]) -> dict[str, int]:
        async with self._database.tenant_session(tenant) as session:
            rows = await session.fetch(
                "update runs set lease_until = clock_timestamp() + make_interval(secs => $3) "
                "where id = any($1) and lease_owner = $2 and status = 'running' returning id, epoch",
                runs,
                self._owner,
                self._seconds,
            )
        return {row["id"]: row["epoch"] for row in rows}

    async def confirm(self, claim: Claim) -> bool:
        """Ask whether this very claim still stands, and prolong it."""
        return (await self._renewed(claim.ctx.tenant, [claim.run_id])).get(claim.run_id) == claim.epoch

    async def look(self, recover: Recover, adopt: Adopt) -> None:
        """Bury the dead, and hand over every run that nobody keeps."""
        if clock() < self._silent_until:
            return
        if dead := await crossing.bury(self._database, self._owner):
            _log.info("hosts have ended", hosts=dead)
            await recover(dead)
            await crossing.forget_hosts(self._database, dead)
        silent = set(await crossing.silent_hosts(self._database, self._seconds)) - {self._owner}
        if newly := sorted(silent - self._silent):
            # What they took from the queue and have not begun must not wait for them; what they began has a lease.
            _log.warning("hosts are silent", hosts=newly)
            await recover(newly)
        self._silent = silent
        for orphan in await crossing.orphans(self._database):
            await adopt(orphan)
