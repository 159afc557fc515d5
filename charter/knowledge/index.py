"""The port of a store of passages: written for a tenant, searched only for a principal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol, runtime_checkable

from charter.context import Context
from charter.knowledge.embedder import Vector
from charter.knowledge.split import Piece

Integrity = Literal["trusted", "untrusted"]
Source = tuple[str, str]
"""A document's place within its tenant: collection and path below the collection's folder."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as read: ``pieces`` cut ``body`` into passages; ``digest`` is of everything it was read from."""

    tenant: str
    collection: str
    source: str
    title: str
    url: str
    body: str
    integrity: Integrity
    readers: tuple[str, ...]
    digest: str
    pieces: tuple[Piece, ...]

    @property
    def id(self) -> str:
        """The same for the same place, whatever the content."""
        return "doc_" + _short(self.tenant, self.collection, self.source)

    def spoken(self) -> list[str]:
        """Return what is embedded for each piece: its text below its heading, as a text alone often lacks its subject.

        The title is left out where there is a heading: with it, passages of one document come too close to another.
        """
        return [f"{piece.heading or self.title}\n{self.body[piece.start : piece.end]}" for piece in self.pieces]

    def passage_ids(self) -> list[str]:
        """Return one id per piece, made of what is embedded for it: it outlives edits elsewhere in the document."""
        seen: Counter[str] = Counter()
        ids: list[str] = []
        for words in self.spoken():
            ids.append("psg_" + _short(self.id, words, str(seen[words])))
            seen[words] += 1
        return ids


@dataclass(frozen=True, slots=True)
class OpenedPassage:
    """A cited passage with its document; ``document_text[start:end] == text``; ``url`` is the document's own."""

    document_id: str
    passage_id: str
    collection: str
    title: str
    url: str
    heading: str
    start: int
    end: int
    text: str
    document_text: str
    integrity: str
    readers: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"readers": list(self.readers)}


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for: its words, their vector, and what must be found letter by letter."""

    text: str
    vector: Vector
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that a store found. ``similarity`` is the cosine of its vector and the question's, whatever found it;
    ``place`` its place in the store's full-text order, the best is 1, where it is in it; ``semantic`` what a ranker of
    the store's own gave it, where it has one.
    """

    document_id: str
    passage_id: str
    title: str
    heading: str
    text: str
    start: int
    end: int
    integrity: str
    readers: tuple[str, ...]
    similarity: float
    place: int | None = None
    semantic: float | None = None


@runtime_checkable
class Apart(Protocol):
    """A store of its own, which may be away while the host lives."""

    async def ping(self) -> None:
        """Ask it for nothing.

        Raises:
            Unavailable: it does not answer, or not to this host.
        """
        ...


class Index(Protocol):
    """Where passages are kept and found. Which of them a principal may read is decided in the store's own filter."""

    async def candidates(
        self, ctx: Context, question: Question, *, collections: Sequence[str], most: int = 40
    ) -> list[Candidate]:
        """Return what is near to the question and what has its words, up to ``most`` of each, in no order.

        Documents that ``ctx`` may not read are left out before anything is ranked, so none takes the place of another.
        """
        ...

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        """Return one passage with its document.

        Raises:
            NotFound: there is none, or ``ctx`` may not read it.
        """
        ...

    async def stored(self, tenant: str) -> Mapping[Source, str]:
        """Return the digest of each document of the tenant; an empty digest where it must be read again.

        Raises:
            NotFound: no such tenant.
        """
        ...

    async def kept(self, document: Document) -> frozenset[str]:
        """Return the ids of the document's stored passages whose vectors are still good: those of this embedder."""
        ...

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        """Add or replace one document; ``vectors`` has those of its passages that are not kept, by their ids.

        A put that is cut short leaves nothing that a reader of the new document may not read, and is made good by the
        next one.

        Raises:
            Conflict: another host has changed the document meanwhile.
        """
        ...

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        """Forget these documents and their passages."""
        ...

    async def settle(self) -> None:
        """Hear that everything was written that there is: an index that was built anew may take the place of the old."""
        ...


def _short(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:24]
