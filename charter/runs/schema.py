"""The database's schema, ours and the segment queue's: brought up to date by its owner, or found to be.

In production the owner is another role than the hosts': it migrates once for each version (``charter migrate``), and
what hosts connect as can change no table.
"""

import asyncio
from urllib.parse import unquote, urlsplit

from charter.errors import StartRefused
from charter.settings import Database, Settings
from charter.store import migrate as store


async def migrate(database: Database) -> list[str]:
    """Bring all of it up to date as the owner, let the role of ``url`` work with it, and return what was applied.

    Raises:
        StartRefused: it cannot be; the sentence says why.
    """
    owner = database.owner_url or database.url
    login = unquote(urlsplit(database.url).username or "")
    applied = await store.migrate(owner, login)
    from charter.runs import segments

    await asyncio.to_thread(segments.prepare, owner, login if owner != database.url else "")
    return applied


async def ready(settings: Settings) -> None:
    """See to it that a host can begin. In the local profile, without an ``owner_url``, the host is the owner itself.

    Raises:
        StartRefused: the schema is not this version's and may not be changed from here, or row-level security would not
            bind the host.
    """
    given, own = settings.database, is_owner(settings)
    if given.owner_url:
        await migrate(given)
    elif own and await store.lacks(given.url):
        await store.migrate(given.url)
    await store.verify(given.url, owner=own)


def is_owner(settings: Settings) -> bool:
    """Whether hosts with these settings may change the schema by their own role."""
    return settings.profile == "local" and not settings.database.owner_url


def check_named(database: Database) -> None:
    """Return if there is a database to migrate.

    Raises:
        StartRefused: settings name none.
    """
    if not (database.owner_url or database.url):
        raise StartRefused(
            "Neither CHARTER_DATABASE__OWNER_URL nor CHARTER_DATABASE_URL is set.",
            action="The embedded database is migrated at each start; name another one to migrate it.",
        )
