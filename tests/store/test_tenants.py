"""The tenants as a process knows them: never older than what it knew before."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from charter.store import tenants
from charter.store.database import Database, Session
from charter.store.tenants import Tenants


class Slow(Database):
    """A database whose first answer is long on its way."""

    def __init__(self, url: str) -> None:
        super().__init__(url, size=2)
        self.answered = asyncio.Event()
        self.arrives = asyncio.Event()

    @asynccontextmanager
    async def crossing(self) -> AsyncGenerator[Session]:
        async with super().crossing() as session:
            yield session
        if not self.answered.is_set():
            self.answered.set()
            await self.arrives.wait()


@pytest.fixture
async def slow(database_url: str) -> AsyncIterator[Slow]:
    slow = Slow(database_url)
    await slow.open()
    yield slow
    await slow.close()


@pytest.mark.promise("tenants.suspended")
async def test_an_answer_that_comes_late_does_not_undo_what_was_read_after_it(slow: Slow, database: Database) -> None:
    await tenants.ensure(database, {}, ["late"])
    known = Tenants(slow)
    earlier = asyncio.create_task(known.read())
    await slow.answered.wait()
    async with database.crossing() as session:
        await session.execute("update tenants set suspended = true where id = 'late'")
    later = asyncio.create_task(known.read())
    await asyncio.wait({later}, timeout=0.5)
    slow.arrives.set()
    await asyncio.gather(earlier, later)
    assert not known.served("late")
