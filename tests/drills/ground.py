"""The ground of a drill: a database that can fail, systems that outlive every host, and hosts that come and go.

::

    async with ground(hosts=2, runs={"lease_seconds": 4}) as here:
        run = await here.client.start("alice", "work m-1")
        here.kill(0)                                # it comes back by itself
        await here.ended([run], seconds=60)
        print(await audit(here, {"m-1": run}))

Each ground has a folder, a database and ports of its own. Hosts read ``drill.points`` from what is given as ``points``;
one that such a point has killed comes back without it, unless ``again``.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from charter import settings
from charter.local import keys, twins
from charter.store.database import prepare
from tests.drills.client import Client
from tests.drills.host import Host
from tests.drills.nursery import Nursery
from tests.drills.postgres import Postgres

HERE = Path(__file__).resolve().parent
SCRIPT = settings.HOUSE / "tests" / "data" / "drill.yaml"
TERMINAL = frozenset({"completed", "failed", "cancelled"})


@dataclass(slots=True)
class Fall:
    """A host that died or froze, the runs it had in hand, and how many seconds each was without an owner. Time in which no
    host served at all does not count: nobody was there who could have taken it.
    """

    host: int
    how: str
    owned: dict[str, int]
    adopted: dict[str, float] = field(default_factory=dict[str, float])
    waited: float = 0

    @property
    def open(self) -> dict[str, int]:
        return {run: epoch for run, epoch in self.owned.items() if run not in self.adopted}


@dataclass(slots=True)
class Ground:
    folder: Path
    postgres: Postgres
    twins: twins.Twins
    http: aiohttp.ClientSession
    hosts: list[Host]
    client: Client
    again: bool = False
    respawn: bool = True
    falls: list[Fall] = field(default_factory=list[Fall])
    tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])
    closing: bool = False
    thaw_after: float = 6
    """How long a host stands still that a fault point froze."""

    # -- hosts

    def serving(self) -> list[Host]:
        return [host for host in self.hosts if host.serves]

    def orphaned(self, seconds: float) -> bool:
        """Say whether runs of a fallen host wait for another one, not longer than that."""
        return any(fall.open and fall.waited < seconds for fall in self.falls)

    def kill(self, number: int) -> None:
        """SIGKILL; the keeper notes the fall and starts it again."""
        self.hosts[number].kill()

    async def freeze(self, number: int, how: str = "frozen") -> None:
        """SIGSTOP; nobody else notices but by its silence."""
        self.hosts[number].freeze()
        await self.note_fall(self.hosts[number], how)

    def thaw(self, number: int) -> None:
        self.hosts[number].thaw()

    async def add(self, points: Mapping[str, str] | None = None) -> Host:
        """Start one more host."""
        first = self.hosts[0]
        number = len(self.hosts)
        host = Host(number, self.folder / f"host-{number}", first.tree, dict(points or {}), nursery=first.nursery)
        self.hosts.append(host)
        self.tasks.append(asyncio.create_task(self._keep(host)))
        await self.until(lambda: bool(host.address) or host.starts > 1, 90, f"host {number} serves")
        return host

    async def _keep(self, host: Host) -> None:
        while not self.closing:
            await host.start()
            assert host.process is not None
            await host.process.wait()
            host.address = ""
            if self.closing:
                return
            await self.note_fall(host, f"ended {host.process.returncode}")
            if not self.again:
                host.points = {}
            while not self.respawn and not self.closing:
                await asyncio.sleep(0.2)

    async def note_fall(self, host: Host, how: str) -> None:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            rows = await self.rows(
                "select id, epoch from runs where status = 'running' and split_part(lease_owner, ':', 2) = $1",
                str(host.pid),
            )
            self.falls.append(Fall(host.number, how, {row["id"]: row["epoch"] for row in rows}))

    async def _watch(self) -> None:
        """Ten times a second: note whom a fault point froze, and when the runs of the fallen are taken over."""
        looked = time.monotonic()
        while not self.closing:
            await asyncio.sleep(0.1)
            passed, looked = time.monotonic() - looked, time.monotonic()
            for host in self.hosts:
                if not host.frozen and host.is_stopped():
                    host.frozen = True
                    await self.note_fall(host, "frozen")
                    asyncio.get_running_loop().call_later(self.thaw_after, host.thaw)
            for fall in self.falls:
                if waiting := fall.open:
                    fall.waited += passed if self.serving() else 0
                    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                        await self._note_adopted(fall, waiting)

    async def _note_adopted(self, fall: Fall, waiting: Mapping[str, int]) -> None:
        rows = await self.rows("select id, epoch, status from runs where id = any($1)", list(waiting))
        for row in rows:
            if row["status"] not in {"queued", "running"} or (
                row["epoch"] > waiting[row["id"]] and row["status"] == "running"
            ):
                fall.adopted[row["id"]] = fall.waited

    # -- database

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Ask the database as its owner, past every tenant's fence."""
        connection = await asyncpg.connect(self.postgres.url, timeout=5)
        try:
            await prepare(connection)
            return await connection.fetch(query, *values, timeout=20)
        finally:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=2)

    async def states(self, runs: Sequence[str]) -> dict[str, str]:
        rows = await self.rows("select id, status, waiting ->> 'for' as f from runs where id = any($1)", list(runs))
        return {row["id"]: f"waiting:{row['f']}" if row["status"] == "waiting" else row["status"] for row in rows}

    async def ended(self, runs: Sequence[str], *, seconds: float, also: frozenset[str] = frozenset()) -> set[str]:
        """Wait until every run has ended, or is in one of the states ``also``; return those that have not."""
        limit = time.monotonic() + seconds
        left = set(runs)
        while left and time.monotonic() < limit:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                states = await self.states(sorted(left))
                left -= {run for run, state in states.items() if state in TERMINAL | also}
            await asyncio.sleep(0.2)
        return left

    # -- systems

    async def ledger(self) -> list[dict[str, Any]]:
        """Return the counting house's own rows: what really happened."""
        return (await self.sandbox("GET", "/_sandbox/ledger"))["rows"]

    async def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.twins.sandboxes["counter"] + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def pace(self, seconds: float) -> None:
        """Let each thing done in the counting house take that long."""
        await self.sandbox("PATCH", "/_sandbox/pace", {"seconds": seconds})

    # -- waiting

    async def until(self, true: Any, seconds: float, what: str) -> None:
        limit = time.monotonic() + seconds
        while not true():
            for task in self.tasks:
                if task.done():
                    task.result()
            assert time.monotonic() < limit, f"not within {seconds:g} s: {what}"
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        self.closing = True
        for host in self.hosts:
            host.kill()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for host in self.hosts:
            host.kill()
            if host.process is not None:
                await host.process.wait()


@asynccontextmanager
async def ground(
    hosts: int = 2,
    *,
    runs: Mapping[str, Any] | None = None,
    points: Sequence[Mapping[str, str]] = (),
    again: bool = False,
    born: bool = True,
    script: Path = SCRIPT,
    **chosen: Any,
) -> AsyncIterator[Ground]:
    """Lay a ground with that many hosts; ``points[n]`` are the fault points of host n. ``born`` false: each host is
    started by the command, with all its loading, instead of born in the nursery.
    """
    async with AsyncExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="drill-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = Postgres(folder / "pg")
        stack.push_async_callback(postgres.end)
        await postgres.make()
        child = await twins.start(
            folder / "twins", port=0, sandboxes=_sandboxes(), secret_file=_secret_file(folder / "keys")
        )
        stack.push_async_callback(child.stop)
        nursery = await Nursery.open() if born else None
        if nursery is not None:
            stack.push_async_callback(nursery.close)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        tree = _settings(folder, postgres, child, runs or {}, script, chosen)
        given = [dict(points[n]) if n < len(points) else {} for n in range(hosts)]
        all_hosts = [Host(n, folder / f"host-{n}", tree, given[n], nursery=nursery) for n in range(hosts)]
        here = Ground(folder, postgres, child, http, all_hosts, Client(http, _identity(folder, child)), again)
        stack.push_async_callback(here.close)
        here.client.addresses = lambda: [host.address for host in all_hosts if host.serves]
        await _begin(here)
        yield here


async def _begin(here: Ground) -> None:
    first, *others = here.hosts
    here.tasks.append(asyncio.create_task(here._keep(first)))
    await here.until(lambda: first.address or first.starts > 2, 120, "the first host serves")
    assert first.address, f"the first host does not start: {first.said()}"
    here.tasks += [asyncio.create_task(here._keep(host)) for host in others]
    await here.until(lambda: all(host.address for host in others), 120, "all hosts serve")
    here.tasks.append(asyncio.create_task(here._watch()))
    await here.client.open()


def _sandboxes() -> dict[str, Path]:
    files = [*settings.HOUSE.glob("plugins/*/sandbox.py"), *HERE.glob("plugins/*/sandbox.py")]
    return {file.parent.name: file for file in files}


def _secret_file(folder: Path) -> Path:
    keys.client_secret(folder)
    return folder / "client_secret.key"


def _identity(folder: Path, child: twins.Twins) -> settings.Identity:
    secret = settings.SecretStr(keys.client_secret(folder / "keys"))
    return settings.Identity(authority=child.entra, graph=f"{child.entra}/graph", client_secret=secret)


def _settings(
    folder: Path,
    postgres: Postgres,
    child: twins.Twins,
    runs: Mapping[str, Any],
    script: Path,
    chosen: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "port": 0,
        "embedded_model": "off",
        "knowledge": {"at_start": False},
        "database": {"url": postgres.url},
        "identity": {
            "authority": child.entra, "graph": f"{child.entra}/graph", "client_secret": keys.client_secret(folder / "keys")
        },
        "plugin_urls": dict(child.sandboxes),
        "session_key": keys.fernet_key(folder / "keys", "session").decode(),
        "agents_dirs": str(HERE / "agents"),
        "plugins_dirs": str(HERE / "plugins"),
        "models": {"standard": {"kind": "scripted", "model": "scripted", "script": str(script), "timeout_seconds": 20}},
        "runs": dict(runs),
        **chosen,
    }  # fmt: skip
