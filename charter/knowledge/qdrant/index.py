"""The index in Qdrant: every question carries the principal's rights in its filter, every write narrows before it widens."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from math import hypot
from operator import mul
from typing import Any, TypeVar, cast

from qdrant_client.models import (
    DeleteOperation,
    Filter,
    FilterSelector,
    PointIdsList,
    PointsList,
    PointStruct,
    QueryRequest,
    Record,
    ScoredPoint,
    SetPayload,
    SetPayloadOperation,
    UpdateOperation,
    UpsertOperation,
)

from charter.context import Context
from charter.errors import Conflict, NotFound, Unavailable
from charter.knowledge.embedder import Vector
from charter.knowledge.index import Candidate, Document, OpenedPassage, Question, Source
from charter.knowledge.qdrant import points
from charter.knowledge.qdrant.collections import Collections
from charter.knowledge.qdrant.points import DENSE, SHOWN, WORDS
from charter.knowledge.qdrant.wire import Wire
from charter.knowledge.vocabulary import stems, within
from charter.store.database import Database, Session

_BATCH = 64
_PAGE = 1000
_SPARE = 4
"""How many more are looked at for an exact term than are wanted: words are found wherever they stand."""
T = TypeVar("T")


class QdrantIndex:
    """The passages of one embedder. ``database`` knows the tenants, and lets one host at a time write a document."""

    def __init__(self, wire: Wire, collections: Collections, database: Database) -> None:
        self._wire = wire
        self._collections = collections
        self._database = database

    async def candidates(
        self, ctx: Context, question: Question, *, collections: Sequence[str], most: int = 40
    ) -> list[Candidate]:
        if not collections:
            return []
        whom = points.readable(ctx, collections)
        phrases = [phrase for term in question.terms if (phrase := stems(term))]
        asked = [_near(points.passages_of(whom), question.vector, most)]
        if phrases:
            asked.append(_near(points.having(whom, phrases), question.vector, most * _SPARE))
        if (words := points.words_of(question.text)).indices:
            filled = points.passages_of(whom)
            asked.append(
                QueryRequest(
                    query=words, using=WORDS, filter=filled, limit=most, with_payload=SHOWN, with_vector=[DENSE]
                )
            )
        name = self._collections.current
        answers = await self._wire.call(lambda client: client.query_batch_points(name, requests=asked))
        found = [answer.points for answer in answers]
        worded = found.pop() if words.indices else []
        exact = _standing(found[1], phrases)[:most] if phrases else []
        return _united([*found[0], *exact], worded, question.vector)

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        found = await self._some(points.quoted(points.readable(ctx), document_id, passage_id), limit=2)
        passage = next((each for each in found if each["kind"] == "passage"), None)
        document = next((each for each in found if each["kind"] == "document"), None)
        if passage is None or document is None:
            raise NotFound("There is no such passage, or you may not read it.")
        opened = points.opened(passage, document)
        if opened.document_text[opened.start : opened.end] != opened.text:
            raise Unavailable("The document of this passage is just being replaced.")
        return opened

    async def stored(self, tenant: str) -> Mapping[Source, str]:
        async with self._database.tenant_session(tenant) as session:
            if not await session.fetchval("select true from tenants where id = $1", tenant):
                raise NotFound(f"There is no tenant {tenant}.")
        found = await self._all(points.documents(tenant), ["collection", "source", "digest"])
        return {(each["collection"], each["source"]): each["digest"] for each in found}

    async def kept(self, document: Document) -> frozenset[str]:
        found = await self._all(points.all_of(document.tenant, [document.id], "passage"), ["passage"])
        return frozenset(each["passage"] for each in found)

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        async with self._turn(document.tenant, [document.id]) as session:
            ids = document.passage_ids()
            stored = await self._all(
                points.all_of(document.tenant, [document.id]),
                [*points.told(document), "kind", "passage", "start", "end"],
            )
            if {*ids} - {each.get("passage") for each in stored} - vectors.keys():
                raise Conflict("Another host has changed the document meanwhile.", action="Sync again.")
            await self._narrow(document, stored)
            await self._write(_changes(document, ids, stored))
            for fresh in _batches(_points(document, ids, vectors)):
                await self._write([UpsertOperation(upsert=PointsList(points=[*fresh]))])
            # Without the connection the turn would be somebody else's by now.
            await session.execute("select 1")
            await self._write([UpsertOperation(upsert=PointsList(points=[points.document_point(document)]))])

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        for some in _batches([_source_id(tenant, source) for source in sources]):
            async with self._turn(tenant, some):
                kinds = [points.all_of(tenant, some, kind) for kind in ("passage", "document")]
                # To be read again, until all of it is gone.
                stale = SetPayloadOperation(set_payload=SetPayload(payload={"digest": ""}, filter=kinds[1]))
                gone = [DeleteOperation(delete=FilterSelector(filter=each)) for each in kinds]
                await self._write([stale, *gone])

    async def settle(self) -> None:
        await self._collections.settle()

    async def ping(self) -> None:
        """As of ``Apart``."""
        await self._collections.ping()

    async def _narrow(self, document: Document, stored: Sequence[Mapping[str, Any]]) -> None:
        """Let only those read the old document who may read both, and have it read again if what follows is cut short."""
        if not any(each["kind"] == "document" for each in stored):
            await self._write([UpsertOperation(upsert=PointsList(points=[points.announced(document)]))])
            return
        both = {*document.readers}.intersection(*(each["readers"] for each in stored))
        told = {"readers": sorted(both)} | ({"integrity": "untrusted"} if document.integrity == "untrusted" else {})
        whole, itself = points.all_of(document.tenant, [document.id]), points.point_id(document.tenant, document.id)
        changes: list[UpdateOperation] = [
            SetPayloadOperation(set_payload=SetPayload(payload={"digest": ""}, points=[itself]))
        ]
        if any({**each, **told} != each for each in stored):
            changes.insert(0, SetPayloadOperation(set_payload=SetPayload(payload=told, filter=whole)))
        await self._write(changes)

    async def _write(self, changes: Sequence[UpdateOperation]) -> None:
        """Make these changes one after the other; they are in force when it returns."""
        name = self._collections.current
        for some in _batches(changes):
            await self._wire.call(lambda client, some=some: client.batch_update_points(name, some, wait=True))

    @asynccontextmanager
    async def _turn(self, tenant: str, documents: Sequence[str]) -> AsyncGenerator[Session]:
        """Let no other host write these documents meanwhile: Qdrant has no transactions, so the database is the lock."""
        async with self._database.tenant_session(tenant) as session:
            for each in sorted(documents):
                await session.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"charter {each}")
            yield session

    async def _some(self, which: Filter, *, limit: int) -> list[dict[str, Any]]:
        name = self._collections.current
        found, _ = await self._wire.call(
            lambda client: client.scroll(name, scroll_filter=which, limit=limit, with_payload=True)
        )
        return [_payload(each) for each in found]

    async def _all(self, which: Filter, fields: list[str]) -> list[dict[str, Any]]:
        name, found, after = self._collections.current, list[Record](), None
        while True:
            some, after = await self._wire.call(
                lambda client, after=after: client.scroll(
                    name, scroll_filter=which, limit=_PAGE, offset=after, with_payload=fields
                )
            )
            found += some
            if after is None:
                return [_payload(each) for each in found]


def _near(whom: Filter, vector: Vector, most: int) -> QueryRequest:
    return QueryRequest(query=vector, using=DENSE, filter=whom, limit=most, with_payload=SHOWN)


def _standing(found: Sequence[ScoredPoint], phrases: Sequence[Sequence[str]]) -> list[ScoredPoint]:
    """Return those in which the words of a phrase stand one after the other."""

    def stands(payload: Mapping[str, Any]) -> bool:
        words = stems(f"{payload['heading']} {payload['text']}")
        return any(within(phrase, words) for phrase in phrases)

    return [each for each in found if stands(_payload(each))]


def _united(near: Sequence[ScoredPoint], worded: Sequence[ScoredPoint], vector: Vector) -> list[Candidate]:
    """Return each passage once. What only its words found comes with its vector, and is as near as that tells."""
    similar = {each.id: (each, each.score) for each in near}
    for each in worded:
        similar.setdefault(each.id, (each, _cosine(vector, _dense(each))))
    places = {each.id: place for place, each in enumerate(worded, start=1)}
    return [points.candidate(_payload(each), score, places.get(at)) for at, (each, score) in similar.items()]


def _cosine(one: Vector, other: Vector) -> float:
    return sum(map(mul, one, other)) / (hypot(*one) * hypot(*other) or 1.0)


def _dense(point: ScoredPoint) -> Vector:
    return cast("dict[str, Vector]", point.vector)[DENSE]


def _payload(point: Record | ScoredPoint) -> dict[str, Any]:
    return point.payload or {}


def _source_id(tenant: str, source: Source) -> str:
    return Document(tenant, *source, "", "", "", "untrusted", (), "", ()).id


def _points(document: Document, ids: Sequence[str], vectors: Mapping[str, Vector]) -> list[PointStruct]:
    return [points.passage_point(document, at, each, vectors[each]) for at, each in enumerate(ids) if each in vectors]


def _changes(document: Document, ids: Sequence[str], stored: Sequence[Mapping[str, Any]]) -> list[UpdateOperation]:
    """Return what becomes of stored passages: those that are gone go first, then the others say what is new of them."""
    passages = {each["passage"]: each for each in stored if each["kind"] == "passage"}
    named = {each: points.point_id(document.tenant, document.id, each) for each in passages}
    changes: list[UpdateOperation] = []
    if gone := [named[each] for each in passages if each not in {*ids}]:
        changes.append(DeleteOperation(delete=PointIdsList(points=[*gone])))
    if stay := [named[each] for each in ids if each in passages]:
        told = SetPayload(payload=points.told(document), points=[*stay])
        changes.append(SetPayloadOperation(set_payload=told))
    for at, each in enumerate(ids):
        place = points.place_of(document, at)
        if each in passages and {**passages[each], **place} != passages[each]:
            moved = SetPayload(payload=place, points=[named[each]])
            changes.append(SetPayloadOperation(set_payload=moved))
    return changes


def _batches(many: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(many), _BATCH):
        yield many[at : at + _BATCH]
