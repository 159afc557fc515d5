"""Where something that is to be said goes, in the end: a conversation, a person's own, or what is already said there."""

from dataclasses import dataclass
from typing import Protocol

from charter.channels.teams import conversations, outbox
from charter.channels.teams.incoming import Place
from charter.channels.teams.outbox import Said
from charter.channels.teams.ports import Connector, Undelivered
from charter.store.database import Database

# What is known of a conversation already stands: it was seen, this one was only opened.
_OPENED = (
    "insert into teams_conversations (tenant, id, scope, service_url, bot_id, bot_name, person) "
    "values ($1, $2, 'personal', $3, $4, $5, $6) on conflict (tenant, id) do nothing"
)
_LAST_ADDRESS = "select service_url from teams_conversations where tenant = $1 order by updated_at desc limit 1"


class Directories(Protocol):
    """What is known of tenants: ``charter.store.tenants.Tenants``."""

    def directory(self, tenant: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Destination:
    """``edits`` is the id of what is to be replaced there; nothing: it is said anew."""

    place: Place
    edits: str = ""


class Destinations:
    """Finds them, and opens the personal chats that do not exist yet."""

    def __init__(self, database: Database, connector: Connector, directories: Directories) -> None:
        self._database = database
        self._connector = connector
        self._directories = directories

    async def of(self, tenant: str, said: Said) -> Destination:
        """Return it.

        Raises:
            Undelivered: there is none, or the connector opens none.
            DatabaseUnavailable: nobody knows.
        """
        if said.edits:
            return await self._told(tenant, said.edits)
        if said.conversation:
            async with self._database.tenant_session(tenant) as session:
                place = await conversations.place(session, tenant, said.conversation, said.root)
            if place is None:
                raise Undelivered("gone", "The bot is not in that conversation.")
            return Destination(place)
        return Destination(await self._personal(tenant, said.person))

    async def _told(self, tenant: str, key: str) -> Destination:
        async with self._database.tenant_session(tenant) as session:
            found = await outbox.told(session, tenant, key)
        if found is None or not found[0]:
            raise Undelivered("refused", "What it changes cannot be found in Teams.")
        return Destination(found[1], found[0])

    async def _personal(self, tenant: str, person: str) -> Place:
        async with self._database.tenant_session(tenant) as session:
            place = await conversations.personal(session, tenant, person)
            address = place.service_url if place else await session.fetchval(_LAST_ADDRESS, tenant)
        if place is not None:
            return place
        directory = self._directories.directory(tenant)
        if not person or not directory or not address:
            raise Undelivered("gone", "Nobody of the tenant has spoken with the bot yet, so no chat can be opened.")
        place = await self._connector.create(address, directory, person)
        async with self._database.tenant_session(tenant) as session:
            await session.execute(
                _OPENED, tenant, place.conversation, place.service_url, place.bot.id, place.bot.name, person
            )
        return place
