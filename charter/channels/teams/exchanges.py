"""Sign-ins that clients offer: Teams sends one from each open client of a person, to any process. Each is done once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from charter.store.database import Database

Outcome = Literal["done", "refused", "foreign"]

_WAIT_SECONDS = 8.0
_LOOK_SECONDS = 0.2
_BEGUN = (
    "insert into teams_exchanges (tenant, id, person) values ($1, $2, $3) "
    # One that a process left behind when it died is taken up again.
    "on conflict (tenant, id) do update set at = clock_timestamp() where not teams_exchanges.done "
    "and teams_exchanges.person = excluded.person and teams_exchanges.at < clock_timestamp() - interval '20 seconds' returning true"
)


async def once(
    database: Database, tenant: str, identifier: str, person: str, exchange: Callable[[], Awaitable[bool]]
) -> Outcome:
    """Do the exchange of that id, or wait for whoever is at it; ``foreign``: the id is another person's.

    ``exchange`` tells whether it was granted; one that was refused may be tried again.
    """
    async with database.tenant_session(tenant) as session:
        first = await session.fetchval(_BEGUN, tenant, identifier, person)
    if not first:
        return await _others(database, tenant, identifier, person)
    granted = False
    try:
        granted = await exchange()
    finally:
        ending = (
            "update teams_exchanges set done = true where id = $1"
            if granted
            else "delete from teams_exchanges where id = $1"
        )
        async with database.tenant_session(tenant) as session:
            await session.execute(ending, identifier)
    return "done" if granted else "refused"


async def _others(database: Database, tenant: str, identifier: str, person: str) -> Outcome:
    """Wait for the exchange that is done elsewhere, and return how it ended."""
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                async with database.tenant_session(tenant) as session:
                    row = await session.fetchrow("select person, done from teams_exchanges where id = $1", identifier)
                if row is None:
                    return "refused"
                if row["person"] != person:
                    return "foreign"
                if row["done"]:
                    return "done"
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return "refused"
