"""A place of its own for an evaluation: a database that is thrown away, and whichever store is asked for."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from charter.context import Context, Principal
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import Embedder
from charter.knowledge.index import Index
from charter.knowledge.ledger import Ledger
from charter.knowledge.stores import open_index
from charter.settings import Settings, Store
from charter.store import embedded, migrate, tenants
from charter.store.database import Database

TENANT = "evaluation"
COLLECTION = "manual"
READER = Context(TENANT, Principal("reader", "user", "Reader", frozenset(), frozenset()))


@dataclass(frozen=True, slots=True)
class Place:
    """An empty store, and the ledger of what is read into it."""

    index: Index
    ledger: Ledger


@asynccontextmanager
async def place(settings: Settings, store: Store, embedder: Embedder) -> AsyncGenerator[Place]:
    """Open ``store`` empty, in the names of an evaluation alone; what was written into it is removed at the end.

    Raises:
        StartRefused, Unavailable: the store does not open with these settings.
    """
    with TemporaryDirectory(prefix="charter-evaluation-") as folder:
        async with AsyncExitStack() as stack:
            database = await _database(Path(folder), stack)
            tree = _renamed(settings, store, Path(folder))
            index = await open_index(tree, database, embedder, lambda _: None, None, stack)
            try:
                yield Place(index, Ledger(database))
            finally:
                await Archive(index, embedder).remove(TENANT, list(await index.stored(TENANT)))


async def _database(folder: Path, stack: AsyncExitStack) -> Database:
    server = await embedded.start(folder / "postgres")
    stack.push_async_callback(server.stop)
    await migrate.migrate(server.url)
    database = Database(server.url, size=2)
    await database.open()
    stack.push_async_callback(database.close)
    await tenants.ensure(database, {}, [TENANT])
    return database


def _renamed(settings: Settings, store: Store, folder: Path) -> Settings:
    """Return settings whose names in a shared service are those of an evaluation, and no host's."""
    named = settings.knowledge
    knowledge = named.model_copy(
        update={
            "store": store,
            "azure_ai_search": named.azure_ai_search.model_copy(
                update={"index": f"{named.azure_ai_search.index}-eval"}
            ),
            "qdrant": named.qdrant.model_copy(update={"collection": f"{named.qdrant.collection}-eval"}),
        }
    )
    return settings.model_copy(update={"knowledge": knowledge, "data_dir": folder})
