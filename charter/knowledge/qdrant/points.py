"""What a document and its passages are in Qdrant, and which of them a principal may read. Pure.

A document is a point without vectors, each of its passages one with two. Both carry the readers, so that every question
can name them in its filter.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from qdrant_client.models import (
    Condition,
    Distance,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    KeywordIndexType,
    MatchAny,
    MatchValue,
    Modifier,
    PointStruct,
    SparseVector,
    SparseVectorParams,
    VectorParams,
)

from charter.context import Context
from charter.knowledge.acl import acl_of
from charter.knowledge.embedder import Vector
from charter.knowledge.index import Candidate, Document, OpenedPassage
from charter.knowledge.vocabulary import stems

DENSE, WORDS = "dense", "words"
INDEXED = ("kind", "document", "passage", "collection", "readers", "stems")
SHOWN = ["document", "passage", "title", "heading", "text", "start", "end", "integrity", "readers"]
"""What is read of a passage that was found."""


def vectors_of(dimensions: int) -> dict[str, Any]:
    """Return how a collection keeps vectors: one of the meaning, and one of the words, of which rare ones count more."""
    return {
        "vectors_config": {DENSE: VectorParams(size=dimensions, distance=Distance.COSINE)},
        "sparse_vectors_config": {WORDS: SparseVectorParams(modifier=Modifier.IDF)},
    }


def indexes() -> dict[str, KeywordIndexParams]:
    """Return the fields by which a server finds points without a look at each; it keeps a tenant's together."""
    keyword = KeywordIndexType.KEYWORD
    return {"tenant": KeywordIndexParams(type=keyword, is_tenant=True)} | {
        name: KeywordIndexParams(type=keyword) for name in INDEXED
    }


def point_id(tenant: str, *names: str) -> str:
    return str(uuid5(NAMESPACE_URL, "\0".join(("charter", tenant, *names))))


def words_of(text: str) -> SparseVector:
    """Return the words of a text as a sparse vector: repetition counts, but less each time."""
    found = stems(text)
    numbers = {_number(word): found.count(word) for word in {*found}}
    at = sorted(numbers)
    return SparseVector(indices=at, values=[numbers[each] / (numbers[each] + 1.0) for each in at])


def _number(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=4).digest())


def readable(ctx: Context, collections: Sequence[str] | None = None, *also: Condition) -> Filter:
    """Return the filter that only what this principal may read passes; it stands in every question."""
    within = [] if collections is None else [FieldCondition(key="collection", match=MatchAny(any=[*collections]))]
    readers = FieldCondition(key="readers", match=MatchAny(any=acl_of(ctx)))
    return Filter(must=[_is("tenant", ctx.tenant), readers, *within, *also])


def passages(ctx: Context, collections: Sequence[str], phrases: Sequence[Sequence[str]] = ()) -> Filter:
    """Return the filter of readable passages, and where there are ``phrases``, of those with all words of one of them."""
    words = [Filter(should=[Filter(must=[_is("stems", word) for word in phrase]) for phrase in phrases])]
    return readable(ctx, collections, *(words if phrases else []))


def quoted(ctx: Context, document_id: str, passage_id: str) -> Filter:
    """Return the filter of one passage and its document, where they are readable."""
    either = Filter(should=[_is("kind", "document"), _is("passage", passage_id)])
    return readable(ctx, None, _is("document", document_id), either)


def documents(tenant: str) -> Filter:
    return Filter(must=[_is("tenant", tenant), _is("kind", "document")])


def _is(key: str, value: str) -> FieldCondition:
    return FieldCondition(key=key, match=MatchValue(value=value))


def document_point(document: Document, passages: Sequence[str]) -> PointStruct:
    """Return the document, which names its ``passages``: whoever writes finds them without a search."""
    d = document
    payload = {
        **_common(document), "kind": "document", "source": d.source, "url": d.url, "body": d.body, "digest": d.digest,
        "passages": [*passages],
    }  # fmt: skip
    return PointStruct(id=point_id(d.tenant, d.id), vector={}, payload=payload)


def announced(document: Document, passages: Sequence[str]) -> PointStruct:
    """Return the document as it is known before it is written: read by nobody, and to be read again."""
    point = document_point(document, passages)
    hidden: dict[str, Any] = {"readers": [], "url": "", "body": "", "title": "", "digest": ""}
    return PointStruct(id=point.id, vector={}, payload={**(point.payload or {}), **hidden})


def passage_point(document: Document, at: int, passage_id: str, vector: Vector) -> PointStruct:
    piece = document.pieces[at]
    text = document.body[piece.start : piece.end]
    words = f"{piece.heading} {text}"
    payload = {
        **_common(document), "kind": "passage", "passage": passage_id, "heading": piece.heading, "text": text,
        **place_of(document, at), "stems": sorted({*stems(words)}),
    }  # fmt: skip
    vectors: dict[str, Any] = {DENSE: vector, WORDS: words_of(words)}
    return PointStruct(id=point_id(document.tenant, document.id, passage_id), vector=vectors, payload=payload)


def place_of(document: Document, at: int) -> dict[str, int]:
    piece = document.pieces[at]
    return {"start": piece.start, "end": piece.end}


def told(document: Document) -> dict[str, Any]:
    """Return what every passage says of its document and a new version of it may change."""
    return {"title": document.title, "integrity": document.integrity, "readers": [*document.readers]}


def _common(document: Document) -> dict[str, Any]:
    return {
        "tenant": document.tenant, "collection": document.collection, "document": document.id, **told(document)
    }  # fmt: skip


def candidate(payload: Mapping[str, Any], similarity: float, place: int | None) -> Candidate:
    fields = {name: payload[name] for name in SHOWN if name not in ("document", "passage")}
    fields["readers"] = tuple(payload["readers"])
    return Candidate(
        document_id=payload["document"], passage_id=payload["passage"], similarity=similarity, place=place, **fields
    )


def opened(passage: Mapping[str, Any], document: Mapping[str, Any]) -> OpenedPassage:
    return OpenedPassage(
        document_id=document["document"],
        passage_id=passage["passage"],
        collection=document["collection"],
        title=document["title"],
        url=document["url"],
        heading=passage["heading"],
        start=passage["start"],
        end=passage["end"],
        text=passage["text"],
        document_text=document["body"],
        integrity=document["integrity"],
        readers=tuple(document["readers"]),
    )
