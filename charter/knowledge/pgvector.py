"""Passages in PostgreSQL: dense (pgvector) and full text in one statement, within row-level security."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charter.context import Context
from charter.errors import Conflict, NotFound
from charter.knowledge.acl import acl_of
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Document, OpenedPassage, Source
from charter.knowledge.queries import KEEP, KEPT, OPEN, SEARCH, SET_UP, WRITE_DOCUMENT, WRITE_PASSAGE
from charter.knowledge.terms import exact_terms, is_english
from charter.plugin import Passage
from charter.store.database import Database, Session

_BATCH = 16
_LONGEST_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Fit:
    """What counts how much, in cosine similarity of this embedder; measured on the sample library's questions.

    A question's share of words found in a passage (rare words count more) adds up to ``words`` to its similarity.
    The best passage answers only from ``enough`` on; from ``spoken`` on, if it has at least ``share`` of the words.
    Documents are English: a question in another language comes out lower, and answers from ``foreign`` on.
    Behind the best one come only passages within ``margin`` of it.
    """

    words: float = 0.04
    enough: float = 0.835
    spoken: float = 0.82
    share: float = 0.25
    foreign: float = 0.803
    margin: float = 0.05


class PgIndex:
    """The index in the host's own database."""

    def __init__(self, database: Database, embedder: Embedder, fit: Fit | None = None) -> None:
        self._database = database
        self._embedder = embedder
        self._fit = fit or Fit()

    async def search(self, ctx: Context, query: str, *, collections: Sequence[str], top: int = 5) -> list[Passage]:
        question = query.replace("\0", " ").encode("utf-8", "replace").decode().strip()[:_LONGEST_QUERY]
        if not question or not collections:
            return []
        vector = await self._embedder.query(question)
        fit = self._fit
        enough = fit.enough if is_english(question) else fit.foreign
        known = [_literal(vector), acl_of(ctx), list(collections), exact_terms(question), question]
        async with self._database.session(ctx) as session:
            await session.execute(SET_UP)
            rows = await session.fetch(SEARCH, *known, fit.words, enough, fit.spoken, fit.share, fit.margin, top)
        return [_passage(row) for row in rows]

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

    async def put(self, document: Document, *, embedded: Callable[[int], None] | None = None) -> int:
        ids = document.passage_ids()
        kept = await self._kept(document)
        fresh = [at for at, passage_id in enumerate(ids) if passage_id not in kept]
        spoken = document.spoken()
        vectors: list[Vector] = []
        for at in range(0, len(fresh), _BATCH):
            vectors += await self._embedder.passages([spoken[n] for n in fresh[at : at + _BATCH]])
            if embedded:
                embedded(len(vectors))
        async with self._database.tenant_session(document.tenant) as session:
            await self._write(session, document, ids, dict(zip(fresh, vectors, strict=True)))
        return len(fresh)

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        async with self._database.tenant_session(tenant) as session:
            await session.executemany("delete from documents where collection = $1 and source = $2", list(sources))

    async def _kept(self, document: Document) -> set[str]:
        """Return the document's passages whose vectors are still good: those of the present embedder."""
        async with self._database.tenant_session(document.tenant) as session:
            rows = await session.fetch(KEPT, document.id)
        return {row["id"] for row in rows if self._digest(row["content_hash"])}

    async def _write(self, session: Session, document: Document, ids: list[str], vectors: Mapping[int, Vector]) -> None:
        # The document's row first: it is the lock between two hosts that write the same document.
        await session.execute(WRITE_DOCUMENT, *self._row(document))
        await session.execute("delete from passages where document_id = $1 and id <> all($2::text[])", document.id, ids)
        await session.executemany(
            WRITE_PASSAGE,
            [(document.tenant, document.id, *_place(document, ids, at), _literal(vectors[at])) for at in vectors],
        )
        old = [at for at in range(len(ids)) if at not in vectors]
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


def _passage(row: Any) -> Passage:
    return Passage(
        document_id=row["document_id"],
        passage_id=row["id"],
        title=row["title"],
        url=f"/console/documents/{row['document_id']}/passages/{row['id']}",
        start=row["start_char"],
        end=row["end_char"],
        text=row["body"],
        integrity=row["integrity"],
        readers=tuple(row["readers"]),
        score=float(row["score"]),
    )
