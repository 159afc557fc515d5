"""The collections of one name in Qdrant: one per embedder, of which the one that was written last is the name's own."""

import re
from hashlib import sha256

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse
from qdrant_client.models import CreateAlias, CreateAliasOperation, DeleteAlias, DeleteAliasOperation

from charter.errors import StartRefused
from charter.knowledge.embedder import Embedder
from charter.knowledge.qdrant import points
from charter.knowledge.qdrant.wire import Wire

_SHAPE = "1"
"""Changes with what points hold: everything is then read anew."""
_CONFLICT = 409


class Collections:
    """``name`` is an alias, for those who look from outside. ``current`` is what this host reads and writes: a host with
    another embedder, beside it while one takes over from the other, has a collection of its own. They are numbered as
    they are made, so that a host that is late takes nothing back.
    """

    def __init__(self, wire: Wire, name: str, embedder: Embedder, *, indexed: bool) -> None:
        """``indexed``: fields have indexes, which Qdrant has only as a server."""
        self._wire = wire
        self._indexed = indexed
        self._name = name
        self._dimensions = embedder.dimensions
        self._revision = sha256("\0".join((_SHAPE, embedder.name, str(embedder.dimensions))).encode()).hexdigest()[:12]
        self.current = ""

    async def ready(self) -> None:
        """Find the collection, or make it and the indexes that it lacks.

        Raises:
            StartRefused: the name is that of somebody else's collection.
            Unavailable: as of ``Wire``.
        """
        names = await self._wire.call(_names)
        if self._name in names:
            raise StartRefused(
                f"Qdrant has a collection {self._name} that is not this host's.",
                action="Set CHARTER_KNOWLEDGE__QDRANT__COLLECTION to a name that is free.",
            )
        numbered = sorted(number for each in names if (number := self._number(each)))
        own = [number for number, revision in numbered if revision == self._revision]
        newest = own[-1] if own else numbered[-1][0] + 1 if numbered else 1
        self.current = f"{self._name}-{newest}-{self._revision}"
        await self._wire.call(self._make)

    async def settle(self) -> None:
        """Give the name to this collection and drop those that were made before it."""
        await self._wire.call(self._take_over)

    async def ping(self) -> None:
        """Ask whether the collection is there.

        Raises:
            Unavailable: as of ``Wire``.
        """
        await self._wire.call(lambda client: client.get_collection(self.current))

    def _make(self, client: QdrantClient) -> None:
        if not client.collection_exists(self.current):
            try:
                client.create_collection(self.current, **points.vectors_of(self._dimensions))
            except UnexpectedResponse as fault:
                if fault.status_code != _CONFLICT:  # another host was faster
                    raise
        there = client.get_collection(self.current).payload_schema
        for field, kind in points.indexes().items():
            if self._indexed and field not in there:
                client.create_payload_index(self.current, field, field_schema=kind, wait=True)

    def _take_over(self, client: QdrantClient) -> None:
        own = self._number(self.current)
        owners = {each.alias_name: each.collection_name for each in client.get_aliases().aliases}
        owner = self._number(owners.get(self._name, ""))
        if owner > own:
            return
        if owner != own:
            create = CreateAliasOperation(create_alias=CreateAlias(collection_name=self.current, alias_name=self._name))
            delete = DeleteAliasOperation(delete_alias=DeleteAlias(alias_name=self._name))
            client.update_collection_aliases([delete, create] if self._name in owners else [create])
        for each in _names(client):
            if () < self._number(each) < own:
                client.delete_collection(each)

    def _number(self, collection: str) -> tuple[int, str] | tuple[()]:
        """Return where a collection stands in the order in which those of this name were made; nothing for another's."""
        found = re.fullmatch(re.escape(self._name) + r"-([1-9]\d{0,8})-([0-9a-f]{12})", collection)
        return (int(found[1]), found[2]) if found else ()


def _names(client: QdrantClient) -> set[str]:
    return {each.name for each in client.get_collections().collections}
