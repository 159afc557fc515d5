"""``charter serve --workers N``: one process that starts the local parts once, and N hosts that share the port.

It stays light: no agent, no model, no Semantic Kernel. The workers share nothing but the port and the database, so that
the death of one is no more to the others than the death of a machine.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import structlog

from charter.catalog import loader
from charter.errors import StartRefused
from charter.local import parts, place, whereabouts, worker
from charter.local.people import People
from charter.local.sign import sign
from charter.local.stopping import Stop
from charter.local.worker import Died, Worker
from charter.posture.start import allow, allow_resolved
from charter.runs import schema
from charter.secrets.opening import resolved_alone
from charter.settings import Settings
from charter.telemetry import logs
from charter.telemetry.masking import Mask

_log = structlog.get_logger(__name__)

YOUNG_SECONDS = 10.0
DRAIN_SECONDS = 20.0
_TRIES = 3
_LONGEST_PAUSE = 15.0
_CONNECTIONS = 96
"""Of the embedded server, without those it keeps to itself."""
_FIXED_CONNECTIONS = 10
"""Of a worker, beside its pool: across tenants, listening, the segment queue's, its lock."""


class Supervisor:
    """Keeps ``count`` workers. ``handed`` gives what the worker of a number is told; ``changed`` hears the living."""

    def __init__(self, count: int, handed: Callable[[int], bytes], changed: Callable[[Sequence[int]], None]) -> None:
        self._handed = handed
        self._changed = changed
        self._numbers = range(1, count + 1)
        self._workers: dict[int, Worker] = {}
        self._status: dict[int, Mapping[str, Any]] = {}
        self._tending: list[asyncio.Task[None]] = []
        self._complete = asyncio.Event()

    async def start(self) -> Mapping[str, Any]:
        """Start all workers; return what the first one tells of its model.

        Raises:
            StartRefused: a worker cannot start; all are stopped.
        """
        self._tending = [asyncio.create_task(self._tend(number)) for number in self._numbers]
        complete = asyncio.create_task(self._complete.wait())
        await asyncio.wait({complete, *self._tending}, return_when=asyncio.FIRST_COMPLETED)
        complete.cancel()
        for task in self._tending:
            if task.done():
                task.result()
        return self._status[1]

    async def stop(self) -> None:
        """Let the workers finish, and end those that do not."""
        for task in self._tending:
            task.cancel()
        await asyncio.gather(*self._tending, return_exceptions=True)
        workers = [worker for worker in self._workers.values() if worker.lives]
        for each in workers:
            each.stop()
        ending = [asyncio.create_task(each.ended()) for each in workers]
        if ending:
            _, late = await asyncio.wait(ending, timeout=DRAIN_SECONDS)
            for each in workers:
                each.kill()
            if late:
                _log.warning("workers did not end in time and were killed", workers=len(late))
                await asyncio.wait(late)

    def hurry(self) -> None:
        """Let nothing finish that takes time."""
        for each in self._workers.values():
            each.stop()

    async def _tend(self, number: int) -> None:
        """Keep one place taken: a dead worker is replaced at once, one that keeps dying young after a pause."""
        young = 0
        while True:
            fault = await self._worked(number)
            born = self._workers[number].served
            young = 0 if born and time.monotonic() - born > YOUNG_SECONDS else young + 1
            if number not in self._status and (isinstance(fault, StartRefused) or young >= _TRIES):
                raise _told(number, fault, self._workers[number])
            pause = min(_LONGEST_PAUSE, 2.0 ** (young - 2)) if young > 1 else 0.0
            code = self._workers[number].process.returncode
            reason = fault.detail if isinstance(fault, StartRefused) else f"exit code {code}"
            _log.warning("a worker ended and is replaced", worker=number, reason=reason, pause_seconds=pause)
            await asyncio.sleep(pause)

    async def _worked(self, number: int) -> Exception | None:
        """Have a worker in this place until it ends; return why it did not start."""
        each = self._workers[number] = await worker.start(self._handed(number))
        self._tell()
        try:
            self._status[number] = await each.ready()
            if len(self._status) == len(self._numbers):
                self._complete.set()
            await each.ended()
        except (StartRefused, Died) as fault:
            return fault
        finally:
            self._tell()
        return None

    def _tell(self) -> None:
        try:
            self._changed([each.pid for _, each in sorted(self._workers.items()) if each.lives])
        except OSError as fault:
            _log.warning("nobody could be told who works", reason=str(fault))


def _told(number: int, fault: Exception | None, last: Worker) -> StartRefused:
    if isinstance(fault, StartRefused):
        return fault
    return StartRefused(
        f"Worker {number} does not start: it ended with exit code {last.process.returncode}.",
        action="What it said before stands above.",
    )


async def supervise(settings: Settings, say: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM, then let the workers finish and stop everything that was started.

    ``say`` is told the sign once all workers serve.

    Raises:
        StartRefused: a part or a worker does not start.
    """
    mask = Mask()
    logs.configure(settings.telemetry, mask)
    stop = Stop()
    stop.on_signals(signal.SIGINT, signal.SIGTERM)
    async with AsyncExitStack() as stack:
        if text := await stop.before(_started(settings, stack, stop, mask)):
            say(text)
            await stop.asked.wait()


async def _started(settings: Settings, stack: AsyncExitStack, stop: Stop, mask: Mask) -> str:
    allow(settings)
    local = await parts.start(settings, loader.load(settings))
    stack.push_async_callback(local.stop)
    resolved = await resolved_alone(local.settings, mask.tell)
    allow_resolved(local.settings, resolved)
    await schema.ready(resolved)
    taken = stack.enter_context(_port(settings))
    port = int(taken.getsockname()[1])
    address = f"http://localhost:{port}"
    shared = _shared(local.settings, port, embedded=local.server is not None)

    def handed(number: int) -> bytes:
        reads = shared.knowledge.model_copy(update={"at_start": shared.knowledge.at_start and number == 1})
        tree = shared.model_copy(update={"knowledge": reads})
        postgres = local.server.folder if local.server else None
        return place.handed(tree, number, postgres=postgres, sandboxed=local.twins is not None)

    crew = Supervisor(settings.workers, handed, lambda pids: whereabouts.write(shared, address, pids))
    stop.hurry = crew.hurry
    stack.push_async_callback(crew.stop)
    status = await crew.start()
    return await _sign(shared, address, status, settings.workers)


def _shared(settings: Settings, port: int, *, embedded: bool) -> Settings:
    """Return the settings of every worker. The embedded server has only so many connections to share."""
    update: dict[str, object] = {"port": port, "workers": 1, "data_dir": settings.data_dir.resolve()}
    update["database"] = settings.database.model_copy(update={"owner_url": ""})
    if embedded:
        each = _CONNECTIONS // settings.workers - _FIXED_CONNECTIONS
        if each < 2:
            raise StartRefused(
                f"The embedded PostgreSQL cannot serve {settings.workers} workers.",
                action=f"Take at most {_CONNECTIONS // (_FIXED_CONNECTIONS + 2)}, or name a server in CHARTER_DATABASE_URL.",
            )
        pool = min(settings.database.pool, each)
        update["database"] = settings.database.model_copy(update={"owner_url": "", "pool": pool})
    return settings.model_copy(update=update)


def _port(settings: Settings) -> socket.socket:
    """Take the port without listening, so that it stays ours while the workers come and go.

    Raises:
        StartRefused: it cannot be had.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(where)
    except OSError as fault:
        raise StartRefused(f"{settings.host}:{settings.port} cannot be had: {fault.strerror}.") from fault
    return taken


async def _sign(settings: Settings, address: str, status: Mapping[str, Any], workers: int) -> str:
    if settings.profile != "local":
        return f"{workers} workers of Charter serve {settings.http.public_url} at {address}. Ctrl-C ends them."
    async with aiohttp.ClientSession() as http:
        people = People(settings.identity, http)
        await people.read()
    return sign(address, parts.running(settings), people.all, status, workers=workers)
