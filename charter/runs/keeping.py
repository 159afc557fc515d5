"""The two tasks that keep runs alive: renew what this host holds, look after what nobody holds."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from charter.errors import DatabaseUnavailable
from charter.runs.engine import Engine
from charter.runs.grip import clock
from charter.runs.leases import Leases
from charter.runs.queue import SegmentQueue
from charter.settings import Runs
from charter.store.crossing import Orphan

_log = structlog.get_logger(__name__)
_OFFER_AGAIN_SECONDS = 5.0
_REMEMBERED = 20_000


class Keeping:
    """Runs while the host does."""

    def __init__(self, engine: Engine, leases: Leases, queue: SegmentQueue, settings: Runs) -> None:
        self._engine = engine
        self._leases = leases
        self._queue = queue
        self._settings = settings
        self._tasks: list[asyncio.Task[None]] = []
        self._offered: dict[tuple[str, int], float] = {}

    async def open(self) -> None:
        """Enter this host into the list of the living, and begin.

        Raises:
            DatabaseUnavailable: the server does not answer.
        """
        await self._leases.open()
        self._tasks = [
            asyncio.create_task(self._forever(self._renew, self._settings.lease_seconds / 3)),
            asyncio.create_task(self._forever(self._look, self._leases.look_seconds)),
        ]

    async def close(self) -> None:
        """Let the engine finish or hand over while leases are still renewed; then leave the list."""
        await self._engine.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._leases.close()

    async def _forever(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await work()
            except DatabaseUnavailable:
                _log.warning("the database is gone; trying again")
            except Exception:  # noqa: BLE001 - logged with its trace
                _log.exception("keeping runs failed")
            await asyncio.sleep(seconds)

    async def _renew(self) -> None:
        await self._leases.renew(self._engine.held)

    async def _look(self) -> None:
        if not self._engine.draining:
            await self._leases.look(self._queue.recover, self._adopt)

    async def _adopt(self, orphan: Orphan) -> None:
        segment = (orphan.run_id, orphan.epoch + 1)
        if (
            self._engine.local(orphan.run_id) is not None
            or clock() - self._offered.get(segment, 0) < _OFFER_AGAIN_SECONDS
        ):
            return
        if len(self._offered) > _REMEMBERED:
            self._offered.clear()
        self._offered[segment] = clock()
        _log.info("offering a run that nobody keeps", run=orphan.run_id)
        await self._queue.now(orphan.tenant, orphan.agent, *segment, priority=orphan.priority)
