"""The port of a store of passages: written for a tenant, searched only for a principal."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, Protocol

from charter.context import Context
from charter.knowledge.split import Piece
from charter.plugin import Passage

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


class Index(Protocol):
    """Where passages are kept and found."""

    async def search(self, ctx: Context, query: str, *, collections: Sequence[str], top: int = 5) -> list[Passage]:
        """Return the best passages that ``ctx`` may read in these collections, best first.

        Documents that it may not read are left out before anything is ranked. Nothing fitting gives an empty list.
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

    async def put(self, document: Document, *, embedded: Callable[[int], None] | None = None) -> int:
        """Add or replace one document in one transaction and return how many passages were embedded for it.

        ``embedded`` hears after each batch how many passages of the document are embedded.
        """
        ...

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        """Forget these documents and their passages."""
        ...


def _short(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:24]
