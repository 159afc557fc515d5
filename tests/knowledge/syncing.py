"""A sync in a process of its own, which may be killed. As a program it takes one line of JSON: where to sync what.

Each document read is a line of its path; a tilde before it: a part of it was embedded. The last line is the report.
"""

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import orjson
from azure.core.credentials import AccessToken

from charter.identity.credential import credentials, written
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ingest import sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pace import Progress
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.sources.opening import Visitor, open_sources
from charter.settings import HOUSE, Settings, read
from charter.store.database import Database

_SECONDS = 60


class Machine:
    """A managed identity's credential whose tokens are as Entra writes them, for whichever service is asked for."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes += scopes
        now = int(time.time())
        claims = {
            "aud": "https://storage.azure.com",
            "iss": "https://sts.windows.net/contoso/",
            "ver": "1.0",
            "oid": "host",
        }
        lasts = {"iat": now - 60, "nbf": now - 60, "exp": now + 600}
        return AccessToken(jwt.encode({**claims, **lasts}, "k" * 32, "HS256"), now + 600)

    async def close(self) -> None: ...


@dataclass(slots=True)
class Child:
    """The process, as its parent sees it."""

    process: asyncio.subprocess.Process

    @classmethod
    async def begin(
        cls, database: str, knowledge: dict[str, Any], *, ca_file: Path | None = None, wait: bool = False
    ) -> "Child":
        trusting = {"SSL_CERT_FILE": str(ca_file)} if ca_file else {}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.knowledge.syncing", cwd=HOUSE, env={**os.environ, **trusting},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(orjson.dumps({"database": database, "knowledge": knowledge, "wait": wait}) + b"\n")
        return cls(process)

    async def line(self) -> str:
        """Return the next line that it says, empty at its end."""
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), _SECONDS)).decode().strip()

    async def documents(self, count: int) -> list[str]:
        """Return the next so many documents that it has read."""
        found: list[str] = []
        while len(found) < count:
            found += _whole([await self.line()])
        return found

    async def part(self) -> str:
        """Return the first document of which a part is embedded."""
        while not (said := await self.line()).startswith("~"):
            assert said
        return said[1:]

    async def kill(self) -> list[str]:
        """Kill it as a power cut would; return what else it had said that it read."""
        self.process.kill()
        await self.process.wait()
        assert self.process.stdout is not None
        return _whole((await self.process.stdout.read()).decode().splitlines())

    async def report(self) -> dict[str, Any]:
        """Return its report, when it is done."""
        last = ""
        while said := await self.line():
            last = said
        assert await asyncio.wait_for(self.process.wait(), _SECONDS) == 0
        return orjson.loads(last)


def _whole(lines: list[str]) -> list[str]:
    assert "" not in lines, "the child has ended"
    return [line for line in lines if not line.startswith("~")]


def _read(progress: Progress) -> None:
    if progress.read:
        print(progress.source, flush=True)
    elif progress.passages:
        print(f"~{progress.source}", flush=True)


async def _main(asked: dict[str, Any]) -> None:
    settings: Settings = read(shipped=False, knowledge=asked["knowledge"])
    database, embedder, machine = Database(asked["database"], size=2), E5Embedder(), Machine()
    await database.open()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        azure: Any = machine
        visitor = Visitor(http, written, azure, credentials(settings.identity, written), lambda _: None)
        sources = open_sources(settings, visitor, stack)
        archive = Archive(PgIndex(database, embedder), embedder)
        report = await sync(archive, Ledger(database), sources, progress=_read, wait=asked["wait"])
    print(orjson.dumps({**report.as_json(), "scopes": machine.scopes}).decode(), flush=True)
    await database.close()
    embedder.close()


if __name__ == "__main__":
    asyncio.run(_main(orjson.loads(sys.stdin.buffer.readline())))
