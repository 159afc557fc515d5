"""Passages in PostgreSQL: dense (pgvector) and full text in one statement, within row-level security."""

from collections.abc import Mapping, Sequence
from typing import Any

from charter.context import Context
from charter.errors import Conflict, NotFound
from charter.knowledge.acl import acl_of
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Candidate, Document, OpenedPassage, Question, Source
from charter.knowledge.queries import (
    CANDIDATES,
    FREQUENT_WORDS,
    KEEP,
    KEPT,
    OPEN,
    SET_UP,
    WRITE_DOCUMENT,
    WRITE_PASSAGE,
)
from charter.store.database import Database, Session, take_turn


class PgIndex:
    """The index in the host's own database. Vectors are those of ``embedder``."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._changed: set[str] = set()

    async def candidates(
        self, ctx: Context, question: Question, *, collections: Sequence[str], most: int = 40
    ) -> list[Candidate]:
        known = [acl_of(ctx), list(collections), list(question.terms), question.text, most]
        async with self._database.session(ctx) as session:
            await session.execute(SET_UP)
            rows = await session.fetch(CANDIDATES, _literal(question.vector), *known)
        return [_candidate(row) for row in rows]

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        async with self._database.session(ctx) as session:
            row = await session.fetchrow(OPEN, document_id, passage_id, acl_of(ctx))
        if row is None:
            raise NotFound("There is no such passage, or you may not read it.")
        fields: dict[str, Any] = dict(row)
        fields["readers"] = tuple(fields["readers"])
        return OpenedPassage(**fields)

    async def stored(self, tenant: str) -> Mapping[Source, str]:
        async with self._database.tenant_session(tenant) as session:
            if not await session.fetchval("select true from tenants where id = $1", tenant):
                raise NotFound(f"There is no tenant {tenant}.")
            rows = await session.fetch("select collection, source, content_hash from documents")
        return {(row["collection"], row["source"]): self._digest(row["content_hash"]) for row in rows}

    async def kept(self, document: Document) -> frozenset[str]:
        async with self._database.tenant_session(document.tenant) as session:
            rows = await session.fetch(KEPT, document.id)
        return frozenset(row["id"] for row in rows if self._digest(row["content_hash"]))

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        self._changed.add(document.tenant)
        async with self._database.tenant_session(document.tenant) as session:
            await self._write(session, document, vectors)

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        self._changed.add(tenant)
        async with self._database.tenant_session(tenant) as session:
            await session.executemany("delete from documents where collection = $1 and source = $2", list(sources))

    async def settle(self) -> None:
        """Count which words are frequent among the passages of those tenants that were written; what was written counts
        at once anyway.
        """
        while self._changed:
            async with self._database.tenant_session(self._changed.pop()) as session:
                await session.execute("delete from frequent_words")
                await session.execute(FREQUENT_WORDS)

    async def _write(self, session: Session, document: Document, vectors: Mapping[str, Vector]) -> None:
        ids = document.passage_ids()
        # Two hosts that write the same document take turns. Its row alone is no such lock while it is not there yet: of two
        # inserts that meet, one may stumble over the document's source before it sees that they agree about its id.
        await take_turn(session, document.id)
        await session.execute(WRITE_DOCUMENT, *self._row(document))
        await session.execute("delete from passages where document_id = $1 and id <> all($2::text[])", document.id, ids)
        fresh = [at for at, each in enumerate(ids) if each in vectors]
        await session.executemany(
            WRITE_PASSAGE,
            [(document.tenant, document.id, *_place(document, ids, at), _literal(vectors[ids[at]])) for at in fresh],
        )
        old = [at for at, each in enumerate(ids) if each not in vectors]
        starts, ends = [document.pieces[at].start for at in old], [document.pieces[at].end for at in old]
        if await session.fetchval(KEEP, document.id, [ids[at] for at in old], old, starts, ends) != len(old):
            raise Conflict("Another host has changed the document meanwhile.", action="Sync again.")

    def _row(self, document: Document) -> tuple[Any, ...]:
        d = document
        content_hash = f"{self._embedder.name}:{d.digest}"
        return (
            d.tenant,
            d.id,
            d.collection,
            d.source,
            d.title,
            d.url,
            d.body,
            content_hash,
            d.integrity,
            list(d.readers),
        )

    def _digest(self, content_hash: str) -> str:
        embedder, _, digest = content_hash.partition(":")
        return digest if embedder == self._embedder.name else ""


def _place(document: Document, ids: list[str], at: int) -> tuple[str, int, int, int, str, str]:
    piece = document.pieces[at]
    return ids[at], at, piece.start, piece.end, piece.heading, document.body[piece.start : piece.end]


def _literal(vector: Vector) -> str:
    # Text, cast in the statement: the store's connections then need no knowledge of pgvector.
    return "[" + ",".join(format(value, ".7g") for value in vector) + "]"


def _candidate(row: Any) -> Candidate:
    return Candidate(
        document_id=row["document_id"],
        passage_id=row["id"],
        title=row["title"],
        heading=row["heading"],
        text=row["body"],
        start=row["start_char"],
        end=row["end_char"],
        integrity=row["integrity"],
        readers=tuple(row["readers"]),
        similarity=float(row["similarity"]),
        place=row["place"],
    )
