"""Two hosts on one database, one Entra and one Teams, which outlive them: any of them is killed, ended and started again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from charter import settings
from tests.journeys.parts import shared_parts
from tests.running import HOUSE, WAIT_SECONDS, RunningHost, reached, started
from tests.teams.client import Teams

NAMES = ("a", "b")
TEAM = "Purchasing"
ESCALATION = f"19:{sha256(f'contoso/{TEAM}'.encode()).hexdigest()[:32]}@thread.tacv2"
"""The first channel of that team, as the twin names it."""
LONG_AGO = "long ago"
"""What was remembered there by this key is over its days from the beginning."""
_REMEMBERED = (
    "insert into teams_state (tenant, key, value, updated_at) values ('contoso', $1, '1', now() - interval '31 days')"
)
_TEAMS = settings.Teams(agent="employee_assistant", reminders=(0.01, 0.02), escalation=ESCALATION)
_RUNS = settings.Runs(lease_seconds=5, approval_hours=10, function_seconds=10, settle_seconds=2)
_DRILLS = HOUSE / "tests" / "drills"
_FOLDERS: Mapping[str, Any] = {"agents_dirs": str(_DRILLS / "agents"), "plugins_dirs": str(_DRILLS / "plugins")}


@dataclass(slots=True)
class Pair:
    """The hosts ``a`` and ``b``, as far as they run; activities are posted to the one that is ``used``."""

    folder: Path
    chosen: Mapping[str, Any]
    teams: Teams
    http: aiohttp.ClientSession
    database: str
    hosts: dict[str, RunningHost] = field(default_factory=dict[str, RunningHost])
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict[str, asyncio.subprocess.Process])

    async def up(self, *names: str) -> None:
        """Start those that do not run."""
        await asyncio.gather(*(self._up(name) for name in names if name not in self.processes))

    async def _up(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = await started(self.folder / name, log=log, **self.chosen)
        host = self.hosts[name] = await reached(self.folder / name, self.http)
        async with asyncio.timeout(WAIT_SECONDS):
            while (await host.call(None, "GET", "/readyz")).body["checks"]["teams"]["state"] != "ready":
                await asyncio.sleep(0.1)

    async def down(self, *names: str, kill: bool = False) -> None:
        """End those that run: orderly, or all of a sudden."""
        ending = [self.processes.pop(name) for name in names if name in self.processes]
        for process in ending:
            process.kill() if kill else process.terminate()
        await asyncio.wait_for(asyncio.gather(*(process.wait() for process in ending)), WAIT_SECONDS)

    async def use(self, name: str) -> RunningHost:
        """Let what people do in Teams go to this host."""
        await self.up(name)
        await self.teams.bot(f"{self.hosts[name].address}/api/messages")
        return self.hosts[name]

    async def query(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Ask the database, past all tenants' walls."""
        connection = await asyncpg.connect(self.database)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()


@asynccontextmanager
async def pair_in(folder: Path, **more: Any) -> AsyncIterator[Pair]:
    """Start what both stand on, and both of them."""
    async with shared_parts(folder / "parts", teams=_TEAMS, **_FOLDERS) as joined, aiohttp.ClientSession() as http:
        chosen = {**joined, **_FOLDERS, "runs": _RUNS, **more}
        made = Pair(folder, chosen, Teams(joined["teams"].token_service, http), http, joined["database"].url)
        try:
            await made.up(*NAMES)
            await made.use("a")
            await made.query(_REMEMBERED, LONG_AGO)
            await made.teams.personal("bob")  # who decides has the app: nobody is asked where it is not
            yield made
        finally:
            await made.down(*NAMES)
