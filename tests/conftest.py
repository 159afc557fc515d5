"""Real parts for every test: an embedded PostgreSQL per session, migrated as a host would."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from charter.context import Context, Principal
from charter.store import embedded, migrate, tenants
from charter.store.database import Database
from tests.running import RunningHost, host_here
from tests.teams.issuer import BotIssuer, bot_issuer


@pytest.fixture(scope="session")
async def database_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    server = await embedded.start(tmp_path_factory.mktemp("postgres") / "data")
    await migrate.migrate(server.url)
    yield server.url
    await server.stop()


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.open()
    await tenants.ensure(database, {}, ["contoso", "fabrikam"])
    yield database
    await database.close()


def _person(tenant: str, name: str, *roles: str, groups: tuple[str, ...] = ("all-employees",)) -> Context:
    return Context(
        tenant,
        Principal(
            name, "operator" if "operator" in roles else "user", name.capitalize(), frozenset(roles), frozenset(groups)
        ),
        frozenset({"access_as_user"}),
    )


@pytest.fixture(scope="session")
def people() -> dict[str, Context]:
    """The people of the fictional tenants, as a verified token would make them."""
    return {
        "alice": _person("contoso", "alice", "employee"),
        "bob": _person("contoso", "bob", "employee", "manager", "buyer"),
        "carol": _person("contoso", "carol", "employee", "operator"),
        "dora": _person("contoso", "dora", "employee", "hr", groups=("all-employees", "hr")),
        "frank": _person("fabrikam", "frank", "employee"),
        "mona": _person("fabrikam", "mona", "employee", "manager"),
    }


@pytest.fixture(scope="session")
def house() -> Path:
    """The folder of the repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
async def connector() -> AsyncIterator[BotIssuer]:
    """Whose tokens the host believes at its door of Teams."""
    async with bot_issuer() as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def host(tmp_path_factory: pytest.TempPathFactory, connector: BotIssuer) -> AsyncIterator[RunningHost]:
    """One host for all tests, with the scripted model; each test uses runs of its own."""
    async with host_here(tmp_path_factory.mktemp("host"), knowledge=True, teams=connector.settings()) as running:
        yield running
