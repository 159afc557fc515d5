"""Everything of a tenant, as lines of JSON: for the tenant that leaves, and for whoever must answer what is kept of it.

The first line says what this is, the last how many rows came and the digest of all lines before it: without that line
an export is cut. All of it is one moment of the database.
"""

import hashlib
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

from charter.errors import TooMany
from charter.store.database import Database

FORMAT = "charter-tenant-export-1"
EXPORTED: Mapping[str, str] = {
    "tenants": "id",
    "threads": "id",
    "runs": "id",
    "journal": "run_id, seq",
    "effects": "run_id, step_id",
    "approvals": "id",
    "run_images": "run_id, ordinal",
    "audit": "seq",
    "documents": "id",
    "passages": "id",
    "knowledge_sources": "name",
    "knowledge_documents": "collection, source",
    "knowledge_faults": "origin, path",
    "schedules": "agent, trigger",
    "run_feedback": "run_id, principal",
    "teams_conversations": "id",
    "teams_people": "id",
    "teams_tasks": "run_id",
    "teams_asked": "approval_id",
    "teams_state": "key",
}
"""Each table with the key in whose order its rows come."""
KEPT_BACK: Mapping[str, str] = {
    "teams_inbox": "Messages on their way in: what became of them is in the runs, which are exported.",
    "teams_outbox": "Messages on their way out: they repeat what is in the runs, which are exported.",
    "teams_exchanges": "Sign-ins of the last minutes, so that none is done twice.",
    "frequent_words": "Counted from the passages, which are exported.",
    "grants": "The authority of people, sealed with this installation's key: it must not be anybody else's.",
    "sessions": "Who is signed in at the console, with their sealed tokens: it ends within hours, and must not be anybody else's.",
}
"""Tables of a tenant that are never exported, and why."""
DERIVED: Mapping[str, tuple[str, ...]] = {"passages": ("words", "embedding")}
"""Columns that are left out since they follow from the others."""

_PREFETCH = 100


class Export:
    """Exports each tenant once at a time, and ``most`` of them: each holds a connection until its last line was taken."""

    def __init__(self, database: Database, *, most: int) -> None:
        self._database = database
        self._most = most
        self._busy: set[str] = set()

    @contextmanager
    def begun(self, tenant: str) -> Generator[None]:
        """Hold the tenant's turn from before the export is recorded until its last line was taken.

        Raises:
            TooMany: another one of the tenant is under way, or as many as may be.
        """
        # Asked and taken in one step of the event loop: nobody comes between.
        if tenant in self._busy or len(self._busy) >= self._most:
            raise TooMany("Another export is under way.", retry_after=30)
        self._busy.add(tenant)
        try:
            yield
        finally:
            self._busy.discard(tenant)

    async def lines(self, tenant: str) -> AsyncGenerator[bytes]:
        """Yield the export line by line, for who has its turn."""
        digest, rows = hashlib.sha256(), dict[str, int]()
        async with self._database.snapshot(tenant) as session:
            schema: str = await session.fetchval("select max(name) from schema_migrations")
            line = _line(_manifest(tenant, schema))
            digest.update(line)
            yield line
            for table, key in EXPORTED.items():
                rows[table] = 0
                async for row in session.cursor(_query(table, key), prefetch=_PREFETCH):
                    line = b'{"table":"%s","row":%s}\n' % (table.encode(), row["row"].encode())
                    digest.update(line)
                    rows[table] += 1
                    yield line
            yield _line({"end": {"rows": rows, "sha256": digest.hexdigest()}})


def _manifest(tenant: str, schema: str) -> dict[str, Any]:
    told = {"format": FORMAT, "tenant": tenant, "schema": schema, "exported_at": datetime.now(UTC)}
    return {"manifest": {**told, "tables": list(EXPORTED), "kept_back": dict(KEPT_BACK)}}


def _line(what: Mapping[str, Any]) -> bytes:
    return orjson.dumps(what) + b"\n"


def _query(table: str, key: str) -> str:
    left_out = "".join(f" - '{column}'" for column in DERIVED.get(table, ()))
    return f"select (to_jsonb(t){left_out})::text as row from {table} t order by {key}"  # noqa: S608 - constants
