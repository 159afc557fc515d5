"""The port of a place where a tenant's documents lie: what is there, and the bytes of one of them."""

from dataclasses import dataclass, field
from typing import Protocol

from charter.errors import Unavailable
from charter.knowledge.index import Integrity, Source


class SourceIncomplete(Unavailable):
    """Not all that lies in a source could be seen, so nothing may be concluded from what was not seen."""

    title = "A source of documents cannot be looked through."


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not searched, and why: a sentence for its author."""

    tenant: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts for all documents of a source: ``readers`` of those that name none, and the most that they are trusted."""

    readers: tuple[str, ...] = ()
    integrity: Integrity = "untrusted"


@dataclass(frozen=True, slots=True)
class Item:
    """A document as listed. ``version`` changes whenever anything changes that it is read from; ``key`` is how its source
    finds it, ``sidecar`` and ``common`` the files of its own fields and of its collection's (empty: there is none),
    ``place`` is what people call it.

    ``readers`` are those of the source's own permissions; ``None`` where it has none, an empty one lets nobody read.
    """

    source: Source
    version: str
    size: int
    key: str
    place: str
    sidecar: str = ""
    common: str = ""
    url: str = ""
    readers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a document, of the file of fields beside it, and of that of its collection."""

    body: bytes
    sidecar: bytes | None = None
    common: bytes | None = None


@dataclass(slots=True)
class Listing:
    """Everything that lies in a source. ``unread`` is there, too, but could not be looked at: it stays as it was."""

    items: dict[Source, Item] = field(default_factory=dict[Source, Item])
    unread: set[Source] = field(default_factory=set[Source])
    faults: list[Fault] = field(default_factory=list[Fault])


class DocumentSource(Protocol):
    """One place of one tenant. ``name`` is the same for the same place, and shown to people."""

    @property
    def tenant(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def terms(self) -> Terms: ...

    async def look(self) -> Listing:
        """Return all that is there, however many pages it takes.

        Raises:
            SourceIncomplete: not all of it could be seen.
        """
        ...

    async def read(self, item: Item) -> Fetched:
        """Return what a listed document consists of now.

        Raises:
            FileNotFoundError: it is gone since.
            OSError, Unavailable: it cannot be read just now.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
