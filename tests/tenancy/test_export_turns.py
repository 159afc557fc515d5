"""An export has its tenant's turn, and a reader who takes nothing does not keep it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from charter.channels.admin.sending import sent
from charter.errors import TooMany
from charter.store.database import Database, Session
from charter.tenancy.export import Export
from tests.running import RunningHost
from tests.tenancy.adatum import created, until

LINE = b"a line of an export that has many\n" * 4_000


@asynccontextmanager
async def nothing_is_recorded(host: RunningHost) -> AsyncGenerator[Session]:
    """Let whoever wants to write to the audit of this host's database wait."""
    connection = await asyncpg.connect(host.inner.settings.database.url)
    try:
        async with connection.transaction():
            await connection.execute("lock table audit in exclusive mode")
            yield connection
    finally:
        await connection.close()


@pytest.mark.promise("tenants.exported")
async def test_who_asks_for_an_export_that_has_hardly_begun_is_refused_at_once(host: RunningHost) -> None:
    adatum = await created(host)
    path = f"/v1/admin/tenants/{adatum.id}/export"
    headers = {"Authorization": f"Bearer {await host.token('carol')}"}

    async def exported() -> tuple[int, bytes]:
        async with host.http.get(host.address + path, headers=headers) as response:
            return response.status, await response.read()

    async with nothing_is_recorded(host) as connection:
        first = asyncio.create_task(exported())

        async def waits() -> bool:
            return bool(await connection.fetchval("select count(*) from pg_locks where not granted"))

        await until(waits)
        async with asyncio.timeout(20):
            status, answer = await exported()
        assert (status, b"Another export is under way." in answer) == (429, True)
    status, answer = await first
    assert (status, b'{"end":' in answer.splitlines()[-1]) == (200, True)
    assert (await exported())[0] == 200


@pytest.mark.promise("tenants.exported")
def test_a_tenant_waits_for_no_other_until_there_are_as_many_as_may_be(database: Database) -> None:
    export = Export(database, most=2)
    with export.begun("contoso"):
        with pytest.raises(TooMany), export.begun("contoso"):
            pass
        with export.begun("fabrikam"), pytest.raises(TooMany), export.begun("adatum"):
            pass
        with export.begun("adatum"):
            pass
    with export.begun("contoso"):
        pass


@pytest.mark.promise("tenants.exported")
async def test_a_reader_who_takes_nothing_is_cut_and_the_lines_are_closed() -> None:
    closed = asyncio.Event()

    async def lines() -> AsyncGenerator[bytes]:
        try:
            while True:
                yield LINE
        finally:
            closed.set()

    async def export(request: web.Request) -> web.StreamResponse:
        return await sent(request, lines(), {"Content-Type": "application/x-ndjson"}, patience=0.3)

    app = web.Application()
    app.router.add_get("/export", export)
    async with TestServer(app) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(server.host, server.port, limit=2**10)
        writer.write(b"GET /export HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await closed.wait()
        came = b""
        with suppress(ConnectionResetError):
            while part := await reader.read(2**16):
                came = (came + part)[-len(LINE) :]
        assert LINE[:30] in came
        assert not came.endswith(b"0\r\n\r\n"), "a cut answer must not end as a whole one does"
        writer.close()
