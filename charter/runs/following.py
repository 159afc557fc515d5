"""Follow a run as it happens: journal numbers wake followers in any process, live text only in this one."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog

from charter.store.database import APP_ROLE

_log = structlog.get_logger(__name__)
_RECONNECT_SECONDS = 1.0


class Followers:
    """Who waits for news of which run. One listening connection serves the whole process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queues: dict[str, set[asyncio.Queue[str | None]]] = defaultdict(set)
        self._listeners: list[Callable[[str, str, str], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    def listen(self, listener: Callable[[str, str, str], None]) -> None:
        """Call with the run, the kind and the status of each entry that any process writes to a journal.

        A lost connection loses news: whoever must know looks at the journal too.
        """
        self._listeners.append(listener)

    async def open(self) -> None:
        self._task = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._listening.wait(), 10)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
                _log.warning("journal notifications lost", fault=str(fault))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _hear(self) -> None:
        connection: Any = await asyncpg.connect(self._url, server_settings={"role": APP_ROLE})
        try:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda _: gone.set())  # pyright: ignore[reportUnknownLambdaType]
            await connection.add_listener("charter_journal", self._heard)
            self._listening.set()
            # What happened while nobody listened is in the journal: let everyone look.
            self.wake_all()
            await gone.wait()
        finally:
            await connection.close(timeout=2)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        run_id, _, kind, status = str(payload).split(":", 3)
        self._wake(run_id)
        for listener in self._listeners:
            listener(run_id, kind, status)

    def wake_all(self) -> None:
        """Let everyone look at the journal, and at whether this host goes on."""
        for run_id in list(self._queues):
            self._wake(run_id)

    def _wake(self, run_id: str) -> None:
        self._tell(run_id, None)

    def text(self, run_id: str, text: str) -> None:
        """Give live text to those who follow the run here. Nobody gets it later."""
        self._tell(run_id, text)

    def _tell(self, run_id: str, what: str | None) -> None:
        for queue in self._queues.get(run_id, ()):
            with suppress(asyncio.QueueFull):
                queue.put_nowait(what)

    def followed(self, run_id: str) -> bool:
        return bool(self._queues.get(run_id))

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator["asyncio.Queue[str | None]"]:
        """Give a queue of wake-ups (``None``: read the journal) and live text, until the block ends."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=4096)
        self._queues[run_id].add(queue)
        try:
            yield queue
        finally:
            self._queues[run_id].discard(queue)
            if not self._queues[run_id]:
                del self._queues[run_id]
