"""The child process with the twins and the plugins' sandboxes; it ends when its standard input does."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from charter.errors import StartRefused
from charter.settings import HOUSE, process_environment

_START_SECONDS = 20


@dataclass(slots=True)
class Twins:
    """The running child. ``sandboxes`` maps a plugin to its address.

    ``entra`` and ``entra_tls`` are one twin, ``customers`` is the identity provider of customers; ``ca_file`` is the
    authority behind the certificate of all that is served over TLS.
    """

    entra: str
    entra_tls: str
    customers: str
    key_vault: str
    drive: str
    ai_search: str
    bot_connector: str
    ca_file: Path
    sandboxes: Mapping[str, str]
    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """Close its input and wait for its end."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start(folder: Path, *, port: int, sandboxes: Mapping[str, Path], secret_file: Path, bot: str = "") -> Twins:
    """Start the child and wait until all of it listens; port 0 takes any free ones. ``bot`` is where the host takes activities.

    Raises:
        StartRefused: it did not start; the sentence is its own.
    """
    arguments = ["--folder", str(folder), "--port", str(port), "--client-secret-file", str(secret_file)]
    arguments += ["--bot", bot] if bot else []
    for name, path in sorted(sandboxes.items()):
        arguments += ["--sandbox", f"{name}={path}"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.twins", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=process_environment(),
        cwd=HOUSE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
    except TimeoutError:
        line = b""
    if not line:
        process.kill() if process.returncode is None else None
        said = (await process.stderr.read()).decode().strip().splitlines()
        raise StartRefused(said[-1] if said else "The local sandboxes did not start.")
    told = orjson.loads(line)
    return Twins(
        entra=told["entra"],
        entra_tls=told["entra_tls"],
        customers=told["customers"],
        key_vault=told["key_vault"],
        drive=told["drive"],
        ai_search=told["ai_search"],
        bot_connector=told["bot_connector"],
        ca_file=Path(told["ca_file"]),
        sandboxes=told["sandboxes"],
        process=process,
    )
