"""Another role migrates: what hosts connect as owns nothing and can only become the two working roles."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from charter import settings
from charter.errors import StartRefused
from charter.runs import schema
from charter.settings import Database, Settings
from charter.store import embedded
from tests.running import HOUSE, running_host


@dataclass(frozen=True, slots=True)
class Estate:
    """A database of an owner's, and a login that is not the owner."""

    root: str
    owner: str
    login: str

    @property
    def database(self) -> Database:
        return Database(url=self.login, owner_url=self.owner)

    async def say(self, url: str, statement: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(statement)
        finally:
            await connection.close()


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[Estate]:
    server = await embedded.start(tmp_path / "postgres")
    made = Estate(
        *(
            server.url.replace("postgres:@/postgres", who)
            for who in ("postgres@/estate", "owner@/estate", "login@/estate")
        )
    )
    for statement in (
        "create role owner login createrole",
        "create role login login",
        "create database estate owner owner",
    ):
        await made.say(server.url, statement)
    await made.say(made.root, "create extension vector")
    yield made
    await server.stop()


@pytest.mark.promise("store.login")
async def test_a_host_works_as_a_login_that_owns_nothing(estate: Estate, tmp_path: Path) -> None:
    applied = await _migrated(estate)
    assert "0001_foundation.sql" in applied
    async with running_host(tmp_path / "host", database=Database(url=estate.login)) as host:
        run = await host.ask("alice", "buyer", "Order a globe for 1,300 EUR")
        approval = await host.pending("bob", run["id"])
        assert (await host.decide("bob", approval, "approve")).status == 200
        done = await host.settled("alice", run["id"], "completed")
    assert [effect["outcome"] for effect in done["effects"]] == ["done"]
    [me] = await estate.say(
        estate.login, "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user"
    )
    assert set(me.values()) == {False}
    owned = await estate.say(estate.root, "select 1 from pg_class where relowner = 'login'::regrole")
    assert owned == []
    for statement in ("select * from runs", "set role owner", "create table mine (id int)", "select * from tenants"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await estate.say(estate.login, statement)


async def _migrated(estate: Estate) -> str:
    environment = {
        **settings.process_environment(),
        "CHARTER_DATABASE_URL": estate.login,
        "CHARTER_DATABASE__OWNER_URL": estate.owner,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "migrate", cwd=HOUSE, env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output
    return output.decode()


@pytest.mark.promise("store.login")
async def test_a_host_that_must_not_migrate_says_what_is_missing(estate: Estate) -> None:
    hosted = Settings(profile="azure", database=Database(url=estate.login))
    with pytest.raises(StartRefused, match="lacks the migration 0001") as refused:
        await schema.ready(hosted)
    assert "charter migrate" in refused.value.action
    await schema.migrate(estate.database)
    await schema.ready(hosted)
    await estate.say(estate.root, "delete from schema_migrations where name like '0005%'")
    with pytest.raises(StartRefused, match="lacks the migration 0005"):
        await schema.ready(hosted)


@pytest.mark.promise("store.login")
async def test_a_login_that_could_bypass_row_level_security_is_refused(estate: Estate) -> None:
    await schema.migrate(estate.database)
    await estate.say(estate.root, "alter role login bypassrls")
    for hosted in (
        Settings(profile="azure", database=Database(url=estate.login)),
        Settings(database=estate.database),
        Settings(profile="azure", database=Database(url=estate.root)),
    ):
        with pytest.raises(StartRefused, match="may bypass row-level security"):
            await schema.ready(hosted)


@pytest.mark.promise("store.login")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("grant postgres to login", "login may become postgres, which may bypass"),
        (
            "create role aide bypassrls; grant aide to login with inherit false",
            "login may become aide, which may bypass",
        ),
        (
            "create role aide; grant postgres to aide; grant aide to login",
            "login may become postgres, which may bypass",
        ),
        ("grant postgres to charter_app", "role charter_app may become postgres, which may bypass"),
        ("grant owner to login", "login may become owner, which may take row-level security away"),
        ("alter table runs owner to login", "The role login may take row-level security away"),
        ("alter table runs owner to charter_host", "The role charter_host may take row-level security away"),
        ("alter schema public owner to login", "The role login may take row-level security away"),
    ],
)
async def test_a_login_that_could_become_what_nothing_binds_is_refused(
    estate: Estate, change: str, sentence: str
) -> None:
    hosted = Settings(profile="azure", database=Database(url=estate.login))
    await schema.migrate(estate.database)
    await schema.ready(hosted)
    for statement in change.split("; "):
        await estate.say(estate.root, statement)
    with pytest.raises(StartRefused, match=sentence) as refused:
        await schema.ready(hosted)
    assert refused.value.action.startswith(("revoke ", "Let hosts connect as a role that owns nothing"))


async def test_a_login_that_does_not_exist_is_named(estate: Estate) -> None:
    wrong = Database(url=estate.login.replace("login@", "nobody@"), owner_url=estate.owner)
    with pytest.raises(StartRefused, match="The role nobody of CHARTER_DATABASE_URL does not exist"):
        await schema.migrate(wrong)


@pytest.mark.promise("store.login")
async def test_an_identity_of_entra_is_let_in_by_azures_own_function(estate: Estate) -> None:
    make = (
        "create function pgaadauth_create_principal(name text, admin boolean, mfa boolean) returns text "
        "language plpgsql security definer as $$ begin "
        "execute format('create role %I login', name); return name; end $$"
    )
    postgres = estate.root.replace("/estate", "/postgres")
    await estate.say(postgres, make)
    identity = estate.login.replace("login@", "id-charter-host@")
    for _ in range(2):
        await schema.migrate(Database(url=identity, owner_url=estate.owner))
    [me] = await estate.say(identity, "select rolsuper, rolcreaterole, rolcanlogin from pg_roles where rolname = user")
    assert tuple(me.values()) == (False, False, True)
