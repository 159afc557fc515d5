"""The host's own index in Azure AI Search."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from charter.context import Context
from charter.errors import NotFound, Unavailable
from charter.knowledge.azure_ai_search import schema
from charter.knowledge.azure_ai_search.asking import Asked, by_vectors, by_words
from charter.knowledge.azure_ai_search.rows import DOCUMENT, FOUND, Row, opened
from charter.knowledge.azure_ai_search.service import Gone, Service
from charter.knowledge.azure_ai_search.trimming import one_of, readable
from charter.knowledge.azure_ai_search.turning import Turning
from charter.knowledge.azure_ai_search.writing import Writing
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Candidate, Document, OpenedPassage, Question, Source, document_id
from charter.store.database import Database

T = TypeVar("T")
TokenOf = Callable[[Context], Awaitable[str]]
"""Returns the person's own token for the search service; raises where it cannot be had."""

ASKING = "x-ms-query-source-authorization"


class AzureIndex:
    """``Index`` in a search service. ``database`` says which tenants there are; ``token_of``: the index has permissions of
    its own, and every question carries the person's token.
    """

    def __init__(
        self,
        service: Service,
        alias: str,
        embedder: Embedder,
        database: Database,
        *,
        semantic: bool = False,
        token_of: TokenOf | None = None,
    ) -> None:
        self._service = service
        self._embedder = embedder
        self._database = database
        self._semantic = semantic
        self._token_of = token_of
        self._turning = Turning(service, alias, embedder)
        self._own = Writing(service, self._turning.own)
        self._others: dict[str, Writing] = {}

    async def candidates(
        self, ctx: Context, question: Question, *, collections: Sequence[str], most: int = 40
    ) -> list[Candidate]:
        readers = readable(ctx, collections)
        if readers is None:
            return []
        headers = await asked_by(ctx, self._token_of)

        async def ask(index: str) -> list[Candidate]:
            asked = Asked(self._service, index, question, f"kind eq 'passage' and {readers}", headers, most)
            if schema.comparable(index, self._embedder.name):
                return await by_vectors(asked, semantic=self._semantic)
            return await by_words(asked, self._embedder)

        return await self._of_served(ask, [])

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        readers, wanted = readable(ctx), one_of("id", [document_id, passage_id])
        if readers is None or wanted is None:
            raise NotFound("There is no such passage, or you may not read it.")
        headers = await asked_by(ctx, self._token_of)
        select = list(dict.fromkeys([*FOUND, *DOCUMENT]))

        async def ask(index: str) -> list[OpenedPassage]:
            found = await self._service.search(
                index, search_text="*", filter=f"{readers} and {wanted}", select=select, top=2, headers=headers
            )
            rows = {(row["kind"], row["id"]): row for row in found}
            document, passage = rows.get(("document", document_id)), rows.get(("passage", passage_id))
            if document is None or passage is None or passage["document_id"] != document_id:
                return []
            return [opened(passage, document)]

        found = await self._of_served(ask, [])
        if not found:
            raise NotFound("There is no such passage, or you may not read it.")
        if found[0].document_text[found[0].start : found[0].end] != found[0].text:
            raise Unavailable("The document is being written at this moment.")
        return found[0]

    async def stored(self, tenant: str) -> Mapping[Source, str]:
        async with self._database.tenant_session(tenant) as session:
            if not await session.fetchval("select true from tenants where id = $1", tenant):
                raise NotFound(f"There is no tenant {tenant}.")
        await self._turning.ensure()
        # What only the index before has is told, too: to be read again, or forgotten there.
        before = await self._documents_before(tenant)
        own = await self._own.documents(tenant)
        old = {(row["collection"], row["source"]): "" for row in before.values()}
        return old | {(row["collection"], row["source"]): row["digest"] or "" for row in own.values()}

    async def kept(self, document: Document) -> frozenset[str]:
        try:
            stored = await self._own.rows_of(document.id, ["id"])
        except Gone:
            return frozenset()
        return frozenset(row["id"] for row in stored) & frozenset(document.passage_ids())

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        await self._withdraw(document)
        try:
            await self._own.put(document, vectors)
        except Gone as fault:
            raise Unavailable("The index to write into is gone.", action="Sync again.") from fault

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        ids = [document_id(tenant, source) for source in sources]
        if (before := await self._before(fresh=True)) is not None:
            with suppress(Gone):
                await before.forget(ids)
        await self._own.forget(ids)

    async def settle(self) -> None:
        await self._turning.turn(self._fill)

    async def open(self) -> None:
        """Make what is lacking.

        Raises:
            StartRefused: the service refuses it.
            Unavailable: the service does not answer.
        """
        await self._turning.ensure()

    async def _of_served(self, ask: Callable[[str], Awaitable[list[T]]], nothing: list[T]) -> list[T]:
        """Ask the index that is searched; where it has gone since, the one that is searched now."""
        for fresh in (False, True):
            if (index := await self._turning.served(fresh=fresh)) is None:
                return nothing
            try:
                return await ask(index)
            except Gone:
                continue
        return nothing

    async def _documents_before(self, tenant: str) -> Mapping[str, Row]:
        if (before := await self._before(fresh=True)) is None:
            return {}
        try:
            return await before.documents(tenant)
        except Gone:
            return {}

    async def _before(self, *, fresh: bool = False) -> Writing | None:
        """Return the index that is searched, where it is not this host's own."""
        served = await self._turning.served(fresh=fresh)
        return None if served in (None, self._turning.own) else self._writing(served)

    def _writing(self, index: str) -> Writing:
        if index == self._turning.own:
            return self._own
        return self._others.setdefault(index, Writing(self._service, index))

    async def _withdraw(self, document: Document) -> None:
        """Take a document that has changed out of the index before: its readers there may not be those it has now."""
        before = await self._before()
        if before is None:
            return
        with suppress(Gone):
            if await before.digest(document.id) not in (None, document.digest):
                await before.forget([document.id])

    async def _fill(self, old: str, new: str) -> None:
        source, target = self._writing(old), self._writing(new)
        # What was written a moment ago must be seen, or the old would be brought over it.
        await asyncio.sleep(self._service.patience.seen)
        missing = (await source.documents()).keys() - (await target.documents()).keys()
        for document in sorted(missing):
            await target.bring(source, document, self._embedder)
        await self._seen(target, missing)

    async def _seen(self, target: Writing, documents: set[str]) -> None:
        until = time.monotonic() + self._service.patience.writing
        while documents - (await target.documents()).keys():
            if time.monotonic() > until:
                raise Unavailable("The new index does not show all documents; the old one is searched as before.")
            await asyncio.sleep(self._service.patience.first)
        await asyncio.sleep(self._service.patience.seen)


async def asked_by(ctx: Context, token_of: TokenOf | None) -> Mapping[str, str]:
    """Return the headers that say for whom a question is asked.

    Raises:
        AuthorityLost: the person's token cannot be had, so nothing is asked.
    """
    return {} if token_of is None else {ASKING: await token_of(ctx)}
