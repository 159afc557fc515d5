"""Documents and passages as rows of the index, and back."""

from collections.abc import Mapping
from typing import Any

from charter.knowledge.embedder import Vector
from charter.knowledge.index import Candidate, Document, OpenedPassage

Row = dict[str, Any]
FOUND = ("id", "document_id", "title", "heading", "body", "start", "end", "integrity", "readers")
"""What is told of a passage that is found."""
PASSAGE = (*FOUND, "kind", "tenant", "collection", "ordinal")
DOCUMENT = ("id", "kind", "tenant", "collection", "source", "title", "url", "integrity", "readers", "digest", "whole")


def document_row(document: Document, *, digest: str) -> Row:
    d = document
    return {
        "id": d.id, "kind": "document", "tenant": d.tenant, "collection": d.collection, "document_id": d.id,
        "source": d.source, "title": d.title, "url": d.url, "integrity": d.integrity, "readers": list(d.readers),
        "digest": digest, "whole": d.body,
    }  # fmt: skip


def passage_row(document: Document, at: int, passage_id: str, vector: Vector | None) -> Row:
    """Return the row of one piece, to be uploaded with its vector, or merged into one that has it already."""
    d, piece = document, document.pieces[at]
    known = {
        "id": passage_id, "kind": "passage", "tenant": d.tenant, "collection": d.collection, "document_id": d.id,
        "ordinal": at, "start": piece.start, "end": piece.end, "title": d.title, "heading": piece.heading,
        "body": d.body[piece.start : piece.end], "integrity": d.integrity, "readers": list(d.readers),
    }  # fmt: skip
    return known if vector is None else known | {"vector": vector}


def spoken(row: Mapping[str, Any]) -> str:
    """Return what is embedded for a stored passage, as ``Document.spoken`` has it."""
    return f"{row['heading'] or row['title']}\n{row['body']}"


def candidate(row: Mapping[str, Any], similarity: float, place: int | None, semantic: float | None) -> Candidate:
    return Candidate(
        document_id=row["document_id"],
        passage_id=row["id"],
        title=row["title"],
        heading=row["heading"],
        text=row["body"],
        start=row["start"],
        end=row["end"],
        integrity=row["integrity"],
        readers=tuple(row["readers"]),
        similarity=similarity,
        place=place,
        semantic=semantic,
    )


def opened(passage: Mapping[str, Any], document: Mapping[str, Any]) -> OpenedPassage:
    return OpenedPassage(
        document_id=document["id"],
        passage_id=passage["id"],
        collection=document["collection"],
        title=document["title"],
        url=document["url"],
        heading=passage["heading"],
        start=passage["start"],
        end=passage["end"],
        text=passage["body"],
        document_text=document["whole"],
        integrity=document["integrity"],
        readers=tuple(document["readers"]),
    )
