"""The statements that look across tenants. All of them: a new one needs a line here and a policy in a migration."""

from collections.abc import Iterable
from dataclasses import dataclass

from charter.store.database import Database


@dataclass(frozen=True, slots=True)
class Orphan:
    """A run whose host is gone: its lease ran out while it was queued or running."""

    tenant: str
    run_id: str
    epoch: int


async def ensure_tenants(database: Database, tenants: Iterable[str]) -> None:
    """Create the tenants that settings name and the database does not have yet."""
    async with database.crossing() as session:
        await session.executemany(
            "insert into tenants (id) values ($1) on conflict (id) do nothing",
            [(tenant,) for tenant in sorted(set(tenants))],
        )


async def orphans(database: Database, limit: int = 100) -> list[Orphan]:
    """Return runs in flight whose lease has run out, oldest first."""
    async with database.crossing() as session:
        rows = await session.fetch(
            "select tenant, id, epoch from runs where status in ('queued', 'running') and lease_until < clock_timestamp() "
            "order by lease_until limit $1",
            limit,
        )
    return [Orphan(row["tenant"], row["id"], row["epoch"]) for row in rows]
