"""The rows of tenants as operators change them: read and written one by one, within a transaction of the caller's."""

from typing import Any

import asyncpg

from charter.store.database import Session


async def create(session: Session, tenant: str, *, name: str, directory: str, settings: Any) -> asyncpg.Record | None:
    """Create the tenant; ``None``: its id or its directory is taken."""
    return await session.fetchrow(
        "insert into tenants (id, name, directory, settings) values ($1, $2, $3, $4) on conflict do nothing returning *",
        tenant,
        name,
        directory,
        settings,
    )


async def find(session: Session, tenant: str) -> asyncpg.Record | None:
    """Return the row, which nobody else changes until the transaction ends."""
    return await session.fetchrow("select * from tenants where id = $1 for update", tenant)


async def change(session: Session, tenant: str, fields: dict[str, Any]) -> asyncpg.Record | None:
    """Write the row's name, directory, settings, suspended and reason; ``None``: the directory is another tenant's."""
    try:
        async with session.transaction():
            return await session.fetchrow(
                "update tenants set name = $2, directory = $3, settings = $4, suspended = $5, reason = $6, "
                "updated_at = clock_timestamp() where id = $1 returning *",
                tenant,
                *(fields[name] for name in ("name", "directory", "settings", "suspended", "reason")),
            )
    except asyncpg.UniqueViolationError:
        return None
