"""Two tenants in one Teams, full of canaries: documents with random readers, and each person's own business data."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import orjson

from charter import settings
from charter.context import Context
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.stores import open_index
from charter.settings import Teams as TeamsSettings
from charter.store.database import Database
from tests.knowledge import poison
from tests.knowledge.poison import Poisoned
from tests.knowledge.test_unspilled import plain, principals
from tests.running import HOUSE, RunningHost, running_host
from tests.runs.recording import recording
from tests.teams.canaries import Canaries, answer
from tests.teams.client import TENANT_OF, Teams
from tests.teams.conftest import teams_of
from tests.teams.seeing import words

PEOPLE = ("alice", "bob", "carol", "dora", "frank", "mona")
APPROVER = {"alice": "bob", "carol": "bob", "dora": "bob", "frank": "mona"}
DOCUMENTS = 40
_COLLECTIONS = ("hr-policies", "travel-policy", "it-handbook")
_OPEN = "it-handbook"
"""What stands there everybody of the tenant may read."""
_BOOKED = {"alice": 9, "bob": 15, "carol": 10, "dora": 10, "frank": 13, "mona": 10}
TICKETS = {"alice": "INC-1001", "bob": "INC-1004", "dora": "INC-1005", "frank": "INC-1051", "mona": "INC-1052"}
ORDERS = {"alice": "PO-7781", "bob": "PO-7790", "dora": "PO-7795", "frank": "PO-7501"}
_BUYERS = {"contoso": ("bob",), "fabrikam": ()}


def tenant_of(person: str) -> str:
    return TENANT_OF.get(person, "contoso")


@dataclass(slots=True)
class World:
    """``chats`` are the members of every conversation; ``own`` everybody's own chat; ``told`` what else reached whom.
    Who is in a ``blind`` one nobody can find out.
    """

    host: RunningHost
    teams: Teams
    people: Mapping[str, Context]
    shelf: Sequence[Poisoned]
    canaries: Canaries
    own: dict[str, str] = field(default_factory=dict[str, str])
    chats: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    channels: set[str] = field(default_factory=set[str])
    blind: set[str] = field(default_factory=set[str])
    told: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    leave: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    tickets: dict[str, str] = field(default_factory=dict[str, str])
    orders: dict[str, str] = field(default_factory=dict[str, str])
    turns: dict[tuple[str, str], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def chat(self, kind: str, tenant: str, *members: str) -> str:
        """Open a group chat or a channel of that tenant."""
        if kind == "channel":
            team = f"team {len(self.chats)}"
            place = await self.teams.channel(*members, team=team, tenant=tenant)
            self.channels.add(place)
        else:
            place = await self.teams.group(*members, tenant=tenant)
        self.chats[place] = members
        return place

    async def rows(self) -> list[tuple[str, str, str]]:
        """Return all rows of this door and of the runs: table, tenant, and everything that stands in it."""
        connection = await asyncpg.connect(_database(self.host))
        try:
            tables = await connection.fetch(
                "select c.table_name from information_schema.columns c join pg_tables t on t.tablename = c.table_name "
                "where c.column_name = 'tenant' and t.schemaname = 'public'"
            )
            found: list[tuple[str, str, str]] = []
            for (name,) in tables:
                rows = await connection.fetch(f'select tenant, t::text from "{name}" t')
                found += [(name, row["tenant"], row["t"]) for row in rows]
            return found
        finally:
            await connection.close()


@asynccontextmanager
async def world(folder: Path, random: Random) -> AsyncGenerator[World]:
    """Start a host that logs everything it says, and fill its world; ``host.log`` in the folder takes the log."""
    knowledge = settings.Knowledge(at_start=False)
    async with recording(answer) as model:
        chosen: dict[str, Any] = {
            "models": {"standard": (model.deployment,)},
            "agents_dirs": str(HOUSE / "tests" / "teams" / "agents"),
            "telemetry": settings.Telemetry(log_level="debug"),
            "teams": TeamsSettings(agent="concierge", inbox_limit=5_000),
        }
        with (folder / "host.log").open("wb") as log:
            async with running_host(folder / "host", log=log, knowledge=knowledge, **chosen) as host:
                people = await principals(host)
                shelf = await _shelved(settings.read(knowledge=knowledge), host, people, random)
                made = World(host, await teams_of(host), people, shelf, Canaries(random))
                for each in shelf:
                    readers = [name for name, who in people.items() if each.readable(who)]
                    made.canaries.add(each.canary, each.document.tenant, readers)
                await _business(made, random)
                for person in PEOPLE:
                    await _at_home(made, person)
                yield made


async def _shelved(
    tree: settings.Settings, host: RunningHost, people: Mapping[str, Context], random: Random
) -> Sequence[Poisoned]:
    """Put documents with random readers, and some for everybody, into the store of the host that runs."""
    everybody = [who.principal for who in people.values()]
    readers = poison.readers_of(
        sorted({role for each in everybody for role in each.roles} | {"board"}),
        sorted({group for each in everybody for group in each.groups} | {"press"}),
        [each.id for each in everybody],
    )
    made = poison.shelf(random, ["contoso", "fabrikam"], readers, _COLLECTIONS, many=DOCUMENTS)
    shelf = [
        replace(each, document=replace(each.document, readers=("tenant",))) if open_to_all(each) else each
        for each in made
    ]
    embedder = E5Embedder()
    database = Database(_database(host), size=2)
    await database.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        stack.callback(embedder.close)
        archive = Archive(await open_index(tree, database, embedder, plain, None, stack), embedder)
        for each in shelf:
            await archive.put(each.document)
    return shelf


def _database(host: RunningHost) -> str:
    return str(orjson.loads((host.folder / "host.json").read_bytes())["database"])


def open_to_all(each: Poisoned) -> bool:
    return each.document.collection == _OPEN


async def _business(made: World, random: Random) -> None:
    """Give everybody a leave balance, a ticket and an order that nobody else may read of."""
    sandbox, canaries = made.host.sandbox, made.canaries
    for person in PEOPLE:
        tenant, days = tenant_of(person), 900_000_000 + random.randrange(90_000_000)
        asked = {"tenant": tenant, "employee": person, "leave_type": "annual", "days": days}
        await sandbox("people", "/_sandbox/entitlements", "PUT", asked)
        numbers = (str(days), str(days - _BOOKED[person]))
        made.leave[person] = {canaries.add(number, tenant, [person]) for number in numbers}
    for person, ticket in TICKETS.items():
        made.tickets[person] = canaries.new(tenant_of(person), person)
        comment = {"author": "Network Team", "text": f"It is {made.tickets[person]}."}
        await sandbox("service_desk", f"/_sandbox/tickets/{ticket}/comments", "POST", comment)
    for person, order in ORDERS.items():
        made.orders[person] = canaries.new(tenant_of(person), person, *_BUYERS[tenant_of(person)])
        remark = {"remark": f"It is {made.orders[person]}."}
        await sandbox("procurement", f"/_sandbox/orders/{order}", "PATCH", remark)


async def _at_home(made: World, person: str) -> None:
    """Open somebody's own chat and let them sign in there: in channels no client does that in silence."""
    chat = made.own[person] = await made.teams.personal(person)
    made.chats[chat] = (person,)
    await made.teams.say(person, chat, "/status")
    await made.teams.until(person, chat, words("How things stand"))
