"""A host in a process of its own, with everything of contoso's marked, whose statements, spans and log are all heard."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import asyncpg
from aiohttp import web

from charter import settings
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.index import Document
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.split import split
from charter.store.database import APP_ROLE, HOST_ROLE, Database
from tests.doors.between import Between, between
from tests.doors.world import World, world_of
from tests.running import running_host
from tests.teams.issuer import bot_issuer
from tests.telemetry.test_spans import Collector

Way = Literal["as written", "forgetful", "unbound"]
LOGIN = "charter_login"
COLLECTION = "hr-policies"


@dataclass(slots=True)
class Estate:
    """``mark`` is in all that contoso's people wrote and read; ``log`` is what the host says while it runs."""

    world: World
    between: Between
    mark: str
    collector: Collector
    log: Path
    database_url: str


def _of(url: str, database: str) -> str:
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


async def _database(owner_url: str, name: str) -> str:
    """Make an empty database, and a login that owns nothing and is bound by row-level security; return the owner's URL."""
    owner: Any = await asyncpg.connect(owner_url)
    try:
        await owner.execute(f"create database {name}")
        if not await owner.fetchval("select true from pg_roles where rolname = $1", LOGIN):
            await owner.execute(f"create role {LOGIN} login nosuperuser nobypassrls nocreatedb nocreaterole")
        await owner.execute(f"grant {APP_ROLE}, {HOST_ROLE} to {LOGIN} with inherit false, set true")
        # The library of the queue keeps a schema of its own there.
        await owner.execute(f"grant create, connect on database {name} to {LOGIN}")
    finally:
        await owner.close()
    return _of(owner_url, name)


@asynccontextmanager
async def _collecting() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()


@asynccontextmanager
async def estate(folder: Path, owner_url: str, way: Way) -> AsyncIterator[Estate]:
    """Start the host over a database whose statements go on as written, forget the tenant, or are bound by nothing."""
    mark = f"canary-{secrets.token_hex(8)}"
    url = await _database(owner_url, f"estate_{secrets.token_hex(4)}")
    user = urlsplit(owner_url).username if way == "unbound" else LOGIN
    assert user
    folder.mkdir(parents=True)
    log = folder / "host.log"
    async with (
        between(owner_url, forgets=way != "as written", unbound=way == "unbound") as standing,
        _collecting() as collector,
        bot_issuer() as connector,
    ):
        base = url.partition("?")[0].rpartition("/")[2]
        owner = "" if way == "unbound" else url
        chosen: dict[str, Any] = {
            "database": settings.Database(url=standing.url(user, base), owner_url=owner),
            "teams": connector.settings(),
            "telemetry": settings.Telemetry(otlp_endpoint=collector.address, log_level="debug"),
        }
        with log.open("wb") as errors:
            async with (
                running_host(folder / "host", log=errors, **chosen) as host,
                world_of(host, connector, url, mark, reads=False) as world,
            ):
                world.ids |= await _document(url, mark)
                yield Estate(world, standing, mark, collector, log, url)


async def _document(url: str, mark: str) -> dict[str, str]:
    """Put a document on contoso's shelf that any of its people may read."""
    text = f"# Purchasing\n\nThe secret word of the purchasing department is {mark}.\n"
    document = Document(
        "contoso", COLLECTION, "secret.md", f"Secret {mark}", "file:secret.md", text, "trusted", ("tenant",), "1", tuple(split(text))
    )  # fmt: skip
    embedder, database = E5Embedder(), Database(url)
    await database.open()
    try:
        await Archive(PgIndex(database, embedder), embedder).put(document)
    finally:
        await database.close()
        embedder.close()
    return {"document": document.id, "passage": document.passage_ids()[0]}
