"""The tenants as they stand now: created, configured and suspended by operators while hosts run."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charter.errors import DatabaseUnavailable
from charter.settings import Tier
from charter.store.database import Database, Session

_log = structlog.get_logger(__name__)

_EVERY_SECONDS = 1.0
_MOST = 1_000_000
_READ = "select id, name, directory, suspended, reason, settings, created_at, updated_at from tenants order by id"

Heard = Callable[[bool], None]


class TenantSettings(BaseModel):
    """What holds for one tenant. A field that is ``None`` is as the host's settings say.

    ``agents`` and ``knowledge`` are the names of agents and collections that its people may use; ``models`` the tiers
    that its runs may use; ``residency`` the regions whose deployments may serve it. The others are its limits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    agents: tuple[str, ...] | None = None
    knowledge: tuple[str, ...] | None = None
    models: tuple[Tier, ...] | None = None
    residency: tuple[str, ...] | None = None
    concurrent: int | None = Field(default=None, ge=1, le=_MOST)
    agent_concurrent: int | None = Field(default=None, ge=1, le=_MOST)
    per_minute: int | None = Field(default=None, ge=0, le=_MOST)
    queue_limit: int | None = Field(default=None, ge=0, le=_MOST)


_AS_THE_HOST = TenantSettings()


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant. ``directory`` is the Entra tenant whose people and workloads are its own.

    ``unreadable``: the settings in the database are none that this version knows; those here close everything.
    """

    id: str
    name: str = ""
    directory: str | None = None
    suspended: bool = False
    reason: str = ""
    settings: TenantSettings = _AS_THE_HOST
    created_at: Any = None
    updated_at: Any = None
    unreadable: bool = False


class Tenants:
    """All tenants, read again every second: what an operator changes counts in every process that much later.

    While the database does not answer, what was read last counts; nothing can be begun then anyway.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Mapping[str, Tenant] = MappingProxyType({})
        self._by_directory: Mapping[str, str] = MappingProxyType({})
        self._keeper: asyncio.Task[None] | None = None
        self._listeners: list[Heard] = []
        self._reading = asyncio.Lock()

    def listen(self, heard: Heard) -> None:
        """Tell this listener of every reading, and whether anything is different since the one before."""
        self._listeners.append(heard)

    async def open(self) -> None:
        """Read them, and go on reading.

        Raises:
            DatabaseUnavailable: the first reading failed.
        """
        await self.read()
        self._keeper = asyncio.create_task(self._forever(), name="tenants")

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def read(self) -> None:
        """Read them now. One reading at a time: the answer to an earlier one must not be taken for what is newer."""
        async with self._reading:
            await self._read()

    async def _read(self) -> None:
        async with self._database.crossing() as session:
            rows = await session.fetch(_READ)
        known = {row["id"]: tenant_of(row) for row in rows}
        different = known != dict(self._known)
        self._by_directory = MappingProxyType({t.directory: t.id for t in known.values() if t.directory})
        self._known = MappingProxyType(known)
        for heard in self._listeners:
            heard(different)

    def all(self) -> Iterable[Tenant]:
        return self._known.values()

    def get(self, tenant: str) -> Tenant | None:
        return self._known.get(tenant)

    def settings(self, tenant: str) -> TenantSettings:
        found = self._known.get(tenant)
        return found.settings if found else _CLOSED

    def served(self, tenant: str) -> bool:
        """Whether work of this tenant is done now: it is known and not suspended."""
        found = self._known.get(tenant)
        return found is not None and not found.suspended

    def of_directory(self, tid: str) -> str | None:
        """Return the tenant whose directory this Entra tenant is, suspended or not."""
        return self._by_directory.get(tid)

    def directory(self, tenant: str) -> str | None:
        found = self._known.get(tenant)
        return found.directory if found else None

    async def _forever(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self.read()
            except DatabaseUnavailable:
                continue
            except Exception:  # noqa: BLE001 - logged; the next second tries again
                _log.exception("reading the tenants failed")


_CLOSED = TenantSettings(agents=(), knowledge=(), models=())
"""Of a tenant that is not known: nothing."""


def tenant_of(row: Any) -> Tenant:
    """Return the tenant of a row. Settings that this version cannot read close everything rather than open it."""
    unreadable = False
    try:
        settings = TenantSettings.model_validate(row["settings"])
    except ValidationError as fault:
        _log.error("a tenant may use nothing: its settings cannot be read", tenant=row["id"], reason=str(fault))
        settings, unreadable = _CLOSED, True
    return Tenant(
        row["id"], row["name"], row["directory"], row["suspended"], row["reason"], settings, row["created_at"],
        row["updated_at"], unreadable,
    )  # fmt: skip


async def ensure(database: Database, directories: Mapping[str, str], others: Iterable[str] = ()) -> None:
    """Create the tenants that settings name (``directories``: Entra tenant to tenant) and the database does not have.

    A tenant that is there keeps what operators made of it; only a directory that it lacks is set. One that operators
    gave to another tenant stays there.
    """
    async with database.crossing() as session:
        for tenant in sorted({*directories.values(), *others}):
            await session.execute("insert into tenants (id) values ($1) on conflict (id) do nothing", tenant)
        for tid, tenant in sorted(directories.items()):
            await _given(session, tenant, tid)


async def _given(session: Session, tenant: str, tid: str) -> None:
    # Never together with the tenant: of two hosts that start at once one might stumble over the directory of the other's.
    await session.execute(
        "update tenants set directory = $2 where id = $1 and directory is null "
        "and not exists (select 1 from tenants o where o.directory = $2)",
        tenant,
        tid,
    )
    holder = await session.fetchval("select id from tenants where directory = $1", tid)
    if holder != tenant:
        _log.warning("settings name a directory that is another's", directory=tid, named=tenant, holder=holder)
