"""What tests of the outbox need: a tenant of their own, rows, and a sender over real HTTP and a real database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from charter.channels.teams import outbox
from charter.channels.teams.outbox import Said
from charter.channels.teams.sending import Sender
from charter.store import tenants
from charter.store.database import Database
from charter.store.tenants import Tenants
from tests.teams.line import Line
from tests.teams.test_link import linked

TENANT = "contoso-tells"
OTHER = "fabrikam-tells"
_TABLES = ("teams_outbox", "teams_conversations", "teams_inbox", "teams_asked", "teams_exchanges", "teams_state")
DIRECTORIES = {"tid-tells": TENANT, "tid-others": OTHER}


def said(key: str, text: str = "", **more: Any) -> Said:
    where = {} if "person" in more or "conversation" in more else {"conversation": "a:alice"}
    return Said(key, {"type": "message", "text": text or key}, **where, **more)


@dataclass(slots=True)
class Outbox:
    """The rows of one tenant."""

    database: Database
    tenants: Tenants
    tenant: str = TENANT

    async def put(self, *what: Said) -> None:
        async with self.database.tenant_session(self.tenant) as session:
            for each in what:
                await outbox.put(session, self.tenant, each)

    async def seen(self, line: Line, *conversations: str, scope: str = "personal", person: str = "") -> None:
        await self.seen_at(line.url, *conversations, scope=scope, person=person)

    async def seen_at(
        self, address: str, *conversations: str, scope: str, person: str = "", bot: str = "28:bot"
    ) -> None:
        """Know conversations, as if the bot had been spoken to there."""
        async with self.database.tenant_session(self.tenant) as session:
            await session.executemany(
                "insert into teams_conversations (tenant, id, scope, service_url, bot_id, bot_name, person) "
                "values ($1, $2, $3, $4, $6, 'Charter', $5)",
                [(self.tenant, each, scope, address, person, bot) for each in conversations],
            )

    async def rows(self) -> Mapping[str, Any]:
        async with self.database.tenant_session(self.tenant) as session:
            found = await session.fetch("select * from teams_outbox where tenant = $1 order by number", self.tenant)
        return {row["key"]: row for row in found}

    async def states(self) -> dict[str, str]:
        return {key: row["state"] for key, row in (await self.rows()).items()}

    async def change(self, assignment: str, *keys: str) -> None:
        """Set something in these rows, or in all."""
        async with self.database.tenant_session(self.tenant) as session:
            await session.execute(
                f"update teams_outbox set {assignment} where tenant = $1 and (key = any($2) or $3)",
                self.tenant, list(keys), not keys,
            )  # fmt: skip

    async def let_go(self) -> None:
        """Let the lease of whatever is taken be over."""
        await self.change("taken_until = clock_timestamp()")

    async def put_off(self, key: str) -> None:
        """Wait until a try of this row is over and another one is to come."""
        async with asyncio.timeout(20):
            while (row := (await self.rows())[key])["state"] != "waiting" or not row["attempts"]:
                await asyncio.sleep(0.02)

    async def settled(self, *keys: str, seconds: float = 40) -> Mapping[str, Any]:
        """Wait until these rows, or all, are sent or given up; return them."""
        async with asyncio.timeout(seconds):
            while True:
                rows = await self.rows()
                if all(rows[key]["state"] in {"sent", "given_up"} for key in keys or rows):
                    return rows
                await asyncio.sleep(0.05)

    async def clear(self) -> None:
        for tenant in (TENANT, OTHER):
            async with self.database.tenant_session(tenant) as session:
                for table in _TABLES:
                    await session.execute(f"delete from {table} where tenant = $1", tenant)


async def outbox_here(database: Database) -> Outbox:
    await tenants.ensure(database, DIRECTORIES)
    known = Tenants(database)
    await known.read()
    return Outbox(database, known)


@asynccontextmanager
async def outbox_of(database: Database) -> AsyncIterator[Outbox]:
    """The tenant's outbox, with nothing in it before and after."""
    here = await outbox_here(database)
    await here.clear()
    yield here
    await here.clear()


@asynccontextmanager
async def sending(box: Outbox, line: Line, **chosen: Any) -> AsyncIterator[Sender]:
    """Send over a link of its own, until the end of the block."""
    async with linked(line.settings()) as link:
        sender = Sender(box.database, link, box.tenants, **chosen)
        sender.open()
        try:
            yield sender
        finally:
            await sender.close()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
