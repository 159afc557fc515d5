"""What leaves: rows of the outbox, in order for each conversation, several conversations at once, in any process."""

import asyncio
import random
from contextlib import suppress
from typing import Protocol

import structlog

from charter.channels.teams import outbox
from charter.channels.teams.delivery import PATIENCE_SECONDS, Delivery, Unreachable
from charter.channels.teams.destinations import Destinations, Directories
from charter.channels.teams.outbox import Taken
from charter.channels.teams.pace import Pace
from charter.channels.teams.ports import Connector
from charter.errors import DatabaseUnavailable
from charter.runs.drill import Drill
from charter.settings import Drill as DrillSettings
from charter.store import crossing
from charter.store.database import Database, Session

_log = structlog.get_logger(__name__)

AT_ONCE = 32
LEASE_SECONDS = 30
CLOSE_SECONDS = 12
"""Longer than a request may take: what is being sent when the host goes is not sent by the next one again."""
_EVERY_SECONDS = 1.0


class Served(Directories, Protocol):
    """What is known of tenants: ``charter.store.tenants.Tenants``."""

    def served(self, tenant: str) -> bool: ...


async def _nobody(_session: Session, _taken: Taken) -> None: ...


class Sender:
    """Sends what is due for tenants that are served. It looks every second, and at once for whom it is woken for.

    ``unreachable`` hears of people who cannot be told something any more.
    """

    def __init__(
        self,
        database: Database,
        connector: Connector,
        tenants: Served,
        *,
        drill: Drill | None = None,
        unreachable: Unreachable = _nobody,
        pace: Pace | None = None,
        at_once: int = AT_ONCE,
        lease: float = LEASE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._at_once = at_once
        self._lease = lease
        destinations = Destinations(database, connector, tenants)
        self._delivery = Delivery(
            database, connector, destinations, pace or Pace(), drill or Drill(DrillSettings()), unreachable,
            lease=lease, patience=patience,
        )  # fmt: skip
        self._on_the_way: dict[asyncio.Task[None], Taken] = {}
        self._woken: set[str] = set()
        self._bell = asyncio.Event()
        self._looked = float("-inf")
        self._keeper: asyncio.Task[None] | None = None

    @property
    def repeated(self) -> int:
        """Return how many messages this process sent that another may have sent before."""
        return self._delivery.repeated

    def open(self) -> None:
        self._keeper = asyncio.create_task(self._forever(), name="teams sending")

    def wake(self, tenant: str) -> None:
        """Say that this tenant has something to be said."""
        self._woken.add(tenant)
        self._bell.set()

    async def close(self) -> None:
        """Take nothing more, let go of what has not begun, and let end what is being sent."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        begun = set(self._delivery.under_way)
        waiting = dict(self._on_the_way)
        for task in waiting:
            task.cancel()
        if waiting:
            await asyncio.wait(waiting)
        await self._put_back(list(waiting.values()))
        if begun := begun | self._delivery.under_way:
            await asyncio.wait(begun, timeout=CLOSE_SECONDS)

    async def _put_back(self, rows: list[Taken]) -> None:
        """What was begun is not put back: its lease is another one by now."""
        with suppress(DatabaseUnavailable):
            for taken in rows:
                async with self._database.tenant_session(taken.tenant) as session:
                    await outbox.put_back(session, taken)

    async def _forever(self) -> None:
        while True:
            try:
                await self._look()
            except DatabaseUnavailable:
                pass  # The next second tries again; what is taken comes back by its lease.
            except Exception:  # noqa: BLE001 - logged with its trace; tried again in a second
                _log.exception("looking for what is to be said failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_SECONDS):
                    await self._bell.wait()
            self._bell.clear()

    async def _look(self) -> None:
        """Take what is due, a fair part for each tenant, and send it."""
        due, self._woken = self._woken, set()
        now = asyncio.get_running_loop().time()
        if now - self._looked >= _EVERY_SECONDS:
            self._looked = now
            due |= set(await crossing.teams_due(self._database))
        for left, tenant in enumerate(random.sample(sorted(due), len(due))):
            if self._tenants.served(tenant):
                await self._take(tenant, len(due) - left)

    async def _take(self, tenant: str, tenants: int) -> None:
        """Take rows for the places that are free; a quarter of all is never one tenant's."""
        free = self._at_once - len(self._on_the_way)
        own = sum(taken.tenant == tenant for taken in self._on_the_way.values())
        most = min(max(1, free // tenants), max(1, self._at_once - self._at_once // 4) - own)
        if free <= 0 or most <= 0:
            self._woken.add(tenant)  # Whoever arrives next rings.
            return
        async with self._database.tenant_session(tenant) as session:
            rows = await outbox.take(session, tenant, most, self._lease)
        for taken in rows:
            task = asyncio.create_task(self._deliver(taken), name=f"teams {taken.said.key}")
            self._on_the_way[task] = taken
            task.add_done_callback(self._arrived)

    async def _deliver(self, taken: Taken) -> None:
        try:
            await self._delivery.deliver(taken)
        except DatabaseUnavailable:
            pass  # It comes back by its lease.
        except Exception:  # noqa: BLE001 - logged with its trace; the row comes back by its lease
            _log.exception("delivering failed", key=taken.said.key)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        taken = self._on_the_way.pop(task)
        if not task.cancelled():
            self.wake(taken.tenant)
