import asyncio
import secrets

import asyncpg
import pytest

from charter.context import Context
from charter.errors import NotFound
from charter.store import tenants
from charter.store.database import Database, narrow


@pytest.mark.promise("store.role")
async def test_the_host_works_under_a_role_that_row_level_security_binds(
    database: Database, people: dict[str, Context]
) -> None:
    async with database.session(people["alice"]) as session:
        row = await session.fetchrow("select rolsuper, rolbypassrls from pg_roles where rolname = current_user")
    assert (row["rolsuper"], row["rolbypassrls"]) == (False, False)


@pytest.mark.promise("store.tenant")
async def test_sql_that_forgets_the_tenant_finds_nothing_foreign(
    database: Database, people: dict[str, Context]
) -> None:
    async with database.session(people["alice"]) as session:
        await session.execute(
            "insert into threads (tenant, id, principal, agent, title) values ('contoso','thr_own','alice','a','t')"
        )
    async with database.session(people["frank"]) as session:
        assert await session.fetch("select * from threads") == []
        assert await session.execute("update threads set title = 'taken'") == "UPDATE 0"


@pytest.mark.promise("store.tenant")
async def test_a_row_for_another_tenant_is_refused(database: Database, people: dict[str, Context]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.session(people["frank"]) as session:
            await session.execute(
                "insert into threads (tenant, id, principal, agent, title) values ('contoso','thr_x','f','a','t')"
            )


async def test_every_table_with_a_tenant_is_closed_by_row_level_security(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r' "
            "and c.relname <> 'schema_migrations' and not (c.relrowsecurity and c.relforcerowsecurity)"
        )
    finally:
        await connection.close()
    assert [row["relname"] for row in rows] == []


async def test_the_journal_and_the_audit_are_append_only(database: Database, people: dict[str, Context]) -> None:
    for statement in (
        "delete from journal",
        "update journal set status = 'done'",
        "delete from audit",
        "update audit set actor = 'x'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.session(people["alice"]) as session:
                await session.execute(statement)


@pytest.mark.promise("store.role")
async def test_every_policy_for_the_hosts_role_names_the_tenant(database_url: str) -> None:
    """A policy that forgot it would open its table to every tenant; those of the named statements are another role's."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select tablename, qual, coalesce(with_check, qual) as checked from pg_policies where schemaname = 'public' "
            "and not (roles = array['charter_host'::name]) and policyname <> 'owner_searches'"
        )
        # The functions that search by words see passages as their owner does: to read, and nobody but the owner.
        owners = await connection.fetch(
            "select p.tablename, p.cmd, p.roles = array[c.tableowner] as owners from pg_policies p "
            "join pg_tables c using (schemaname, tablename) where p.policyname = 'owner_searches' order by tablename"
        )
        tables = await connection.fetch(
            "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'tenant'"
        )
    finally:
        await connection.close()
    assert [tuple(row) for row in owners] == [("documents", "SELECT", True), ("passages", "SELECT", True)]
    for row in rows:
        own = "(id" if row["tablename"] == "tenants" else "(tenant"
        assert row["qual"] == row["checked"] == f"{own} = current_setting('charter.tenant'::text, true))", row
    assert {row["table_name"] for row in tables} | {"tenants"} == {row["tablename"] for row in rows}


@pytest.mark.promise("store.role")
async def test_both_working_roles_are_bound_and_own_nothing(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        roles = await connection.fetch(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin from pg_roles "
            "where rolname in ('charter_app', 'charter_host')"
        )
        owned = await connection.fetch(
            "select relname from pg_class where relowner in ('charter_app'::regrole, 'charter_host'::regrole)"
        )
    finally:
        await connection.close()
    assert len(roles) == 2
    assert [any(list(row.values())[1:]) for row in roles] == [False, False]
    assert owned == []


@pytest.mark.promise("store.tenant")
async def test_a_snapshot_sees_one_tenant_and_a_crossing_that_is_narrowed_too(database: Database) -> None:
    async with database.snapshot("fabrikam") as session:
        assert [row["id"] for row in await session.fetch("select id from tenants")] == ["fabrikam"]
    async with database.crossing() as session:
        await narrow(session, "fabrikam")
        assert [row["id"] for row in await session.fetch("select id from tenants")] == ["fabrikam"]
        assert await session.fetch("select 1 from audit where tenant <> 'fabrikam'") == []
    with pytest.raises(NotFound):
        async with database.snapshot("x'; reset role; --"):
            pass


@pytest.mark.promise("store.directories")
async def test_a_directory_that_operators_gave_to_another_tenant_stays_there_at_the_next_start(
    database: Database,
) -> None:
    one, two, tid = (f"t{secrets.token_hex(4)}" for _ in range(3))
    await tenants.ensure(database, {tid: one})
    async with database.crossing() as session:
        await session.execute("update tenants set directory = null where id = $1", one)
        await session.execute("insert into tenants (id, directory) values ($1, $2)", two, tid)
    await tenants.ensure(database, {tid: one})
    await tenants.ensure(database, {tid: f"new{one}"})
    async with database.crossing() as session:
        rows = await session.fetch("select id from tenants where directory = $1", tid)
    assert [row["id"] for row in rows] == [two]


@pytest.mark.promise("store.directories")
async def test_hosts_that_start_at_once_agree_about_the_tenants_that_are_new(database: Database) -> None:
    for tenant, tid in ((f"t{secrets.token_hex(4)}", f"d{secrets.token_hex(400)}") for _ in range(200)):
        await asyncio.gather(*(tenants.ensure(database, {tid: tenant}) for _ in range(12)))
        async with database.crossing() as session:
            assert await session.fetchval("select id from tenants where directory = $1", tid) == tenant
