"""Parts that several hosts join, started apart from all of them; and who lives."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from charter import settings
from charter.catalog import loader
from charter.local import parts
from charter.store import migrate


@asynccontextmanager
async def shared_parts(folder: Path, **chosen: Any) -> AsyncIterator[dict[str, Any]]:
    """Start the database, the Entra twin and the sandboxes; give the settings with which a host joins them, and those of
    ``teams`` where they are chosen.
    """
    tree = settings.Settings(**{"data_dir": folder, "port": 0, **chosen})
    folder.mkdir(parents=True)
    local = await parts.start(tree, loader.load(tree))
    try:
        await migrate.migrate(local.settings.database.url)
        names = ("database", "identity", "plugin_urls", "session_key", *({"teams"} & chosen.keys()))
        yield {name: getattr(local.settings, name) for name in names}
    finally:
        await local.stop()


def lives(pid: int) -> bool:
    """Tell whether a process does anything any more; one that merely waits to be reaped does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_of(folder: Path) -> set[int]:
    """Return all processes that name the folder, or stand in it: its database, its twins."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode()
            where = str((entry / "cwd").readlink())
        except OSError:
            continue
        if entry.name.isdigit() and (str(folder) in command or where.startswith(str(folder))):
            found.add(int(entry.name))
    return found - {os.getpid()}


async def all_gone(pids: Iterable[int], folder: Path, seconds: float) -> None:
    """Wait until none of the processes is left, and nothing of the folder; what did not go by itself is killed."""
    left: set[int] = set()
    try:
        async with asyncio.timeout(seconds):
            while left := {pid for pid in {*pids, *processes_of(folder)} if lives(pid)}:
                await asyncio.sleep(0.1)
    finally:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
