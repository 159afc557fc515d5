"""Bring a database to the present schema: numbered SQL files, each applied once, in order, in one transaction."""

from importlib import resources

import asyncpg

from charter.errors import StartRefused
from charter.store.database import APP_ROLE, HOST_ROLE

_LOCK = 7_239_441

_MIGHTY = """
    select me.rolname as me, other.rolname as other
    from pg_roles me join pg_roles other on pg_has_role(me.oid, other.oid, 'member')
    where me.rolname = any($1) and (other.rolsuper or other.rolbypassrls)
    order by array_position($1, me.rolname), me.oid <> other.oid limit 1
"""
"""Who of these could set row-level security aside: itself, or as a role that it may become."""

_OWNING = """
    select me.rolname as me, other.rolname as other
    from pg_roles me join pg_roles other on pg_has_role(me.oid, other.oid, 'member')
    where me.rolname = any($1) and other.oid in (
        select relowner from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')
        union all select nspowner from pg_namespace where nspname = 'public'
    )
    order by array_position($1, me.rolname), me.oid <> other.oid, other.rolname ~ '^pg_' limit 1
"""
"""The same of owners, who may alter and drop what binds everybody else."""


async def migrate(owner_url: str, login: str = "") -> list[str]:
    """Apply what is missing and return the names applied. Several hosts may call this at once.

    ``login`` is the role that hosts connect as, where it is not the owner itself: it may then become the two working
    roles, and has no right of its own.

    Raises:
        StartRefused: the server does not answer, lacks pgvector, the schema is newer than this code, or the role that
            hosts connect as could bypass row-level security.
    """
    connection = await _connected(owner_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        applied = await _apply(connection)
        if login and login != await connection.fetchval("select current_user"):
            await _introduced(connection, owner_url, login)
            await _admit(connection, login)
        return applied
    except asyncpg.PostgresError as fault:
        raise StartRefused(
            f"The database cannot be migrated: {fault}.",
            action="Run charter migrate with CHARTER_DATABASE__OWNER_URL, the address of the schema's owner.",
        ) from fault
    finally:
        await connection.close()


async def lacks(url: str) -> bool:
    """Tell whether a migration is missing, as far as the role of this address can see.

    Raises:
        StartRefused: the server does not answer, or the schema is newer than this code.
    """
    connection = await _connected(url)
    try:
        return bool(await _missing(connection))
    finally:
        await connection.close()


async def verify(url: str, *, owner: bool) -> None:
    """Return if a host may work with this database: the schema is this version's, and row-level security binds its roles
    and whatever else they may become.

    ``owner``: the role of this address is the schema's own owner, who is bound only as the working roles (local profile).

    Raises:
        StartRefused: it may not; the sentence says why.
    """
    connection = await _connected(url)
    try:
        me = "" if owner else await connection.fetchval("select session_user::text")
        await _check_bound(connection, [APP_ROLE, HOST_ROLE, me])
        if missing := await _missing(connection):
            raise StartRefused(
                f"The database lacks the migration {missing[0]}, or this host's role may not work with it.",
                action="Run charter migrate with CHARTER_DATABASE__OWNER_URL, the address of the schema's owner.",
            )
    finally:
        await connection.close()


async def _connected(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(url)
    except (ValueError, asyncpg.InterfaceError):
        # The fault's own text may hold a piece of the password.
        raise StartRefused(
            "The database's address cannot be read.",
            action="Write postgresql://user@host/name in CHARTER_DATABASE_URL, with a password's signs percent-encoded.",
        ) from None
    except (OSError, asyncpg.PostgresError) as fault:
        raise StartRefused(
            f"The database does not answer: {fault}.",
            action="Check CHARTER_DATABASE_URL and, where it is set, CHARTER_DATABASE__OWNER_URL.",
        ) from fault


def _files() -> dict[str, str]:
    folder = resources.files("charter.store.migrations")
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".sql")}


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    await _roles(connection)
    await connection.execute(
        "create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())"
    )
    files, missing = _files(), await _still(connection)
    for name in missing:
        async with connection.transaction():
            await connection.execute(files[name])
            await connection.execute("insert into schema_migrations (name) values ($1)", name)
    return missing


async def _missing(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Return what a host's role finds missing: all, where it finds nothing or may not look."""
    try:
        await connection.execute(f"set role {APP_ROLE}")
        return await _still(connection)
    except (
        asyncpg.InvalidParameterValueError,  # there is no such role
        asyncpg.InsufficientPrivilegeError,
        asyncpg.UndefinedTableError,
    ):
        return sorted(_files())


async def _still(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    files = _files().keys()
    done = {row["name"] for row in await connection.fetch("select name from schema_migrations")}
    if unknown := sorted(done - files):
        raise StartRefused(
            f"The database has the migration {unknown[-1]}, which this version does not know.",
            action="Start the newer version.",
        )
    return sorted(files - done)


async def _roles(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for role in (APP_ROLE, HOST_ROLE):
        if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
            await connection.execute(f"create role {role} nologin nosuperuser nobypassrls nocreatedb nocreaterole")
            await connection.execute(f"grant {role} to current_user")
    await _check_bound(connection, [APP_ROLE, HOST_ROLE])


async def _check_bound(connection: "asyncpg.Connection[asyncpg.Record]", roles: list[str]) -> None:
    """Return if none of these roles, nor any that they may become, could bypass row-level security or take it away."""
    for question, reason in ((_MIGHTY, "may bypass row-level security"), (_OWNING, "may take row-level security away")):
        found = await connection.fetchrow(question, roles)
        if found is None:
            continue
        me, other = found["me"], found["other"]
        if me != other:
            raise StartRefused(
                f"The role {me} may become {other}, which {reason}.",
                action=f"revoke {other} from {me}, or from the role through which it has it",
            )
        action = f"alter role {me} nosuperuser nobypassrls"
        if question is _OWNING:
            action = "Let hosts connect as a role that owns nothing, and name the owner in CHARTER_DATABASE__OWNER_URL."
        raise StartRefused(f"The role {me} {reason}.", action=action)


async def _introduced(connection: "asyncpg.Connection[asyncpg.Record]", owner_url: str, login: str) -> None:
    """On Azure's servers, let Entra's identity of this name sign in, as a role without any right.

    Their function for it is in the database ``postgres`` alone; other servers have none.
    """
    if await connection.fetchval("select true from pg_roles where rolname = $1", login):
        return
    try:
        elsewhere = await asyncpg.connect(owner_url, database="postgres")
    except (OSError, asyncpg.PostgresError):
        return  # the owner has no business there, so the server is none of Azure's
    try:
        if await elsewhere.fetchval("select to_regproc('pgaadauth_create_principal') is not null"):
            await elsewhere.execute("select pgaadauth_create_principal($1, false, false)", login)
    finally:
        await elsewhere.close()


async def _admit(connection: "asyncpg.Connection[asyncpg.Record]", login: str) -> None:
    """Let this role become the working roles, without having their rights (or any other) by itself."""
    if not await connection.fetchval("select true from pg_roles where rolname = $1", login):
        raise StartRefused(
            f"The role {login} of CHARTER_DATABASE_URL does not exist.", action="Create it: create role NAME login."
        )
    await _check_bound(connection, [login])
    quoted = await connection.fetchval("select quote_ident($1)", login)
    await connection.execute(f"grant {APP_ROLE}, {HOST_ROLE} to {quoted} with inherit false, set true")
