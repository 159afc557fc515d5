"""A password that changes: each new connection is made with the one of its moment."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy
from azure.core.credentials import AccessToken

from charter import settings
from charter.errors import DatabaseUnavailable, Unavailable
from charter.identity.database import SCOPE, DatabaseToken
from charter.runs.segments import engine
from charter.store import embedded, migrate
from charter.store.database import HOST_ROLE, Database
from charter.store.login import with_password
from tests.running import running_host


@dataclass
class Given:
    """An identity at Azure that gives the tokens it is told to."""

    now: float = 1_000.0
    tokens: list[str] = field(default_factory=lambda: ["first"])
    asked: int = 0

    def clock(self) -> float:
        return self.now

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == (SCOPE,)
        self.asked += 1
        if not self.tokens:
            raise Unavailable("The identity provider does not answer.")
        return AccessToken(self.tokens[-1], int(self.now) + 3_600)


def of(given: Given) -> DatabaseToken:
    credential: Any = given
    return DatabaseToken(credential, clock=given.clock)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """A server that asks the role ``entra`` for its password; addresses of the owner and of that role."""
    server = await embedded.start(tmp_path / "postgres")
    try:
        await migrate.migrate(server.url)
        owner = await asyncpg.connect(server.url)
        hba = Path(await owner.fetchval("show hba_file"))
        hba.write_text("local all entra scram-sha-256\n" + hba.read_text())
        await owner.execute("create role entra login password 'first'")
        await owner.execute(f"grant charter_app, {HOST_ROLE} to entra with inherit false, set true")
        await owner.execute("select pg_reload_conf()")
        await owner.close()
        yield server.url, server.url.replace("postgres:@", "entra@", 1)
    finally:
        await server.stop()


@pytest.mark.promise("store.token")
async def test_every_new_connection_proves_itself_with_the_token_of_its_moment(strict: tuple[str, str]) -> None:
    owner_url, url = strict
    given = Given()
    login = of(given)
    assert await login() == "first"
    database = Database(url, size=2, login=login)
    await database.open()
    queue = engine(url, login)
    owner = await asyncpg.connect(owner_url)
    try:
        await database.ping()
        await asyncio.to_thread(asked, queue)
        await owner.execute("alter role entra password 'second'")
        await database.ping()  # what is connected stays so
        queue.dispose()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await database.connect(HOST_ROLE)
        given.tokens.append("second")
        given.now += 3_400
        assert await login() == "second"
        await (await database.connect(HOST_ROLE)).close()
        await asyncio.to_thread(asked, queue)
    finally:
        queue.dispose()
        await owner.close()
        await database.close()
    with pytest.raises(DatabaseUnavailable):
        await Database(url, login=of(Given(tokens=["wrong"]))).open()


def asked(queue: sqlalchemy.Engine) -> None:
    with queue.connect() as connection:
        assert connection.execute(sqlalchemy.text("select session_user")).scalar() == "entra"


@pytest.mark.promise("store.token")
async def test_a_token_is_kept_until_shortly_before_its_end_and_outlasts_an_outage_until_then() -> None:
    given = Given()
    login = of(given)
    assert [await login() for _ in range(5)] == ["first"] * 5
    assert given.asked == 1
    given.now += 3_400
    given.tokens = []
    assert (await login(), login.latest()) == ("first", "first")
    given.now += 300
    with pytest.raises(Unavailable, match="no token"):
        await login()
    with pytest.raises(Unavailable, match="no token"):
        login.latest()


@pytest.mark.promise("store.token")
async def test_a_host_with_entra_at_its_database_asks_for_that_token(tmp_path: Path) -> None:
    server = await embedded.start(tmp_path / "postgres")
    try:
        place = settings.Database(url=server.url, entra=True)
        async with running_host(tmp_path / "host", database=place) as host:
            assert (await host.ask("alice", "employee_assistant", "hello"))["status"] == "completed"
            async with host.http.get(f"{host.entra}/_twin/requests?kind=token") as response:
                scopes = {entry["scope"] for entry in (await response.json())["items"]}
            assert SCOPE in scopes
    finally:
        await server.stop()


def test_a_password_in_an_address_may_hold_anything() -> None:
    url = with_password("postgresql://me:old@db.example:5432/charter?sslmode=require", "a/b@c:d")
    assert url == "postgresql://me:a%2Fb%40c%3Ad@db.example:5432/charter?sslmode=require"
    assert with_password("postgresql://me@/charter?host=/tmp/x", "t") == "postgresql://me:t@/charter?host=/tmp/x"
