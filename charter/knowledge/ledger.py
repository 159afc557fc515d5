"""What is known of the sources: which document came from where in which version, and what was left out and why.

Whoever syncs a tenant has its turn, by a lock that ends with its process, however that ends.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from charter.errors import Conflict, NotFound
from charter.knowledge.index import Source
from charter.knowledge.sources.source import DocumentSource, Fault
from charter.store.database import APP_ROLE, Database, told_outages

_KEY = "hashtextextended('charter knowledge ' || $1, 0)"
_HELD = f"""
select exists (
    select 1 from pg_locks
    where locktype = 'advisory' and objsubid = 1 and granted
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = {_KEY}
)
"""  # noqa: S608 - a constant
_BEGIN = """
insert into knowledge_sources (tenant, name, kind, state) values ($1, $2, $3, 'reading')
on conflict (tenant, name) do update set
    kind = excluded.kind, state = 'reading', reason = '', done = 0, total = 0, passages = 0, bytes = 0, current = '',
    started_at = clock_timestamp(), seen_at = clock_timestamp()
"""
_MOVE = """
update knowledge_sources set done = $2, total = $3, passages = $4, bytes = $5, current = $6, seen_at = clock_timestamp()
where name = $1
"""
_END = """
update knowledge_sources set state = $2, reason = $3, current = '', seen_at = clock_timestamp(),
    completed_at = case when $2 = 'complete' then clock_timestamp() else completed_at end
where name = $1
"""
_NOTE = """
insert into knowledge_documents (tenant, collection, source, origin, version, digest, passages)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant, collection, source) do update set
    origin = excluded.origin, version = excluded.version, digest = excluded.digest, passages = excluded.passages,
    read_at = clock_timestamp()
"""
_FAULT = """
insert into knowledge_faults (tenant, origin, path, reason, version) values ($1, $2, $3, $4, $5)
on conflict (tenant, origin, path) do update set
    since = case when knowledge_faults.reason = excluded.reason then knowledge_faults.since else clock_timestamp() end,
    reason = excluded.reason, version = excluded.version, seen_at = clock_timestamp()
"""
_COUNTED = """
select origin, collection, count(*) as documents, coalesce(sum(passages), 0) as passages
from knowledge_documents group by origin, collection order by origin, collection
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A document as it was read last: its source's name, the version there, the digest of its content."""

    origin: str
    version: str
    digest: str


class Ledger:
    """Kept in the host's database, whichever store has the passages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def turn(self, tenant: str, *, wait: bool) -> AsyncGenerator[None]:
        """Hold the tenant's turn, for one process at a time.

        Raises:
            Conflict: another process has it, and nobody is to ``wait``.
        """
        with told_outages():
            connection = await self._database.connect(APP_ROLE, application_name="charter knowledge")
        try:
            lock = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
            with told_outages():
                if await connection.fetchval(f"select {lock}({_KEY})", tenant) is False:
                    raise Conflict(
                        f"Another sync of {tenant} is under way.",
                        action="charter knowledge status shows how far it is.",
                    )
            yield
        finally:
            # Its lock ends with the connection.
            await connection.close(timeout=5)

    async def documents(self, tenant: str) -> dict[Source, Known]:
        """Return what was read.

        Raises:
            NotFound: no such tenant.
        """
        async with self._database.tenant_session(tenant) as session:
            if not await session.fetchval("select true from tenants where id = $1", tenant):
                raise NotFound(f"There is no tenant {tenant}.")
            rows = await session.fetch("select collection, source, origin, version, digest from knowledge_documents")
        return {(row[0], row[1]): Known(row[2], row[3], row[4]) for row in rows}

    async def note(self, tenant: str, source: Source, known: Known, passages: int) -> None:
        """Keep what is about to be written into the store: before it is, so that nothing there is of unknown origin."""
        async with self._database.tenant_session(tenant) as session:
            await session.execute(_NOTE, tenant, *source, known.origin, known.version, known.digest, passages)

    async def again(self, tenant: str, source: Source, origin: str, version: str) -> None:
        """Keep another version, or another origin, of the same content."""
        async with self._database.tenant_session(tenant) as session:
            await session.execute(
                "update knowledge_documents set origin = $3, version = $4 where collection = $1 and source = $2",
                *source,
                origin,
                version,
            )

    async def forget(self, tenant: str, sources: Sequence[Source]) -> None:
        async with self._database.tenant_session(tenant) as session:
            await session.executemany(
                "delete from knowledge_documents where collection = $1 and source = $2", list(sources)
            )

    async def faulty(self, tenant: str, origin: str) -> dict[str, tuple[str, str]]:
        """Return the reason and the version of each bad file of a source, by its path."""
        async with self._database.tenant_session(tenant) as session:
            rows = await session.fetch(
                "select path, reason, version from knowledge_faults where origin = $1 and version <> ''", origin
            )
        return {row["path"]: (row["reason"], row["version"]) for row in rows}

    async def fault(self, fault: Fault, origin: str, version: str = "") -> None:
        """Remember a fault. With a ``version``: for as long as the file has that one, it is as bad as it was."""
        async with self._database.tenant_session(fault.tenant) as session:
            await session.execute(_FAULT, fault.tenant, origin, fault.path, fault.reason[:1000], version)

    async def begin(self, source: DocumentSource) -> None:
        async with self._database.tenant_session(source.tenant) as session:
            await session.execute(_BEGIN, source.tenant, source.name, source.kind)

    async def move(self, tenant: str, name: str, counts: Sequence[int], current: str) -> None:
        """Keep how far a source is: ``counts`` are documents done and in all, passages and bytes."""
        async with self._database.tenant_session(tenant) as session:
            await session.execute(_MOVE, name, *counts, current[:500])

    async def end(self, tenant: str, name: str, reason: str, faults: Iterable[str]) -> None:
        """Keep how a source ended: whole, or with the ``reason`` why not; of a whole one, only these faults are left."""
        async with self._database.tenant_session(tenant) as session:
            await session.execute(_END, name, "incomplete" if reason else "complete", reason[:1000])
            if not reason:
                await session.execute(
                    "delete from knowledge_faults where origin = $1 and path <> all($2::text[])", name, list(faults)
                )

    async def drop(self, tenant: str, names: Sequence[str]) -> None:
        """Forget the sources that are none of ``names``."""
        async with self._database.tenant_session(tenant) as session:
            await session.execute("delete from knowledge_sources where name <> all($1::text[])", list(names))
            await session.execute("delete from knowledge_faults where origin <> all($1::text[])", list(names))

    async def status(self, tenant: str) -> dict[str, Any]:
        """Tell all that is known of a tenant's sources: what each holds, how its last sync went, and what it left out."""
        async with self._database.tenant_session(tenant) as session:
            held = await session.fetchval(_HELD, tenant)
            sources = await session.fetch("select * from knowledge_sources order by name")
            counted = await session.fetch(_COUNTED)
            faults = await session.fetch("select origin, path, reason, since from knowledge_faults order by path")
        return {
            "tenant": tenant,
            "syncing": bool(held),
            "sources": [_told(row, counted, faults, held=bool(held)) for row in sources],
        }


def _told(row: Any, counted: Iterable[Any], faults: Iterable[Any], *, held: bool) -> Mapping[str, Any]:
    name, reading = row["name"], row["state"] == "reading"
    # A sync that was killed cannot say so itself: nobody holds the tenant's turn any more.
    state = "cut short" if reading and not held else row["state"]
    fields = ("done", "total", "passages", "bytes", "current") if reading else ()
    return {
        "name": name,
        "kind": row["kind"],
        "state": state,
        "reason": row["reason"],
        "started_at": row["started_at"],
        "completed_at": row["completed_at"],
        "progress": {field: row[field] for field in fields},
        "collections": [
            {field: each[field] for field in ("collection", "documents", "passages")}
            for each in counted
            if each["origin"] == name
        ],
        "faults": [
            {"path": each["path"], "reason": each["reason"], "since": each["since"]}
            for each in faults
            if each["origin"] == name
        ],
    }
