import asyncpg
import pytest

from charter.context import Context
from charter.store.database import Database


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
