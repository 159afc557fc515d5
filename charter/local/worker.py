"""One worker process, as its supervisor sees it."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from charter.errors import StartRefused
from charter.settings import process_environment

_START_SECONDS = 120


class Died(Exception):
    """It ended while it started, and gave no reason."""


@dataclass(slots=True)
class Worker:
    """A child process; ``served`` is when it began to serve (monotonic seconds), 0 before."""

    process: asyncio.subprocess.Process
    served: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process.returncode is None

    async def ready(self) -> Mapping[str, Any]:
        """Wait until it serves; return its model's status.

        Raises:
            StartRefused: it does not start; the sentence is its own.
            Died: it ended without a word, or took too long.
        """
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), _START_SECONDS)
        except TimeoutError:
            self.kill()
            line = b""
        if not line:
            await self.process.wait()
            raise Died
        told = orjson.loads(line)
        if "refused" in told:
            await self.process.wait()
            raise StartRefused(told["refused"], action=told["action"])
        self.served = time.monotonic()
        return told["ready"]

    async def ended(self) -> int:
        return await self.process.wait()

    def stop(self) -> None:
        if self.lives:
            self.process.terminate()

    def kill(self) -> None:
        if self.lives:
            self.process.kill()


async def start(handed: bytes) -> Worker:
    """Start a worker and give it its settings; the pipe stays open and is its life line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "worker",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=process_environment(),
        # Ctrl-C goes to the terminal's whole group; the supervisor alone decides when its workers end.
        process_group=0,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(handed)
    return Worker(process)
