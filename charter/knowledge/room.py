"""The parts of knowledge, joined for a host: where documents come from, what they are kept in, and how they are found."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from charter.context import Context
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ledger import Ledger
from charter.knowledge.library import Library
from charter.knowledge.sources.opening import Visitor, open_sources
from charter.knowledge.stores import open_index
from charter.secrets.opening import Opened
from charter.settings import Settings
from charter.store.database import Database


@dataclass(frozen=True, slots=True)
class KnowledgeRoom:
    """What is searched, and what keeps it as its sources are."""

    archive: Archive
    library: Library


async def furnish(
    settings: Settings,
    database: Database,
    vault: Opened,
    http: aiohttp.ClientSession,
    stack: AsyncExitStack,
    *,
    directory_of: Callable[[str], str | None],
    token_of: Callable[[Context], Awaitable[str]],
) -> KnowledgeRoom:
    """Open the store and the sources that settings name; ``stack`` closes them.

    ``directory_of`` knows the directory of a tenant, ``token_of`` gets a person's own token to a search service.

    Raises:
        StartRefused: settings do not fit together, or the store refuses.
        Unavailable: the store does not answer.
    """
    embedder = E5Embedder()
    stack.callback(embedder.close)
    index = await open_index(settings, database, embedder, vault.secrets.live, vault.azure, stack, token_of)
    archive = Archive(index, embedder)
    visitor = Visitor(http, vault.secrets.live, vault.azure, vault.credential_of, directory_of)
    sources = open_sources(settings, visitor, stack)
    return KnowledgeRoom(archive, Library(archive, Ledger(database), sources, settings.knowledge))
