"""Bring a database to the present schema: numbered SQL files, each applied once, in order, in one transaction."""

from importlib import resources

import asyncpg

from charter.errors import StartRefused
from charter.store.database import APP_ROLE, HOST_ROLE

_LOCK = 7_239_441


async def migrate(owner_url: str) -> list[str]:
    """Apply what is missing and return the names applied. Several hosts may call this at once.

    Raises:
        StartRefused: the server does not answer, lacks pgvector, or the schema is newer than this code.
    """
    try:
        connection = await asyncpg.connect(owner_url)
    except (OSError, asyncpg.PostgresError) as fault:
        raise StartRefused(f"The database does not answer: {fault}.", action="Check CHARTER_DATABASE_URL.") from fault
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        return await _apply(connection)
    except asyncpg.PostgresError as fault:
        raise StartRefused(f"The database cannot be migrated: {fault}.") from fault
    finally:
        await connection.close()


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    await _roles(connection)
    await connection.execute(
        "create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())"
    )
    files = {
        f.name: f.read_text("utf-8")
        for f in resources.files("charter.store.migrations").iterdir()
        if f.name.endswith(".sql")
    }
    done = {row["name"] for row in await connection.fetch("select name from schema_migrations")}
    if unknown := sorted(done - files.keys()):
        raise StartRefused(
            f"The database has the migration {unknown[-1]}, which this version does not know.",
            action="Start the newer version.",
        )
    missing = sorted(files.keys() - done)
    for name in missing:
        async with connection.transaction():
            await connection.execute(files[name])
            await connection.execute("insert into schema_migrations (name) values ($1)", name)
    return missing


async def _roles(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for role in (APP_ROLE, HOST_ROLE):
        known = await connection.fetchrow(
            "select rolsuper or rolbypassrls as mighty from pg_roles where rolname = $1", role
        )
        if known is None:
            await connection.execute(f"create role {role} nologin nosuperuser nobypassrls nocreatedb nocreaterole")
            await connection.execute(f"grant {role} to current_user")
        elif known["mighty"]:
            raise StartRefused(
                f"The role {role} may bypass row-level security.", action=f"alter role {role} nosuperuser nobypassrls"
            )
