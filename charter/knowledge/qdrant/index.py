"""The index in Qdrant: every question carries the principal's rights in its filter, every write narrows before it widens."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from math import hypot
from operator import mul
from typing import Any, TypeVar, cast

from qdrant_client.models import (
    DeleteOperation,
    Filter,
    PointIdsList,
    PointsList,
    PointStruct,
    QueryRequest,
    Record,
    ScoredPoint,
    SetPayload,
    SetPayloadOperation,
    SparseVector,
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
from charter.store.database import Database, Session, take_turn

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
        whom = points.passages(ctx, collections)
        phrases = [phrase for term in question.terms if (phrase := stems(term))]
        words = points.words_of(question.text)
        asked = [_near(whom, question.vector, most)]
        if phrases:
            asked.append(_near(points.passages(ctx, collections, phrases), question.vector, most * _SPARE))
        if words.indices:
            asked.append(_worded(whom, words, most))
        name = self._collections.current
        answers = await self._wire.call(lambda client: client.query_batch_points(name, requests=asked))
        found = [answer.points for answer in answers]
        worded = found.pop() if words.indices else []
        exact = _standing(found[1], phrases)[:most] if phrases else []
        return _united([*found[0], *exact], worded, question.vector)

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        found = await self._some(points.quoted(ctx, document_id, passage_id), limit=2)
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
        _, passages = await self._written(document.tenant, document.id)
        return frozenset(each["passage"] for each in passages)

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        async with self._turn(document.tenant, [document.id]) as session:
            ids = document.passage_ids()
            old, passages = await self._written(document.tenant, document.id)
            if {*ids} - {each["passage"] for each in passages} - vectors.keys():
                raise Conflict("Another host has changed the document meanwhile.", action="Sync again.")
            await self._narrow(document, ids, old, passages)
            await self._write(_changes(document, ids, passages))
            for fresh in _batches(_points(document, ids, vectors)):
                await self._write([_upsert(*fresh)])
            # Without the connection the turn would be somebody else's by now.
            await session.execute("select 1")
            await self._write([_upsert(points.document_point(document, ids))])

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        for some in _batches([_source_id(tenant, source) for source in sources]):
            async with self._turn(tenant, some):
                for each in some:
                    await self._forget(tenant, each)

    async def settle(self) -> None:
        await self._collections.settle()

    async def ping(self) -> None:
        """As of ``Apart``."""
        await self._collections.ping()

    async def _written(self, tenant: str, document_id: str) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return what is stored of a document and its passages, for those who write; nobody's rights are asked."""
        itself = await self._retrieve([points.point_id(tenant, document_id)], ["readers", "passages"])
        if not itself:
            return None, []
        ids = [points.point_id(tenant, document_id, each) for each in itself[0]["passages"]]
        return itself[0], await self._retrieve(ids, ["passage", "title", "integrity", "readers", "start", "end"])

    async def _narrow(
        self,
        document: Document,
        ids: Sequence[str],
        old: Mapping[str, Any] | None,
        passages: Sequence[Mapping[str, Any]],
    ) -> None:
        """Let only those read the old document who may read both, and have it read again if what follows is cut short."""
        if old is None:
            await self._write([_upsert(points.announced(document, ids))])
            return
        both = {*document.readers}.intersection(old["readers"], *(each["readers"] for each in passages))
        told = {"readers": sorted(both)} | ({"integrity": "untrusted"} if document.integrity == "untrusted" else {})
        named = _named(document, passages)
        itself = points.point_id(document.tenant, document.id)
        # Whatever is there from now on until the end can be found by its name.
        begun = {"digest": "", "passages": sorted({*old["passages"], *ids})}
        wider = [at for at, each in zip(named, passages, strict=True) if {**each, **told} != each]
        await self._write([*([_set(told, wider)] if wider else []), _set(told | begun, [itself])])

    async def _forget(self, tenant: str, document_id: str) -> None:
        itself = points.point_id(tenant, document_id)
        found = await self._retrieve([itself], ["passages"])
        if found:
            passages = [points.point_id(tenant, document_id, each) for each in found[0]["passages"]]
            # To be read again, until all of it is gone.
            await self._write(
                [_set({"digest": ""}, [itself]), *([_delete(passages)] if passages else []), _delete([itself])]
            )

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
                await take_turn(session, each)
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

    async def _retrieve(self, ids: Sequence[str], fields: list[str]) -> list[dict[str, Any]]:
        name, found = self._collections.current, list[Record]()
        for some in _batches(ids, _PAGE):
            found += await self._wire.call(
                lambda client, some=some: client.retrieve(name, ids=[*some], with_payload=fields)
            )
        return [_payload(each) for each in found]


def _near(whom: Filter, vector: Vector, most: int) -> QueryRequest:
    return QueryRequest(query=vector, using=DENSE, filter=whom, limit=most, with_payload=SHOWN)


def _worded(whom: Filter, words: SparseVector, most: int) -> QueryRequest:
    return QueryRequest(query=words, using=WORDS, filter=whom, limit=most, with_payload=SHOWN, with_vector=[DENSE])


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


def _changes(document: Document, ids: Sequence[str], passages: Sequence[Mapping[str, Any]]) -> list[UpdateOperation]:
    """Return what becomes of stored passages: those that are gone go first, then the others say what is new of them."""
    stored = {each["passage"]: (at, each) for at, each in zip(_named(document, passages), passages, strict=True)}
    changes: list[UpdateOperation] = []
    if gone := [at for each, (at, _) in stored.items() if each not in {*ids}]:
        changes.append(_delete(gone))
    told = points.told(document)
    if stay := [stored[each][0] for each in ids if each in stored]:
        changes.append(_set(told, stay))
    for number, each in enumerate(ids):
        place = points.place_of(document, number)
        if each in stored and {**stored[each][1], **place} != stored[each][1]:
            changes.append(_set(place, [stored[each][0]]))
    return changes


def _named(document: Document, passages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [points.point_id(document.tenant, document.id, each["passage"]) for each in passages]


def _upsert(*fresh: PointStruct) -> UpdateOperation:
    return UpsertOperation(upsert=PointsList(points=[*fresh]))


def _set(payload: dict[str, Any], ids: Sequence[str]) -> UpdateOperation:
    return SetPayloadOperation(set_payload=SetPayload(payload=payload, points=[*ids]))


def _delete(ids: Sequence[str]) -> UpdateOperation:
    return DeleteOperation(delete=PointIdsList(points=[*ids]))


def _batches(many: Sequence[T], size: int = _BATCH) -> Iterator[Sequence[T]]:
    for at in range(0, len(many), size):
        yield many[at : at + size]
