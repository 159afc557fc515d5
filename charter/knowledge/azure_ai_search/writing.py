"""Documents into the index. Nothing here is a transaction: the order of writes is what keeps each moment in between safe."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

from charter.errors import Conflict
from charter.knowledge.azure_ai_search.rows import DOCUMENT, PASSAGE, Row, document_row, passage_row, spoken
from charter.knowledge.azure_ai_search.service import Service
from charter.knowledge.azure_ai_search.trimming import literal, one_of
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Document

_PAGE = 1_000
_AT_ONCE = 200
_REMEMBERED = 2_000
_COPIED = 32


class Writing:
    """Writes into one index by its real name."""

    def __init__(self, service: Service, index: str) -> None:
        self._service = service
        self._index = index
        self._recent: dict[str, dict[str, list[str]]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        """Add or replace a document: first whatever was there is narrowed to those who may read the old and the new, then
        come the new passages, and last the document's digest, without which it is read again.

        Raises:
            Conflict: a passage is neither given nor there; then nothing is changed.
        """
        async with self._turns.setdefault(document.id, asyncio.Lock()):
            await self._put(document, vectors)

    async def _put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        ids = document.passage_ids()
        before = await self._before(document)
        if any(key not in vectors and key not in before for key in ids):
            raise Conflict("Another host has changed the document meanwhile.", action="Sync again.")
        narrowed = [_delete(key) for key in before if key != document.id and key not in ids]
        narrowed += [self._narrow(document, key, readers) for key, readers in before.items() if key in ids]
        if document.id in before:
            narrowed.append(self._narrow(document, document.id, before[document.id]) | {"digest": ""})
        else:
            narrowed.append(_action("upload", document_row(document, digest="")))
        await self._service.index(self._index, narrowed)
        rows = [passage_row(document, at, key, vectors.get(key)) for at, key in enumerate(ids)]
        await self._service.index(self._index, [_action("upload" if "vector" in row else "merge", row) for row in rows])
        await self._service.index(self._index, [_action("upload", document_row(document, digest=document.digest))])
        self._remember(document.id, {key: list(document.readers) for key in (document.id, *ids)})

    async def forget(self, documents: Sequence[str]) -> None:
        """Delete documents: their passages first, so that what is cut short is done again."""
        for at in range(0, len(documents), _AT_ONCE):
            some = documents[at : at + _AT_ONCE]
            found = [
                row["id"] async for row in self.rows(f"kind eq 'passage' and {one_of('document_id', some)}", ["id"])
            ]
            recent = [key for each in some for key in self._recent.pop(each, {}) if key != each]
            await self._service.index(self._index, [_delete(key) for key in dict.fromkeys([*found, *recent])])
            await self._service.index(self._index, [_delete(key) for key in some])

    async def rows(self, wanted: str, select: Sequence[str]) -> AsyncIterator[Row]:
        """Tell all rows that a filter lets pass, in the order of their keys, however many there are."""
        last = ""
        while True:
            beyond = f" and id gt {literal(last)}" if last else ""
            page = await self._service.search(
                self._index, search_text="*", filter=wanted + beyond, select=list(select), order_by=["id"], top=_PAGE
            )
            for row in page:
                yield row
            if len(page) < _PAGE:
                return
            last = str(page[-1]["id"])

    async def documents(self, tenant: str | None = None) -> dict[str, Row]:
        """Return the documents by id, without their text; of all tenants where none is named."""
        within = f" and tenant eq {literal(tenant)}" if tenant is not None else ""
        select = [name for name in DOCUMENT if name != "whole"]
        return {row["id"]: row async for row in self.rows(f"kind eq 'document'{within}", select)}

    async def rows_of(self, document_id: str, select: Sequence[str] = PASSAGE) -> list[Row]:
        """Return the passages of a document."""
        return [row async for row in self.rows(f"kind eq 'passage' and document_id eq {literal(document_id)}", select)]

    async def digest(self, document_id: str) -> str | None:
        """Return the digest that a document was written with; nothing where it is not there."""
        found = [
            row async for row in self.rows(f"kind eq 'document' and id eq {literal(document_id)}", ["id", "digest"])
        ]
        return found[0]["digest"] if found else None

    async def bring(self, source: "Writing", document_id: str, embedder: Embedder) -> None:
        """Bring over a document as it is in another index, with vectors of this embedder."""
        wanted = f"kind eq 'document' and id eq {literal(document_id)}"
        found = [row async for row in source.rows(wanted, DOCUMENT)]
        passages = await source.rows_of(document_id)
        if not found:
            return
        await self._service.index(self._index, [_action("upload", _bare(found[0]) | {"digest": ""})])
        for at in range(0, len(passages), _COPIED):
            some = passages[at : at + _COPIED]
            vectors = await embedder.passages([spoken(row) for row in some])
            rows = [_bare(row) | {"vector": vector} for row, vector in zip(some, vectors, strict=True)]
            await self._service.index(self._index, [_action("upload", row) for row in rows])
        await self._service.index(self._index, [_action("upload", _bare(found[0]))])

    async def _before(self, document: Document) -> dict[str, list[str]]:
        """Return the readers of what is there of a document; what this process wrote a moment ago may not be found yet."""
        wanted = f"tenant eq {literal(document.tenant)} and document_id eq {literal(document.id)}"
        found = {row["id"]: row["readers"] async for row in self.rows(wanted, ["id", "readers"])}
        return found | self._recent.get(document.id, {})

    def _narrow(self, document: Document, key: str, readers: Sequence[str]) -> Row:
        both = [each for each in readers if each in document.readers]
        return _action("merge", {"id": key, "readers": both, "integrity": document.integrity})

    def _remember(self, document_id: str, readers: dict[str, list[str]]) -> None:
        self._recent.pop(document_id, None)
        self._recent[document_id] = readers
        while len(self._recent) > _REMEMBERED:
            del self._recent[next(iter(self._recent))]


def _action(action: str, row: Mapping[str, Any]) -> Row:
    return {"@search.action": action, **row}


def _delete(key: str) -> Row:
    return {"@search.action": "delete", "id": key}


def _bare(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("@")}
